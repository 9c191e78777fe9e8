"""Which line of an output buffer stands in which row of the screen: as they come, wrapped, or only those that match.

Pure. Nothing here reads more of the buffer at a time than it is told, so that a million lines never hold up a key.
Lines are numbered as the buffer numbers them, from the very first, dropped ones included.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import Protocol

from rich.cells import cell_len, get_character_cell_size

from backend.commands.output import OutputBuffer
from tui.widgets.ansi import plain_text

SEARCHED = 65_536
"""Bytes of one line that are searched, filtered and wrapped; what a line holds beyond them is only saved."""
_COMPACT = 65_536


class Needle:
    """A text that is looked for. Its case counts only when it has a capital."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._exact = text != text.lower()

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where it stands in `text`, by character; overlapping ones once."""
        found: list[tuple[int, int]] = []
        haystack = self._folded(text)
        at = haystack.find(self.text) if self.text else -1
        while at >= 0:
            found.append((at, at + len(self.text)))
            at = haystack.find(self.text, at + len(self.text))
        return found

    def within(self, text: str) -> bool:
        return self.text in self._folded(text)

    def _folded(self, text: str) -> str:
        if self._exact:
            return text
        folded = text.lower()
        # A few letters change their length when folded; positions must stay those of the text.
        return folded if len(folded) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


class Rows(Protocol):
    """The rows of a buffer."""

    @property
    def count(self) -> int:
        """Rows there are, as far as the buffer has been read."""
        ...

    @property
    def unread(self) -> int:
        """Lines that were not read yet; more rows may follow."""
        ...

    def read(self, limit: int) -> int:
        """Take in what the buffer gained and lost, at most `limit` lines. Returns how many rows went at the top."""
        ...

    def locate(self, row: int) -> tuple[int, int]:
        """The line in `row`, and which piece of it, from 0."""
        ...

    def row_of(self, line: int) -> int:
        """The first row of `line`, or of the first one after it that is shown."""
        ...


class DirectRows:
    """Every line is one row."""

    def __init__(self, buffer: OutputBuffer) -> None:
        self._buffer = buffer
        self._first = buffer.first
        self._end = buffer.end

    @property
    def count(self) -> int:
        return self._end - self._first

    @property
    def unread(self) -> int:
        return 0

    def read(self, limit: int) -> int:
        gone = self._buffer.first - self._first
        self._first, self._end = self._buffer.first, self._buffer.end
        return gone

    def locate(self, row: int) -> tuple[int, int]:
        return self._first + row, 0

    def row_of(self, line: int) -> int:
        return min(max(0, line - self._first), self.count)


class ReadRows:
    """Rows that only reading the lines tells: wrapped at `width` cells, or only lines with all `needles`, or both."""

    def __init__(self, buffer: OutputBuffer, *, width: int | None = None, needles: tuple[Needle, ...] = ()) -> None:
        self._buffer = buffer
        self._width = width
        self._needles = needles
        self._next = buffer.first
        self._lines: array[int] = array("q")
        self._ends: array[int] = array("q")
        """For each shown line, how many rows have been given out up to its end, those gone at the top included."""
        self._head = 0
        """How many of the shown lines were dropped by the buffer."""
        self._gone_rows = 0

    @property
    def count(self) -> int:
        return self._total - self._gone_rows

    @property
    def unread(self) -> int:
        return max(0, self._buffer.end - self._next)

    @property
    def _total(self) -> int:
        return self._ends[-1] if self._ends else self._gone_rows

    def read(self, limit: int) -> int:
        gone = self._drop()
        stop = min(self._buffer.end, max(self._next, self._buffer.first) + limit)
        self._reconsider_last()
        for line in self._buffer.lines(self._next, stop):
            self._take(self._next, line.raw[:SEARCHED])
            self._next += 1
        return gone

    def locate(self, row: int) -> tuple[int, int]:
        index = bisect_right(self._ends, row + self._gone_rows, self._head)
        start = self._ends[index - 1] if index > self._head else self._gone_rows
        return self._lines[index], row + self._gone_rows - start

    def row_of(self, line: int) -> int:
        index = bisect_left(self._lines, line, self._head)
        start = self._ends[index - 1] if index > self._head else self._gone_rows
        return start - self._gone_rows

    def _take(self, number: int, raw: bytes) -> None:
        text = plain_text(raw)
        if not all(needle.within(text) for needle in self._needles):
            return
        height = len(breaks(text, self._width)) if self._width is not None else 1
        self._ends.append(self._total + height)
        self._lines.append(number)

    def _reconsider_last(self) -> None:
        """The newest line that was read may not have been complete."""
        if self._next > self._buffer.first:
            self._next -= 1
            if len(self._lines) > self._head and self._lines[-1] == self._next:
                self._lines.pop()
                self._ends.pop()
        self._next = max(self._next, self._buffer.first)

    def _drop(self) -> int:
        before = self._gone_rows
        head = bisect_left(self._lines, self._buffer.first, self._head)
        if head > self._head:
            self._gone_rows = self._ends[head - 1]
            self._head = head
        if self._head > _COMPACT:
            del self._lines[: self._head], self._ends[: self._head]
            self._head = 0
        return self._gone_rows - before


def breaks(text: str, width: int) -> list[int]:
    """Where the pieces of `text` start when none may be wider than `width` cells; always at least one piece."""
    width = max(2, width)
    if text.isascii():
        return list(range(0, max(1, len(text)), width))
    if cell_len(text) <= width:
        return [0]
    starts, used = [0], 0
    for index, character in enumerate(text):
        cells = get_character_cell_size(character)
        if used + cells > width:
            starts.append(index)
            used = 0
        used += cells
    return starts
