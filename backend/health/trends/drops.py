"""Where a series fell and stayed down: clean-ups, rotations, restarts. Pure."""

from __future__ import annotations

from backend.dataclass import dataclass
from backend.health.trends.robust import Points, binned, smoothed, spread

_MOST = 360
"""Points in which drops are looked for; what lasts less than three of them is a spike."""
_NOISES = 6.0
"""How many times the noise a fall must be to be a drop."""


@dataclass(frozen=True, slots=True)
class Drop:
    """One fall."""

    peak_at: float
    peak: float
    bottom_at: float
    bottom: float


def drops_of(points: Points, *, least: float) -> tuple[Drop, ...]:
    """The falls by `least` or more, and well beyond the noise, in order; spikes are smoothed away beforehand."""
    if len(points) < 3:
        return ()
    shown = binned(points, _MOST)
    values = smoothed([value for _, value in shown])
    rests = [raw - value for (_, raw), value in zip(shown, values, strict=True)]
    return _falls(
        [(at, value) for (at, _), value in zip(shown, values, strict=True)], max(least, _NOISES * _noise(rests))
    )


def _noise(rests: list[float]) -> float:
    """Of what smoothing took away; none where most of that is nothing."""
    return spread(rests, 0.0) if any(rests) else 0.0


def _falls(points: Points, least: float) -> tuple[Drop, ...]:
    """Follow the series from turn to turn: a turn counts once it is `least` away from the last extreme."""
    found: list[Drop] = []
    peak = bottom = points[0]
    falling = False
    for point in points:
        if falling:
            if point[1] <= bottom[1]:
                bottom = point
            elif point[1] - bottom[1] >= least:
                found.append(Drop(*peak, *bottom))
                falling, peak = False, point
        elif point[1] >= peak[1]:
            peak = point
        elif peak[1] - point[1] >= least:
            falling, bottom = True, point
    return (*found, Drop(*peak, *bottom)) if falling else tuple(found)
