"""Figures that a few wild values cannot move: middle, spread, smoothing. Pure, plain Python.

Spread is told as a standard deviation: for a normal distribution each of these figures equals it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from statistics import fmean, median

from backend.health.trends.values import DAY, HOUR, Series

MAD_TO_SD = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""
_MEAN_DEVIATION_TO_SD = 1.2533
_LARGEST = 1e150
"""Beyond it products leave the range of floating-point numbers; nothing that is measured comes near."""

Points = list[tuple[float, float]]
"""Sorted by time, one value for each, all of them finite."""


def cleaned(points: Series, *, since: float = -math.inf, until: float = math.inf) -> Points:
    """What can be used of `points`; where a moment has several values, their median."""
    kept = sorted(
        (at, value)
        for at, value in points
        if since <= at <= until and abs(at) < _LARGEST and abs(value) < _LARGEST  # false for what is not a number
    )
    return kept if len({at for at, _ in kept}) == len(kept) else _medians(kept, itemgetter(0))


def spread(values: Sequence[float], middle: float) -> float:
    """By the median absolute deviation; by the mean one where most values are the same. Zero for a constant."""
    deviations = [abs(value - middle) for value in values]
    return MAD_TO_SD * median(deviations) or _MEAN_DEVIATION_TO_SD * fmean(deviations)


def binned(points: Points, most: int) -> Points:
    """At most `most` points: the medians of slices of equal length in time; empty slices are left out."""
    if len(points) <= most:
        return points
    first, width = points[0][0], (points[-1][0] - points[0][0]) / most
    return _medians(points, lambda point: min(most - 1, int((point[0] - first) / width)))


def hourly(points: Points) -> Points:
    """The median of each hour."""
    return _medians(points, lambda point: point[0] // HOUR)


def _medians(points: Points, slice_of: Callable[[tuple[float, float]], float]) -> Points:
    """One for each run of points in the same slice."""
    return [_middle(list(run)) for _, run in groupby(points, slice_of)]


def _middle(run: Points) -> tuple[float, float]:
    return run[0] if len(run) == 1 else (median(at for at, _ in run), median(value for _, value in run))


def smoothed(values: Sequence[float], width: int = 5) -> list[float]:
    """The running median over `width` values, fewer at the ends: what lasts less than half of that is gone."""
    reach = width // 2
    return [median(values[max(0, at - reach) : at + reach + 1]) for at in range(len(values))]


def hour_of_day(at: float) -> int:
    """0 to 23, UTC."""
    return int(at % DAY // HOUR)


def by_hour_of_day(points: Iterable[tuple[float, float]]) -> dict[int, list[float]]:
    """The values of each hour of the day."""
    hours: defaultdict[int, list[float]] = defaultdict(list)
    for at, value in points:
        hours[hour_of_day(at)].append(value)
    return hours


def above(z: float) -> float:
    """The part of a normal distribution below `z`: how sure one is of something that is `z` of its errors from zero."""
    return 0.5 * math.erfc(-z / math.sqrt(2))
