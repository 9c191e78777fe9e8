"""The lock-out guard: refused logins are counted, and one more is held back before a server shuts this address out.

fail2ban's usual jail bans an address after five refused logins within ten minutes (`maxretry`, `findtime` of
jail.conf(5)), and many sites lock the account as well. A jail counts all users of an address together and forgets
nothing when one of them is let in, and so does the count here; but a user who was let in, and not refused since, may
always try once. The count is kept over restarts and shared by all processes; what is held back is said, with whose
refusals they are, when it may go on and how to go on now.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from backend.clock import Clock
from backend.connection.refusals import (
    WINDOW,
    Past,
    Place,
    Refusal,
    forget_refusals,
    place_of,
    read_past,
    write_accepted,
    write_refusals,
)
from backend.connection.target import Hop, Target
from backend.errors import AuthError, Code, FairleadError
from backend.store import Store
from backend.tasks import Beside

log = logging.getLogger(__name__)

MOST = 4
"""Refused secrets within `WINDOW` after which the next login is held back: one below fail2ban's usual limit."""
CLOSE_SECONDS = 2.0
"""For what is still being written down when the program ends."""
_COUNTED = frozenset({Code.AUTH_DENIED, Code.AUTH_TOO_MANY, Code.AUTH_PASSWORD_EXPIRED})


def tries_left(past: Past, user: str, now: float) -> int:
    """How many more refused logins of `user` are safe."""
    left = max(0, MOST - len(_recent(past.refusals, now)))
    return max(left, 1) if _works(past, user) else left


def free_again(past: Past, now: float) -> float:
    """When one more is safe: the moment when few enough of them are left in the window."""
    recent = sorted(one.at for one in _recent(past.refusals, now))
    return recent[len(recent) - MOST] + WINDOW if len(recent) >= MOST else now


def _recent(refusals: Sequence[Refusal], now: float) -> list[Refusal]:
    return [one for one in refusals if 0 <= now - one.at < WINDOW]


def _works(past: Past, user: str) -> bool:
    """Whether the last thing heard of `user`'s logins is that one was accepted."""
    accepted = past.accepted
    return accepted is not None and all(one.at < accepted for one in past.refusals if one.user in (user, ""))


class LockoutGuard:
    """Counts what servers refuse, and tells what is safe.

    Where the state directory cannot be used, it counts in memory alone: that a login is refused must not depend on it.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._here: dict[Place, list[Refusal]] = {}
        """Refusals that could not be written down."""
        self._writing = Beside(CLOSE_SECONDS)

    async def check(self, target: Target, hop: Hop) -> int:
        """How many refused tries are still safe at `hop`, on the way to `target`.

        Raises AuthError LOGIN_HELD_BACK where there is none.
        """
        past, now = await self._past(target, hop), self._now()
        left = tries_left(past, hop.user, now)
        if not left:
            raise _held_back(hop, target.name, _recent(past.refusals, now), free_again(past, now))
        return left

    async def read_ahead(self, target: Target) -> None:
        """Open the file that `check` reads, while the host is waited for anyway."""
        await self._past(target, target.hops[0])

    async def note(self, target: Target, error: FairleadError) -> None:
        """Count what `error` tells of a refused login; other failures are none of its business."""
        if error.code not in _COUNTED or not isinstance(error, AuthError):
            return
        at_fault = error.hop or target.host.name
        hop = next((hop for hop in target.hops if hop.name == at_fault), target.host)
        count = max(1, int(error.evidence.get("refused_secrets", "1")))
        log.info("login refused", extra={"host": target.name, "hop": hop.name, "refused_secrets": count})
        await self._write(place_of(target, hop), [Refusal(self._now(), hop.user, hop.name)] * count)

    def note_accepted(self, target: Target) -> None:
        """Write down that every hop of `target` has let its user in, beside what goes on."""
        logins, now = [(place_of(target, hop), hop.user) for hop in target.hops], self._now()
        self._writing.begin(self._keep_accepted(logins, now), "accepted logins")

    async def forget(self, target: Target) -> int:
        """Start counting anew for every hop of `target`; how many refusals are forgotten."""
        forgotten = 0
        for hop in target.hops:
            place = place_of(target, hop)
            forgotten += len(self._here.pop(place, ()))
            forgotten += await self._store.run(lambda db, place=place: forget_refusals(db, place))  # type: ignore[misc]
        return forgotten

    async def close(self) -> None:
        """Let what is being written down be written; bounded, never raises."""
        await self._writing.close()

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def _past(self, target: Target, hop: Hop) -> Past:
        await self._writing.caught_up()
        place, now, past = place_of(target, hop), self._now(), Past()
        if self._store.path.exists():
            try:
                past = await self._store.run(lambda db: read_past(db, place, hop.user, now))
            except FairleadError as error:
                log.warning("refused logins of earlier runs cannot be read: %s", error)
        here = [one for one in self._here.get(place, ()) if one.at > now - WINDOW]
        return replace(past, refusals=(*past.refusals, *here))

    async def _write(self, place: Place, refusals: list[Refusal]) -> None:
        now = self._now()
        try:
            await self._store.run(lambda db: write_refusals(db, place, refusals, now))
        except FairleadError as error:
            log.warning("refused logins cannot be written down: %s", error)
            self._here.setdefault(place, []).extend(refusals)

    async def _keep_accepted(self, logins: Sequence[tuple[Place, str]], now: float) -> None:
        try:
            await self._store.run(lambda db: write_accepted(db, logins, now))
        except FairleadError as error:
            log.warning("accepted logins cannot be written down: %s", error)


def _held_back(hop: Hop, target: str, refusals: Sequence[Refusal], until: float) -> AuthError:
    at = datetime.fromtimestamp(until, UTC).astimezone()
    own = all(one.host in (hop.name, "") and one.user in (hop.user, "") for one in refusals)
    evidence = {
        "server": hop.name if own else f"The server at {hop.address} port {hop.port}",
        "whose": "" if own else f" ({_by_whom(refusals)})",
        "refusals": len(refusals),
        "until": f"{at:%H:%M:%S}",
        "minutes": f"{WINDOW / 60:g}",
        "target": target,
    }
    return AuthError(Code.LOGIN_HELD_BACK, evidence=evidence, host=hop.name)


def _by_whom(refusals: Sequence[Refusal]) -> str:
    """`3 of root on alpha, 1 of deploy on web-1`."""
    counted = Counter((one.user, one.host) for one in refusals)
    return ", ".join(f"{count} of {user or 'a user'} on {host or 'it'}" for (user, host), count in counted.items())
