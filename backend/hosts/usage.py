"""Which hosts a person uses and pins: kept in SQLite, never in `config.toml`. Written off the loop, in batches.

A state directory that cannot be used stops nothing: the list then has neither pins nor times, and the log says why.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from backend.connection.state import CONNECTED, SessionChanged, SessionState
from backend.errors import FairleadError
from backend.events import EventBus
from backend.hosts.entries import HostChange, HostsChanged, Mark
from backend.store import Store
from backend.tasks import cancel_all

log = logging.getLogger(__name__)

CLOSE_SECONDS = 3.0
"""For the last write; what is not written by then is lost, and logged."""

Step = Callable[["sqlite3.Connection"], object]


class HostUsage:
    """When each host was used last, how often, and whether it is pinned."""

    def __init__(self, *, bus: EventBus, store: Store) -> None:
        self._bus = bus
        self._store = store
        self._returning: set[str] = set()
        """Hosts whose link was lost: that it comes back is no new use."""
        self._steps: list[Step] = []
        self._writing: asyncio.Task[None] | None = None
        self._said = False
        self._subscriptions = [
            bus.subscribe(SessionChanged, self._hear_session),
            bus.subscribe(HostsChanged, self._hear_change),
        ]

    async def marks(self) -> Mapping[str, Mark]:
        """What is known, by the host's name as it was given; empty where the state file cannot be read."""
        await self._written()
        if not await asyncio.to_thread(self._store.path.exists):
            return {}
        try:
            return await self._store.run(_read)
        except FairleadError as error:
            self._cannot(error)
            return {}

    async def pin(self, host: str, *, pinned: bool) -> None:
        """Keep `host` at the top of the list, or no longer. Raises ConfigError or FileError."""
        await self._store.run(lambda connection: _pin(connection, host, pinned))
        self._bus.publish(HostsChanged(host, HostChange.PINNED))

    async def close(self) -> None:
        """Listen no more and write what waits; bounded, never raises."""
        for subscription in self._subscriptions:
            subscription.cancel()
        try:
            await asyncio.wait_for(asyncio.shield(self._written()), CLOSE_SECONDS)
        except TimeoutError:
            await cancel_all([self._writing] if self._writing is not None else [])
            log.warning("which hosts were used was not written within %g s", CLOSE_SECONDS)

    # --- hearing -------------------------------------------------------------------------------------------------

    def _hear_session(self, change: SessionChanged) -> None:
        if change.new is SessionState.RECONNECTING:
            self._returning.add(change.host)
        elif change.new is SessionState.READY and change.old not in CONNECTED:
            uses = 0 if change.host in self._returning else 1
            self._returning.discard(change.host)
            self._write(lambda connection: _used(connection, change.host, change.at.timestamp(), uses))
        elif change.new in {SessionState.FAILED, SessionState.EXPIRED, SessionState.CLOSED}:
            self._returning.discard(change.host)

    def _hear_change(self, event: HostsChanged) -> None:
        if event.change is HostChange.RENAMED:
            self._write(lambda connection: _rename(connection, event.old_name, event.host))
        elif event.change is HostChange.REMOVED:
            self._write(lambda connection: connection.execute("DELETE FROM host_usage WHERE host=?", (event.host,)))

    # --- writing -------------------------------------------------------------------------------------------------

    def _write(self, step: Step) -> None:
        self._steps.append(step)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="use of hosts")

    async def _write_all(self) -> None:
        """Write until nothing waits; what comes meanwhile goes into the next transaction together."""
        try:
            while self._steps:
                steps, self._steps = self._steps, []
                await self._store.run(lambda connection, steps=steps: [step(connection) for step in steps])  # type: ignore[misc]
        except FairleadError as error:
            self._steps.clear()
            self._cannot(error)
        finally:
            self._writing = None

    async def _written(self) -> None:
        while self._writing is not None:
            await asyncio.wait((self._writing,))

    def _cannot(self, error: FairleadError) -> None:
        if not self._said:
            self._said = True
            log.warning("pins and the use of hosts are not kept: %s", error.message)


def _read(connection: sqlite3.Connection) -> dict[str, Mark]:
    rows = connection.execute("SELECT host, uses, last_used, pinned FROM host_usage")
    return {
        host: Mark(bool(pinned), None if last is None else datetime.fromtimestamp(last, UTC), uses)
        for host, uses, last, pinned in rows
    }


def _used(connection: sqlite3.Connection, host: str, at: float, uses: int) -> None:
    connection.execute(
        "INSERT INTO host_usage (host, uses, last_used, pinned) VALUES (?, ?, ?, 0) ON CONFLICT (host) DO UPDATE"
        " SET uses = uses + excluded.uses, last_used = max(coalesce(last_used, 0), excluded.last_used)",
        (host, uses, at),
    )


def _pin(connection: sqlite3.Connection, host: str, pinned: bool) -> None:
    connection.execute(
        "INSERT INTO host_usage (host, uses, last_used, pinned) VALUES (?, 0, NULL, ?) ON CONFLICT (host) DO UPDATE"
        " SET pinned = excluded.pinned",
        (host, pinned),
    )


def _rename(connection: sqlite3.Connection, old: str, new: str) -> None:
    connection.execute("DELETE FROM host_usage WHERE host=?", (new,))
    connection.execute("UPDATE host_usage SET host=? WHERE host=?", (new, old))
