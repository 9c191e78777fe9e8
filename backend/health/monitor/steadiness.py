"""Levels that do not flutter: a change counts when several looks agree on it. Pure."""

from __future__ import annotations

from collections import deque

from backend.health.deep.values import Level, severity

LOOKS, AGREE = 3, 2
"""A reading is worse when at least two of its last three looks say so, better when the last two do."""
DOWN_AFTER, UP_AFTER = 3, 2
"""A host is down after so many looks in a row that did not reach it, up again after so many that did."""


class SteadyLevel:
    """One reading's level over time. The first look is taken at its word: there is nothing to compare it with."""

    def __init__(self, level: Level | None = None) -> None:
        """`level`: what was said last, by an earlier run."""
        self.level = level
        self._looks: deque[Level] = deque(maxlen=LOOKS)

    def look(self, level: Level) -> tuple[Level, Level] | None:
        """Take in what one look says; the old and the new level where that changes what is said."""
        self._looks.append(level)
        old = self.level
        if old is None:
            self.level = level
            return None if level in (Level.OK, Level.UNKNOWN) else (Level.UNKNOWN, level)
        new = self._agreed(old)
        if new is old:
            return None
        self.level = new
        return old, new

    def _agreed(self, old: Level) -> Level:
        if len(self._looks) < AGREE:
            return old
        by_severity = sorted(self._looks, key=severity, reverse=True)
        at_least = by_severity[AGREE - 1]
        if severity(at_least) > severity(old):
            return at_least
        at_most = max(list(self._looks)[-AGREE:], key=severity)
        return at_most if severity(at_most) < severity(old) else old


class Reach:
    """Whether a host is reached: down and up only after several looks."""

    def __init__(self, *, is_up: bool = True, ever: bool = False) -> None:
        self.is_up = is_up
        self.ever = ever
        """Whether it was ever reached, as far as is known; before that nothing is said of it."""
        self.failures = 0
        """Looks in a row that did not reach it."""
        self._successes = 0

    def reached(self) -> bool:
        """A look got through; whether the host is up again by that."""
        self.failures = 0
        self.ever = True
        self._successes += 1
        if self.is_up or self._successes < UP_AFTER:
            return False
        self.is_up = True
        return True

    def missed(self) -> bool:
        """A look did not get through; whether the host is down by that."""
        self._successes = 0
        self.failures += 1
        if not self.is_up or self.failures < DOWN_AFTER:
            return False
        self.is_up = False
        return True
