"""The lock-out guard: refused logins are counted, and one more is held back before a server shuts this address out.

fail2ban's usual jail bans an address after five refused logins within ten minutes (`maxretry`, `findtime` of
jail.conf(5)), and many sites lock the account as well. The count is kept over restarts and shared by all processes;
what is held back is said, with when it may go on and how to go on now.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from backend.clock import Clock
from backend.connection.target import Hop, Target
from backend.errors import AuthError, Code, FairleadError
from backend.store import Store

log = logging.getLogger(__name__)

MOST = 4
"""Refused secrets within `WINDOW` after which the next login is held back: one below fail2ban's usual limit."""
WINDOW = 600.0
"""Seconds."""
_COUNTED = frozenset({Code.AUTH_DENIED, Code.AUTH_TOO_MANY, Code.AUTH_PASSWORD_EXPIRED})

Place = tuple[str, int]
"""Address and port: what a server's jail looks at is who comes, not as which user."""


def tries_left(refusals: Sequence[float], now: float) -> int:
    """How many more refused logins are safe, from the times of those that were, in seconds since 1970."""
    return max(0, MOST - sum(1 for at in refusals if 0 <= now - at < WINDOW))


def free_again(refusals: Sequence[float], now: float) -> float:
    """When one more is safe: the moment when few enough of them are left in the window."""
    recent = sorted(at for at in refusals if 0 <= now - at < WINDOW)
    return recent[len(recent) - MOST] + WINDOW if len(recent) >= MOST else now


def place_of(hop: Hop) -> Place:
    return (hop.address.lower(), hop.port)


class LockoutGuard:
    """Counts what servers refuse, and tells what is safe.

    Where the state directory cannot be used, it counts in memory alone: that a login is refused must not depend on it.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._here: dict[Place, list[float]] = {}
        """Refusals that could not be written down."""

    async def check(self, hop: Hop, target: str) -> int:
        """How many refused tries are still safe at `hop`, on the way to `target`.

        Raises AuthError LOGIN_HELD_BACK where there is none.
        """
        now = self._clock.now().timestamp()
        times = await self._refusals(place_of(hop))
        left = tries_left(times, now)
        if not left:
            raise _held_back(hop, target, len(times), free_again(times, now))
        return left

    async def read_ahead(self, hop: Hop) -> None:
        """Open the file that `check` reads, while the host is waited for anyway."""
        await self._refusals(place_of(hop))

    async def note(self, target: Target, error: FairleadError) -> None:
        """Count what `error` tells of a refused login; other failures are none of its business."""
        if error.code not in _COUNTED or not isinstance(error, AuthError):
            return
        at_fault = error.hop or target.host.name
        hop = next((hop for hop in target.hops if hop.name == at_fault), target.host)
        count = max(1, int(error.evidence.get("refused_secrets", "1")))
        log.info("login refused", extra={"host": target.name, "hop": hop.name, "refused_secrets": count})
        now = self._clock.now().timestamp()
        await self._write(place_of(hop), [now] * count)

    async def forget(self, target: Target) -> int:
        """Start counting anew for every hop of `target`; how many refusals are forgotten."""
        forgotten = 0
        for hop in target.hops:
            place = place_of(hop)
            forgotten += len(await self._refusals(place))
            self._here.pop(place, None)
            await self._store.run(lambda db, place=place: _delete(db, place))  # type: ignore[misc]
        return forgotten

    async def _refusals(self, place: Place) -> list[float]:
        since = self._clock.now().timestamp() - WINDOW
        kept: list[float] = []
        if self._store.path.exists():
            try:
                kept = await self._store.run(lambda db: _recent(db, place, since))
            except FairleadError as error:
                log.warning("refused logins of earlier runs cannot be read: %s", error)
        return [*kept, *(at for at in self._here.get(place, ()) if at > since)]

    async def _write(self, place: Place, times: list[float]) -> None:
        if not times:
            return
        try:
            await self._store.run(lambda db: _insert(db, place, times))
        except FairleadError as error:
            log.warning("refused logins cannot be written down: %s", error)
            self._here.setdefault(place, []).extend(times)


def _held_back(hop: Hop, target: str, refusals: int, until: float) -> AuthError:
    at = datetime.fromtimestamp(until, UTC).astimezone()
    evidence = {"refusals": refusals, "until": f"{at:%H:%M:%S}", "minutes": f"{WINDOW / 60:g}", "target": target}
    return AuthError(Code.LOGIN_HELD_BACK, evidence=evidence, host=hop.name)


def _recent(db: sqlite3.Connection, place: Place, since: float) -> list[float]:
    rows = db.execute("SELECT at FROM refusals WHERE address = ? AND port = ? AND at > ?", (*place, since))
    return [float(row[0]) for row in rows]


def _insert(db: sqlite3.Connection, place: Place, times: Sequence[float]) -> None:
    db.execute("DELETE FROM refusals WHERE at <= ?", (times[-1] - WINDOW,))
    db.executemany("INSERT INTO refusals (address, port, at) VALUES (?, ?, ?)", [(*place, at) for at in times])


def _delete(db: sqlite3.Connection, place: Place) -> None:
    db.execute("DELETE FROM refusals WHERE address = ? AND port = ?", place)
