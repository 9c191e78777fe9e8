"""Deadlines as people write them: in how long, or at what time. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_SPAN = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>s|m|min|h|d)", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_CLOCK = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})")


def read_deadline(text: str, now: datetime) -> datetime:
    """`2h`, `30m`, `1d`: in that long; `18:00`: when the clock shows this next; or a date and time of ISO 8601.

    `now` is aware, in the person's zone; so is the result. Raises ValueError with what is wrong.
    """
    text = text.strip()
    if match := _SPAN.fullmatch(text):
        moment = _after(float(match["count"]) * _UNITS[match["unit"].lower()], now)
    elif match := _CLOCK.fullmatch(text):
        moment = _next(int(match["hour"]), int(match["minute"]), now)
    else:
        moment = _dated(text, now)
    if moment <= now:
        raise ValueError(f"{text!r} has passed already")
    return moment


def _after(seconds: float, now: datetime) -> datetime:
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError("the deadline is beyond the calendar") from None


def _next(hour: int, minute: int, now: datetime) -> datetime:
    if hour > 23 or minute > 59:
        raise ValueError("a time of day is between 00:00 and 23:59")
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def _dated(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no deadline; write 2h, 30m, 18:00 or 2026-03-09T18:00") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=now.tzinfo)
