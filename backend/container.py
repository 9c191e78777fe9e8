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
from backend.connection.connector import Connector
from backend.connection.interaction import Interaction
from backend.connection.vault import Vault
from backend.events import EventBus
from backend.health.keeper import Past
from backend.hosts.book import HostBook
from backend.services.diagnosis import DiagnosisServices
from backend.services.files import FileServices
from backend.services.health import HealthServices
from backend.store import Store

if TYPE_CHECKING:
    from backend.forwards.service import ForwardService
    from backend.health.history.service import Seed
    from backend.requests.service import RequestService


_DRAINED = (
    *("metric_history", "monitor", "history", "slurm", "shells", "commands", "terminals", "sequences", "many", "jobs"),
    *("transfers", "syncs", "forwards", "requests", "remedies"),
)
"""Services with work under way: they drain, the last one first, before the sessions that carry it close."""


class Container(HealthServices, FileServices, DiagnosisServices):
    """The services, running. What they share is here from the start, each service from its first use on."""

    @cached_property
    def forwards(self) -> ForwardService:
        """Keeps ports open, here and there."""
        from backend.forwards.service import ForwardService
        from backend.metrics.work import watch_forwards

        self.metrics.watch(watch_forwards)
        return ForwardService(
            sessions=self.sessions, book=self.book, bus=self.bus, clock=self.clock, permit=self.production.ask
        )

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
            permit=self.production.ask,
            store=self.store,
            bus=self.bus,
            clock=self.clock,
        )

    async def close(self) -> None:
        """Drain transfers and commands, close the sessions, wipe the secrets; every step is bounded and is taken."""
        async with AsyncExitStack() as stack:
            stack.callback(self.vault.wipe)
            stack.push_async_callback(self.store.close)
            stack.push_async_callback(self.health.close)
            stack.push_async_callback(self.usage.close)
            stack.push_async_callback(self._key_ages.close)
            stack.push_async_callback(self.guard.close)
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
    simulated: bool = False,
    bulk_apart: bool = True,
    agreed: bool = False,
    transfers_at_once: tuple[int, int] | None = None,
    readings_past: Seed | None = None,
) -> AsyncIterator[Container]:
    """The services over `connector`. On leaving: transfers and commands drain, sessions close, secrets are wiped.

    `past` fills the health history where there is none, `readings_past` that of deep checks. `simulated`: the hosts are
    in no network of this machine, so that its routes and names have nothing to do with them.
    `bulk_apart`: bulk data has a connection of its own.
    `agreed`: changes of production hosts are agreed to beforehand. `transfers_at_once`: how many transfers run at once,
    in all and of one host.
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
        simulated=simulated,
        bulk_apart=bulk_apart,
        agreed=agreed,
        transfers_at_once=transfers_at_once,
        readings_past=readings_past,
    )
    try:
        yield container
    finally:
        await container.close()
