"""Transfers against an OpenSSH server on loopback, with services built as the program builds them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from backend.clock import Clock, SystemClock
from backend.connection.connector import Connector
from backend.connection.session import Sessions
from backend.connection.target import Target
from backend.connection.vault import Vault
from backend.events import EventBus
from backend.files.filesystem import Files
from backend.files.transfer import Direction, TransferOutcome, TransferRequest, TransferService
from backend.hosts.book import HostBook
from backend.store import Store
from tests.support.person import Person


class OneHost(HostBook):
    """A host book that knows one target, whatever it is called."""

    def __init__(self, target: Target) -> None:
        self.target = target

    async def resolve(self, name: str) -> Target:
        return replace(self.target, name=name)


@dataclass(frozen=True, slots=True)
class Workbench:
    """The services that transfers need, running."""

    bus: EventBus
    sessions: Sessions
    transfers: TransferService
    files: Files
    store: Store

    async def get(self, *sources: str, to: Path | str, **more: object) -> TransferOutcome:
        """Fetch, and wait."""
        request = TransferRequest(Direction.GET, "server", sources, str(to))
        return await self.transfers.submit(replace(request, **more)).wait()  # type: ignore[arg-type]

    async def put(self, *sources: Path | str, to: str, **more: object) -> TransferOutcome:
        """Send, and wait."""
        request = TransferRequest(Direction.PUT, "server", tuple(map(str, sources)), to)
        return await self.transfers.submit(replace(request, **more)).wait()  # type: ignore[arg-type]


@asynccontextmanager
async def workbench(
    connector: Connector, target: Target, state: Path, *, vault: Vault | None = None, clock: Clock | None = None
) -> AsyncIterator[Workbench]:
    """The services over `connector`, with their journal in `state`."""
    clock = clock or SystemClock()
    bus = EventBus()
    async with AsyncExitStack() as stack:
        store = Store(state / "fairlead.db")
        await store.open()
        stack.push_async_callback(store.close)
        sessions = Sessions(
            connector=connector,
            book=OneHost(target),
            interaction=Person(),
            bus=bus,
            clock=clock,
            vault=vault or Vault(),
        )
        stack.push_async_callback(sessions.close)
        transfers = TransferService(sessions=sessions, store=store, bus=bus, clock=clock)
        stack.push_async_callback(transfers.close)
        yield Workbench(bus, sessions, transfers, Files(sessions=sessions), store)
