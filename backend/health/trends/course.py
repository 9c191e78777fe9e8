"""Which line a filling thing follows to its limit. Pure.

It goes through what came after the last drop. Where drops come again and again (clean-ups, rotations), the next one is
expected: then the rise since the last drop counts only where it comes to the limit before the next one, or where that
one is overdue and every peak so far is passed; else it is asked whether the peaks rise.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from statistics import median

from backend.dataclass import dataclass
from backend.health.trends.drops import Drop, drops_of
from backend.health.trends.line import Line, line_through
from backend.health.trends.robust import Points
from backend.health.trends.values import DAY, HORIZON_DAYS
from backend.health.trends.words import percent_words

_LEAST_DROP = 0.01
"""Of the limit; what falls less is noise."""
_FARTHEST = 5.0
"""The end may lie so many times as far ahead as the line was seen."""
_VAGUE = 0.25
"""An end that is near may be unsure by such a part of the time that the line was seen."""
_LATE = 1.25
"""A drop is overdue after so many times the longest time between two."""
_PARTS = (1.0, 1 / 4, 1 / 16)
"""Parts of the time since the last drop in which a line is sought: what fills a disk today may have begun today."""
_STEEPER = 2.0
"""How many times as steep a shorter part must be to stand for the whole."""


@dataclass(frozen=True, slots=True)
class Course:
    """A line that is believed."""

    line: Line
    reason: str
    """Why it is this one, as a sentence."""
    slack: float = 0.0
    """Seconds by which the end may come earlier or later because the series falls now and then."""


def course_of(points: Points, limit: float) -> Course | None:
    """The line by which `points` surely come to `limit` in a time that can be foreseen; None where there is none."""
    if not points:
        return None
    drops = drops_of(points, least=_LEAST_DROP * limit)
    since = drops[-1].bottom_at if drops else points[0][0]
    rise = _steepest([point for point in points if point[0] >= since], limit)
    if len(drops) > 1:
        return _of_many(points, drops, rise, limit)
    if rise is None:
        return None
    if not drops:
        return Course(rise, "It has not fallen in all that time.")
    fell = percent_words((drops[0].peak - drops[0].bottom) / limit)
    return Course(rise, f"Only what came since it fell by {fell} was used.")


def _of_many(points: Points, drops: tuple[Drop, ...], rise: Line | None, limit: float) -> Course | None:
    between = [later.bottom_at - earlier.bottom_at for earlier, later in pairwise(drops)]
    fell = f"It fell {len(drops)} times"
    if rise is not None:
        if rise.end + rise.time_to(limit) < drops[-1].bottom_at + median(between):
            return Course(rise, f"{fell}, but comes to its limit before the next time.")
        highest = max(drop.peak for drop in drops)
        if rise.end > drops[-1].bottom_at + _LATE * max(between) and rise.level > highest + _LEAST_DROP * limit:
            return Course(rise, f"{fell}, but the next time is overdue.")
    whole = line_through(points)
    if whole is None:
        return None
    crest = median(drop.peak + whole.slope * (whole.end - drop.peak_at) for drop in drops)
    peaks = replace(whole, level=max(crest, whole.level))
    if not _can_be_told(peaks, limit):
        return None
    return Course(peaks, f"{fell}, and each time it had come further.", slack=median(between))


def _steepest(points: Points, limit: float) -> Line | None:
    """The line of the whole, or of its last part where that is sure to be much steeper."""
    found: Line | None = None
    for part in _PARTS:
        start = points[-1][0] - part * (points[-1][0] - points[0][0])
        line = line_through([point for point in points if point[0] >= start])
        if line is not None and _can_be_told(line, limit) and (found is None or line.slope > _STEEPER * found.slope):
            found = line
    return found


def _can_be_told(line: Line, limit: float) -> bool:
    """Whether it surely rises, and comes to `limit` in a time that can be foreseen, not just some time."""
    if not line.rises:
        return False
    left = line.time_to(limit)
    if left > min(_FARTHEST * line.span, HORIZON_DAYS * DAY):
        return False
    return line.error_of(left) <= max(left, _VAGUE * line.span)
