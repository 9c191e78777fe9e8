"""What all services share: it is here from the start, and listens."""

from __future__ import annotations

from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from backend.clock import Clock
from backend.connection.asked import HeardInteraction
from backend.connection.connector import Connector
from backend.connection.guard import LockoutGuard
from backend.connection.guarded import GuardedConnector
from backend.connection.interaction import Between, Interaction
from backend.connection.key_ages import Dated, KeyAges
from backend.connection.route_memory import RouteMemory
from backend.connection.sessions import Sessions
from backend.connection.vault import Vault
from backend.event_log import log_events
from backend.events import EventBus
from backend.health.keeper import HealthKeeper, Past
from backend.hosts.book import HostBook
from backend.hosts.usage import HostUsage
from backend.metrics.collector import Metrics
from backend.production.guard import ProductionGuard
from backend.reports.bundle.recent import RecentEvents
from backend.store import Store

if TYPE_CHECKING:
    from backend.commands.elevation.elevation import Elevation
    from backend.health.history.service import Seed
    from backend.hosts.editor import HostEditor


class Shared:
    """What the services are made of."""

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
        simulated: bool = False,
        bulk_apart: bool = True,
        agreed: bool = False,
        transfers_at_once: tuple[int, int] | None = None,
        readings_past: Seed | None = None,
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
        self.recent = RecentEvents(bus, clock)
        """What has happened; it listens from the start."""
        self._connector = connector = GuardedConnector(connector, self.guard, bus)
        self._key_ages = KeyAges(bus=bus, store=store, clock=clock)
        self._transfers_at_once = transfers_at_once
        self._readings_past = readings_past
        self._chance = chance or Random()  # noqa: S311 - jitter, not a secret
        self._asked = Between(Dated(HeardInteraction(interaction, bus, clock, vault.remember), self._key_ages))
        self._interaction = interaction = self._asked
        self.sessions = Sessions(
            connector=connector,
            book=book,
            interaction=interaction,
            bus=bus,
            clock=clock,
            vault=vault,
            memory=RouteMemory(store, clock),
            chance=chance,
            bulk_apart=bulk_apart,
        )
        self.production = ProductionGuard(sessions=self.sessions, book=book, person=interaction, agreed=agreed)
        """Asks before a production host is changed."""
        self._agreed = agreed
        self._simulated = simulated
        self._elevations: dict[str, Elevation] = {}
        self.metrics = Metrics(bus, self._route_of)
        """Counters of everything that happens; they listen from the start."""

    @cached_property
    def host_editor(self) -> HostEditor:
        """Changes own entries of the host book."""
        from backend.hosts.editor import HostEditor

        return HostEditor(book=self.book, backups=self.store.path.parent / "backups", bus=self.bus)

    def _route_of(self, host: str) -> str:
        target = self.sessions.get(host).target
        return "unknown" if target is None else target.route
