"""Feeds an emulator in slices, so that a flood of output never keeps the loop from everybody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from backend.commands.terminals.emulator import Emulator

TURN = 0.004
"""Seconds of one turn of the loop that an emulator may take, about."""
_LEAST, _MOST = 256, 4096
"""Bytes of a slice: even what takes an emulator longest must not take long, whatever came before it."""


class Slicer:
    """Gives an emulator its output, and the loop back to the others in between.

    The size of a slice follows what the last ones cost this thread's processor time, whatever else the machine does.
    A turn goes on from one `feed` to the next: much that has come in small pieces is a flood, too.
    """

    def __init__(self) -> None:
        self._size = _LEAST
        self._turn_ends = 0.0

    async def feed(self, emulator: Emulator, data: bytes, after_slice: Callable[[], object]) -> None:
        """All of `data`, in order; `after_slice` is called when the emulator has taken in another slice."""
        now = time.perf_counter()
        if now >= self._turn_ends + TURN:  # others have had theirs meanwhile
            self._turn_ends = now + TURN
        start = 0
        while start < len(data):
            began = time.thread_time()
            emulator.feed(data[start : start + self._size])
            start += self._size
            after_slice()
            self._learn(time.thread_time() - began)
            if time.perf_counter() >= self._turn_ends:
                await asyncio.sleep(0)
                self._turn_ends = time.perf_counter() + TURN

    def _learn(self, seconds: float) -> None:
        if seconds > TURN / 2:
            self._size = max(_LEAST, self._size // 2)
        elif seconds < TURN / 8:
            self._size = min(_MOST, self._size * 2)
