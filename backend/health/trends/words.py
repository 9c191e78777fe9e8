"""Dates, lengths of time and figures as the sentences tell them. Pure but for the time zone, which is the person's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backend.health.trends.values import DAY, HOUR, MINUTE

_SOON = 2 * DAY
"""What is nearer is told by the hour."""


def moment(at: float) -> datetime:
    """Seconds since 1970 as a time, UTC."""
    return datetime.fromtimestamp(at, UTC)


def date_words(at: float, now: float) -> str:
    """`3 Dec`; the year where it is another one; the time of day as well within two days: `28 Nov 14:00`."""
    then, today = moment(at).astimezone(), moment(now).astimezone()
    year = "" if then.year == today.year else f" {then.year}"
    clock = f" {then:%H:%M}" if abs(at - now) < _SOON else ""
    return f"{then.day} {then:%b}{year}{clock}"


def length_words(seconds: float) -> str:
    """Roughly, in one unit: `40 minutes`, `6 hours`, `9 days`."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        count = round(seconds / unit)
        if seconds >= 1.5 * unit or name == "minute":
            return f"{max(1, count)} {name}{'' if count <= 1 else 's'}"
    raise AssertionError("a minute is the last unit")


def percent_words(ratio: float) -> str:
    """`0.4 %`, `12 %`."""
    percent = 100 * ratio
    return f"{percent:.0f} %" if abs(percent) >= 9.95 else f"{percent:.2g} %"


def milliseconds_words(seconds: float) -> str:
    """`0.4 ms`, `12 ms`, `1.2 s`."""
    if seconds >= 0.9995:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.00095 else f"{seconds * 1000:.1f} ms"


def span_of(seconds: float) -> timedelta:
    """To the second."""
    return timedelta(seconds=round(seconds))
