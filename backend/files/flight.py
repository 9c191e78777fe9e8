"""How much to keep in flight: enough for the path, and not more, for what is in flight is lost when the link is. Pure.

The bandwidth-delay product decides: twice the measured rate times the idle round trip. Where the rate is bound by too
few requests it doubles the flight each round until the rate no longer follows. A round is over when as much has landed
as was in flight when it began: what lands then was asked for at its beginning, so it took the path's own time, whether
blocks land one by one or a flight at once.
"""

from __future__ import annotations

import math
from collections import deque

LEAST = 2
"""Blocks in flight at least: one that travels while the other is asked for."""
_IN_HAND, _MOST_IN_HAND = 0.02, 6
"""Seconds of work, and blocks, that a short and fast path has in flight: one end is held up now and then, and the other
finds something to do. Fewer than one upload's channel takes, for more channels make no short path faster."""
MOST = 64
_FIRST_GUESS = 32e6
"""Bytes a second that a path is taken to carry before it was measured."""
_MOST_GUESSED = 16
_SHORTEST_ROUND = 0.05
"""Seconds of a round, where round trips are too short to measure a rate by."""
_LONG_PATH = 0.02
_LONGEST_ROUND = 2.5
"""Round trips after which a round is over in any case: a slow path is to be seen at once."""
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
        self._turn = self.blocks * block

    @property
    def is_full(self) -> bool:
        """Whether as much is under way as may be, and the path would take more."""
        return self.blocks >= self._most

    def allow(self, most: int) -> None:
        """From now on, `most` blocks may be under way."""
        self._most = max(LEAST, most)

    def landed(self, size: int, now: float) -> None:
        """`size` bytes have arrived or been acknowledged."""
        self._landed += size
        elapsed = now - self._since
        if not self._is_round(elapsed):
            return
        self._rates.append(self._landed / elapsed)
        self._since, self._landed = now, 0
        rate = max(self._rates) / self._block
        wanted = max(2 * rate * self._round_trip, min(rate * _IN_HAND, _MOST_IN_HAND))
        self.blocks = max(LEAST, min(math.ceil(wanted), 2 * self.blocks, self._most))
        self._turn = self.blocks * self._block

    def _is_round(self, elapsed: float) -> bool:
        if self._round_trip < _LONG_PATH:
            return elapsed >= _SHORTEST_ROUND
        turned = self._landed >= self._turn and elapsed >= self._round_trip / 2
        return turned or elapsed >= _LONGEST_ROUND * self._round_trip
