"""Keeps the health of SSH connections: listens from the start, writes seldom and off the loop, answers when asked.

It is made with every container, so it loads little: what writes to SQLite and reads it is loaded when it is needed. A
state directory that cannot be used stops nothing; what was seen is then kept here, and that is said once.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from backend.clock import Clock
from backend.connection.session import LatencyMeasured
from backend.connection.state import SessionChanged
from backend.errors import FairleadError
from backend.events import EventBus, Subscription
from backend.health.changes import HealthChanged
from backend.health.tally import Addition, Tally
from backend.store import Store
from backend.tasks import cancel_all

if TYPE_CHECKING:
    from backend.health.values import SshHealth

log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH = 8
"""Round trips of one host that are written together."""
PATIENCE = 60.0
"""Seconds after a write that failed until the next is tried."""
CLOSE_SECONDS = 3.0
"""For the last write; what is not written by then is lost, and logged."""

Past = Callable[["sqlite3.Connection", float], None]
"""Writes a history into a store that has none, given the time; the simulated world brings one."""


class HealthKeeper:
    """The health of all hosts, over all sessions and restarts."""

    def __init__(self, *, bus: EventBus, store: Store, clock: Clock, past: Past | None = None) -> None:
        self.trouble: FairleadError | None = None
        """Why the history cannot be written or read; None while it can."""
        self._bus = bus
        self._store = store
        self._clock = clock
        self._past = past
        self._tallies: dict[str, Tally] = {}
        self._writing: asyncio.Task[None] | None = None
        self._again_at = 0.0
        self._said = False
        self._begun = False
        self._subscriptions: list[Subscription] = []
        self.listen_to(bus)

    def listen_to(self, bus: EventBus) -> None:
        """Count what is told on this bus as well."""
        self._subscriptions += [
            bus.subscribe(SessionChanged, self._hear_change),
            bus.subscribe(LatencyMeasured, self._hear_latency),
        ]

    async def of(self, host: str) -> SshHealth:
        """What is known about `host`, the last moment included."""
        return (await self._read((host,)))[0]

    async def all(self) -> tuple[SshHealth, ...]:
        """Every host with a history, by name."""
        return await self._read(None)

    async def forget(self, host: str) -> None:
        """Drop everything about `host`. Raises ConfigError or FileError when the state file cannot be changed."""
        from backend.health import records

        await self._written()
        self._tallies.pop(host, None)
        await self._store.run(lambda connection: records.forget(connection, host))
        self._tell((host,))

    async def close(self) -> None:
        """Listen no more and write what waits; bounded, never raises."""
        for subscription in self._subscriptions:
            subscription.cancel()
        if self._again_at > self._clock.monotonic():
            return
        try:
            await asyncio.wait_for(self._written(), CLOSE_SECONDS)
        except TimeoutError:
            await cancel_all([self._start_writing()])
            log.warning("the health of connections was not written within %g s", CLOSE_SECONDS)

    # --- hearing -------------------------------------------------------------------------------------------------

    def _hear_change(self, change: SessionChanged) -> None:
        if self._tally(change.host).hear(change, self._clock.monotonic()):
            self._write_soon()

    def _hear_latency(self, event: LatencyMeasured) -> None:
        tally = self._tally(event.host)
        tally.measured(self._clock.now().timestamp(), event.seconds)
        if tally.waiting >= BATCH:
            self._write_soon()

    def _tally(self, host: str) -> Tally:
        if host not in self._tallies:
            self._tallies[host] = Tally()
        return self._tallies[host]

    # --- writing -------------------------------------------------------------------------------------------------

    def _write_soon(self) -> None:
        if self._clock.monotonic() >= self._again_at:
            self._start_writing()

    def _start_writing(self) -> asyncio.Task[None]:
        """The task that writes; one at a time, and cancelled by nobody who waits for it."""
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="health of connections")
            self._writing.add_done_callback(self._wrote)
        return self._writing

    def _wrote(self, task: asyncio.Task[None]) -> None:
        self._writing = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the health of connections was not written", exc_info=error)

    async def _written(self) -> None:
        """Return when what is known now is written, or cannot be."""
        if self._writing is not None:
            await asyncio.wait((self._writing,))
        await asyncio.wait((self._start_writing(),))

    async def _write(self) -> None:
        steady, now = self._clock.monotonic(), self._clock.now().timestamp()
        taken = {host: addition for host, tally in self._tallies.items() if (addition := tally.take(steady))}
        if not taken:
            return
        try:
            await self._store.run(lambda connection: self._add(connection, taken, now))
        except FairleadError as error:
            self._give_back(taken, error)
            return
        except BaseException:
            self._give_back(taken, None)
            raise
        self.trouble, self._begun = None, True
        self._tell(
            host for host, addition in taken.items() if addition.first is not None
        )  # time that passes is no news

    def _tell(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            self._bus.publish(HealthChanged(host))

    def _give_back(self, taken: dict[str, Addition], error: FairleadError | None) -> None:
        for host, addition in taken.items():
            self._tally(host).give_back(addition)
        if error is not None:
            self._cannot(error)

    def _cannot(self, error: FairleadError) -> None:
        self.trouble = error
        self._again_at = self._clock.monotonic() + PATIENCE
        if not self._said:
            self._said = True
            log.warning("the health of connections is kept in memory only: %s", error.message)

    def _add(self, connection: sqlite3.Connection, taken: dict[str, Addition], now: float) -> None:
        from backend.health import records

        self._begin(connection, now)
        for host, addition in taken.items():
            records.add(connection, host, addition, now)

    def _begin(self, connection: sqlite3.Connection, now: float) -> None:
        """Once: bring in the past where there is none, and drop what is too old."""
        from backend.health import records

        if self._begun:
            return
        if self._past is not None and records.is_empty(connection):
            self._past(connection, now)
        records.prune(connection, now)

    # --- reading -------------------------------------------------------------------------------------------------

    async def _read(self, wanted: tuple[str, ...] | None) -> tuple[SshHealth, ...]:
        from backend.health.reading import hosts, load

        if self._clock.monotonic() >= self._again_at:
            await self._written()
        now = self._clock.now().timestamp()

        def read(connection: sqlite3.Connection) -> tuple[SshHealth, ...]:
            self._begin(connection, now)
            return tuple(load(connection, host, now) for host in wanted or hosts(connection))

        if self.trouble is None:
            try:
                return await self._store.run(read)
            except FairleadError as error:
                self._cannot(error)
        return await self._from_memory(wanted, now)

    async def _from_memory(self, wanted: tuple[str, ...] | None, now: float) -> tuple[SshHealth, ...]:
        from backend.health.reading import without_store
        from backend.health.values import SshHealth

        steady = self._clock.monotonic()
        pending = {host: addition for host, tally in self._tallies.items() if (addition := tally.pending(steady))}
        known = await asyncio.to_thread(without_store, pending, now)
        return tuple(known.get(host, SshHealth(host)) for host in (sorted(known) if wanted is None else wanted))
