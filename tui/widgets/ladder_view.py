"""The ladder: one line for each rung, with its sign, what was found, and how long it took."""

from __future__ import annotations

from collections.abc import Hashable

from textual.content import Content

from backend.diagnostics.ladder import Rung, RungStatus
from backend.text import clean_line
from tui.format import latency_text
from tui.glyphs import Glyphs
from tui.ladder import HopHeading, rung_word
from tui.widgets.explanation import explain
from tui.widgets.row_list import RowList

LadderRow = HopHeading | Rung

_WORD_WIDTH = 12
_TIME_WIDTH = 7


class LadderView(RowList[LadderRow]):
    """The rungs of one climb; the one under the cursor is explained beside it."""

    HELP = """
    One real connection attempt, step by step. It stops at the first broken rung and never tries again by itself.
    Move over the rungs to read what was seen and what to do.
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="ladder")
        self._glyphs = glyphs

    def key_of(self, row: LadderRow) -> Hashable:
        return ("hop", row.hop, row.place) if isinstance(row, HopHeading) else (row.hop, row.id)

    def can_stand_on(self, row: LadderRow) -> bool:
        return isinstance(row, Rung)

    def draw(self, row: LadderRow, width: int) -> Content:
        if isinstance(row, HopHeading):
            return Content.styled(clean_line(row.hop), "$accent")
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


def rung_explanation(rung: Rung, glyphs: Glyphs, width: int) -> Content:
    """All that is known about one rung."""
    if (error := rung.error) is not None:
        return explain(error.message, None, rung.evidence or error.evidence, rung.advice or error.advice, width=width)
    return explain(_words(rung, glyphs), None, rung.evidence, rung.advice, width=width)
