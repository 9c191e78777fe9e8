"""One climb as the screen keeps it: rungs in the order they were reached. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from backend.dataclass import dataclass
from backend.diagnostics.ladder import Diagnosis, Rung, RungId, RungStatus

_WORDS = {RungId.HOST_KEY: "host key"}


def rung_word(rung_id: RungId) -> str:
    """The rung's name as it is read."""
    return _WORDS.get(rung_id, rung_id.value)


@dataclass(frozen=True, slots=True)
class HopHeading:
    """The machine that the rungs below concern."""

    hop: str
    place: int
    """Where in the ladder it stands; a machine may come up twice."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Rungs of one machine that were not climbed, all for the same reason."""

    hop: str
    rungs: tuple[RungId, ...]
    why: str


Row = HopHeading | Rung | Skipped


class Ladder:
    """The rungs of one climb. A rung that comes again replaces what was known of it."""

    def __init__(self, host: str, started_at: datetime) -> None:
        self.host = host
        self.started_at = started_at
        self.climbing = True
        self._rungs: dict[tuple[str, RungId], Rung] = {}

    def put(self, rung: Rung) -> None:
        """A rung has begun or has its verdict."""
        self._rungs[(rung.hop, rung.id)] = rung

    @property
    def rungs(self) -> tuple[Rung, ...]:
        return tuple(self._rungs.values())

    @property
    def diagnosis(self) -> Diagnosis:
        """What has its verdict."""
        return Diagnosis(self.host, tuple(rung for rung in self.rungs if rung.status is not RungStatus.RUNNING))

    @property
    def broken(self) -> Rung | None:
        """The first rung that failed."""
        return next((rung for rung in self.rungs if rung.status is RungStatus.FAIL), None)

    @property
    def seconds(self) -> float:
        """What all rungs took together, without the time a person needed."""
        return sum(rung.ms or 0.0 for rung in self.rungs) / 1000

    def rows(self) -> list[Row]:
        """The rungs under the names of their machines, where there is more than one; what was not climbed takes one
        row, so that what was stands out."""
        several = len({rung.hop for rung in self.rungs}) > 1
        rows: list[Row] = []
        for hop, rungs in groupby(self.rungs, key=lambda rung: rung.hop):
            if several:
                rows.append(HopHeading(hop, len(rows)))
            rows += _folded(hop, rungs)
        return rows

    def verdict(self) -> str:
        """One short sentence about the whole."""
        if self.climbing:
            return "climbing"
        if (broken := self.broken) is not None:
            return f"failed at {rung_word(broken.id)}"
        warnings = sum(rung.status is RungStatus.WARN for rung in self.rungs)
        if warnings:
            return f"works, with {warnings} warning{'' if warnings == 1 else 's'}"
        return "all is well" if self.rungs else "stopped"


def _folded(hop: str, rungs: Iterable[Rung]) -> Iterable[Row]:
    """Rungs that were skipped for one reason in one row, where the first of them stands."""
    here = list(rungs)
    skipped: dict[str, list[RungId]] = {}
    for rung in here:
        if rung.status is RungStatus.SKIP:
            skipped.setdefault(rung.summary, []).append(rung.id)
    for rung in here:
        if rung.status is not RungStatus.SKIP:
            yield rung
        elif skipped.get(rung.summary):
            yield Skipped(hop, tuple(skipped.pop(rung.summary)), rung.summary or "not reached")
