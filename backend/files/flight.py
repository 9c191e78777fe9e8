"""How much to keep in flight: enough for the path, and not more, for what is in flight is lost when the link is. Pure.

The bandwidth-delay product decides: twice the measured rate times the idle round trip. Where the rate is bound by too
few requests it doubles the flight each round until the rate no longer follows.
"""

from __future__ import annotations

import math
from collections import deque

LEAST = 2
"""Blocks in flight at least: one that travels while the other is asked for. More make a short path no faster."""
MOST = 64
_FIRST_GUESS = 32e6
"""Bytes a second that a path is taken to carry before it was measured."""
_MOST_GUESSED = 16
_SHORTEST_ROUND = 0.05
_ROUNDS_KEPT = 8


class Flight:
    """The number of blocks to keep under way for one file."""

    def __init__(self, *, block: int, round_trip: float, now: float, most: int = MOST) -> None:
        """`block` in bytes; `round_trip`: seconds of a small request on the idle path."""
        self._block = block
        self._round_trip = max(0.0, round_trip)
        self._most = max(LEAST, most)
        self._rates: deque[float] = deque(maxlen=_ROUNDS_KEPT)
        self._since = now
        self._landed = 0
        guess = math.ceil(_FIRST_GUESS * self._round_trip / block)
        self.blocks = max(LEAST, min(guess, _MOST_GUESSED, self._most))

    def landed(self, size: int, now: float) -> None:
        """`size` bytes have arrived or been acknowledged."""
        self._landed += size
        elapsed = now - self._since
        if elapsed < max(_SHORTEST_ROUND, 1.25 * self._round_trip):
            return
        self._rates.append(self._landed / elapsed)
        self._since, self._landed = now, 0
        wanted = math.ceil(2 * max(self._rates) * self._round_trip / self._block)
        self.blocks = max(LEAST, min(wanted, 2 * self.blocks, self._most))
