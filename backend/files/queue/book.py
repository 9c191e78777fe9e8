"""The queue of transfers on disk: one table in the state directory's SQLite file, shared by all processes.

A transfer belongs to the process that works on it, by a lease (`backend.leases`). What belonged to a process that is
gone is found as interrupted. Others leave a wish with a transfer that belongs to somebody; what belongs to nobody they
change themselves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from backend.clock import Clock
from backend.dataclass import dataclass
from backend.files.itinerary import request_name
from backend.files.journal import journal_key
from backend.files.model import TransferOutcome, TransferProgress, TransferRequest, TransferState
from backend.files.queue.codec import (
    items_of,
    items_text,
    outcome_of,
    outcome_text,
    progress_of,
    progress_text,
    request_of,
    request_text,
)
from backend.files.queue.record import TransferItems, TransferRecord, without_items
from backend.files.queue.rules import BECOMES, GRANTED, UNHELD, Move, Queued, Wish, left_behind, moved
from backend.leases import LEASE, Holder, settle_leases
from backend.priority import Priority
from backend.store import Store

KEPT_ENDED = 1000
"""Transfers that have ended and are still listed."""
_COLUMNS = (
    "id, host, request, state, priority, place, asked, stopped, progress, outcome, by_itself, owner, wish, revision"
)
_ENDED = "('done', 'failed', 'cancelled')"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A transfer of this process, as it stands."""

    id: str
    request: TransferRequest
    state: TransferState
    progress: TransferProgress
    outcome: TransferOutcome | None = None
    """Of one that has come to its end here; then it belongs to nobody any more."""
    by_itself: bool = True


class Granted(Enum):
    """What came of a wish."""

    DONE = "done"
    """It is so now."""
    ASKED = "asked"
    """The process that works on it has been asked."""
    NOT_NOW = "not now"
    """In its state the wish means nothing."""
    UNKNOWN = "unknown"
    """There is no such transfer."""


