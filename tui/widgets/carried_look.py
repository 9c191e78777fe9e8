"""The look that a line begins with: what the lines before it have set and not taken back.

Each stream has its own. Only some lines are looked back at, and only their ends, so that a jump into a million lines
holds up no key; a colour that was set further up is not found.
"""

from __future__ import annotations

from textual.cache import LRUCache

from backend.commands.output import OutputBuffer
from backend.commands.terminals.emulator import PLAIN, Look
from backend.connection.connector import StdStream
from tui.widgets.ansi import look_after

LOOKED_BACK = 100
"""Lines above that are read for what they leave."""
TAIL = 4096
"""Bytes at the end of a line that are read for it."""
_REMEMBERED = 2048

_Looks = dict[StdStream, Look]


class CarriedLooks:
    """What each line of one buffer begins with."""

    def __init__(self, buffer: OutputBuffer) -> None:
        self._buffer = buffer
        self._known: LRUCache[int, _Looks] = LRUCache(_REMEMBERED)

    def before(self, number: int, stream: StdStream) -> Look:
        """The look at the beginning of line `number`, which is of `stream`."""
        return self._at(number).get(stream, PLAIN)

    def _at(self, number: int) -> _Looks:
        furthest = max(self._buffer.first, number - LOOKED_BACK)
        start = next((n for n in range(number, furthest - 1, -1) if n in self._known), furthest)
        looks = dict(self._known.get(start) or {})
        for line in self._buffer.lines(start, number):
            if b"\x1b" in line.raw:
                looks[line.stream] = look_after(line.raw[-TAIL:], looks.get(line.stream, PLAIN))
        self._known[number] = looks
        return looks
