"""The commands of one host, newest first: which ran, how they stand, and which of them is looked at."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime

from textual.content import Content

from backend.commands.executor import RunningCommand
from tui.command_looks import command_look, command_words
from tui.format import duration_text
from tui.glyphs import Glyphs
from tui.widgets.row_list import RowList


class RunList(RowList[RunningCommand]):
    """Rows like `✓ make deploy      0 · 14 s`."""

    def __init__(self, glyphs: Glyphs, now: Callable[[], datetime], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._glyphs = glyphs
        self._now = now

    def key_of(self, row: RunningCommand) -> Hashable:
        return row.id

    def draw(self, row: RunningCommand, width: int) -> Content:
        look = command_look(row, self._now(), self._glyphs)
        end = look.word if row.outcome is not None else ""
        took = duration_text(look.seconds) if look.seconds is not None else look.word
        right = Content.styled("  ".join(part for part in (end, took) if part), "$quiet")
        left = Content.assemble((look.glyph, look.style), " ", command_words(row))
        left = left.truncate(max(8, width - right.cell_length - 2), ellipsis=True)
        return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)
