"""A port that Prometheus can scrape: few connections at once, each for a few seconds, one small request on each."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from backend.clock import Clock
from backend.forwards.listening import BACKLOG, bound, place_of
from backend.forwards.spec import Port
from backend.health.exporting.requests import MOST_HEAD, Refused, answer, read_request, refusal
from backend.metrics.render import CONTENT_TYPE
from backend.tasks import cancel_all, within

HERE = "127.0.0.1"
MOST_AT_ONCE = 16
PATIENCE = 5.0
"""Seconds for a request to arrive, and for an answer to be taken."""

Text = Callable[[], Awaitable[str]]


def read_address(text: str) -> Port:
    """`9822`, `127.0.0.1:9822`, `[::1]:9822`, `localhost:0`. Raises ValueError."""
    name, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is no port and no ADDRESS:PORT")
    name = name.removeprefix("[").removesuffix("]") or HERE
    if name != "localhost":
        ipaddress.ip_address(name)
    return Port(name, int(port))


@asynccontextmanager
async def serving(where: Port, text: Text, clock: Clock) -> AsyncGenerator[tuple[Port, ...], None]:
    """Serve `text` until the block is left; yields the addresses, all with one port (the one that was free, for 0).
    Raises FairleadError LOCAL_PORT."""
    endpoint = _Endpoint(text, clock, here_only=where.is_loopback)
    sockets = await bound(where)
    servers = [await asyncio.start_server(endpoint.hear, sock=one, limit=MOST_HEAD, backlog=BACKLOG) for one in sockets]
    try:
        yield tuple(place_of(one) for one in sockets)
    finally:
        for server in servers:
            server.close()
        await cancel_all(endpoint.busy)
        with suppress(TimeoutError):
            await within(PATIENCE, _closed(servers), clock)


async def _closed(servers: Iterable[asyncio.Server]) -> None:
    for server in servers:
        await server.wait_closed()


class _Endpoint:
    def __init__(self, text: Text, clock: Clock, *, here_only: bool) -> None:
        self._text = text
        self._clock = clock
        self._here_only = here_only
        self._turn = asyncio.Lock()
        self.busy: set[asyncio.Task[None]] = set()

    def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody has connected."""
        if len(self.busy) >= MOST_AT_ONCE:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self.busy.add(task)
        task.add_done_callback(self.busy.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(TimeoutError, OSError, asyncio.IncompleteReadError):
                head = await within(PATIENCE, _head(reader), self._clock)
                writer.write(await self._answer(head))
                await within(PATIENCE, _delivered(writer), self._clock)
        finally:
            writer.transport.abort()

    async def _answer(self, head: bytes | None) -> bytes:
        if head is None:
            return refusal(Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"at most {MOST_HEAD} bytes"))
        asked = read_request(head, here_only=self._here_only)
        if isinstance(asked, Refused):
            return refusal(asked)
        async with self._turn:
            text = await self._text()
        return answer(HTTPStatus.OK, text.encode(), CONTENT_TYPE, with_body=asked.with_body)


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    """Everything up to the empty line; None where it is too long."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return None


async def _delivered(writer: asyncio.StreamWriter) -> None:
    """Until the answer has left this process, and the other side had a chance to read it."""
    await writer.drain()
    writer.close()
    await writer.wait_closed()
