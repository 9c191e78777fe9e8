"""Reading health histories from SQLite as frozen values. Every function runs in a transaction."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime

from backend.health.records import HOUR, add, by_hour
from backend.health.tally import DAY, Addition, Outcome
from backend.health.values import WINDOW_DAYS, Failure, FailureKind, LatencyHour, LatencySample, SshHealth
from backend.store import MIGRATIONS

RECENT = 240
"""Single round trips that are shown."""


def hosts(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Those with a history, by name."""
    return tuple(row[0] for row in connection.execute("SELECT host FROM ssh_health ORDER BY host"))


def load(connection: sqlite3.Connection, host: str, now: float) -> SshHealth:
    """What is known about `host`; without a history, a value that says so."""
    row = connection.execute("SELECT * FROM ssh_health WHERE host = ?", (host,)).fetchone()
    if row is None:
        return SshHealth(host)
    _, since, successes, failures, losses, reconnects, expiries, streak, connected, last, failed, code, hop = row
    window = _window(connection, host, now)
    raw = connection.execute("SELECT at, seconds FROM ssh_latency WHERE host = ? ORDER BY at", (host,)).fetchall()
    return SshHealth(
        host=host,
        since=_moment(since),
        successes=successes,
        failures=failures,
        consecutive_failures=streak,
        losses=losses,
        reconnects=reconnects,
        expiries=expiries,
        connected_seconds=connected,
        last_success=None if last is None else _moment(last),
        last_failure=None if failed is None else Failure(_moment(failed), code, hop),
        window_successes=window.get((Outcome.SUCCESS, ""), 0),
        window_failures=sum(count for (what, _), count in window.items() if what is Outcome.FAILURE),
        kinds=_kinds(window),
        recent=tuple(LatencySample(_moment(at), seconds) for at, seconds in raw[-RECENT:]),
        hours=_hours(connection, host, raw),
    )


def without_store(pending: Mapping[str, Addition], now: float) -> dict[str, SshHealth]:
    """What is known where nothing can be written: what waits, read as if it were stored."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for script in MIGRATIONS:
            connection.executescript(script)
        for host, addition in pending.items():
            add(connection, host, addition, now)
        return {host: load(connection, host, now) for host in hosts(connection)}


def _window(connection: sqlite3.Connection, host: str, now: float) -> dict[tuple[Outcome, str], int]:
    rows = connection.execute(
        "SELECT outcome, code, sum(count) FROM ssh_health_days WHERE host = ? AND day > ? GROUP BY outcome, code",
        (host, now // DAY - WINDOW_DAYS),
    )
    return {(Outcome(outcome), code): count for outcome, code, count in rows}


def _kinds(window: Mapping[tuple[Outcome, str], int]) -> tuple[FailureKind, ...]:
    counts: defaultdict[str, int] = defaultdict(int)
    for (what, code), count in window.items():
        if what is not Outcome.SUCCESS:
            counts[code] += count
    return tuple(FailureKind(code, count) for code, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _hours(connection: sqlite3.Connection, host: str, raw: Sequence[tuple[float, float]]) -> tuple[LatencyHour, ...]:
    kept = connection.execute(
        "SELECT hour, count, low, middle, high FROM ssh_latency_hours WHERE host = ? ORDER BY hour", (host,)
    ).fetchall()
    return tuple(LatencyHour(_moment(hour * HOUR), *rest) for hour, *rest in (*kept, *by_hour(raw)))


def _moment(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)
