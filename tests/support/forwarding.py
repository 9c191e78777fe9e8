"""Forwards over a rig of the contract tests, and the programs at both ends of them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.clock import Clock, SystemClock
from backend.connection.session import Session
from backend.connection.sessions import Sessions
from backend.connection.vault import Vault
from backend.events import EventBus
from backend.forwards.model import ForwardChanged, ForwardState, ForwardView
from backend.forwards.service import ForwardService
from backend.forwards.spec import read_forward
from backend.production.guard import never_asks
from backend.tasks import cancel_all
from tests.support.transfer_world import OneHost
from tests.support.worlds import Person, Rig


@dataclass
class Forwarding:
    """The services that forwards need, running over one host called `server`."""

    bus: EventBus
    sessions: Sessions
    service: ForwardService
    changes: list[ForwardView] = field(default_factory=list)

    @property
    def session(self) -> Session:
        return self.sessions.get("server")

    async def start(self, text: str) -> ForwardView:
        return await self.service.start("server", read_forward(text))

    def view(self, number: int) -> ForwardView:
        return next(view for view in self.service.views() if view.id == number)

    async def until(self, number: int, holds: Callable[[ForwardView], bool], *, seconds: float = 10.0) -> ForwardView:
        """The view as soon as `holds` does."""
        await idle_until(lambda: holds(self.view(number)), seconds=seconds)
        return self.view(number)

    async def listening_again(self, number: int) -> ForwardView:
        """The view when it listens after it has waited, however short that was."""
        await idle_until(lambda: any(view.state is ForwardState.WAITING for view in self.changes if view.id == number))
        return await self.until(number, lambda view: view.state is ForwardState.LISTENING, seconds=30)


@asynccontextmanager
async def forwarding(rig: Rig, clock: Clock | None = None) -> AsyncIterator[Forwarding]:
    """A service over `rig`; everything is stopped at the end."""
    clock, bus = clock or SystemClock(), EventBus()
    book = OneHost(rig.target)
    sessions = Sessions(connector=rig.connector, book=book, interaction=Person(), bus=bus, clock=clock, vault=Vault())
    service = ForwardService(sessions=sessions, book=book, bus=bus, clock=clock, permit=never_asks)
    made = Forwarding(bus, sessions, service)
    bus.subscribe(ForwardChanged, lambda event: made.changes.append(event.view))
    try:
        yield made
    finally:
        await service.close()
        await sessions.close()


async def idle_until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """As `until`, with a loop that rests in between, so that virtual time goes on."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def dial(port: int, host: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(host, port)


async def closed(writer: asyncio.StreamWriter) -> None:
    """Closed, however the other side took it."""
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def exchanged(port: int, said: bytes) -> bytes:
    """What comes back until the end, after `said` and an end of ours."""
    reader, writer = await dial(port)
    writer.write(said)
    writer.write_eof()
    async with asyncio.timeout(10):
        received = await reader.read()
    await closed(writer)
    return received


async def was_reset(port: int) -> bool:
    """Whether a connection there ends in a reset rather than in a good end."""
    try:
        reader, writer = await dial(port)
        async with asyncio.timeout(10):
            data = await reader.read()
    except ConnectionError:
        return True
    await closed(writer)
    assert not data
    return False


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends back what it gets, until the end."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def local_server(serve: Serve = echo, path: Path | None = None) -> AsyncIterator[int]:
    """A program of this machine that does what `serve` does with each connection; its port, or 0 with a `path`.

    At the end nothing of its connections is left.
    """
    serving: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await serve(reader, writer)
        finally:
            await closed(writer)
            serving.discard(task)

    if path is not None:
        server = await asyncio.start_unix_server(connected, str(path))
    else:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield 0 if path is not None else int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        if serving:
            await asyncio.wait(tuple(serving), timeout=2)
        await cancel_all(tuple(serving))


def taken_port() -> tuple[socket.socket, int]:
    """A port of loopback that this process holds."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.listen()
    return holder, int(holder.getsockname()[1])
