"""Rates as people write them. Pure."""

from __future__ import annotations

import re

from backend.patterns import pattern

_RATE = pattern(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmg]?)(?:i?b)?(?:/s)?", re.IGNORECASE)
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
"""Bytes, by the letter that people write behind a number."""


def read_rate(text: str) -> int:
    """Bytes a second: a number with k, M or G (of 1024) as rsync(1) takes it. Raises ValueError with what is wrong."""
    match = _RATE.fullmatch(text.strip())
    rate = int(float(match["number"]) * UNITS[match["unit"].lower()]) if match else 0
    if rate <= 0:
        raise ValueError(f"{text!r} is no rate; write bytes a second, as 500k or 2M")
    return rate
