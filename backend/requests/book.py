"""The queue on disk: one table in the state directory's SQLite file, shared by all processes.

A request is begun by one process at a time: it takes a lease, and renews it while it works. What a process that died
had begun goes back into the queue where that is safe; else it is told as unknown, and never done twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from backend.clock import Clock
from backend.errors import Code, FairleadError
from backend.leases import LEASE, Life, settle_leases
from backend.priority import Priority
from backend.requests.model import (
    Action,
    CopyFiles,
    Request,
    RequestResult,
    RequestState,
    action_of,
    action_text,
    result_of,
    result_text,
)
from backend.store import Store

MOST_OF_HOST = 100
MOST = 500
"""Requests that may wait; more is refused."""
MOST_ATTEMPTS = 3
"""Times that a repeatable request is begun."""
KEPT_ENDED = 200
"""Requests that have ended and are still told about."""


class RequestBook:
    """What waits, what is under way, and what came of the last ones."""

    def __init__(
        self, store: Store, clock: Clock, *, life_of: Callable[[str], Life] = lambda owner: Life.UNKNOWN
    ) -> None:
        """`life_of` tells of an owner whether it is still there (`Holder.life_of`)."""
        self._store = store
        self._clock = clock
        self._life_of = life_of

    async def add(
        self, host: str, action: Action, *, priority: Priority, deadline: datetime | None, repeatable: bool
    ) -> Request:
        """Put it at the end of those of its priority. Raises FairleadError QUEUE_FULL, or what the store raises."""
        asked = self._now()
        until = None if deadline is None else deadline.timestamp()
        again = repeatable or isinstance(action, CopyFiles)

        def work(db: sqlite3.Connection) -> Request:
            _expire(db, asked)
            _check_room(db, host)
            made = db.execute(
                "INSERT INTO requests (host, action, priority, place, asked, deadline, repeatable, state, attempts)"
                " VALUES (?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM requests), ?, ?, ?, 'waiting', 0)"
                " RETURNING *",
                (host, action_text(action), int(priority), asked, until, again),
            )
            return _read(made)[0]

        return await self._store.run(work)

    async def all(self, host: str | None = None) -> tuple[Request, ...]:
        """Open ones in the order in which they will go, then those that have ended, newest first."""
        now = self._now()

        def work(db: sqlite3.Connection) -> tuple[Request, ...]:
            _expire(db, now)
            self._recover(db, now)
            return _read(
                db.execute(
                    "SELECT * FROM requests WHERE ? IS NULL OR host = ?"
                    " ORDER BY ended IS NOT NULL, state = 'waiting', ended DESC, priority DESC, place",
                    (host, host),
                )
            )

        return await self._store.run(work)

    async def hosts(self) -> tuple[str, ...]:
        """Hosts for which something waits."""
        rows = await self._store.run(
            lambda db: db.execute("SELECT DISTINCT host FROM requests WHERE state = 'waiting' ORDER BY host").fetchall()
        )
        return tuple(row[0] for row in rows)

    async def claim(self, host: str, owner: str) -> Request | None:
        """The next request of `host`, which from now on belongs to `owner`; None when nothing waits."""
        now = self._now()

        def work(db: sqlite3.Connection) -> Request | None:
            _expire(db, now)
            self._recover(db, now)
            claimed = db.execute(
                "UPDATE requests SET state = 'running', owner = ?, lease = ?, attempts = attempts + 1 WHERE id ="
                " (SELECT id FROM requests WHERE host = ? AND state = 'waiting' ORDER BY priority DESC, place LIMIT 1)"
                " RETURNING *",
                (owner, now + LEASE, host),
            )
            return next(iter(_read(claimed)), None)

        return await self._store.run(work)

    async def renew(self, number: int, owner: str) -> bool:
        """Keep a request that is being worked on; False when it is no longer `owner`'s."""
        until = self._now() + LEASE
        return await self._store.run(
            lambda db: (
                db.execute(
                    "UPDATE requests SET lease = ? WHERE id = ? AND owner = ? AND state = 'running'",
                    (until, number, owner),
                ).rowcount
                == 1
            )
        )

    async def finish(self, number: int, state: RequestState, result: RequestResult | None) -> None:
        """How it ended; WAITING puts it back in its place, as if it had not been begun."""
        ended = None if state is RequestState.WAITING else self._now()
        begun = 1 if state is RequestState.WAITING and result is None else 0

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE requests SET state = ?, ended = ?, result = ?, owner = NULL, lease = NULL,"
                " attempts = attempts - ? WHERE id = ?",
                (state.value, ended, result_text(result), begun, number),
            )
            _forget_old(db)

        await self._store.run(work)

    async def cancel(self, numbers: Sequence[int]) -> dict[int, str]:
        """Take requests out that still wait: those that were taken out, each with its host."""
        now = self._now()

        def work(db: sqlite3.Connection) -> dict[int, str]:
            taken: dict[int, str] = {}
            for number in numbers:
                row = db.execute(
                    "UPDATE requests SET state = 'cancelled', ended = ? WHERE id = ? AND state = 'waiting'"
                    " RETURNING host",
                    (now, number),
                ).fetchone()
                if row is not None:
                    taken[number] = str(row[0])
            return taken

        return await self._store.run(work)

    async def move(self, number: int, *, priority: Priority | None = None, before: int | None = None) -> str | None:
        """Give a waiting request another priority, or the place before another one of its host.

        Its host; None when it does not wait.
        """

        def work(db: sqlite3.Connection) -> str | None:
            row = db.execute("SELECT host FROM requests WHERE id = ? AND state = 'waiting'", (number,)).fetchone()
            if row is None:
                return None
            if priority is not None:
                db.execute("UPDATE requests SET priority = ? WHERE id = ?", (int(priority), number))
            if before is not None:
                _put_before(db, str(row[0]), number, before)
            return str(row[0])

        return await self._store.run(work)

    async def set_deadline(self, number: int, deadline: datetime | None) -> str | None:
        """Give a request another deadline, or none: one that waits, or one that was too late and waits again then.

        Its host; None when it was begun, or has ended otherwise. Raises FairleadError QUEUE_FULL.
        """
        until = None if deadline is None else deadline.timestamp()
        now = self._now()

        def work(db: sqlite3.Connection) -> str | None:
            _expire(db, now)
            row = db.execute(
                "SELECT host, state FROM requests WHERE id = ? AND state IN ('waiting', 'expired')", (number,)
            ).fetchone()
            if row is None:
                return None
            host = str(row[0])
            if row[1] == RequestState.EXPIRED:
                _check_room(db, host)
            db.execute(
                "UPDATE requests SET deadline = ?, state = 'waiting', ended = NULL WHERE id = ?", (until, number)
            )
            return host

        return await self._store.run(work)

    async def clear(self, host: str | None = None) -> int:
        """Forget those that have ended; how many they were."""
        return await self._store.run(
            lambda db: (
                db.execute(
                    "DELETE FROM requests WHERE ended IS NOT NULL AND (? IS NULL OR host = ?)", (host, host)
                ).rowcount
            )
        )

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _recover(self, db: sqlite3.Connection, now: float) -> None:
        settle_leases(db, "requests", self._life_of, now)
        _recover(db, now)


