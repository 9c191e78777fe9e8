"""A straight line through a series, and how far it can be trusted.

Its slope is the median of the slopes between pairs of points (Theil 1950, Sen 1968): up to a quarter of the points may
be wild and hardly move it. Over some days only the same hours of different days are compared (Hirsch and Slack's
seasonal Kendall test, 1984), so that the rhythm of a day is no slope. Whether it rises at all is asked twice: of the
order of the points (Mann-Kendall), and of what is gained from stretch to stretch, which a random walk does not pass.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from statistics import fmean, median

from backend.dataclass import dataclass
from backend.health.trends.robust import Points, binned, by_hour_of_day, hour_of_day, hourly, spread
from backend.health.trends.values import DAY

FEWEST = 12
"""Points."""
SEASONAL_DAYS = 3.0
"""From so many days on the same hours are compared."""
_MOST = 120
"""Points between which slopes are taken, without seasons: 7,140 pairs."""
_LAST = 5
"""Points by which it is told where the series is now."""
_STRETCHES = 8
_SURE_ORDER = 3.1
"""Mann-Kendall's z: one series without a trend in a thousand is above it."""
_SURE_GAIN = 3.0
"""Mean gain from stretch to stretch, in its own errors; of seven gains, one series in a hundred is above it."""
_NINE_IN_TEN = 1.94
"""Errors on either side that hold nine of ten, by Student's t where the error itself is known from seven gains."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its errors. Times in seconds, values in the series' own unit."""

    start: float
    end: float
    """The times of the first and the last point."""
    count: int
    """Points that were looked at."""
    slope: float
    """A second."""
    level: float
    """The value that the series has at `end`, by its last few points, without what their hours have on top."""
    noise: float
    """Standard deviation of one point about where the series is."""
    wander: float
    """Standard deviation of what the series strays from its line in a second; it grows with the root of time."""
    order: float
    """Mann-Kendall's z."""
    gain: float
    """Mean gain of a stretch, in its own errors."""

    @property
    def span(self) -> float:
        """Seconds from the first to the last point."""
        return self.end - self.start

    @property
    def rises(self) -> bool:
        """Whether both signals say so."""
        return self.slope > 0 and self.order > _SURE_ORDER and self.gain > _SURE_GAIN

    def time_to(self, limit: float) -> float:
        """Seconds from `end` until the line is at `limit`; zero where it is there, infinite where it never comes."""
        if self.level >= limit:
            return 0.0
        return (limit - self.level) / self.slope if self.slope > 0 else math.inf

    def error_of(self, seconds: float) -> float:
        """Of `time_to`, in seconds: the true time lies within it on either side nine times in ten.

        It is made of the error of the slope, of what the series may yet stray, and of the noise of the last points.
        """
        slope_error = self.wander**2 / self.span + 12 * self.noise**2 / (self.count * self.span**2)
        error = math.sqrt(seconds**2 * slope_error + seconds * self.wander**2 + self.noise**2 / 3)
        return _NINE_IN_TEN * error / self.slope


def line_through(points: Points) -> Line | None:
    """The line of `points` (sorted, finite); None where there are too few, or no time passes."""
    if len(points) < FEWEST or points[-1][0] <= points[0][0]:
        return None
    seasonal = points[-1][0] - points[0][0] >= SEASONAL_DAYS * DAY
    shown = hourly(points) if seasonal else binned(points, _MOST)
    if len(shown) < FEWEST:
        return None
    slope, order = _slope_and_order(shown, seasonal=seasonal)
    steady = _without_season(shown, slope) if seasonal else shown
    noise, wander, gain = _errors(steady, slope)
    return Line(
        start=points[0][0],
        end=points[-1][0],
        count=len(shown),
        slope=slope,
        level=median(value + slope * (points[-1][0] - at) for at, value in steady[-_LAST:]),
        noise=noise,
        wander=wander,
        order=order,
        gain=gain,
    )


def _slope_and_order(points: Points, *, seasonal: bool) -> tuple[float, float]:
    """The median of the slopes between pairs, and Mann-Kendall's z; each of the same hour where it is `seasonal`."""
    groups: defaultdict[int, Points] = defaultdict(list)
    for point in points:
        groups[hour_of_day(point[0]) if seasonal else 0].append(point)
    slopes, score, variance = [], 0, 0.0
    for group in groups.values():
        for place, (at, value) in enumerate(group):
            for later, reached in group[place + 1 :]:
                slopes.append((reached - value) / (later - at))
        count = len(group)
        variance += count * (count - 1) * (2 * count + 5) / 18
    if not slopes:
        return 0.0, 0.0
    score = sum((one > 0) - (one < 0) for one in slopes)
    return median(slopes), (score - math.copysign(1, score)) / math.sqrt(variance) if score else 0.0


def _without_season(points: Points, slope: float) -> Points:
    """The points less what their hour of the day usually has on top."""
    rests = [(at, value - slope * (at - points[0][0])) for at, value in points]
    middle = median(value for _, value in rests)
    usual = {hour: median(values) - middle for hour, values in by_hour_of_day(rests).items()}
    return [(at, value - usual[hour_of_day(at)]) for at, value in points]


def _errors(points: Points, slope: float) -> tuple[float, float, float]:
    """Noise, wander and the sureness of the gain.

    Two neighbours differ by twice the variance of the noise, two stretches by that of their medians and by what the
    series strayed in between: two equations for two unknowns.
    """
    steps = [reached - value - slope * (later - at) for (at, value), (later, reached) in pairwise(points)]
    noise = spread(steps, median(steps)) / math.sqrt(2)
    stretches = binned(points, _STRETCHES)
    gains = [reached - value for (_, value), (_, reached) in pairwise(stretches)]
    if len(gains) < 3:
        return noise, 0.0, 0.0
    mean = fmean(gains)
    variance = sum((one - mean) ** 2 for one in gains) / (len(gains) - 1)
    length = (points[-1][0] - points[0][0]) / _STRETCHES
    of_noise = math.pi * noise**2 / max(1.0, len(points) / len(stretches))
    wander = math.sqrt(max(0.0, variance - of_noise) / length)
    error = math.sqrt(variance / len(gains))
    return noise, wander, mean / error if error else math.copysign(math.inf, mean) if mean else 0.0
