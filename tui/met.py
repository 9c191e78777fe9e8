"""A failure that was met elsewhere, looked at on the ladder: what is told of it beside what the ladder finds."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from backend.dataclass import dataclass
from backend.diagnostics.explain import Explanation
from backend.diagnostics.places import is_of_a_path, place_of
from backend.diagnostics.rungs import Place, Rung, RungStatus
from backend.errors import FairleadError
from tui.format import moment_text
from tui.remedy_words import AppliedBy
from tui.widgets.explanation import explain
from tui.widgets.flow import broken


@dataclass(frozen=True, slots=True)
class Met:
    """One failure, and where it came from."""

    host: str
    error: FairleadError
    explanation: Explanation
    where: str
    """`the transfer`, `the command`; as the end of `from …`."""
    at: datetime

    @property
    def place(self) -> Place | None:
        """Its rung on the ladder of its host."""
        return place_of(self.error, self.host)


def met_text(met: Met, rung: Rung, now: datetime, keys: AppliedBy, width: int) -> Content:
    """`from the transfer at 09:41`, the failure, and how it stands with it now."""
    head = Content.styled(f"from {met.where} at {moment_text(met.at, now)}", "$accent")
    stands = _stands(met, rung)
    if rung.code is met.error.code:
        return Content("\n").join([head, broken(stands, width)])  # all of it stands above
    told = met.explanation
    if is_over(met, rung):
        words = explain(met.error.message, met.error.code, width=width)
    else:
        words = explain(met.error.message, met.error.code, told.evidence, told.advice, keys=keys, width=width)
    return Content("\n").join([head, broken(stands, width), Content(""), words])


def is_over(met: Met, rung: Rung) -> bool:
    """Whether the climb has shown that it would not fail now."""
    return rung.status in {RungStatus.PASS, RungStatus.WARN} and not is_of_a_path(met.error.code)


def _stands(met: Met, rung: Rung) -> Content:
    """What the climb says about it: never that all is well where the ladder does not look."""
    if rung.status is RungStatus.RUNNING:
        return Content("")
    if rung.code is met.error.code:
        return Content.styled("It is still so.", "$error")
    if rung.status is RungStatus.FAIL:
        return Content.styled("Now something else fails here; see above.", "$warning")
    if is_of_a_path(met.error.code):
        return Content.styled(
            "The ladder looks at your home directory only: that it passes says nothing about that place.", "$warning"
        )
    if is_over(met, rung):
        return Content.styled("It works now.", "$success")
    return Content.styled("The ladder did not get there.", "$quiet")
