"""Which trend is sought in which reading, and with what words. Pure: all that is known of a host in, its trends out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from backend.dataclass import dataclass
from backend.health.deep.values import DeepCheck, Level, severity
from backend.health.trends.expiry import expiry
from backend.health.trends.failures import Tries, rising_failures
from backend.health.trends.fill import WARN_DAYS, Vessel, fill
from backend.health.trends.leak import leak
from backend.health.trends.shift import shift
from backend.health.trends.values import DAY, Series, Trend

LATENCY = "latency"
MEMORY = "memory.available_ratio"
LOGINS = "logins"
_CERTIFICATES = {
    "certificate.user.seconds_left": "your certificate",
    "certificate.host.seconds_left": "the host's certificate",
}
_TABLES = {
    "conntrack.used_ratio": ("the connection table", "it grew"),
    "files.used_ratio": ("the table of open files", "it grew"),
}
_DISK, _INODES, _RATIO = "disk.", "inodes.", ".used_ratio"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one host."""

    readings: Mapping[str, Series] = field(default_factory=dict)
    """By name; of the last five weeks or so."""
    trips: Series = ()
    """Round trips in seconds, by the hour, from the connections themselves."""
    tries: Sequence[Tries] = ()
    """Attempts to reach it, by the day."""
    check: DeepCheck | None = None
    """The last one."""


def is_wanted(name: str) -> bool:
    """Whether a trend is sought in the reading of that name."""
    return name in (LATENCY, MEMORY, *_TABLES) or (name.startswith((_DISK, _INODES)) and name.endswith(_RATIO))


def find_trends(known: Known, *, now: float) -> tuple[Trend, ...]:
    """All that can be said, the worst and then the nearest first."""
    found = [one for one in _each(known, now) if one is not None]
    return tuple(sorted(found, key=lambda one: (-severity(one.level), one.eta.timestamp() if one.eta else now)))


def _each(known: Known, now: float) -> Iterator[Trend | None]:
    checked = known.readings.get(LATENCY, ())
    yield shift(LATENCY, LATENCY, known.trips if len(known.trips) >= len(checked) else checked, now=now)
    yield rising_failures(LOGINS, known.tries, now=now)
    for name, series in known.readings.items():
        if (vessel := vessel_of(name, known.check)) is not None:
            yield fill(vessel, series, now=now)
    if (memory := known.readings.get(MEMORY)) is not None:
        size = _value(known.check, "memory.total_bytes")
        yield leak(MEMORY, memory, now=now, starts=_starts(known.check), size=size)
    yield from _ends(known.check, now)


def vessel_of(name: str, check: DeepCheck | None) -> Vessel | None:
    """What fills, by the name of the reading; None for readings of other things."""
    if name in _TABLES:
        called, grew = _TABLES[name]
        return Vessel(name, called, grew=grew)
    if not name.endswith(_RATIO):
        return None
    if name.startswith(_DISK):
        mount = name.removeprefix(_DISK).removesuffix(_RATIO)
        return Vessel(name, mount, size=_size_of(mount, check))
    if name.startswith(_INODES):
        mount = name.removeprefix(_INODES).removesuffix(_RATIO)
        return Vessel(name, mount, full="has no inodes left", short="out of inodes", grew="their use grew")
    return None


def _size_of(mount: str, check: DeepCheck | None) -> float | None:
    """Bytes of a disk, as far as they are anybody's to use."""
    free, used = _value(check, f"{_DISK}{mount}.free_bytes"), _value(check, f"{_DISK}{mount}{_RATIO}")
    return None if free is None or used is None or used >= 1 else free / (1 - used)


def _starts(check: DeepCheck | None) -> tuple[float, ...]:
    """When the host started last."""
    up = _value(check, "uptime")
    return () if check is None or up is None else (check.at.timestamp() - up,)


def _ends(check: DeepCheck | None, now: float) -> Iterator[Trend | None]:
    """Certificates. One that holds for days only is judged by its life, which the reading knows: all is well then."""
    for name, called in _CERTIFICATES.items():
        reading = check.reading(name) if check is not None else None
        if check is None or reading is None or reading.value is None:
            continue
        ends = check.at.timestamp() + reading.value
        if reading.level is not Level.OK or ends - now > WARN_DAYS * DAY:
            yield expiry(name, called, ends, now=now)


def _value(check: DeepCheck | None, name: str) -> float | None:
    reading = check.reading(name) if check is not None else None
    return None if reading is None else reading.value
