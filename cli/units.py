"""Sizes, rates and times for people. Pure."""

from __future__ import annotations


def counted(count: int, one: str, more: str = "") -> str:
    """`1 login`, `2 logins`; `more` where the plural is not `one` with an s."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def seconds_text(seconds: float) -> str:
    """`0.4 s`, `31 s`, `3 min 20 s`, `2 h 05 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
