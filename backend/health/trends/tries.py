"""How many attempts to reach a host failed, by day, from the health of connections. Runs in a transaction."""

from __future__ import annotations

import sqlite3

from backend.health.tally import DAY, Outcome
from backend.health.trends.failures import Tries


def tries(connection: sqlite3.Connection, host: str, now: float) -> tuple[Tries, ...]:
    """One for each day with an attempt, oldest first. A day that is not over ends now."""
    rows = connection.execute(
        "SELECT day, sum(CASE WHEN outcome = ? THEN count ELSE 0 END), sum(count) FROM ssh_health_days"
        " WHERE host = ? AND outcome IN (?, ?) GROUP BY day ORDER BY day",
        (Outcome.FAILURE, host, Outcome.SUCCESS, Outcome.FAILURE),
    )
    return tuple(Tries(min(now, (day + 1) * float(DAY)), failures, attempts) for day, failures, attempts in rows)
