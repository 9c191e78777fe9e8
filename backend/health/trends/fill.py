"""When things with a limit are full: disks, inodes, the connection table, open files. Pure."""

from __future__ import annotations

from backend.dataclass import dataclass
from backend.health.deep.values import Level
from backend.health.trends.course import Course, course_of
from backend.health.trends.robust import above, cleaned
from backend.health.trends.values import DAY, HORIZON_DAYS, Series, Trend, TrendKind
from backend.health.trends.words import date_words, length_words, moment, percent_words, span_of
from backend.sizes import size_text

_CRITICAL_DAYS = 3.0
WARN_DAYS = 14.0
"""What comes later is told, and no alarm."""


BEYOND_CHANCE = "What has no trend looks like that less than once in a thousand times (Mann-Kendall)."


@dataclass(frozen=True, slots=True)
class Vessel:
    """What fills, and the words for it."""

    metric: str
    name: str
    """As the sentence begins: `/srv`, `the connection table`."""
    full: str = "is full"
    short: str = "full"
    """The same without a verb, for a line with many."""
    grew: str = "it grew"
    limit: float = 1.0
    size: float | None = None
    """Bytes at the limit, where the series is a part of it and the reader thinks in bytes."""


def fill(vessel: Vessel, series: Series, *, now: float) -> Trend | None:
    """When `vessel` comes to its limit; None where that is not sure, or further away than `HORIZON_DAYS`."""
    points = cleaned(series, since=now - HORIZON_DAYS * DAY, until=now)
    course = course_of(points, vessel.limit)
    return None if course is None else _told(vessel, course, now)


def _told(vessel: Vessel, course: Course, now: float) -> Trend:
    line = course.line
    left = line.time_to(vessel.limit)
    error = line.error_of(left) + course.slack
    at = max(now, line.end + left)
    when = f"{date_words(at, now)} (±{length_words(error)})"
    pace = f"{vessel.grew} by {_amount(vessel, line.slope * DAY)} a day over the last {length_words(line.span)}"
    return Trend(
        kind=TrendKind.FILL,
        metric=vessel.metric,
        sentence=f"{vessel.name} {vessel.full} on {when}: {pace}",
        reasons=(
            f"It is at {percent_words(line.level / vessel.limit)} of its limit now.",
            f"{pace[0].upper()}{pace[1:]}: the middle of the slopes between {line.count} points.",
            course.reason,
            BEYOND_CHANCE,
        ),
        level=level_in((at - now) / DAY),
        short=f"{vessel.name} {vessel.short} on {when}",
        eta=moment(at),
        uncertainty=span_of(error),
        confidence=min(0.999, above(min(line.order, line.gain))),
        since=moment(line.start),
    )


def level_in(days: float) -> Level:
    """How bad it is that something comes to its limit in so many days."""
    if days < _CRITICAL_DAYS:
        return Level.CRITICAL
    return Level.WARN if days < WARN_DAYS else Level.OK


def _amount(vessel: Vessel, value: float) -> str:
    if vessel.size is not None:
        return size_text(value / vessel.limit * vessel.size)
    return percent_words(value / vessel.limit)
