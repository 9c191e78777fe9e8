"""stderr: what happens, in words, for the person who watches. Data never goes here, and this never goes to stdout.

On a terminal there may be one line of progress at the bottom, which makes way for everything else.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TextIO

from backend.connection.connector import PtySize
from backend.text import clean_line
from backend.tty import line_end, size_of
from cli.bounded import write_bounded

PATIENCE = 0.04
"""Seconds that a full pipe is waited for: everything else stands still meanwhile."""
_ERASE = "\r\x1b[K"


class Narration:
    """Lines on stderr."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._progress = ""
        self._held = 0
        self._left_out = 0

    @property
    def on_terminal(self) -> bool:
        return self._out.isatty()

    def say(self, text: str) -> None:
        """One line, made safe to show."""
        self._erase()
        end = line_end(self._out.fileno()) if self.on_terminal else "\n"
        self._write(f"{clean_line(text)}{end}")
        self._draw()

    def progress(self, text: str) -> None:
        """Put `text` into the line of progress; nothing happens where stderr is no terminal."""
        if self.on_terminal:
            self._erase()
            self._progress = clean_line(text)
            self._draw()

    def end_progress(self) -> None:
        self._erase()
        self._progress = ""

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """No progress while somebody else writes on the terminal."""
        self._erase()
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            self._draw()

    def _erase(self) -> None:
        if self._progress and not self._held:
            self._write(_ERASE)

    def _draw(self) -> None:
        if self._progress and not self._held:
            self._write(self._progress[: self._size().columns - 1])

    def _size(self) -> PtySize:
        return size_of(self._out.fileno())

    def _write(self, text: str) -> None:
        """Nobody may read stderr, or not now: the work goes on, and what was left out is counted and told."""
        missing = f"\n({self._left_out} messages were left out here: stderr was full)\n" if self._left_out else ""
        patience = 0.0 if self._left_out else PATIENCE
        self._left_out = 0 if write_bounded(self._out, missing + text, patience) else self._left_out + 1
