"""The ladder: one line for each rung, with its sign, what was found, and how long it took."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from backend.diagnostics.ladder import Rung, RungStatus
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.format import latency_text
from tui.glyphs import Glyphs
from tui.ladder import HopHeading, Row, Skipped, rung_word
from tui.remedy_words import AppliedBy
from tui.widgets.explanation import explain
from tui.widgets.row_list import RowList

READ = Action(
    "diagnostics.read", "enter", "read", "Go on to what is said of this rung.", "Diagnostics", "diagnostics",
    does="choose", rank=2, palette=False,
)  # fmt: skip

CHOOSE_KEY = Action(
    "diagnostics.choose_key", "k", "another key", "Choose another key for this host, and climb again.", "Diagnostics",
    "diagnostics", rank=2,
)  # fmt: skip
UP = Action("diagnostics.up", "k", "up", "One line up.", "Moving", "diagnostics", palette=False, does="cursor_up")
"""As in every list, where no key can be chosen on the rung."""

_WORD_WIDTH = 12
_TIME_WIDTH = 7


class LadderView(RowList[Row]):
    """The rungs of one climb; the one under the cursor is explained beside it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((READ, CHOOSE_KEY, UP))]
    HELP = """
    One real connection attempt, step by step. It stops at the first broken rung and never tries again by itself.
    Move over the rungs to read what was seen and what to do.
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="ladder")
        self._glyphs = glyphs

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is chosen is known to the screen."""
        return self.screen.check_action(action, parameters) if action == "choose_key" else True

    async def action_choose_key(self) -> None:
        await self.app.run_action("choose_key", self.screen)

    def key_of(self, row: Row) -> Hashable:
        match row:
            case HopHeading():
                return ("hop", row.hop, row.place)
            case Skipped():
                return (row.hop, row.rungs)
            case Rung():
                return (row.hop, row.id)

    def can_stand_on(self, row: Row) -> bool:
        return isinstance(row, Rung)

    def draw(self, row: Row, width: int) -> Content:
        if isinstance(row, HopHeading):
            return Content.styled(clean_line(row.hop), "$accent")
        if isinstance(row, Skipped):
            return skipped_line(row, width, self._glyphs)
        return rung_line(row, width, self._glyphs)


def rung_line(rung: Rung, width: int, glyphs: Glyphs) -> Content:
    """One rung in `width` cells."""
    glyph, style = _look(rung.status, glyphs)
    quiet = rung.status is RungStatus.SKIP
    took = "" if rung.ms is None else latency_text(rung.ms / 1000)
    word = Content.styled(f"{rung_word(rung.id):<{_WORD_WIDTH}}", "$quiet" if quiet else "")
    head = Content.assemble((glyph, style), " ", word)
    room = max(0, width - head.cell_length - _TIME_WIDTH - 2)
    words = Content.styled(_words(rung, glyphs), style if rung.status is RungStatus.FAIL else "$quiet")
    words = words.truncate(room, ellipsis=True, pad=True)
    return Content.assemble(head, " ", words, " ", (f"{took:>{_TIME_WIDTH}}", "$quiet"))


def skipped_line(row: Skipped, width: int, glyphs: Glyphs) -> Content:
    """`· not reached  auth, session, files` in `width` cells."""
    names = ", ".join(rung_word(rung) for rung in row.rungs)
    words = f"{clean_line(row.why):<{_WORD_WIDTH}} {names}"
    return Content.assemble((glyphs.not_reached, "$faint"), " ", (words, "$quiet")).truncate(width, ellipsis=True)


def _look(status: RungStatus, glyphs: Glyphs) -> tuple[str, str]:
    return {
        RungStatus.RUNNING: (glyphs.busy, "$warning"),
        RungStatus.PASS: (glyphs.passed, "$success"),
        RungStatus.WARN: (glyphs.attention, "$warning"),
        RungStatus.FAIL: (glyphs.failed, "$error"),
        RungStatus.SKIP: (glyphs.not_reached, "$faint"),
    }[status]


def _words(rung: Rung, glyphs: Glyphs) -> str:
    if rung.summary:
        return clean_line(rung.summary)
    return {RungStatus.RUNNING: f"under way{glyphs.ellipsis}", RungStatus.SKIP: "not reached"}.get(rung.status, "")


def rung_title(rung: Rung, glyphs: Glyphs) -> str:
    """`auth – AUTH_DENIED`"""
    return f"{rung_word(rung.id)} {glyphs.dash} {rung.code.value}" if rung.code else rung_word(rung.id)


def rung_explanation(rung: Rung, glyphs: Glyphs, width: int, keys: AppliedBy | None = None) -> Content:
    """All that is known about one rung, with the keys that apply what is advised."""
    if (error := rung.error) is not None:
        evidence, advice = rung.evidence or error.evidence, rung.advice or error.advice
        return explain(error.message, None, evidence, advice, keys=keys, width=width)
    return explain(_words(rung, glyphs), None, rung.evidence, rung.advice, keys=keys, width=width)
