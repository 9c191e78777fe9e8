"""The service container: builds the services over one connector, and drains and stops them in order.

A service is loaded and made when it is first asked for: `fairlead run` needs no transfer engine, and a person who waits
for a first answer should not wait for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from backend.clock import Clock, SystemClock
from backend.connection.asked import HeardInteraction
from backend.connection.connector import Connector
from backend.connection.guard import LockoutGuard
from backend.connection.guarded import GuardedConnector
from backend.connection.interaction import Interaction
from backend.connection.route_memory import RouteMemory
from backend.connection.sessions import Sessions
from backend.connection.vault import Vault
from backend.event_log import log_events
from backend.events import EventBus
from backend.health.keeper import HealthKeeper, Past
from backend.hosts.book import HostBook
from backend.hosts.usage import HostUsage
from backend.metrics.collector import Metrics
from backend.store import Store

if TYPE_CHECKING:
    from backend.commands.executor import CommandService
    from backend.diagnostics.ladder import Diagnostics
    from backend.diagnostics.verify import Verification
    from backend.files.filesystem import Files
    from backend.files.transfer import TransferService
    from backend.forwards.service import ForwardService
    from backend.hosts.editor import HostEditor
    from backend.requests.service import RequestService

_DRAINED = ("commands", "transfers", "forwards", "requests")
"""Services with work under way: they drain, the last one first, before the sessions that carry it close."""


class Container:
    """The services, running. What they share is here from the start, each service from its first use on."""

    def __init__(
        self,
        *,
        connector: Connector,
        book: HostBook,
        interaction: Interaction,
        store: Store,
        vault: Vault,
        clock: Clock,
        bus: EventBus,
        chance: Random | None = None,
        past: Past | None = None,
    ) -> None:
        self.bus = bus
        self.clock = clock
        self.vault = vault
        self.book = book
        self.store = store
        self.health = HealthKeeper(bus=bus, store=store, clock=clock, past=past)
        """How reaching each host has gone; it listens from the start."""
        self.usage = book.usage = HostUsage(bus=bus, store=store)
        """Which hosts are pinned and used; it listens from the start."""
        self.guard = LockoutGuard(store, clock)
        """Counts refused logins, and holds back the one that may lock this address out."""
        log_events(bus)
        self._connector = connector = GuardedConnector(connector, self.guard, bus)
        self._interaction = interaction = HeardInteraction(interaction, bus, clock)
        self.sessions = Sessions(
            connector=connector,
            book=book,
            interaction=interaction,
            bus=bus,
            clock=clock,
            vault=vault,
            memory=RouteMemory(store, clock),
            chance=chance,
        )
        self.metrics = Metrics(bus, self._route_of)
        """Counters of everything that happens; they listen from the start."""

    @cached_property
    def host_editor(self) -> HostEditor:
        """Changes own entries of the host book."""
        from backend.hosts.editor import HostEditor

        return HostEditor(book=self.book, backups=self.store.path.parent / "backups", bus=self.bus)

    @cached_property
    def commands(self) -> CommandService:
        """Runs commands."""
        from backend.commands.executor import CommandService
        from backend.metrics.work import watch_commands

        self.metrics.watch(watch_commands)
        return CommandService(sessions=self.sessions, bus=self.bus, clock=self.clock)

    @cached_property
    def files(self) -> Files:
        """Browses and changes files, here and there."""
        from backend.files.filesystem import Files

        return Files(sessions=self.sessions)

    @cached_property
    def transfers(self) -> TransferService:
        """Copies files and trees."""
        from backend.files.transfer import TransferService
        from backend.metrics.work import watch_transfers

        self.metrics.watch(watch_transfers)
        return TransferService(sessions=self.sessions, store=self.store, bus=self.bus, clock=self.clock)

    @cached_property
    def forwards(self) -> ForwardService:
        """Keeps ports open, here and there."""
        from backend.forwards.service import ForwardService
        from backend.metrics.work import watch_forwards

        self.metrics.watch(watch_forwards)
        return ForwardService(sessions=self.sessions, book=self.book, bus=self.bus, clock=self.clock)

    @cached_property
    def requests(self) -> RequestService:
        """Keeps what is asked of a host that is away, and carries it out when the host is there.

        It hears of hosts that come from its first use on.
        """
        from backend.requests.service import RequestService

        return RequestService(
            sessions=self.sessions,
            commands=lambda: self.commands,
            transfers=lambda: self.transfers,
            store=self.store,
            bus=self.bus,
            clock=self.clock,
        )

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """Climbs the ladder."""
        from backend.diagnostics.ladder import Diagnostics

        return Diagnostics(
            connector=self._connector,
            book=self.book,
            interaction=self._interaction,
            clock=self.clock,
            vault=self.vault,
            in_use=self.sessions.in_use,
        )

    @cached_property
    def verification(self) -> Verification:
        """Tries what people do with a host."""
        from backend.diagnostics.verify import Verification

        return Verification(sessions=self.sessions, clock=self.clock)

    def _route_of(self, host: str) -> str:
        target = self.sessions.get(host).target
        return "unknown" if target is None else target.route

    async def close(self) -> None:
        """Drain transfers and commands, close the sessions, wipe the secrets; every step is bounded and is taken."""
        async with AsyncExitStack() as stack:
            stack.callback(self.vault.wipe)
            stack.push_async_callback(self.store.close)
            stack.push_async_callback(self.health.close)
            stack.push_async_callback(self.usage.close)
            stack.push_async_callback(self.sessions.close)
            for name in _DRAINED:
                if (service := self.__dict__.get(name)) is not None:
                    stack.push_async_callback(service.close)


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
    past: Past | None = None,
) -> AsyncIterator[Container]:
    """The services over `connector`. On leaving: transfers and commands drain, sessions close, secrets are wiped.

    `past` fills the health history where there is none.
    """
    container = Container(
        connector=connector,
        book=book,
        interaction=interaction,
        store=Store(state_dir / "fairlead.db"),
        vault=vault or Vault(),
        clock=clock or SystemClock(),
        bus=bus or EventBus(),
        chance=chance,
        past=past,
    )
    try:
        yield container
    finally:
        await container.close()
