"""One climb as the screen keeps it: rungs in the order they were reached, and the same as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from backend.diagnostics.ladder import Rung, RungId, RungStatus

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
    def broken(self) -> Rung | None:
        """The first rung that failed."""
        return next((rung for rung in self.rungs if rung.status is RungStatus.FAIL), None)

    @property
    def seconds(self) -> float:
        """What all rungs took together, without the time a person needed."""
        return sum(rung.ms or 0.0 for rung in self.rungs) / 1000

    def rows(self) -> list[HopHeading | Rung]:
        """The rungs under the names of their machines, where there is more than one."""
        hops = {rung.hop for rung in self.rungs}
        if len(hops) < 2:
            return list(self.rungs)
        rows: list[HopHeading | Rung] = []
        hop = None
        for rung in self.rungs:
            if rung.hop != hop:
                hop = rung.hop
                rows.append(HopHeading(hop, len(rows)))
            rows.append(rung)
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


def markdown(ladder: Ladder) -> str:
    """The climb as Markdown, to paste where help is asked for."""
    lines = [
        f"# {ladder.host}: {ladder.verdict()}",
        "",
        f"{ladder.started_at.isoformat(timespec='seconds')}",
        "",
        "| rung | machine | status | ms | found |",
        "|---|---|---|---|---|",
    ]
    for rung in ladder.rungs:
        ms = "" if rung.ms is None else f"{rung.ms:.0f}"
        cells = (rung_word(rung.id), rung.hop, rung.status.value, ms, rung.summary)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    if (broken := ladder.broken) is not None:
        lines += ["", *_explanation(broken)]
    return "\n".join(lines) + "\n"


def _explanation(rung: Rung) -> Iterable[str]:
    yield f"## {rung_word(rung.id)}{f': {rung.code.value}' if rung.code else ''}"
    yield ""
    yield rung.error.message if rung.error is not None else rung.summary
    yield ""
    for name, value in rung.evidence.items():
        yield f"- {name}: `{value}`"
    for step in rung.advice:
        yield f"- {step.text}{f' `{step.command}`' if step.command else ''}"
