"""Lines of cells. A cell holds a character with what joins it; that of a wide one's right half is empty."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from backend.commands.terminals.emulator import PLAIN, Look, Row, Run
from backend.commands.terminals.widths import joins, width

MAX_JOINED = 16
"""Characters in one cell."""
_NOTHING: tuple[list[str], list[Look]] = ([], [])


class Line:
    """One row of a screen."""

    __slots__ = ("beyond", "chars", "looks", "wrapped")

    def __init__(self, columns: int, look: Look = PLAIN) -> None:
        self.chars: list[str] = [" "] * columns
        self.looks: list[Look] = [look] * columns
        self.wrapped = False
        """Its text goes on in the next line."""
        self.beyond = _NOTHING
        """Cells that do not fit since the screen became narrower, for when it is wide again."""

    def part(self, column: int) -> None:
        """Make `column` the beginning of a cell: of a wide character that stands across nothing is left."""
        chars = self.chars
        if 0 < column < len(chars) and not chars[column]:
            chars[column - 1] = chars[column] = " "

    def write(self, column: int, cells: Sequence[str], look: Look) -> None:
        """Put cells over those that stand there; they fit."""
        chars, count = self.chars, len(cells)
        end = column + count
        if not chars[column]:
            self.part(column)
        if end < len(chars) and not chars[end]:
            self.part(end)
        chars[column:end] = cells
        self.looks[column:end] = [look] * count

    def erase(self, start: int, stop: int, look: Look) -> None:
        """Blank some columns; at the end of the line its text ends."""
        self.write(start, " " * (stop - start), look)
        if stop == len(self.chars):
            self.end()

    def end(self, *, wrapped: bool = False) -> None:
        """There is nothing beyond it, or it goes on in the next line."""
        self.wrapped = wrapped
        self.beyond = _NOTHING

    def insert(self, column: int, count: int, look: Look) -> None:
        """Push what stands from `column` on to the right; what leaves the line is gone."""
        columns = len(self.chars)
        count = min(count, columns - column)
        self.end()
        self.part(column)
        self.part(columns - count)
        self.chars[column:] = [" "] * count + self.chars[column : columns - count]
        self.looks[column:] = [look] * count + self.looks[column : columns - count]

    def delete(self, column: int, count: int, look: Look) -> None:
        """Pull what stands behind `count` cells from `column` on to the left."""
        count = min(count, len(self.chars) - column)
        self.end()
        self.part(column)
        self.part(column + count)
        self.chars[column:] = self.chars[column + count :] + [" "] * count
        self.looks[column:] = self.looks[column + count :] + [look] * count

    def join(self, column: int, mark: str) -> None:
        """Let a combining character join the one that stands at `column`."""
        if column and not self.chars[column]:
            column -= 1
        if len(self.chars[column]) < MAX_JOINED:
            self.chars[column] += mark

    def fit(self, columns: int) -> None:
        """Have so many columns."""
        chars, looks = self.chars + self.beyond[0], self.looks + self.beyond[1]
        missing = columns - len(chars)
        self.chars, self.looks = chars[:columns] + [" "] * missing, looks[:columns] + [PLAIN] * missing
        self.beyond = chars[columns:], looks[columns:]
        self.wrapped = self.wrapped and missing <= 0
        if missing < 0 and not chars[columns]:
            self.chars[-1] = self.beyond[0][0] = " "

    def row(self) -> Row:
        """As the port has it."""
        return _row(self.chars, self.looks, trimmed=not self.wrapped)

    def whole(self) -> Row:
        """With what does not fit at the moment."""
        chars, looks = self.beyond
        return _row(self.chars + chars, self.looks + looks, trimmed=True) if chars else self.row()


def _row(chars: list[str], looks: list[Look], *, trimmed: bool) -> Row:
    """Without blanks at the end where it is trimmed."""
    if looks == [looks[0]] * len(looks):
        runs = [Run("".join(chars), looks[0])]
    else:
        runs, start = [], 0
        for look, cells in groupby(looks):
            stop = start + len(list(cells))
            runs.append(Run("".join(chars[start:stop]), look))
            start = stop
    if trimmed and runs[-1].look is PLAIN:
        text = runs.pop().text.rstrip(" ")
        if text:
            runs.append(Run(text))
    return tuple(runs)


def line_of(row: Row, columns: int, *, wrapped: bool) -> Line:
    """A line that looks like `row`."""
    line = Line(0)
    line.wrapped = wrapped
    for run in row:
        cells = cells_of(run.text)
        line.chars += cells
        line.looks += [run.look] * len(cells)
    line.fit(columns)
    return line


def cells_of(text: str) -> list[str]:
    """The cells that `text` takes; what joins a character before it is in that one's cell."""
    cells: list[str] = []
    for character in text:
        columns = width(character)
        if columns == 2:
            cells += (character, "")
        elif columns:
            cells.append(character)
        elif cells and joins(character):
            base = -1 if cells[-1] else -2
            if len(cells[base]) < MAX_JOINED:
                cells[base] += character
    return cells