def _read(cursor: sqlite3.Cursor) -> tuple[Request, ...]:
    names = [column[0] for column in cursor.description]
    return tuple(_request(dict(zip(names, row, strict=True))) for row in cursor.fetchall())


def _request(row: Mapping[str, Any]) -> Request:
    return Request(
        number=row["id"],
        host=row["host"],
        action=action_of(row["action"]),
        priority=Priority(row["priority"]),
        asked=_moment(row["asked"]),
        deadline=None if row["deadline"] is None else _moment(row["deadline"]),
        repeatable=bool(row["repeatable"]),
        state=RequestState(row["state"]),
        attempts=row["attempts"],
        ended=None if row["ended"] is None else _moment(row["ended"]),
        result=result_of(row["result"]),
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _check_room(db: sqlite3.Connection, host: str) -> None:
    everybody = db.execute("SELECT count(*) FROM requests WHERE ended IS NULL").fetchone()[0]
    of_host = db.execute("SELECT count(*) FROM requests WHERE ended IS NULL AND host = ?", (host,)).fetchone()[0]
    if of_host >= MOST_OF_HOST or everybody >= MOST:
        evidence = {"waiting": of_host, "waiting_in_all": everybody, "most": MOST_OF_HOST, "most_in_all": MOST}
        raise FairleadError(Code.QUEUE_FULL, evidence=evidence, host=host)


def _expire(db: sqlite3.Connection, now: float) -> None:
    db.execute(
        "UPDATE requests SET state = 'expired', ended = deadline WHERE state = 'waiting' AND deadline <= ?", (now,)
    )


def _recover(db: sqlite3.Connection, now: float) -> None:
    """What a process has begun that is no more: again where that is safe, else unknown."""
    db.execute(
        "UPDATE requests SET state = 'waiting', owner = NULL, lease = NULL"
        " WHERE state = 'running' AND lease <= ? AND repeatable AND attempts < ?",
        (now, MOST_ATTEMPTS),
    )
    db.execute(
        "UPDATE requests SET state = 'unknown', ended = ?, owner = NULL, lease = NULL"
        " WHERE state = 'running' AND lease <= ?",
        (now, now),
    )


def _put_before(db: sqlite3.Connection, host: str, number: int, before: int) -> None:
    """Between `before` and its predecessor, and with its priority."""
    row = db.execute("SELECT priority, place FROM requests WHERE id = ? AND host = ?", (before, host)).fetchone()
    if row is None:
        return
    priority, place = row
    previous = db.execute(
        "SELECT max(place) FROM requests WHERE host = ? AND priority = ? AND place < ? AND id != ?",
        (host, priority, place, number),
    ).fetchone()[0]
    between = place - 1 if previous is None else (previous + place) / 2
    db.execute("UPDATE requests SET priority = ?, place = ? WHERE id = ?", (priority, between, number))


def _forget_old(db: sqlite3.Connection) -> None:
    db.execute(
        "DELETE FROM requests WHERE ended IS NOT NULL AND id NOT IN"
        " (SELECT id FROM requests WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT ?)",
        (KEPT_ENDED,),
    )
