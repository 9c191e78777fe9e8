"""Whose turn it is to be looked into: so many at once, and spread anew after the machine has slept. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from backend.health.monitor.standing import Standing

LONGEST_WAIT = 60.0
"""Seconds between two looks at the clock: the machine may have slept meanwhile."""
LATE = 60.0
"""Seconds by which looks must be late for the machine to count as having slept: then they are spread anew."""
SPREAD = 30.0
"""Seconds over which they are spread."""


class Turns:
    """Moments are those of a monotonic clock, as `Standing.due`."""

    def __init__(self, hosts: Mapping[str, Standing], chance: Random, at_once: int) -> None:
        """`hosts` may change meanwhile."""
        self.looking = 0
        """Looks that are under way."""
        self._hosts = hosts
        self._chance = chance
        self._at_once = at_once

    def begin(self, now: float) -> list[Standing]:
        """Those whose look begins now; each is told of by `end` when it is over."""
        ready = [one for one in self._hosts.values() if one.due is not None and one.due <= now and not one.looking]
        ready.sort(key=lambda one: one.due or 0.0)
        if len(ready) > self._at_once and any(now - (one.due or now) > LATE for one in ready):
            for one in ready:
                one.due = now + self._chance.uniform(0.0, SPREAD)
            return []
        begun = ready[: self._at_once - self.looking]
        for one in begun:
            one.looking, one.due = True, None
        self.looking += len(begun)
        return begun

    def end(self, standing: Standing) -> None:
        """A look is over."""
        standing.looking = False
        self.looking -= 1

    def wait(self, now: float) -> float:
        """Seconds until there is something to do; a look that ends says so by itself."""
        if self.looking >= self._at_once:
            return LONGEST_WAIT
        due = min((one.due for one in self._hosts.values() if one.due is not None and not one.looking), default=None)
        return LONGEST_WAIT if due is None else min(LONGEST_WAIT, max(0.0, due - now))
