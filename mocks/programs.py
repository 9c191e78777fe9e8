"""Programs that listen on ports of simulated hosts: echo, a greeting, a small web server, a database that is shut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from mocks.pipes import BrokenPipe, BytePipe

_SSL_REQUEST: Final = 80877103
"""PostgreSQL's protocol, message formats: SSLRequest."""
_HEAD: Final = 16 << 10


class Duplex(Protocol):
    """A connection, as the program at its end has it."""

    async def read(self, limit: int) -> bytes:
        """Empty at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Raises BrokenPipe when the other side has gone."""
        ...

    async def write_eof(self) -> None: ...


Program = Callable[[Duplex], Awaitable[None]]
"""Serves one connection; the connection closes when it returns."""


class LocalEnd:
    """One end of a connection within a host."""

    def __init__(self, reads: BytePipe, writes: BytePipe) -> None:
        self._reads = reads
        self._writes = writes

    async def read(self, limit: int = 65536) -> bytes:
        return await self._reads.read(limit)

    async def write(self, data: bytes) -> None:
        await self._writes.write(data)

    async def write_eof(self) -> None:
        self._writes.write_eof()

    async def close(self) -> None:
        self._writes.write_eof()
        self._reads.stop_reading()


def connected() -> tuple[LocalEnd, LocalEnd]:
    """Both ends of a new connection."""
    one, other = BytePipe(), BytePipe()
    return LocalEnd(one, other), LocalEnd(other, one)


async def joined(one: Duplex, other: Duplex) -> None:
    """Copy both ways until both have ended."""
    await asyncio.gather(_copied(one, other), _copied(other, one))


async def _copied(source: Duplex, sink: Duplex) -> None:
    with suppress(BrokenPipe):
        while data := await source.read(65536):
            await sink.write(data)
        await sink.write_eof()


async def echo(line: Duplex) -> None:
    """Sends back what it gets."""
    while data := await line.read(65536):
        await line.write(data)
    await line.write_eof()


def greeter(greeting: bytes) -> Program:
    """Says something and then listens."""

    async def greet(line: Duplex) -> None:
        await line.write(greeting)
        while await line.read(65536):
            pass

    return greet


def web(pages: Mapping[str, bytes]) -> Program:
    """HTTP/1.1 with these pages by path."""

    async def serve(line: Duplex) -> None:
        held = b""
        while True:
            while b"\r\n\r\n" not in held:
                piece = await line.read(65536)
                if not piece or len(held) > _HEAD:
                    return
                held += piece
            head, _, held = held.partition(b"\r\n\r\n")
            words = head.split(b"\r\n")[0].split()
            path = words[1].decode("latin-1") if len(words) == 3 else ""
            await line.write(_answer(pages, path, close=b"connection: close" in head.lower()))
            if b"connection: close" in head.lower():
                return

    return serve


def _answer(pages: Mapping[str, bytes], path: str, *, close: bool) -> bytes:
    body = pages.get(path)
    status = "200 OK" if body is not None else "404 Not Found"
    body = b"not here\n" if body is None else body
    kind = "application/json" if body[:1] == b"{" else "text/html" if body[:1] == b"<" else "text/plain"
    rest = "Connection: close\r\n" if close else ""
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{rest}\r\n".encode() + body


async def shut_database(line: Duplex) -> None:
    """A PostgreSQL server that takes no logins: every client gets a proper error and no data."""
    first = await line.read(1024)
    if int.from_bytes(first[4:8], "big") == _SSL_REQUEST:
        await line.write(b"N")
        first = await line.read(1024)
    if first:
        fields = b"SFATAL\0C57P03\0Mthe demo's database takes no logins\0\0"
        await line.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
