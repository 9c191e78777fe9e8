"""From a session's changes to what is to be added to a host's history. Pure: no time, no file, no loop in here.

What was counted since the last write is an `Addition`: it can be added to whatever another process wrote meanwhile.
"""

from __future__ import annotations

from collections import Counter, deque
from enum import StrEnum

from backend.connection.state import ATTEMPTING, CONNECTED, SessionChanged, SessionState
from backend.errors import FairleadError
from backend.health.blame import Blame, blame

MOST_SAMPLES = 2000
"""Round trips of one host that wait to be written; beyond that the oldest are dropped."""
DAY = 86400


class Outcome(StrEnum):
    """What the days' counts are about."""

    SUCCESS = "success"
    FAILURE = "failure"
    LOSS = "loss"


DayKey = tuple[int, Outcome, str]
"""Days since 1970 (UTC), what happened, and the code or nothing."""


class Addition:
    """What came to a host's history. Times are seconds since 1970. (No dataclass: those take long to import.)"""

    def __init__(self) -> None:
        self.first: float | None = None
        self.days: Counter[DayKey] = Counter()
        self.reconnects = 0
        self.expiries = 0
        self.connected = 0.0
        """Seconds."""
        self.streak = 0
        """Failed attempts since the last success, or since the beginning of this addition."""
        self.ends_streak = False
        """Whether a success came before `streak`."""
        self.last_success: float | None = None
        self.last_failure: tuple[float, str, str] | None = None
        """When, code, jump host at fault."""
        self.samples: deque[tuple[float, float]] = deque(maxlen=MOST_SAMPLES)
        """When, and the round trip in seconds."""

    def total(self, outcome: Outcome) -> int:
        return sum(count for (_, what, _), count in self.days.items() if what is outcome)

    def succeeded(self, at: float) -> None:
        """A login."""
        self._count(at, Outcome.SUCCESS)
        self.last_success = at
        self.streak, self.ends_streak = 0, True

    def failed(self, at: float, code: str, hop: str = "") -> None:
        """An attempt that did not come to a login."""
        self._count(at, Outcome.FAILURE, code)
        self.last_failure = (at, code, hop)
        self.streak += 1

    def lost(self, at: float, code: str, hop: str = "") -> None:
        """A connection that broke while it was in use."""
        self._count(at, Outcome.LOSS, code)
        self.last_failure = (at, code, hop)

    def measured(self, at: float, seconds: float) -> None:
        """A round trip."""
        self._begin(at)
        self.samples.append((at, seconds))

    def expired(self, at: float) -> None:
        """The server ended the session on purpose."""
        self._begin(at)
        self.expiries += 1

    def merge(self, later: Addition) -> None:
        """Add what came after this."""
        if later.first is not None:
            self._begin(later.first)
        self.days.update(later.days)
        self.reconnects += later.reconnects
        self.expiries += later.expiries
        self.connected += later.connected
        self.streak = later.streak if later.ends_streak else self.streak + later.streak
        self.ends_streak = self.ends_streak or later.ends_streak
        self.last_success = self.last_success if later.last_success is None else later.last_success
        self.last_failure = later.last_failure or self.last_failure
        self.samples.extend(later.samples)

    def _count(self, at: float, outcome: Outcome, code: str = "") -> None:
        self._begin(at)
        self.days[int(at // DAY), outcome, code] += 1

    def _begin(self, at: float) -> None:
        self.first = at if self.first is None else min(self.first, at)


class Tally:
    """Counts one host's changes into an addition, which is taken away whenever it is to be written."""

    def __init__(self) -> None:
        self._pending = Addition()
        self._connected_since: float | None = None
        self._was_lost = False
        self._counted: FairleadError | None = None

    def hear(self, change: SessionChanged, steady: float) -> bool:
        """Count `change`, at `steady` seconds of a monotonic clock; whether an attempt or connection has ended."""
        self._mark_time(change.new in CONNECTED, steady)
        at, error = change.at.timestamp(), change.error
        if change.new is SessionState.READY and change.old not in CONNECTED:
            self._succeed(at)
            return True
        if error is None or error is self._counted:  # told again by a stop while the link was being restored
            return False
        return self._count_error(change, at, error)

    def measured(self, at: float, seconds: float) -> None:
        self._pending.measured(at, seconds)

    def take(self, steady: float) -> Addition | None:
        """What came since the last time; None when nothing did."""
        self._mark_time(self._connected_since is not None, steady)
        taken, self._pending = self._pending, Addition()
        return taken if taken.first is not None or taken.connected else None

    def pending(self, steady: float) -> Addition | None:
        """A copy of what waits to be taken; None when nothing does."""
        taken = self.take(steady)
        if taken is None:
            return None
        self.give_back(taken)
        copy = Addition()
        copy.merge(taken)
        return copy

    @property
    def waiting(self) -> int:
        """Round trips that are not written yet."""
        return len(self._pending.samples)

    def give_back(self, taken: Addition) -> None:
        """It could not be written: it waits again, before what came meanwhile."""
        taken.merge(self._pending)
        self._pending = taken

    def _succeed(self, at: float) -> None:
        self._pending.succeeded(at)
        self._pending.reconnects += self._was_lost
        self._was_lost, self._counted = False, None

    def _count_error(self, change: SessionChanged, at: float, error: FairleadError) -> bool:
        if change.new is SessionState.EXPIRED:
            self._pending.expired(at)
            return True
        connected = change.old in CONNECTED
        if not (connected or change.old in ATTEMPTING) or blame(error.code, error.category) is not Blame.HOST:
            return False
        self._counted = error
        hop = error.hop or ""
        if connected:
            self._was_lost = True
            self._pending.lost(at, error.code.value, hop)
        else:
            self._pending.failed(at, error.code.value, hop)
        return True

    def _mark_time(self, connected: bool, steady: float) -> None:
        if self._connected_since is not None:
            self._pending.connected += max(0.0, steady - self._connected_since)
        self._connected_since = steady if connected else None
