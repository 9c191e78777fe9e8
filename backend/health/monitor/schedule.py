"""When a host is looked into next: jitter, back-off after failures, and who is not asked again at all. Pure.

Full jitter (anywhere from zero to the ceiling) spreads many hosts best when a network comes back, as in
`backend.connection.retry`; a floor keeps a host that does not answer from being asked at once again.
"""

from __future__ import annotations

from random import Random

from backend.connection.retry import may_repeat
from backend.errors import Code, FairleadError

JITTER = 0.1
"""Part of the interval by which a look may come earlier or later."""
CAP = 3600.0
"""Seconds: no host that fails is left alone for longer."""
FLOOR = 15.0
"""Seconds: no host that fails is asked again sooner."""
PROBE = 30.0
"""Seconds until the second look at a host that has just answered again: it is believed after two."""
FIRST = 20.0
"""Seconds within which the first look comes, at a host that is there."""

_HERE_FOR_NOW = frozenset({Code.LOGIN_HELD_BACK})
"""Not the host's doing, and over by itself: the look waits for as long as the longest back-off."""
_INSIDE = frozenset({Code.NO_ANSWER, Code.CONNECTION_LOST, Code.KEEPALIVE_LOST, Code.SERVER_ENDED})


def first_wait(chance: Random) -> float:
    """Until the first look: not all hosts at once."""
    return chance.uniform(0.0, FIRST)


def next_wait(interval: float, chance: Random) -> float:
    """After a look that went well."""
    return interval * chance.uniform(1 - JITTER, 1 + JITTER)


def wait_after_failures(failures: int, interval: float, chance: Random) -> float:
    """After so many looks in a row that failed: twice as long each time, up to the cap, with full jitter."""
    ceiling = max(min(CAP, interval), min(CAP, interval * 2.0 ** min(failures, 32)))
    return max(FLOOR, chance.uniform(0.0, ceiling))


def may_look_again(error: FairleadError) -> bool:
    """Whether a look that ended with `error` is followed by another by itself.

    Never after a login was refused, a host key was not accepted, somebody would have to be asked, the host runs no
    commands, or the configuration is wrong: that would lock accounts, or lead to nothing.
    """
    return error.code in _INSIDE or error.code in _HERE_FOR_NOW or may_repeat(error)


def is_held_back(error: FairleadError) -> bool:
    """Whether it says nothing about the host: our own guard keeps a login from being tried for now."""
    return error.code in _HERE_FOR_NOW
