"""How far back a plot reaches, and what moments are named below it, in the person's zone. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from backend.dataclass import dataclass

_HOUR = 3600.0
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Range:
    """One of the lengths that can be chosen."""

    word: str
    seconds: float
    step: timedelta
    """Between two moments that are named."""
    form: str
    """Of their names, as for strftime."""


HOUR = Range("hour", _HOUR, timedelta(minutes=15), "%H:%M")
DAY = Range("day", _DAY, timedelta(hours=4), "%H:%M")
WEEK = Range("week", 7 * _DAY, timedelta(days=1), "%a")
MONTH = Range("month", 30 * _DAY, timedelta(days=5), "{day} %b")
RANGES = (HOUR, DAY, WEEK, MONTH)


def moments(shown: Range, now: float) -> list[float]:
    """The moments to name within the last `shown` before `now`: full hours and midnights of the person's zone."""
    end = datetime.fromtimestamp(now).astimezone()
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
    back = shown.step if shown.step >= timedelta(days=1) else timedelta(days=1)
    first = midnight - back * (int(shown.seconds // back.total_seconds()) + 1)
    found, at = [], first
    while at <= end:
        if now - at.timestamp() <= shown.seconds:
            found.append(at.timestamp())
        at += shown.step
    return found


def moment_words(shown: Range) -> Callable[[float], str]:
    """How a moment is named."""

    def words(at: float) -> str:
        moment = datetime.fromtimestamp(at).astimezone()
        return moment.strftime(shown.form).replace("{day}", str(moment.day))

    return words
