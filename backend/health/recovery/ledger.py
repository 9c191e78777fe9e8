"""How often actions were carried out, counted in SQLite over restarts and by all processes together."""

from __future__ import annotations

import sqlite3

from backend.clock import Clock
from backend.dataclass import dataclass
from backend.health.history.tables import host_id, make_host_id
from backend.health.history.values import Deed
from backend.health.recovery.values import Action, Kind, Outcome
from backend.store import Store

HOUR = 3600.0
CAPS: dict[Kind, tuple[int, float]] = {
    Kind.RECONNECT: (6, HOUR),
    Kind.RESTART: (2, HOUR),
    Kind.CLEAR_TEMP: (1, 24 * HOUR),
}
"""How often within how many seconds; of each host, and of each unit."""
_BEGUN = "begun"
_COUNTED = (_BEGUN, Outcome.DONE.value, Outcome.FAILED.value)
"""What was begun counts, whether or not it is known how it ended."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out an action once."""

    row: int


class Ledger:
    """Gives out claims within the caps, and keeps what came of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def left(self, action: Action) -> int:
        """How often it may still be done now. Raises as `Store.run`, as all of these."""
        now = self._clock.now().timestamp()
        return await self._store.run(lambda connection: _left(connection, action, now))

    async def claim(self, action: Action) -> Claim | None:
        """Count it as begun; None where the cap is reached. In one transaction: no two processes get the last one."""
        now = self._clock.now().timestamp()

        def take(connection: sqlite3.Connection) -> Claim | None:
            if _left(connection, action, now) <= 0:
                return None
            return Claim(_insert(connection, action, now, _BEGUN, action.why))

        return await self._store.run(take)

    async def settle(self, claim: Claim, outcome: Outcome, text: str) -> None:
        """Write down what came of it."""
        values = (outcome.value, text, claim.row)
        await self._store.run(
            lambda connection: (
                connection.execute("UPDATE health_deeds SET outcome = ?, text = ? WHERE rowid = ?", values).rowcount
            )
        )

    async def note(self, action: Action, outcome: Outcome, text: str) -> None:
        """Write down an action that was not begun."""
        now = self._clock.now().timestamp()
        await self._store.run(lambda connection: _insert(connection, action, now, outcome.value, text))

    async def deeds(self, host: str, since: float) -> tuple[Deed, ...]:
        """What was done to `host` from `since` (seconds since 1970) on, oldest first."""
        query = "SELECT at, action, outcome, text FROM health_deeds WHERE host = ? AND at >= ? ORDER BY at, rowid"

        def read(connection: sqlite3.Connection) -> tuple[Deed, ...]:
            return tuple(Deed(*row) for row in connection.execute(query, (host_id(connection, host), since)))

        return await self._store.run(read)


def _left(connection: sqlite3.Connection, action: Action, now: float) -> int:
    most, window = CAPS[action.kind]
    number = host_id(connection, action.host)
    marks = ", ".join("?" * len(_COUNTED))
    query = f"SELECT count(*) FROM health_deeds WHERE host = ? AND action = ? AND at > ? AND outcome IN ({marks})"  # noqa: S608
    (count,) = connection.execute(query, (number, action.name, now - window, *_COUNTED)).fetchone()
    return max(0, most - int(count))


def _insert(connection: sqlite3.Connection, action: Action, now: float, outcome: str, text: str) -> int:
    row = (make_host_id(connection, action.host), now, action.name, outcome, text)
    cursor = connection.execute("INSERT INTO health_deeds VALUES (?, ?, ?, ?, ?)", row)
    assert cursor.lastrowid is not None
    return cursor.lastrowid