class TransferBook:
    """All transfers that were asked for, by all processes. Each call is a transaction, and raises as the store does."""

    def __init__(self, store: Store, clock: Clock, holder: Holder) -> None:
        self._store = store
        self._clock = clock
        self._holder = holder

    async def add(
        self, id_: str, request: TransferRequest, *, priority: Priority, by_itself: bool, state: TransferState
    ) -> TransferRecord:
        """Write it down, as ours and as the last of its priority.

        The same transfer, asked for before, not done and nobody's any more, goes on as this one.
        """
        name, now = journal_key(*request_name(request)), self._now()

        def work(db: sqlite3.Connection) -> TransferRecord:
            self._holder.begin()
            self._recover(db, now)
            earlier = self._read(
                db,
                f"SELECT {_COLUMNS} FROM transfers WHERE name = ? AND owner IS NULL AND state != 'done'"  # noqa: S608
                " ORDER BY asked DESC",
                (name,),
            )
            wanted = replace(request, as_copy=request.as_copy or bool(earlier and earlier[0].request.as_copy))
            db.executemany("DELETE FROM transfers WHERE id = ?", [(one.id,) for one in earlier])
            db.execute(
                "INSERT INTO transfers (id, name, host, request, state, priority, place, asked, progress, by_itself,"
                " owner, lease, revision) VALUES (?, ?, ?, ?, ?, ?,"
                " (SELECT coalesce(max(place), 0) + 1 FROM transfers), ?, ?, ?, ?, ?, 1)",
                (
                    id_,
                    name,
                    request.host,
                    request_text(wanted),
                    state.value,
                    int(priority),
                    now,
                    progress_text(TransferProgress()),
                    by_itself,
                    self._holder.name,
                    now + LEASE,
                ),
            )
            return self._one(db, id_)

        return await self._store.run(work)

    async def all(self, known: Mapping[str, int]) -> tuple[set[str], list[TransferRecord]]:
        """The ids of all transfers, and those whose revision is not the one that is known."""
        now = self._now()

        def work(db: sqlite3.Connection) -> tuple[set[str], list[TransferRecord]]:
            self._recover(db, now)
            revisions = dict(db.execute("SELECT id, revision FROM transfers").fetchall())
            changed = [id_ for id_, revision in revisions.items() if known.get(id_) != revision]
            return set(revisions), [self._one(db, id_) for id_ in changed]

        return await self._store.run(work)

    async def save(self, snapshots: Sequence[Snapshot]) -> None:
        """Bring ours up to date and keep them ours; those that have ended are nobody's from now on."""
        now = self._now()

        def work(db: sqlite3.Connection) -> None:
            for snapshot in snapshots:
                self._save(db, snapshot, now)
            if any(snapshot.outcome is not None for snapshot in snapshots):
                _forget_old(db)

        await self._store.run(work)

    def _save(self, db: sqlite3.Connection, snapshot: Snapshot, now: float) -> None:
        outcome = snapshot.outcome
        goes_on = outcome is None
        db.execute(
            "UPDATE transfers SET request = ?, state = ?, progress = ?, outcome = ?, items = ?, stopped = ?,"
            " by_itself = by_itself AND ?, owner = ?, lease = ?, wish = CASE WHEN ? THEN wish END,"
            " revision = revision + 1 WHERE id = ? AND (owner = ? OR owner IS NULL)",
            (
                request_text(snapshot.request),
                snapshot.state.value,
                progress_text(snapshot.progress),
                None if outcome is None else outcome_text(without_items(outcome)),
                None if outcome is None else items_text(outcome),
                None if goes_on else now,
                snapshot.by_itself,
                self._holder.name if goes_on else None,
                now + LEASE if goes_on else None,
                goes_on,
                snapshot.id,
                self._holder.name,
            ),
        )

    async def items(self, id_: str) -> TransferItems:
        """What became of single items of one that has ended."""
        row = await self._store.run(
            lambda db: db.execute("SELECT items FROM transfers WHERE id = ?", (id_,)).fetchone()
        )
        return items_of(None if row is None else row[0])

    async def wish(self, id_: str, wish: Wish) -> Granted:
        """Have it so, or ask the process that works on it. RESUME of what is nobody's is for `claim`."""
        now = self._now()

        def work(db: sqlite3.Connection) -> Granted:
            self._recover(db, now)
            found = self._read(db, f"SELECT {_COLUMNS} FROM transfers WHERE id = ?", (id_,))  # noqa: S608
            if not found:
                return Granted.UNKNOWN
            if found[0].state not in GRANTED[wish] or (wish is Wish.RESUME and not found[0].held):
                return Granted.NOT_NOW
            if found[0].held:
                db.execute("UPDATE transfers SET wish = ?, revision = revision + 1 WHERE id = ?", (wish.value, id_))
                return Granted.ASKED
            db.execute(
                "UPDATE transfers SET state = ?, stopped = coalesce(stopped, ?), revision = revision + 1 WHERE id = ?",
                (BECOMES[wish].value, now, id_),
            )
            return Granted.DONE

        return await self._store.run(work)

    async def wishes(self) -> dict[str, Wish]:
        """Take what others want of ours: each wish is handed out once."""

        def work(db: sqlite3.Connection) -> dict[str, Wish]:
            mine = "owner = ? AND wish IS NOT NULL"
            rows = db.execute(f"SELECT id, wish FROM transfers WHERE {mine}", (self._holder.name,)).fetchall()  # noqa: S608
            db.execute(
                f"UPDATE transfers SET wish = NULL, revision = revision + 1 WHERE {mine}",  # noqa: S608
                (self._holder.name,),
            )
            return {id_: Wish(wish) for id_, wish in rows}

        return await self._store.run(work)

    async def claim(self, ids: Sequence[str]) -> list[TransferRecord]:
        """Make those ours that nobody works on and that may go on: they wait from now on."""
        return await self._claim("id", ids, GRANTED[Wish.RESUME])

    async def claim_interrupted(self, host: str) -> list[TransferRecord]:
        """Make ours what was interrupted and goes on by itself, of one host that is connected."""
        return await self._claim("by_itself AND host", [host], frozenset({TransferState.INTERRUPTED}))

    async def _claim(
        self, column: str, values: Sequence[str], states: frozenset[TransferState]
    ) -> list[TransferRecord]:
        now = self._now()
        among = ", ".join(f"'{state.value}'" for state in sorted(states))

        def work(db: sqlite3.Connection) -> list[TransferRecord]:
            self._holder.begin()
            self._recover(db, now)
            claimed: list[str] = []
            for value in values:
                rows = db.execute(
                    "UPDATE transfers SET state = 'waiting', owner = ?, lease = ?, stopped = NULL, wish = NULL,"  # noqa: S608
                    " outcome = NULL, items = NULL, revision = revision + 1"
                    f" WHERE {column} = ? AND owner IS NULL AND state IN ({among}) RETURNING id",
                    (self._holder.name, now + LEASE, value),
                )
                claimed += [row[0] for row in rows.fetchall()]
            return [self._one(db, id_) for id_ in claimed]

        return await self._store.run(work)

    async def move(self, id_: str, move: Move) -> bool:
        """Another place among those that wait or are paused; False when there is no other."""

        def work(db: sqlite3.Connection) -> bool:
            rows = db.execute(
                "SELECT id, priority FROM transfers WHERE state IN ('waiting', 'paused')"
                " ORDER BY priority DESC, place, id"
            ).fetchall()
            before = tuple(Queued(row[0], Priority(row[1])) for row in rows)
            after = moved(before, id_, move)
            if after != before:
                db.executemany(
                    "UPDATE transfers SET priority = ?, place = ?, revision = revision + 1 WHERE id = ?",
                    [(int(one.priority), place, one.id) for place, one in enumerate(after)],
                )
            return after != before

        return await self._store.run(work)

    async def prefer(self, id_: str, priority: Priority) -> bool:
        """Another priority, and there the last place; False when it has ended."""
        return await self._store.run(
            lambda db: (
                db.execute(
                    "UPDATE transfers SET priority = ?, place = (SELECT max(place) + 1 FROM transfers),"  # noqa: S608
                    f" revision = revision + 1 WHERE id = ? AND state NOT IN {_ENDED}",
                    (int(priority), id_),
                ).rowcount
                == 1
            )
        )

    async def clear(self) -> int:
        """Forget those that have ended; how many they were."""
        return await self._store.run(
            lambda db: db.execute(f"DELETE FROM transfers WHERE owner IS NULL AND state IN {_ENDED}").rowcount  # noqa: S608
        )

    def _recover(self, db: sqlite3.Connection, now: float) -> None:
        """What belonged to a process that is gone belongs to nobody, and is interrupted."""
        settle_leases(db, "transfers", self._holder.life_of, now)
        rows = db.execute(
            "SELECT id, state, wish FROM transfers WHERE owner IS NOT NULL AND lease <= ?", (now,)
        ).fetchall()
        for id_, state, wish in rows:
            now_is = left_behind(TransferState(state), None if wish is None else Wish(wish))
            db.execute(
                "UPDATE transfers SET state = ?, owner = NULL, lease = NULL, wish = NULL, stopped = ?,"
                " revision = revision + 1 WHERE id = ?",
                (now_is.value, now, id_),
            )

    def _one(self, db: sqlite3.Connection, id_: str) -> TransferRecord:
        return self._read(db, f"SELECT {_COLUMNS} FROM transfers WHERE id = ?", (id_,))[0]  # noqa: S608

    def _read(self, db: sqlite3.Connection, query: str, values: Sequence[object]) -> list[TransferRecord]:
        names = _COLUMNS.split(", ")
        return [self._record(dict(zip(names, row, strict=True))) for row in db.execute(query, values).fetchall()]

    def _record(self, row: Mapping[str, Any]) -> TransferRecord:
        progress, state = progress_of(row["progress"]), TransferState(row["state"])
        if row["owner"] is None:  # a killed process has left its last rate behind
            progress = replace(progress, rate=None, seconds_left=None)
        resting = state in UNHELD and row["owner"] is None and row["outcome"] is not None
        return TransferRecord(
            id=row["id"],
            request=request_of(row["request"]),
            state=state,
            priority=Priority(row["priority"]),
            place=row["place"],
            asked=_moment(row["asked"]),
            stopped=None if row["stopped"] is None else _moment(row["stopped"]),
            progress=progress,
            outcome=outcome_of(row["outcome"], progress) if resting else None,
            by_itself=bool(row["by_itself"]),
            owner=row["owner"],
            ours=row["owner"] == self._holder.name,
            wish=None if row["wish"] is None else Wish(row["wish"]),
            revision=row["revision"],
        )

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _forget_old(db: sqlite3.Connection) -> None:
    among = f"owner IS NULL AND state IN {_ENDED}"
    db.execute(
        f"DELETE FROM transfers WHERE {among} AND id NOT IN"  # noqa: S608 - constants of ours
        f" (SELECT id FROM transfers WHERE {among} ORDER BY stopped DESC LIMIT ?)",
        (KEPT_ENDED,),
    )
