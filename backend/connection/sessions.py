"""All sessions of the program: one for each name of a host, made at its first use and closed together.

Sessions whose names mean the same login share its connection, and one for bulk data; see `sharing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import Random

from backend.clock import Clock
from backend.connection.connector import Connector
from backend.connection.interaction import Interaction
from backend.connection.route_memory import RouteMemory
from backend.connection.session import Session
from backend.connection.sharing import SharedConnector
from backend.connection.state import CONNECTED, RESTING
from backend.connection.target import Keepalive, Target
from backend.connection.vault import Vault
from backend.events import EventBus
from backend.hosts.book import HostBook


class Sessions:
    """All sessions of the program, by host name."""

    def __init__(
        self,
        *,
        connector: Connector,
        book: HostBook,
        interaction: Interaction,
        bus: EventBus,
        clock: Clock,
        vault: Vault,
        memory: RouteMemory | None = None,
        chance: Random | None = None,
        bulk_apart: bool = True,
        keepalive: Keepalive | None = None,
    ) -> None:
        """`chance` spreads the moments of reconnecting; `memory` knows which routes worked; see Session, too."""
        self._bulk_apart = bulk_apart
        self._keepalive = keepalive
        self._connector = SharedConnector(connector, vault=vault, clock=clock, came=self._came)
        self._bulk_connector = SharedConnector(connector, vault=vault, clock=clock)
        self._book = book
        self._interaction = interaction
        self._bus = bus
        self._clock = clock
        self._vault = vault
        self._memory = memory
        self._chance = chance or Random()  # noqa: S311 - jitter, not a secret
        self._sessions: dict[str, Session] = {}

    def get(self, host: str) -> Session:
        """The session of `host`, made (idle) at first use."""
        if host not in self._sessions:
            self._sessions[host] = Session(
                host,
                connector=self._connector,
                bulk_connector=self._bulk_connector,
                book=self._book,
                interaction=self._interaction,
                bus=self._bus,
                clock=self._clock,
                vault=self._vault,
                chance=self._chance,
                memory=self._memory,
                bulk_apart=self._bulk_apart,
                in_use=self.in_use,
                keepalive=self._keepalive,
            )
        return self._sessions[host]

    def all(self) -> tuple[Session, ...]:
        return tuple(self._sessions.values())

    def connected(self) -> tuple[str, ...]:
        """Names of the hosts that are connected now."""
        return tuple(host for host, session in self._sessions.items() if session.state in CONNECTED)

    def in_use(self, host: str) -> bool:
        """Whether `host` is connected, or is being connected or left."""
        return host in self._sessions and self._sessions[host].state not in RESTING

    def as_connected(self, host: str) -> Target | None:
        """How `host` is reached while it is `in_use`."""
        return self._sessions[host].target if self.in_use(host) else None

    def _came(self, names: Iterable[str]) -> None:
        """A login of these names is there: who waits to be connected again need not wait any longer."""
        for name in names:
            if name in self._sessions:
                self._sessions[name].retry_now()

    async def close(self) -> None:
        """Disconnect everything at once; bounded, never raises."""
        await asyncio.gather(*(session.disconnect() for session in self.all()))
