"""The history of readings: taken in at once, written seldom and off the loop, read when somebody looks.

A state directory that cannot be used stops nothing: what was seen waits in memory, within a bound, and that is said
once. Retention is in `backend.health.history.values`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from backend.clock import Clock
from backend.errors import FairleadError
from backend.health.deep.values import DeepCheck
from backend.health.history import tables
from backend.health.history.tables import Fresh
from backend.health.history.values import Change, Point
from backend.store import Store
from backend.tasks import cancel_all

log = logging.getLogger(__name__)
T = TypeVar("T")

EVERY = 10.0
"""Seconds between two writes, unless many checks wait."""
BATCH = 64
"""Checks that wait from which on they are written earlier."""
MOST_WAITING = 2000
"""Checks that wait at most, of all hosts, and changes of each; beyond that the oldest of a host are dropped."""
SUMMED_AT_ONCE = 4
"""Hosts whose old checks are summed up after one write."""
LOOK_EVERY = 600.0
"""Seconds between two looks for what has grown old."""
PATIENCE = 60.0
"""Seconds after a write that failed until the next is tried."""
CLOSE_SECONDS = 3.0
"""For the last write; what is not written by then is lost, and logged."""

Seed = Callable[[sqlite3.Connection, float], None]
"""Writes a history into a store that has none, given the time; the simulated world brings one."""


class MetricHistory:
    """What deep checks have read, by host and reading. Several processes may write about the same hosts."""

    def __init__(self, *, store: Store, clock: Clock, seed: Seed | None = None) -> None:
        self.trouble: FairleadError | None = None
        """Why the history cannot be written; None while it can."""
        self.dropped = 0
        """Checks, changes and readings that were not kept, since the start."""
        self._store = store
        self._clock = clock
        self._seed = seed
        self._fresh: dict[str, Fresh] = {}
        self._last: dict[str, DeepCheck] = {}
        self._writing: asyncio.Task[None] | None = None
        self._next_write = 0.0
        self._next_look = 0.0
        self._due: list[int] = []
        self._said: set[str] = set()

    # --- taking in -----------------------------------------------------------------------------------------------

    def keep(self, check: DeepCheck) -> None:
        """Take in a check. Returns at once; it is written soon. Needs a running loop."""
        self._last[check.host] = check
        self._of(check.host).last = check
        self.add(check.host, check.at.timestamp(), check.values)

    def add(self, host: str, at: float, values: Mapping[str, float]) -> None:
        """Take in values that were read at `at` (seconds since 1970). As `keep`."""
        self._of(host).checks.append((at, dict(values)))
        waiting = self._waiting
        if waiting > MOST_WAITING:
            self._drop_some()
        if self._clock.monotonic() >= self._next_write or (waiting >= BATCH and self.trouble is None):
            self._start_writing()

    def changed(self, host: str, change: Change) -> None:
        """Take in a change of level; it is written with the next check."""
        changes = self._of(host).changes
        changes.append(change)
        if len(changes) > MOST_WAITING:
            changes.pop(0)
            self.dropped += 1

    def _of(self, host: str) -> Fresh:
        return self._fresh.setdefault(host, Fresh())

    @property
    def _waiting(self) -> int:
        return sum(len(one.checks) for one in self._fresh.values())

    def _drop_some(self) -> None:
        longest = max(self._fresh.values(), key=lambda one: len(one.checks))
        longest.checks.pop(0)
        self.dropped += 1
        self._say_once("checks of hosts are dropped: they cannot be written and are too many to keep here")

    # --- reading -------------------------------------------------------------------------------------------------

    async def series(self, host: str, name: str, since: float) -> tuple[Point, ...]:
        """One reading from `since` (seconds since 1970) on, oldest first: checks of the last day, hours of the last
        weeks, then days. Empty where there is nothing. Raises ConfigError or FileError, as `Store.run`, as all these.
        """
        return (await self.several(host, (name,), since)).get(name, ())

    async def several(self, host: str, wanted: Sequence[str], since: float) -> dict[str, tuple[Point, ...]]:
        """As `series`, of several readings in one look; one without points is left out."""
        return await self._read(lambda connection: tables.series(connection, host, wanted, since))

    async def names(self, host: str) -> tuple[str, ...]:
        """The readings that `host` has had, sorted."""
        return await self._read(lambda connection: tables.names(connection, host))

    async def hosts(self) -> tuple[str, ...]:
        """Every host that was ever looked into, sorted."""
        return await self._read(tables.hosts)

    async def last(self, host: str) -> DeepCheck | None:
        """The newest check, by whichever process; None where there is none."""
        told = await self._read(lambda connection: tables.last(connection, host))
        try:
            return None if told is None else DeepCheck.from_json(json.loads(told))
        except (KeyError, TypeError, ValueError):
            log.warning("the last check of %s was written by another Fairlead and cannot be read", host)
            return self._last.get(host)

    async def previous(self, host: str) -> DeepCheck | None:
        """As `last`, but the newest of this process where there is one: that costs nothing."""
        return self._last.get(host) or await self.last(host)

    async def changes(self, host: str, since: float) -> tuple[Change, ...]:
        """Changes of level from `since` on, oldest first."""
        return await self._read(lambda connection: tables.changes(connection, host, since))

    async def forget(self, host: str) -> None:
        """Drop everything about `host`."""
        await self.flush()
        self._fresh.pop(host, None)
        self._last.pop(host, None)
        await self._store.run(lambda connection: tables.forget(connection, host))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        await self.flush()
        now = self._clock.now().timestamp()

        def read(connection: sqlite3.Connection) -> T:
            self._begin(connection, now)
            return work(connection)

        return await self._store.run(read)

    # --- writing -------------------------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Return when what is known now is written, or cannot be."""
        while self._writing is not None:
            await asyncio.wait((self._writing,))
        if self._fresh:
            await asyncio.wait((self._start_writing(),))

    async def close(self) -> None:
        """Write what waits; bounded, never raises."""
        try:
            await asyncio.wait_for(self.flush(), CLOSE_SECONDS)
        except TimeoutError:
            if self._writing is not None:
                await cancel_all([self._writing])
            log.warning("the readings of hosts were not written within %g s", CLOSE_SECONDS)

    def _start_writing(self) -> asyncio.Task[None]:
        """The task that writes; one at a time, and cancelled by nobody who waits for it."""
        if self._writing is None:
            self._next_write = self._clock.monotonic() + EVERY
            self._writing = asyncio.create_task(self._write(), name="readings of hosts")
            self._writing.add_done_callback(self._wrote)
        return self._writing

    def _wrote(self, task: asyncio.Task[None]) -> None:
        self._writing = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the readings of hosts were not written", exc_info=error)

    async def _write(self) -> None:
        taken, self._fresh = self._fresh, {}
        now, steady = self._clock.now().timestamp(), self._clock.monotonic()
        try:
            left_out = await self._store.run(lambda connection: self._add(connection, taken, now))
        except FairleadError as error:
            self._give_back(taken)
            self._cannot(error)
            return
        except BaseException:
            self._give_back(taken)
            raise
        self.trouble = None
        if left_out:
            self.dropped += left_out
            self._say_once("readings were not kept: they are no numbers, or a host has had too many different ones")
        try:
            await self._sum_up(now, steady)
        except FairleadError as error:
            self._cannot(error)

    def _cannot(self, error: FairleadError) -> None:
        self.trouble, self._next_write = error, self._clock.monotonic() + PATIENCE
        self._say_once(f"the readings of hosts are kept in memory only: {error.message}")

    def _add(self, connection: sqlite3.Connection, taken: Mapping[str, Fresh], now: float) -> int:
        self._begin(connection, now)
        return sum(tables.write(connection, host, fresh) for host, fresh in taken.items())

    def _begin(self, connection: sqlite3.Connection, now: float) -> None:
        """Once: bring in the past where there is none."""
        seed, self._seed = self._seed, None
        if seed is not None and not tables.hosts(connection):
            seed(connection, now)

    async def _sum_up(self, now: float, steady: float) -> None:
        """Sum up what has grown old, a few hosts at a time: whoever waits for the store does not wait long."""
        if steady >= self._next_look:
            self._next_look = steady + LOOK_EVERY
            self._due = list(await self._store.run(lambda connection: _look(connection, now)))
        for host in self._due[:SUMMED_AT_ONCE]:
            await self._store.run(lambda connection, host=host: tables.sum_up(connection, host, now))  # type: ignore[misc]
        self._due = self._due[SUMMED_AT_ONCE:]

    def _give_back(self, taken: Mapping[str, Fresh]) -> None:
        """It could not be written: it waits again, before what came meanwhile."""
        for host, fresh in taken.items():
            later = self._fresh.get(host, Fresh())
            self._fresh[host] = Fresh(
                fresh.checks + later.checks, fresh.changes + later.changes, later.last or fresh.last
            )

    def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            log.warning("%s", text)


def _look(connection: sqlite3.Connection, now: float) -> tuple[int, ...]:
    tables.prune(connection, now)
    return tables.due(connection, now)
