"""A value that stays higher than it used to be, as a round trip after the way has changed. Pure.

Each hour is compared with the middle of a hundred earlier ones or more, the same hours of the day with one another, in
standard deviations that a few wild values cannot widen. Two charts must agree: a cumulative sum (CUSUM, Page 1954),
which remembers small excesses, and a weighted mean (EWMA, Roberts 1959), which forgets what is over. Values that hang
together (autocorrelation) widen the deviation by what that adds to the variance of a sum.
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import fmean, median

from backend.dataclass import dataclass
from backend.health.deep.values import Level
from backend.health.trends.robust import Points, above, by_hour_of_day, cleaned, hour_of_day, hourly, spread
from backend.health.trends.values import Series, Trend, TrendKind
from backend.health.trends.words import date_words, milliseconds_words, moment

FEWEST = 100
"""Hours before the ones that are judged."""
_MOST = 336
"""Two weeks, from which what is usual is known."""
_RECENT = 72
"""Hours in which a shift is news; later it is how things are."""
_SLACK, _LIMIT = 0.5, 8.0
"""Of the CUSUM, in deviations: shifts of half a deviation and less are let pass."""
_WEIGHT, _EWMA_ERRORS = 0.1, 3.1
_CLIP = 3.0
"""Deviations beyond which a value counts no more: one spike is not a shift."""
_WORTH = 0.15
"""Of the usual value; a shift by less is true, but nobody's business."""
_LEAST_DEVIATION = 0.02
"""Of the usual value: a line that is steadier is not judged by it."""
_MOST_HANG = 0.9
_OF_AN_HOUR = 3
"""Values of an hour of the day from which its usual value is known."""


@dataclass(frozen=True, slots=True)
class _Usual:
    """What was there before."""

    middle: float
    deviation: float
    hours: dict[int, float]
    """What each known hour of the day usually has on top."""
    centre: float
    width: float
    """Mean and deviation of the clipped scores: neither is 0 and 1 where the values are skewed or hang together."""
    count: int

    def score(self, at: float, value: float) -> float | None:
        """How far above the usual, in deviations; None for an hour of the day that is not known."""
        top = self.hours.get(hour_of_day(at))
        return (
            None if top is None else (_clipped((value - top - self.middle) / self.deviation) - self.centre) / self.width
        )


def shift(metric: str, name: str, series: Series, *, now: float) -> Trend | None:
    """Whether the value (seconds) has risen in the last days and stayed there."""
    points = hourly(cleaned(series, until=now))
    recent = points[-min(_RECENT, max(0, len(points) - FEWEST)) :] if len(points) > FEWEST else []
    if not recent:
        return None
    usual = _usual(points[: -len(recent)][-_MOST:])
    scored = [(at, value, score) for at, value in recent if (score := usual.score(at, value)) is not None]
    start, weighted = _charts([score for _, _, score in scored])
    if start is None:
        return None
    since = scored[start:]
    tops = [usual.hours[hour_of_day(at)] for at, _, _ in since]
    level = median(value - top for (_, value, _), top in zip(since, tops, strict=True))
    if level - usual.middle < _WORTH * abs(usual.middle):
        return None
    return _told(metric, name, usual, [(at, value) for at, value, _ in since], level, weighted, now)


def _charts(scores: list[float]) -> tuple[int | None, float]:
    """Where a shift that still lasts began, and the EWMA in its own errors; None where the two do not agree."""
    total, weighted, start = 0.0, 0.0, 0
    for place, score in enumerate(scores):
        if total == 0.0:
            start = place
        total = max(0.0, total + score - _SLACK)
        weighted += _WEIGHT * (score - weighted)
    errors = weighted / math.sqrt(_WEIGHT / (2 - _WEIGHT))
    return (start if total > _LIMIT and errors > _EWMA_ERRORS else None), errors


def _usual(points: Points) -> _Usual:
    hours = [hour_of_day(at) for at, _ in points]
    tops = _tops(points)
    rests = [value - tops.get(hour, 0.0) for hour, (_, value) in zip(hours, points, strict=True)]
    middle = median(rests)
    deviation = max(spread(rests, middle), _LEAST_DEVIATION * abs(middle)) or 1.0
    scores = [_clipped((rest - middle) / deviation) for rest in rests]
    centre = fmean(scores)
    scores = [score - centre for score in scores]
    own = math.sqrt(sum(score * score for score in scores) / len(scores))
    hang = _hang(scores)
    width = max(own, 0.5) * math.sqrt((1 + hang) / (1 - hang))
    return _Usual(middle, deviation, tops, centre, width, len(points))


def _tops(points: Points) -> dict[int, float]:
    """What each hour of the day has on top, where that is more than chance."""
    middle = median(value for _, value in points)
    known = {hour: values for hour, values in by_hour_of_day(points).items() if len(values) >= _OF_AN_HOUR}
    middles = {hour: median(values) for hour, values in known.items()}
    rests = [value - middles[hour] for hour, values in known.items() for value in values]
    noise = spread(rests, 0.0) if rests else 0.0
    tops = {}
    for hour, values in known.items():
        top, error = middles[hour] - middle, 1.2533 * noise / math.sqrt(len(values))
        tops[hour] = top if abs(top) > 2 * error else 0.0
    return tops


def _hang(scores: list[float]) -> float:
    """The correlation of neighbours; none where it is negative."""
    square = sum(score * score for score in scores)
    product = sum(one * other for one, other in pairwise(scores))
    return min(_MOST_HANG, max(0.0, product / square)) if square else 0.0


def _clipped(score: float) -> float:
    return max(-_CLIP, min(_CLIP, score))


def _told(metric: str, name: str, usual: _Usual, since: Points, level: float, weighted: float, now: float) -> Trend:
    start = since[0][0]
    was, became = milliseconds_words(usual.middle), milliseconds_words(level)
    return Trend(
        kind=TrendKind.SHIFT,
        metric=metric,
        sentence=f"{name} is {became} instead of {was} since {date_words(start, now)}",
        reasons=(
            f"Before it was {was} ±{milliseconds_words(usual.deviation)}: the middle of {usual.count} hours.",
            f"Since then it is {became}: the middle of {len(since)} hours, without what such hours have on other days.",
            f"The weighted mean is {weighted:.1f} of its errors above the usual.",
        ),
        level=Level.WARN,
        short=f"{name} {became} instead of {was}",
        confidence=min(0.999, above(weighted)),
        since=moment(start),
    )
