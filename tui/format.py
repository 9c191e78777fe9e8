"""Numbers and times as a person reads them: short, aligned, with units. Pure."""

from __future__ import annotations

from datetime import datetime

from backend.sizes import size_text

_DURATIONS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def bytes_text(count: int) -> str:
    """To the byte: `1 byte`, `4,200,000 bytes`."""
    return f"{count:,} byte{'' if count == 1 else 's'}"


def rate_text(bytes_per_second: float) -> str:
    """`48.2 MB/s`"""
    return f"{size_text(bytes_per_second)}/s"


def duration_text(seconds: float) -> str:
    """A length of time in its two largest units: `0.4 s`, `14 s`, `3 min 5 s`, `2 h 14 min`, `3 d 4 h`."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    for unit, name, part, part_name in _DURATIONS:
        if whole >= unit:
            rest = whole % unit // part
            return f"{whole // unit} {name} {rest} {part_name}" if rest else f"{whole // unit} {name}"
    return f"{whole} s"


def left_text(seconds: float) -> str:
    """Time left, roughly: `31 s left`, `3 min left`, `2 h left`."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s left"
    if seconds < 5400:
        return f"{round(seconds / 60)} min left"
    return f"{round(seconds / 3600)} h left"


def latency_text(seconds: float) -> str:
    """A round trip: `0.4 ms`, `12 ms`, `1.2 s`."""
    if seconds >= 0.9995:
        return f"{seconds:.1f} s"
    ms = seconds * 1000
    if ms < 0.05:
        return "0 ms"
    return f"{ms:.1f} ms" if ms < 0.95 else f"{ms:.0f} ms"


def ago_text(then: datetime, now: datetime) -> str:
    """How long ago: `just now`, `4 min ago`, `2 h ago`, `3 d ago`."""
    seconds = (now - then).total_seconds()
    if seconds < 10:
        return "just now"
    if seconds < 60:
        return f"{round(seconds)} s ago"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h ago"
    return f"{int(seconds // 86400)} d ago"


def clock_text(moment: datetime) -> str:
    """The time of day in the person's zone: `09:41`."""
    return moment.astimezone().strftime("%H:%M")


def moment_text(moment: datetime, now: datetime) -> str:
    """A time of day in the person's zone, with its date where that is not today's: `18:00`, `3 Mar 18:00`."""
    moment, today = moment.astimezone(), now.astimezone().date()
    if moment.date() == today:
        return f"{moment:%H:%M}"
    year = "" if moment.year == today.year else f" {moment.year}"
    return f"{moment.day} {moment:%b}{year} {moment:%H:%M}"
