"""What the monitor knows of one host, and what it says when that changes. No clock and no network in here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import field

from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.health.deep.values import DeepCheck, Level, worst
from backend.health.history.values import Change
from backend.health.monitor.steadiness import Reach, SteadyLevel

REACH = "reach"
"""The name under which it is told whether a host is reached."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A change of level that is to be told."""

    name: str
    old: Level
    new: Level
    text: str


@dataclass(slots=True)
class Standing:
    """One host, as the monitor has it."""

    host: str
    watched: bool = False
    """Whether it is looked into although nobody is connected."""
    live: bool = False
    """Whether a person's session is connected."""
    due: float | None = None
    """When the next look is, on the clock's monotonic scale; None: not by itself."""
    looking: bool = False
    error: FairleadError | None = None
    """Why the last look failed; None where it did not."""
    held: bool = False
    """Whether `error` is one after which nobody looks again by itself."""
    check: DeepCheck | None = None
    """The newest look that got through."""
    reach: Reach = field(default_factory=Reach)
    missed_at: float = -math.inf
    """When it was last counted that it was not reached, on the clock's monotonic scale."""
    levels: dict[str, SteadyLevel] = field(default_factory=dict)
    failed_units: frozenset[str] = frozenset()
    """Those of the last look: what has failed twice in a row may be restarted."""
    remembered: bool = False
    """Whether what earlier runs said was taken over."""

    @property
    def level(self) -> Level:
        """What is said of it now; unknown before the first look."""
        if not self.reach.is_up:
            return Level.CRITICAL
        return worst(one.level for one in self.levels.values() if one.level is not None)

    def remember(self, changes: Iterable[Change]) -> None:
        """Take over the levels that were told last, so that they are not told again."""
        self.remembered = True
        for change in changes:
            try:
                level = Level(change.new)
            except ValueError:  # of a newer Fairlead
                continue
            if change.name == REACH:
                self.reach = Reach(is_up=level is not Level.CRITICAL, ever=level is not Level.CRITICAL)
            else:
                self.levels[change.name] = SteadyLevel(level)

    def reached(self, check: DeepCheck) -> list[Verdict]:
        """Take in a look that got through; what changes by it."""
        self.check, self.error, self.held = check, None, False
        return [*self._up(), *self._judge(check)]

    def came(self) -> list[Verdict]:
        """Somebody has connected to it."""
        self.error, self.held = None, False
        return self._up()

    def missed(self, error: FairleadError, *, held: bool) -> list[Verdict]:
        """Take in a look that did not get through; what changes by it. After one that is `held`, nobody looks again by
        itself, so it is told at once."""
        self.error, self.held = error, held
        down = self.reach.missed()
        if held and self.reach.is_up:
            self.reach.is_up, down = False, True
        before = Level.OK if self.reach.ever else Level.UNKNOWN
        return [Verdict(REACH, before, Level.CRITICAL, error.message)] if down else []

    def _up(self) -> list[Verdict]:
        if not self.reach.reached():
            return []
        return [Verdict(REACH, Level.CRITICAL, Level.OK, f"{self.host} is reached again.")]

    def _judge(self, check: DeepCheck) -> Iterator[Verdict]:
        seen = {one.name: one for one in check.readings if not (one.is_optional and one.level is Level.UNKNOWN)}
        for name, one in seen.items():
            steady = self.levels.setdefault(name, SteadyLevel())
            if (change := steady.look(one.level)) is not None:
                yield Verdict(name, *change, one.text)
        for name in self.levels.keys() - seen.keys():
            yield from self._gone(name)

    def _gone(self, name: str) -> Iterator[Verdict]:
        """A reading that is told no more, as of a disk that was taken away."""
        steady = self.levels[name]
        if steady.level in (Level.OK, Level.UNKNOWN, None):
            del self.levels[name]
        elif (change := steady.look(Level.UNKNOWN)) is not None:
            del self.levels[name]
            yield Verdict(name, *change, f"{name} is told no more.")
