"""What failed in the last runs on many hosts, kept in the state file, so that it can be run there again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from backend.clock import Clock
from backend.dataclass import dataclass
from backend.store import Store

_KEPT = 20


@dataclass(frozen=True, slots=True)
class LastRun:
    """A run on many hosts that is over."""

    at: datetime
    command: bytes
    cwd: bytes | None
    hosts: int
    failed: tuple[str, ...]
    """Where it did not succeed, hosts included on which it was never begun."""


class LastRuns:
    """The last runs; the environment that was given is not kept, as it may hold secrets."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def add(self, command: bytes, cwd: bytes | None, hosts: int, failed: Sequence[str]) -> None:
        """Remember a run that is over. Raises as Store."""
        row = self._clock.now().timestamp(), command, cwd, hosts, json.dumps(list(failed))

        def insert(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO group_runs (at, command, cwd, hosts, failed) VALUES (?, ?, ?, ?, ?)", row)
            db.execute(
                "DELETE FROM group_runs WHERE id NOT IN (SELECT id FROM group_runs ORDER BY id DESC LIMIT ?)", (_KEPT,)
            )

        await self._store.run(insert)

    async def last(self) -> LastRun | None:
        """The one that was over last; None before the first. Raises as Store."""

        def read(db: sqlite3.Connection) -> tuple[float, bytes, bytes | None, int, str] | None:
            found: tuple[float, bytes, bytes | None, int, str] | None = db.execute(
                "SELECT at, command, cwd, hosts, failed FROM group_runs ORDER BY id DESC LIMIT 1"
            ).fetchone()
            return found

        row = await self._store.run(read)
        if row is None:
            return None
        at, command, cwd, hosts, failed = row
        return LastRun(datetime.fromtimestamp(at, UTC), command, cwd, hosts, tuple(json.loads(failed)))
