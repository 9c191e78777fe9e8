"""Proxies for tests: SOCKS5 and HTTP CONNECT servers in this process, on loopback, that really carry bytes."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from backend.connection.ways import Proxy, ProxyKind


@dataclass
class RunningProxy:
    """A proxy, and what it was asked for."""

    proxy: Proxy
    asked: list[tuple[str, int]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    open: int = 0
    """Streams that it carries now."""


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def socks_proxy(
    *, login: tuple[str, str] | None = None, reply: int = 0, user: str = ""
) -> AsyncIterator[RunningProxy]:
    """A SOCKS5 server. With `login`, only those get through; `reply` other than 0 refuses everybody."""

    async def serve(running: RunningProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        methods = (await reader.readexactly(2))[1]
        offered = await reader.readexactly(methods)
        if login is not None:
            writer.write(b"\x05\x02" if 2 in offered else b"\x05\xff")
            if 2 not in offered or not await _socks_login(running, reader, writer, login):
                return
        else:
            writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        length = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
        raw = await reader.readexactly(length)
        host = raw.decode() if kind == 3 else ".".join(str(part) for part in raw)
        port = int.from_bytes(await reader.readexactly(2), "big")
        running.asked.append((host, port))
        if reply:
            writer.write(b"\x05" + bytes((reply,)) + b"\x00\x01" + bytes(6))
            return
        await _carry(running, (reader, writer), host, port, b"\x05\x00\x00\x01" + bytes(6))

    async with _serving(ProxyKind.SOCKS5, serve, user) as running:
        yield running


async def _socks_login(
    running: RunningProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, login: tuple[str, str]
) -> bool:
    await reader.readexactly(1)
    user = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    password = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    running.logins.append((user, password))
    good = (user, password) == login
    writer.write(b"\x01\x00" if good else b"\x01\x01")
    return good


@asynccontextmanager
async def http_proxy(
    *, login: tuple[str, str] | None = None, status: str = "", user: str = "", tls: ssl.SSLContext | None = None
) -> AsyncIterator[RunningProxy]:
    """An HTTP proxy that knows CONNECT; `status` is answered to everybody in place of a stream."""

    async def serve(running: RunningProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        host, _, port = head.split()[1].rpartition(":")
        running.asked.append((host.strip("[]"), int(port)))
        if login is not None:
            given = head.partition("Basic ")[2].split("\r\n")[0]
            running.logins.append(("", given))
            if given != b64encode(":".join(login).encode()).decode():
                writer.write(b"HTTP/1.1 407 Login needed\r\nProxy-Authenticate: Basic realm=test\r\n\r\n")
                return
        if status:
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        await _carry(running, (reader, writer), host.strip("[]"), int(port), b"HTTP/1.1 200 OK\r\nVia: test\r\n\r\n")

    async with _serving(ProxyKind.HTTPS if tls else ProxyKind.HTTP, serve, user, tls) as running:
        yield running


Serve = Callable[[RunningProxy, asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def _serving(
    kind: ProxyKind, serve: Serve, user: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RunningProxy]:
    running: RunningProxy
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await serve(running, reader, writer)
        finally:
            tasks.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    host = "localhost" if tls else "127.0.0.1"
    running = RunningProxy(Proxy(kind, host, server.sockets[0].getsockname()[1], user))
    try:
        yield running
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(running: RunningProxy, near: Streams, host: str, port: int, welcome: bytes) -> None:
    far = await asyncio.open_connection(host, port)
    near[1].write(welcome)
    running.open += 1
    try:
        done, rest = await asyncio.wait(
            [asyncio.ensure_future(_pump(near[0], far[1])), asyncio.ensure_future(_pump(far[0], near[1]))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in rest:
            task.cancel()
        await asyncio.gather(*done, *rest, return_exceptions=True)
    finally:
        running.open -= 1
        far[1].close()
        with suppress(OSError):
            await far[1].wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
