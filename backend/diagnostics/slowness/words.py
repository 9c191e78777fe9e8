"""Numbers as people read them: times, rates, sizes. Pure."""

from __future__ import annotations

_MI = 1 << 20


def time_text(seconds: float) -> str:
    """`620 ms`, `0.4 ms`, `12.1 s`."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    ms = seconds * 1000
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"


def rate_text(rate: float) -> str:
    """`3.4 MB/s`: decimal units, as networks count."""
    for unit, size in (("GB/s", 1e9), ("MB/s", 1e6), ("kB/s", 1e3)):
        if rate >= size:
            value = rate / size
            return f"{value:.0f} {unit}" if value >= 20 else f"{value:.1f} {unit}"
    return f"{rate:.0f} B/s"


def size_text(count: float) -> str:
    """`2 MiB`: binary units, as windows are."""
    if count >= _MI:
        value, unit = round(count / _MI, 1), "MiB"
    else:
        value, unit = round(count / 1024, 1), "KiB"
    return f"{value:.0f} {unit}" if value >= 10 or value == int(value) else f"{value:.1f} {unit}"


def share_text(share: float) -> str:
    """`97 %`, `0.4 %`."""
    per_cent = share * 100
    return f"{per_cent:.0f} %" if per_cent >= 10 or per_cent == 0 else f"{per_cent:.1f} %"


def coarse_text(seconds: float) -> str:
    """A length of time that a host tells to the hundredth of a second: `< 10 ms`, else as `time_text`."""
    return "< 10 ms" if seconds < 0.01 else time_text(seconds)
