"""The screen: lines, the cursor on them, and everything that sequences do to both. Pure, and never raises.

It is that of an xterm: the cursor stays on the last column after a character was put there, and the next one wraps;
what is erased or comes in takes the background colour in force; two pages, the alternate one without history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from functools import lru_cache

from backend.commands.terminals.cells import Line, cells_of
from backend.commands.terminals.emulator import PLAIN, Colour, Look
from backend.commands.terminals.history import History
from backend.commands.terminals.pages import Page, Pen
from backend.commands.terminals.widths import joins, width

_TAB = 8


class ReverseWrap(Enum):
    """Whether the cursor backs from a line's beginning into the line above."""

    NONE = 0
    INLINE = 45
    """Where that one wrapped."""
    EVERYWHERE = 1045


class Screen:
    """What is shown, and the cursor on it. Rows and columns are counted from 0."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.history = History()
        self.changed: set[int] = set()
        """Rows that look different since somebody last emptied this."""
        self.reset()

    def reset(self) -> None:
        """As it was made; the history stays."""
        self.main = Page(self.columns, self.rows, self.history)
        self.other = Page(self.columns, self.rows, None)
        self.page = self.main
        self.pen = Pen()
        self.tabs = [*range(0, self.columns, _TAB)]
        """Columns, from the left."""
        self.newline = False
        self._last = ""
        self.soft_reset()
        self.touch(0, self.rows)

    def soft_reset(self) -> None:
        """What DECSTR resets of it."""
        self.top, self.bottom = 0, self.rows - 1
        self.auto_wrap, self.insert = True, False
        self.reverse_wrap = ReverseWrap.NONE
        self.pen = Pen(self.pen.column, self.pen.row)
        self.page.saved = Pen()

    @property
    def alternate(self) -> bool:
        return self.page is self.other

    @property
    def blank(self) -> Look:
        """How erased cells look."""
        background = self.pen.look.background
        return PLAIN if background is None else _filled(background)

    @property
    def line(self) -> Line:
        """The cursor's."""
        self.changed.add(self.pen.row)
        return self.page.lines[self.pen.row]

    def touch(self, start: int, stop: int) -> None:
        """Rows have changed."""
        if len(self.changed) < self.rows:
            self.changed.update(range(start, stop))

    def draw(self, text: str) -> None:
        """Put printable characters."""
        pen = self.pen
        if (charset := pen.charsets[pen.shift]) is not None:
            text = text.translate(charset)
        if text.isascii() or {*map(width, text)} == {1}:
            self._last = text[-1]
            self._place(text)
            return
        marks = 0
        while marks < len(text) and not width(text[marks]):
            if joins(text[marks]):
                self._join(text[marks])
            marks += 1
        if cells := cells_of(text[marks:]):
            self._last = (cells[-1] or cells[-2])[0]
            self._place_each(cells)

    def _place_each(self, cells: list[str]) -> None:
        """Cells of several widths: those that are not let wrap replace each other one by one."""
        if self.columns == 1:
            cells = ["\ufffd" + cell[1:] if width(cell[0]) == 2 else cell for cell in cells if cell]
        if self.auto_wrap:
            self._place(cells)
            return
        for column, cell in enumerate(cells):
            if cell:
                self._place(cells[column : column + width(cell[0])] if self.columns > 1 else [cell])

    def _join(self, mark: str) -> None:
        pen = self.pen
        if pen.wrapping or pen.column:
            self.line.join(pen.column if pen.wrapping else pen.column - 1, mark)

    def _place(self, cells: Sequence[str]) -> None:
        """Put cells, each where the one before left off."""
        pen, columns, at = self.pen, self.columns, 0
        if not self.auto_wrap:
            pen.wrapping = False
            cells = self._squeezed(cells)
        while at < len(cells):
            if pen.wrapping:
                self._wrap()
            room = columns - pen.column
            piece = cells[at : at + room]
            if len(cells) - at > room and not cells[at + room]:
                piece = piece[:-1]  # a wide character does not fit any more
            line = self.line
            if self.insert:
                line.insert(pen.column, len(piece), self.blank)
            line.write(pen.column, piece, pen.look)
            pen.column += len(piece)
            at += len(piece)
            if pen.column >= columns or at < len(cells):
                pen.column, pen.wrapping = columns - 1, True

    def _squeezed(self, cells: Sequence[str]) -> Sequence[str]:
        """What is left where nothing wraps: each character beyond the last column replaces the one there."""
        if len(cells) <= self.columns - self.pen.column:
            return cells
        last = 1 if cells[-1] else 2
        self.pen.column = min(self.pen.column, self.columns - last)
        return [*cells[: self.columns - self.pen.column - last], *cells[-last:]]

    def _wrap(self) -> None:
        self.line.end(wrapped=True)
        self.pen.column = 0
        self.index()

    def repeat(self, count: int) -> None:
        """REP."""
        if self._last:
            self.draw(self._last * min(count, self.columns * self.rows))

    def index(self) -> None:
        """IND: down, and at the bottom margin the region scrolls."""
        pen = self.pen
        pen.wrapping = False
        if pen.row == self.bottom:
            self.scroll_up(1)
        elif pen.row < self.rows - 1:
            pen.row += 1

    def reverse_index(self) -> None:
        """RI."""
        pen = self.pen
        pen.wrapping = False
        if pen.row == self.top:
            self.scroll_down(1)
        elif pen.row:
            pen.row -= 1

    def scroll_up(self, count: int) -> None:
        """SU: the region."""
        self.page.scroll_up(self.top, self.bottom, count, self.blank)
        self.touch(self.top, self.bottom + 1)

    def scroll_down(self, count: int) -> None:
        """SD."""
        self.page.scroll_down(self.top, self.bottom, count, self.blank)
        self.touch(self.top, self.bottom + 1)

    def save(self) -> None:
        """DECSC."""
        self.page.saved = replace(self.pen)

    def restore(self) -> None:
        """DECRC; home, where nothing was saved."""
        self.pen = replace(self.page.saved)

    def show(self, page: Page) -> None:
        """The main or the other page; the cursor stays where it is."""
        if page is not self.page:
            self.page = page
            self.touch(0, self.rows)

    def clear(self, page: Page) -> None:
        """All of it."""
        for line in page.lines:
            line.erase(0, self.columns, self.blank)
        if page is self.page:
            self.touch(0, self.rows)

    def resize(self, columns: int, rows: int) -> None:
        """The cursor stays on its text, and margins are gone."""
        pen = self.pen
        hidden = self.main if self.alternate else self.other
        moved = self.page.resize(columns, rows, pen.row)
        hidden.resize(columns, rows, hidden.saved.row)
        self.tabs = sorted({*self.tabs, *range(-(-self.columns // _TAB) * _TAB, columns, _TAB)})
        self.columns, self.rows = columns, rows
        self.top, self.bottom = 0, rows - 1
        pen.row = min(max(pen.row + moved, 0), rows - 1)
        if pen.wrapping and pen.column < columns - 1:
            pen.column += 1
            pen.wrapping = False
        pen.column = min(pen.column, columns - 1)
        self.changed.clear()
        self.touch(0, rows)


@lru_cache(512)
def _filled(background: Colour) -> Look:
    return Look(background=background)
