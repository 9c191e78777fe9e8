"""Which logins servers have refused and accepted lately, as they are kept in the state file. Values, and the statements
that read and write them inside a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from backend.connection.target import Hop, Target
from backend.dataclass import dataclass

WINDOW = 600.0
"""Seconds for which a refused login counts."""
ACCEPTED_KEPT = 86_400.0
"""Seconds for which an accepted login tells that the next one of the same user will be."""


class Place(NamedTuple):
    """What a server's jail looks at: who comes from where, not as which user."""

    address: str
    port: int
    via: str
    """The jump hosts before it, as a server sees the last of them in our place, and a private address behind another
    one is another machine; empty for none."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused login."""

    at: float
    """Seconds since 1970."""
    user: str
    """Empty where it was written down before users were."""
    host: str
    """As the person calls the machine that refused."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the logins at one place, as one user is about to log in there."""

    refusals: tuple[Refusal, ...] = ()
    """Of all users, within `WINDOW`, oldest first."""
    accepted: float | None = None
    """When this user was let in last, within `ACCEPTED_KEPT`; seconds since 1970."""


def place_of(target: Target, hop: Hop) -> Place:
    """The place of `hop` on the way to `target`."""
    before = target.hops[: target.hops.index(hop)] if hop in target.hops else ()
    return Place(hop.address.lower(), hop.port, " ".join(f"{one.address.lower()}:{one.port}" for one in before))


def read_past(db: sqlite3.Connection, place: Place, user: str, now: float) -> Past:
    """What is written about `place` and `user`."""
    refusals = db.execute(
        "SELECT at, user, host FROM refusals WHERE address = ? AND port = ? AND via = ? AND at > ? ORDER BY at",
        (*place, now - WINDOW),
    )
    accepted = db.execute(
        "SELECT at FROM accepted_logins WHERE address = ? AND port = ? AND via = ? AND user = ? AND at > ?",
        (*place, user, now - ACCEPTED_KEPT),
    ).fetchone()
    return Past(tuple(Refusal(*row) for row in refusals), None if accepted is None else float(accepted[0]))


def write_refusals(db: sqlite3.Connection, place: Place, refusals: Iterable[Refusal], now: float) -> None:
    """Add them, and drop what has grown too old to count."""
    db.execute("DELETE FROM refusals WHERE at <= ?", (now - WINDOW,))
    rows = [(*place, one.user, one.host, one.at) for one in refusals]
    db.executemany("INSERT INTO refusals (address, port, via, user, host, at) VALUES (?, ?, ?, ?, ?, ?)", rows)


def write_accepted(db: sqlite3.Connection, logins: Iterable[tuple[Place, str]], now: float) -> None:
    """That these users were let in at these places."""
    db.execute("DELETE FROM accepted_logins WHERE at <= ?", (now - ACCEPTED_KEPT,))
    rows = [(*place, user, now) for place, user in logins]
    db.executemany("INSERT OR REPLACE INTO accepted_logins (address, port, via, user, at) VALUES (?, ?, ?, ?, ?)", rows)


def forget_refusals(db: sqlite3.Connection, place: Place) -> int:
    """Drop those at `place`; how many they were."""
    return db.execute("DELETE FROM refusals WHERE address = ? AND port = ? AND via = ?", place).rowcount
