"""How far two clocks are apart, from questions and answers over a link. Pure.

An answer that was read from the other clock between sending and receiving bounds the difference from both sides;
several answers bound it together more closely than any one of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the other clock. All times are seconds since 1970, the first two by our own clock."""

    sent: float
    received: float
    told: float
    resolution: float
    """The other clock stood between `told` and `told + resolution`."""

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which differences the truth lies; positive: the other clock is ahead."""
        return self.told - self.received, self.told + self.resolution - self.sent


@dataclass(frozen=True, slots=True)
class Offset:
    """The other clock is ahead by `seconds`, give or take `uncertainty`."""

    seconds: float
    uncertainty: float

    @property
    def at_least(self) -> float:
        """The smallest difference, without its sign, that the readings allow."""
        return max(0.0, abs(self.seconds) - self.uncertainty)


def offset_of(readings: Sequence[Reading]) -> Offset:
    """What the readings say together; where they contradict each other (a clock was set), the closest one counts."""
    bounds = [one.bounds for one in readings]
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    if low > high:
        low, high = min(bounds, key=lambda one: one[1] - one[0])
    return Offset((low + high) / 2, (high - low) / 2)


def parse_date(line: bytes, marker: bytes) -> tuple[float, float] | None:
    """Time and resolution from `date +MARKER%s.%N`; None for any other line. Not every date(1) knows `%N`."""
    match = re.fullmatch(re.escape(marker) + rb"(\d{1,12})(?:\.(\d{1,9}))?(?:\..*)?", line.strip())
    if match is None:
        return None
    if match[2] is None:
        return float(match[1]), 1.0
    return float(match[1] + b"." + match[2]), 10.0 ** -len(match[2])
