"""Readings by the names that people have for them, and their values with units. Pure."""

from __future__ import annotations

from backend.health.deep.values import Level
from backend.sizes import size_text
from backend.text import clean_line
from tui.format import duration_text, latency_text
from tui.glyphs import Glyphs

_NAMES = {
    "latency": "round trip",
    "load.1m": "load, 1 min",
    "load.5m": "load, 5 min",
    "load.15m": "load, 15 min",
    "load.per_cpu": "load per CPU",
    "memory.available_ratio": "memory available",
    "memory.total_bytes": "memory",
    "swap.used_ratio": "swap",
    "pressure.cpu": "waits for CPU",
    "pressure.io": "waits for disks",
    "pressure.memory": "waits for memory",
    "mounts.read_only": "read-only mounts",
    "units.failed": "failed units",
    "clock.offset": "clock difference",
    "uptime": "up for",
    "sockets.used": "sockets",
    "sockets.tcp": "TCP sockets",
    "sockets.time_wait": "TIME_WAIT sockets",
    "conntrack.used_ratio": "connection table",
    "files.used_ratio": "open files",
    "oom.kills": "killed, no memory",
    "oom.recent": "killed lately",
    "processes.count": "processes",
    "processes.zombies": "zombies",
    "processes.blocked": "blocked processes",
    "reboot.required": "restart asked for",
    "certificate.user.seconds_left": "your certificate",
    "certificate.host.seconds_left": "host's certificate",
    "logins": "logins that fail",
}
_PREFIXES = {"disk.": "disk", "inodes.": "inodes", "gpu.": "GPU"}
_PARTS = (
    (".used_ratio", ""), (".free_bytes", " free"), (".load_ratio", " load"), (".celsius", " heat"),
)  # fmt: skip
_ORDER = ("latency", "load.5m", "load.per_cpu", "memory.", "swap.", "pressure.", "disk.", "inodes.", "units.", "clock.")


def reading_label(name: str) -> str:
    """`disk /srv`, `memory available`; a name that nobody knows as it is."""
    if name in _NAMES:
        return _NAMES[name]
    for prefix, word in _PREFIXES.items():
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            ending, said = next(((end, text) for end, text in _PARTS if rest.endswith(end)), ("", ""))
            return clean_line(f"{word} {rest.removesuffix(ending)}{said}")
    return clean_line(name)


def reading_value(name: str, value: float) -> str:
    """`83 %`, `12 ms`, `18.0 GB`, `0.71`, `3 d 4 h`."""
    if is_ratio(name):
        percent = 100 * value
        if 0 < percent < 0.05:
            return "<0.1 %"
        return f"{percent:.0f} %" if percent >= 9.95 or percent == 0 else f"{percent:.1f} %"
    if name.endswith("_bytes"):
        return size_text(value)
    if name == "latency":
        return latency_text(value)
    if name == "clock.offset":
        return f"{'-' if value < 0 else ''}{latency_text(abs(value))}"
    if name == "uptime" or name.endswith(".seconds_left"):
        return duration_text(value) if value >= 0 else "over"
    if name.endswith(".celsius"):
        return f"{value:.0f} °C"
    return f"{value:.2f}" if name.startswith("load.") else f"{value:,.0f}"


def finer_value(name: str, value: float) -> str:
    """With one digit more, for values that lie close together: `82.6 %`, `12.3 ms`, `0.714`."""
    if is_ratio(name):
        return f"{100 * value:.1f} %"
    if name in ("latency", "clock.offset"):
        return f"{1000 * value:.1f} ms"
    if name.startswith("load."):
        return f"{value:.3f}"
    usual = reading_value(name, value)
    return usual if " " in usual else f"{value:,.1f}"


def is_ratio(name: str) -> bool:
    """Whether it is a part of a whole, 0 to 1."""
    return name.endswith("_ratio") or name.startswith("pressure.")


def order_of(name: str) -> tuple[int, str]:
    """Where it stands among the others: what people ask for first comes first."""
    place = next((number for number, prefix in enumerate(_ORDER) if name.startswith(prefix)), len(_ORDER))
    return place, name


def level_look(level: Level | None, glyphs: Glyphs) -> tuple[str, str]:
    """The sign and the style of a level; none for what is not judged."""
    return {
        Level.OK: (glyphs.passed, "$success"),
        Level.WARN: (glyphs.attention, "$warning"),
        Level.CRITICAL: (glyphs.failed, "$error"),
        Level.UNKNOWN: ("?", "$quiet"),
        None: (glyphs.not_reached, "$faint"),
    }[level]
