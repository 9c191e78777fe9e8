"""Looking for a text in a terminal's history and screen, bit by bit, so that ten thousand lines hold up no key."""

from __future__ import annotations

import asyncio
import time

from tui.widgets.output_rows import Needle
from tui.widgets.terminal_lines import TerminalLines

_TURN = 0.004
"""Seconds of reading between two turns of the loop."""


class TerminalFinder:
    """One search."""

    def __init__(self, lines: TerminalLines, needle: Needle) -> None:
        self.needle = needle
        self.at: int | None = None
        """The line that was found last."""
        self._lines = lines

    async def find(self, direction: int, origin: int) -> int | None:
        """The next line that holds it, up (-1) or down (1) from the last one, at first from `origin` on.

        Beyond the last comes the first, and the other way round. None where no line does.
        """
        first, count = self._lines.first, self._lines.end - self._lines.first
        begin = origin if self.at is None else self.at + direction
        turn_ends = time.perf_counter() + _TURN
        for step in range(count):
            line = first + (begin - first + step * direction) % count
            if self.needle.within(self._lines.text(line)):
                self.at = line
                return line
            if time.perf_counter() >= turn_ends:
                await asyncio.sleep(0)
                turn_ends = time.perf_counter() + _TURN
        return None
