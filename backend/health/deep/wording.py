"""Numbers as they stand in the sentences of readings."""

from __future__ import annotations


def share(ratio: float) -> str:
    """`93 %`; small ones with a digit more."""
    percent = ratio * 100
    if 0 < percent < 0.1:
        return "under 0.1 %"
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.1f} %"


def size(count: float) -> str:
    """Bytes, in powers of a thousand."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 999.95 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError


def span(seconds: float) -> str:
    """A stretch of time, by its two largest units at most."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 2 * 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    days, rest = divmod(whole, 86400)
    return f"{days} d {rest // 3600} h" if days < 30 else f"{days:,} d"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 unit`, `2 units`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
