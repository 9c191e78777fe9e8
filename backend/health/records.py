"""Writing health histories to SQLite: additions, sums by the hour, forgetting. Every function runs in a transaction.

All writes are additions to what is there, so several processes may write about the same host.
Reading is `backend.health.reading`.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable

from backend.health.tally import DAY, Addition, Outcome

HOUR = 3600
RAW_HOURS = 3
"""Hours for which single round trips are kept; older ones are summed up."""
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


def by_hour(samples: Iterable[tuple[float, float]]) -> list[HourRow]:
    """Round trips summed up by the hour, oldest first."""
    hours: defaultdict[int, list[float]] = defaultdict(list)
    for at, seconds in samples:
        hours[int(at // HOUR)].append(seconds)
    return [(hour, len(all_), min(all_), _median(all_), max(all_)) for hour, all_ in sorted(hours.items())]


def _sum_up(connection: sqlite3.Connection, host: str, now: float) -> None:
    """Replace single round trips of hours long past by one line for each hour."""
    limit = (now // HOUR - RAW_HOURS) * HOUR
    old = connection.execute("SELECT at, seconds FROM ssh_latency WHERE host = ? AND at < ?", (host, limit)).fetchall()
    if old:
        add_hours(connection, host, by_hour(old))
        connection.execute("DELETE FROM ssh_latency WHERE host = ? AND at < ?", (host, limit))


def _median(values: list[float]) -> float:
    # The module `statistics` takes longer to import than everything else here.
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2
