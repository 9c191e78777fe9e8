"""Memory that is lost as long as the host is up. Pure.

It is told from a cache that warms up (the second half of the time must still lose, at four fifths of the pace), from a
day's rhythm (which takes three days to know), and from restarts (only what came since the last start is used).
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.health.trends.course import Course, course_of
from backend.health.trends.fill import BEYOND_CHANCE, level_in
from backend.health.trends.line import SEASONAL_DAYS, line_through
from backend.health.trends.robust import Points, above, cleaned
from backend.health.trends.values import DAY, HORIZON_DAYS, Series, Trend, TrendKind
from backend.health.trends.words import date_words, length_words, moment, percent_words, span_of
from backend.sizes import size_text

_LIMIT = 0.97
"""Of the memory; what is left then is too little to work with."""
_STILL = 0.8
"""Of the whole pace, in the second half."""


def leak(
    metric: str, series: Series, *, now: float, starts: Sequence[float] = (), size: float | None = None
) -> Trend | None:
    """When memory runs out; `series` is the part of it that is available, 0 to 1, and `starts` when the host started.

    `size`: all of it, in bytes.
    """
    started = max((at for at in starts if at <= now), default=None)
    since = max(now - HORIZON_DAYS * DAY, started or 0.0)
    used = [(at, 1.0 - available) for at, available in cleaned(series, since=since, until=now)]
    course = course_of(used, _LIMIT)
    if course is None or course.line.span < SEASONAL_DAYS * DAY or not _goes_on(used, course):
        return None
    return _told(metric, course, now, started, size)


def _goes_on(used: Points, course: Course) -> bool:
    line = course.line
    half = line_through([point for point in used if point[0] >= line.end - line.span / 2])
    return half is not None and half.slope >= _STILL * line.slope


def _told(metric: str, course: Course, now: float, started: float | None, size: float | None) -> Trend:
    line = course.line
    left = line.time_to(_LIMIT)
    error = line.error_of(left) + course.slack
    at = max(now, line.end + left)
    when = f"{date_words(at, now)} (±{length_words(error)})"
    lost = percent_words(line.slope * DAY) if size is None else size_text(line.slope * DAY * size)
    pace = f"what is available fell by {lost} a day over the last {length_words(line.span)}"
    up = "The host's start is not known." if started is None else f"The host is up for {length_words(now - started)}."
    return Trend(
        kind=TrendKind.LEAK,
        metric=metric,
        sentence=f"memory runs out on {when}: {pace}",
        reasons=(
            f"{percent_words(1.0 - line.level)} of it is available now.",
            f"W{pace[1:]}, and still does in the second half of that time.",
            up,
            course.reason.replace("It has not fallen", "It was not given back").replace("it fell", "it was given back"),
            BEYOND_CHANCE,
        ),
        level=level_in((at - now) / DAY),
        short=f"memory out on {when}",
        eta=moment(at),
        uncertainty=span_of(error),
        confidence=min(0.999, above(min(line.order, line.gain))),
        since=moment(line.start),
    )
