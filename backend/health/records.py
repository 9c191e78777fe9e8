"""Health histories in SQLite: added to, read, summed up by the hour, forgotten. Every function runs in one transaction.

All writes are additions to what is there, so several processes may write about the same host.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from statistics import median

from backend.health.tally import DAY, Addition, Outcome
from backend.health.values import WINDOW_DAYS, Failure, FailureKind, LatencyHour, LatencySample, SshHealth

HOUR = 3600
RAW_HOURS = 3
"""Hours for which single round trips are kept; older ones are summed up."""
RECENT = 240
"""Single round trips that are shown."""
HOURS_KEPT = 28 * 24
DAYS_KEPT = 90

_TOTALS = """
    INSERT INTO ssh_health VALUES (:host, :first, :successes, :failures, :losses, :reconnects, :expiries, :streak,
        :connected, :last_success, :last_failure, :code, :hop)
    ON CONFLICT (host) DO UPDATE SET
        since = min(since, excluded.since),
        successes = successes + excluded.successes,
        failures = failures + excluded.failures,
        losses = losses + excluded.losses,
        reconnects = reconnects + excluded.reconnects,
        expiries = expiries + excluded.expiries,
        consecutive = CASE WHEN :ends_streak THEN excluded.consecutive ELSE consecutive + excluded.consecutive END,
        connected = connected + excluded.connected,
        last_success = max(coalesce(last_success, excluded.last_success),
            coalesce(excluded.last_success, last_success)),
        failure_code = CASE WHEN :newest >= coalesce(last_failure, 0) THEN excluded.failure_code ELSE failure_code END,
        failure_hop = CASE WHEN :newest >= coalesce(last_failure, 0) THEN excluded.failure_hop ELSE failure_hop END,
        last_failure = max(coalesce(last_failure, excluded.last_failure),
            coalesce(excluded.last_failure, last_failure))
"""
_DAY = """
    INSERT INTO ssh_health_days VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (host, day, outcome, code) DO UPDATE SET count = count + excluded.count
"""
_HOUR = """
    INSERT INTO ssh_latency_hours VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (host, hour) DO UPDATE SET
        middle = (middle * count + excluded.middle * excluded.count) / (count + excluded.count),
        count = count + excluded.count,
        low = min(low, excluded.low),
        high = max(high, excluded.high)
"""
HourRow = tuple[int, int, float, float, float]
"""Hours since 1970 (UTC), round trips, and the lowest, middle and highest of them in seconds."""


def add(connection: sqlite3.Connection, host: str, addition: Addition, now: float) -> None:
    """Add to `host`'s history, and sum up what has grown old in it."""
    failure = addition.last_failure
    values = {
        "host": host,
        "first": now if addition.first is None else addition.first,
        "successes": addition.total(Outcome.SUCCESS),
        "failures": addition.total(Outcome.FAILURE),
        "losses": addition.total(Outcome.LOSS),
        "reconnects": addition.reconnects,
        "expiries": addition.expiries,
        "streak": addition.streak,
        "ends_streak": addition.ends_streak,
        "connected": addition.connected,
        "last_success": addition.last_success,
        "last_failure": None if failure is None else failure[0],
        "newest": -1.0 if failure is None else failure[0],
        "code": "" if failure is None else failure[1],
        "hop": "" if failure is None else failure[2],
    }
    connection.execute(_TOTALS, values)
    days = [(host, day, outcome.value, code, count) for (day, outcome, code), count in addition.days.items()]
    connection.executemany(_DAY, days)
    connection.executemany("INSERT INTO ssh_latency VALUES (?, ?, ?)", [(host, *one) for one in addition.samples])
    _sum_up(connection, host, now)


def add_hours(connection: sqlite3.Connection, host: str, hours: Iterable[HourRow]) -> None:
    """Add hours that are summed up already."""
    connection.executemany(_HOUR, [(host, *hour) for hour in hours])


def prune(connection: sqlite3.Connection, now: float) -> None:
    """Drop what is too old to be shown, of all hosts."""
    connection.execute("DELETE FROM ssh_health_days WHERE day < ?", (now // DAY - DAYS_KEPT,))
    connection.execute("DELETE FROM ssh_latency_hours WHERE hour < ?", (now // HOUR - HOURS_KEPT,))


def forget(connection: sqlite3.Connection, host: str) -> None:
    """Drop everything about `host`."""
    for table in ("ssh_health", "ssh_health_days", "ssh_latency", "ssh_latency_hours"):
        connection.execute(f"DELETE FROM {table} WHERE host = ?", (host,))  # noqa: S608 - names of our own


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever written."""
    return connection.execute("SELECT 1 FROM ssh_health LIMIT 1").fetchone() is None


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


def by_hour(samples: Iterable[tuple[float, float]]) -> list[HourRow]:
    """Round trips summed up by the hour, oldest first."""
    hours: defaultdict[int, list[float]] = defaultdict(list)
    for at, seconds in samples:
        hours[int(at // HOUR)].append(seconds)
    return [(hour, len(all_), min(all_), median(all_), max(all_)) for hour, all_ in sorted(hours.items())]


def without_store(pending: Mapping[str, Addition], now: float) -> dict[str, SshHealth]:
    """What is known where nothing can be written: what waits, read as if it were stored."""
    from backend.store import MIGRATIONS

    with closing(sqlite3.connect(":memory:")) as connection:
        for script in MIGRATIONS:
            connection.executescript(script)
        for host, addition in pending.items():
            add(connection, host, addition, now)
        return {host: load(connection, host, now) for host in hosts(connection)}


def _sum_up(connection: sqlite3.Connection, host: str, now: float) -> None:
    """Replace single round trips of hours long past by one line for each hour."""
    limit = (now // HOUR - RAW_HOURS) * HOUR
    old = connection.execute("SELECT at, seconds FROM ssh_latency WHERE host = ? AND at < ?", (host, limit)).fetchall()
    if old:
        add_hours(connection, host, by_hour(old))
        connection.execute("DELETE FROM ssh_latency WHERE host = ? AND at < ?", (host, limit))


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
