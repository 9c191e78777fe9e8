"""The service container: builds the services over one connector, starts, drains and stops them in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from backend.clock import Clock, SystemClock
from backend.commands.executor import CommandService
from backend.connection.connector import Connector
from backend.connection.interaction import Interaction
from backend.connection.session import Sessions
from backend.connection.vault import Vault
from backend.diagnostics.ladder import Diagnostics
from backend.events import EventBus
from backend.files.filesystem import Files
from backend.files.transfer import TransferService
from backend.hosts.book import HostBook
from backend.store import Store


@dataclass(frozen=True, slots=True)
class Container:
    """The services, running."""

    bus: EventBus
    clock: Clock
    vault: Vault
    book: HostBook
    sessions: Sessions
    commands: CommandService
    files: Files
    transfers: TransferService
    diagnostics: Diagnostics


@asynccontextmanager
async def open_container(
    *,
    connector: Connector,
    book: HostBook,
    interaction: Interaction,
    state_dir: Path,
    vault: Vault | None = None,
    clock: Clock | None = None,
    bus: EventBus | None = None,
    chance: Random | None = None,
) -> AsyncIterator[Container]:
    """The services over `connector`. On leaving: transfers and commands drain, sessions close, secrets are wiped."""
    clock = clock or SystemClock()
    bus = bus or EventBus()
    vault = vault or Vault()
    async with AsyncExitStack() as stack:
        stack.callback(vault.wipe)
        store = Store(state_dir / "fairlead.db")
        stack.push_async_callback(store.close)
        sessions = Sessions(
            connector=connector,
            book=book,
            interaction=interaction,
            bus=bus,
            clock=clock,
            vault=vault,
            chance=chance,
        )
        stack.push_async_callback(sessions.close)
        commands = CommandService(sessions=sessions, bus=bus, clock=clock)
        stack.push_async_callback(commands.close)
        transfers = TransferService(sessions=sessions, store=store, bus=bus, clock=clock)
        stack.push_async_callback(transfers.close)
        yield Container(
            bus=bus,
            clock=clock,
            vault=vault,
            book=book,
            sessions=sessions,
            commands=commands,
            files=Files(sessions=sessions),
            transfers=transfers,
            diagnostics=Diagnostics(connector=connector, book=book, interaction=interaction, clock=clock),
        )
