"""Which route reached a host from the network one is on: it is tried first the next time.

Kept in SQLite, by a hash of the network. Memory only makes connecting quicker: where it cannot be read or written,
that is logged and nothing else happens.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from backend.clock import Clock
from backend.connection import networks
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.store import Store

log = logging.getLogger(__name__)

FORGOTTEN_AFTER = timedelta(days=180)
"""A network that was not visited for so long is a new one."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The route that worked last on this network."""

    route: str
    at: datetime

    def told(self, now: datetime) -> str:
        """`it worked here yesterday`, for people."""
        days = (now.astimezone().date() - self.at.astimezone().date()).days
        when = {0: "today", 1: "yesterday"}.get(max(days, 0), f"{days} days ago")
        return f"it worked here {when}"


class RouteMemory:
    """Routes by network and host."""

    def __init__(
        self, store: Store, clock: Clock, *, network: Callable[[], Awaitable[bytes | None]] = networks.here
    ) -> None:
        self._store = store
        self._clock = clock
        self._network = network

    async def recall(self, host: str) -> Remembered | None:
        """What worked last for `host` on this network; None where nothing is known. Never raises."""
        network = await self._network()
        if network is None:
            return None
        oldest = (self._clock.now() - FORGOTTEN_AFTER).timestamp()

        def look(connection: sqlite3.Connection) -> tuple[str, float] | None:
            query = "SELECT route, at FROM known_routes WHERE network = ? AND host = ? AND at > ?"
            found: tuple[str, float] | None = connection.execute(query, (network, host, oldest)).fetchone()
            return found

        try:
            found = await self._store.run(look)
        except FairleadError as error:
            log.warning("which route worked last is not known: %s", error.message)
            return None
        return None if found is None else Remembered(found[0], datetime.fromtimestamp(found[1], UTC))

    async def keep(self, host: str, route: str) -> None:
        """`route` has just reached `host`. Never raises."""
        network = await self._network()
        if network is None:
            return
        now = self._clock.now()

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("REPLACE INTO known_routes VALUES (?, ?, ?, ?)", (network, host, route, now.timestamp()))
            connection.execute("DELETE FROM known_routes WHERE at < ?", ((now - FORGOTTEN_AFTER).timestamp(),))

        try:
            await self._store.run(write)
        except FairleadError as error:
            log.warning("which route worked is not remembered: %s", error.message)
