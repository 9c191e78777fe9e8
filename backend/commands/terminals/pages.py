"""A page: the lines of a main or alternate screen, and what has left it at its top."""

from __future__ import annotations

from collections.abc import Mapping

from backend.commands.terminals.cells import Line
from backend.commands.terminals.emulator import PLAIN, Look
from backend.commands.terminals.history import History
from backend.dataclass import dataclass

Charset = Mapping[int, str] | None


@dataclass(slots=True)
class Pen:
    """Where and how the next character is put: what DECSC saves."""

    column: int = 0
    row: int = 0
    wrapping: bool = False
    """A character stands in the last column: the next one goes to the next line."""
    look: Look = PLAIN
    charsets: tuple[Charset, ...] = (None, None, None, None)
    """G0 to G3."""
    shift: int = 0
    """Which of the four is in use."""
    origin: bool = False
    """DECOM: rows are counted from the top margin."""


class Page:
    """Lines, each as long as the page is wide."""

    def __init__(self, columns: int, rows: int, history: History | None) -> None:
        self.columns = columns
        self.history = history
        self.lines = [Line(columns) for _ in range(rows)]
        self.saved = Pen()

    def scroll_up(self, top: int, bottom: int, count: int, blank: Look) -> None:
        """Take lines out at the top of a region, which is kept in the history where that is the page's, and put blank
        ones in at its bottom."""
        if self.history is not None and top == 0:
            for line in self.lines[: min(count, bottom + 1)]:
                self.history.push(line)
        self.delete(top, bottom, count, blank)

    def delete(self, top: int, bottom: int, count: int, blank: Look) -> None:
        """Take lines out at the top of a region, and put blank ones in at its bottom."""
        lines = self.lines
        for _ in range(min(count, bottom - top + 1)):
            del lines[top]
            lines.insert(bottom, Line(self.columns, blank))

    def scroll_down(self, top: int, bottom: int, count: int, blank: Look) -> None:
        """Put blank lines in at the top of a region, and lose those that leave it at the bottom."""
        lines = self.lines
        for _ in range(min(count, bottom - top + 1)):
            del lines[bottom]
            lines.insert(top, Line(self.columns, blank))

    def resize(self, columns: int, rows: int, cursor: int) -> int:
        """Lines show less or more of their columns; rows come back from the history, or go there.

        Says by how much what stood in the row `cursor`, which stays on the page, has moved down.
        """
        self.columns = columns
        for line in self.lines:
            line.fit(columns)
        moved = self._shrink(rows, cursor) if rows < len(self.lines) else self._grow(rows)
        self.saved.row = min(max(self.saved.row + moved, 0), rows - 1)
        self.saved.column = min(self.saved.column, columns - 1)
        self.saved.wrapping = self.saved.wrapping and self.saved.column == columns - 1
        return moved

    def _shrink(self, rows: int, cursor: int) -> int:
        """First blank lines below the cursor go, then lines at the top, and those below only where none else do."""
        lines = self.lines
        while len(lines) > rows and cursor < len(lines) - 1 and not lines[-1].whole():
            lines.pop()
        above = min(len(lines) - rows, cursor)
        if above:
            self.scroll_up(0, len(lines) - 1, above, PLAIN)
        del lines[rows:]
        return -above

    def _grow(self, rows: int) -> int:
        missing = rows - len(self.lines)
        back = min(missing, len(self.history)) if self.history is not None else 0
        if self.history is not None and back:
            pulled = [self.history.pull(self.columns) for _ in range(back)]
            self.lines[:0] = reversed(pulled)
        self.lines += [Line(self.columns) for _ in range(missing - back)]
        return back
