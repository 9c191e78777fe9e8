"""Looking for a text in a command's output: which lines hold it, and which of them is gone to next. Pure."""

from __future__ import annotations

from backend.commands.output import OutputBuffer
from tui.widgets.output_rows import Needle, ReadRows


class Finder:
    """A search in one buffer. It is read bit by bit; a step that needs more than was read waits for it."""

    def __init__(self, buffer: OutputBuffer, needle: Needle, *, within: Needle | None = None) -> None:
        """With `within`, only lines that hold that too."""
        self.needle = needle
        self._buffer = buffer
        self._rows = ReadRows(buffer, needles=(needle,) if within is None else (needle, within))
        self._at: int | None = None
        self._direction = -1

    @property
    def at(self) -> int | None:
        """The line that was gone to; None when there is none, or no longer."""
        return self._at if self._at is not None and self._at >= self._buffer.first else None

    @property
    def count(self) -> int:
        """Lines that match, as far as was read."""
        return self._rows.count

    @property
    def unread(self) -> int:
        return self._rows.unread

    @property
    def place(self) -> int | None:
        """Which of the matches one is at, from 1."""
        return None if self.at is None else self._rows.row_of(self.at) + 1

    def read(self, limit: int) -> None:
        """Read at most `limit` more lines."""
        self._rows.read(limit)

    def aim(self, direction: int) -> None:
        """Ask for the next match down (1) or up (-1)."""
        self._direction = direction

    def arrive(self, top: int, bottom: int) -> int | None:
        """The line asked for, as soon as it is known, and then never again; `top` and `bottom` are the lines in view.

        The first one is sought upwards from the bottom. Beyond the last match comes the first, and the other way round.
        """
        if not self._direction:
            return None
        found = self._after(top) if self._direction > 0 else self._before(bottom)
        if found is None and self.unread:
            return None
        if found is None and self.count:
            found = self._match(0 if self._direction > 0 else self.count - 1)
        self._direction = 0
        self._at = found if found is not None else self._at
        return found

    def _after(self, top: int) -> int | None:
        index = self._rows.row_of(self.at + 1 if self.at is not None else top)
        return self._match(index) if index < self.count else None

    def _before(self, bottom: int) -> int | None:
        if self.at is None and self.unread:
            return None  # there may be nearer ones in what was not read
        index = self._rows.row_of(self.at if self.at is not None else bottom + 1)
        return self._match(index - 1) if index else None

    def _match(self, index: int) -> int:
        return self._rows.locate(index)[0]
