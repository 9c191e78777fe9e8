"""How long a count has stood still: what a rate of some seconds ago does not tell. Pure."""

from __future__ import annotations

STANDS_STILL = 5.0
"""Seconds without progress after which that is what a person should read, rather than a rate and a time left."""


class StallWatch:
    """Watches one count, such as the bytes of a transfer."""

    def __init__(self) -> None:
        self._count: int | None = None
        self._since = 0.0

    def look(self, count: int, now: float) -> float:
        """Seconds for which `count` has been the same, at `now` in seconds of a monotonic clock."""
        if count != self._count:
            self._count, self._since = count, now
        return now - self._since
