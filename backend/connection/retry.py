"""When a lost link is tried again: the schedule, what may be tried again at all, and waking from sleep. Pure."""

from __future__ import annotations

from random import Random

from backend.clock import Clock
from backend.errors import AuthError, Category, ConnectError, FairleadError

BASE = 1.0
"""Seconds: the longest wait before the first attempt."""
CAP = 60.0
"""Seconds: no wait is longer."""
STABLE = 30.0
"""Seconds that a link must have lived for the schedule to begin anew after it."""
SLEPT = 5.0
"""Seconds by which the wall clock must run ahead for the machine to count as having slept."""

_REPEATABLE = frozenset({Category.NAME, Category.NETWORK, Category.PROTOCOL, Category.LINK})


def delay(failures: int, chance: Random, *, base: float = BASE, cap: float = CAP) -> float:
    """Seconds to wait after `failures` attempts have failed (0 for the first attempt): exponential, full jitter.

    Full jitter (anywhere from zero to the ceiling) spreads many clients best when a server comes back:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return chance.uniform(0.0, ceiling(failures, base=base, cap=cap))


def ceiling(failures: int, *, base: float = BASE, cap: float = CAP) -> float:
    """The longest that `delay` can be."""
    return float(min(cap, base * 2 ** min(failures, 32)))


def may_repeat(error: FairleadError) -> bool:
    """Whether an attempt that ended with `error` is repeated by itself while a link is being restored.

    Never after a login was refused, a host key was not accepted, somebody declined or the configuration is wrong:
    repeating those locks accounts, or nags. A login that was merely slow may be repeated.
    """
    return isinstance(error, SlowLogin) or (error.retryable and error.category in _REPEATABLE)


class SlowLogin(AuthError):
    """AUTH_TIMEOUT of a login in which the server refused nothing and a person gave nothing: the same login may be made
    again, as a slow network asks for, without a wrong try being counted or a person being asked."""


class SpentLogin(ConnectError):
    """The connection was lost in a login for which a person had given something: repeating it by itself would ask them
    again and again, or spend one code after the other."""

    @property
    def retryable(self) -> bool:
        return False


class SleepWatch:
    """Notices that the machine slept: the wall clock went on while the monotonic one stood still (CLOCK_MONOTONIC of
    clock_gettime(2) stops in suspend), or a short wait took far longer than it was to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._steady = clock.now(), clock.monotonic()

    def slept(self, expected: float = 0.0) -> bool:
        """Whether it slept since the last look, of which `expected` seconds were meant to pass."""
        wall, steady = self._clock.now(), self._clock.monotonic()
        passed, lived = (wall - self._wall).total_seconds(), steady - self._steady
        self._wall, self._steady = wall, steady
        return passed - lived > SLEPT or lived - expected > SLEPT
