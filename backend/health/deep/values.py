"""What a deep check of a host has found: frozen values for screens, the command line, the history, reports and exports.

A reading's name is dotted and stays: scripts, histories and thresholds rely on it. A mount point stands in it as it is
(`disk./srv/data.used_ratio`), cleaned. `docs/health.md` lists the names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from backend.clock import iso
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.events import Event


class Level(StrEnum):
    """How well something is. What could not be read is UNKNOWN, never OK."""

    OK = "ok"
    WARN = "warn"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


_SEVERITY = (Level.OK, Level.UNKNOWN, Level.WARN, Level.CRITICAL)


def worst(levels: Iterable[Level]) -> Level:
    """The worst of `levels`: critical, warn, unknown, ok. Of none: unknown."""
    return max(levels, key=_SEVERITY.index, default=Level.UNKNOWN)


def severity(level: Level) -> int:
    """A number to order levels by; the worst has the highest."""
    return _SEVERITY.index(level)


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that was looked at."""

    name: str
    """As `load.5m`, `memory.available_ratio`, `disk./.used_ratio`."""
    value: float | None
    """None where it could not be read."""
    unit: str
    """`ratio` (0 to 1), `bytes`, `seconds`, `celsius`, or empty for a plain number."""
    level: Level
    text: str
    """A sentence with the numbers, cleaned: `/ is 93 % full: 3.1 GB of 42.0 GB are free.`"""
    is_optional: bool = False
    """Whether hosts may well lack it: being unknown, it does not make the host's level unknown."""

    def to_json(self) -> dict[str, Any]:
        """One element of `readings`."""
        return {
            "name": self.name,
            "value": None if self.value is None else round(self.value, 6),
            "unit": self.unit,
            "level": self.level.value,
            "text": self.text,
            "optional": self.is_optional,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What `to_json` told. Raises KeyError, TypeError or ValueError for anything else."""
        value = told["value"]
        return cls(
            str(told["name"]),
            None if value is None else float(value),
            str(told["unit"]),
            Level(told["level"]),
            str(told["text"]),
            bool(told.get("optional", False)),
        )


@dataclass(frozen=True, slots=True)
class DeepCheck:
    """One look into a host, in one exec."""

    host: str
    at: datetime
    """When the answer had come, by our own clock; aware."""
    seconds: float
    """From the question to the whole answer."""
    readings: tuple[Reading, ...]
    """In the order in which they are shown."""
    problems: tuple[str, ...] = ()
    """What could not be read as it should, and what was left out: for people, cleaned."""
    boot_id: str = ""
    """Another one after each start of the host; empty where it does not tell."""
    rebooted: bool = False
    """Whether the host has started anew since the check before this one."""
    system: str = ""
    """As `Linux 6.8.0`; empty where it does not tell."""
    failed_units: tuple[str, ...] = ()
    """systemd units that have failed, cleaned."""

    @property
    def level(self) -> Level:
        """The worst of the readings, without optional ones that are not known."""
        return worst(one.level for one in self.readings if not (one.is_optional and one.level is Level.UNKNOWN))

    @property
    def values(self) -> dict[str, float]:
        """What is known, by name: what the history keeps."""
        return {one.name: one.value for one in self.readings if one.value is not None}

    @property
    def concerns(self) -> tuple[Reading, ...]:
        """What is not right, the worst first."""
        bad = [one for one in self.readings if one.level in (Level.WARN, Level.CRITICAL)]
        return tuple(sorted(bad, key=lambda one: -severity(one.level)))

    def reading(self, name: str) -> Reading | None:
        """The reading of that name."""
        return next((one for one in self.readings if one.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """`deep` in the output of `fairlead health --deep --json`."""
        return {
            "host": self.host,
            "at": iso(self.at),
            "seconds": round(self.seconds, 3),
            "level": self.level.value,
            "system": self.system,
            "boot_id": self.boot_id,
            "rebooted": self.rebooted,
            "readings": [one.to_json() for one in self.readings],
            "failed_units": list(self.failed_units),
            "problems": list(self.problems),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What `to_json` told. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            host=str(told["host"]),
            at=datetime.fromisoformat(str(told["at"])),
            seconds=float(told["seconds"]),
            readings=tuple(Reading.from_json(one) for one in told["readings"]),
            problems=tuple(str(one) for one in told["problems"]),
            boot_id=str(told["boot_id"]),
            rebooted=bool(told["rebooted"]),
            system=str(told["system"]),
            failed_units=tuple(str(one) for one in told.get("failed_units", ())),
        )


@dataclass(frozen=True, slots=True)
class DeepChecked(Event):
    """A host was looked into."""

    check: DeepCheck


@dataclass(frozen=True, slots=True)
class DeepCheckFailed(Event):
    """The monitor could not look into a host."""

    error: FairleadError
    again: bool
    """Whether it tries again by itself."""


@dataclass(frozen=True, slots=True)
class HealthLevelChanged(Event):
    """What the monitor says of one thing has changed, and it is no mere flutter."""

    name: str
    """The reading, or `reach` for whether the host is reached at all."""
    old: Level
    new: Level
    text: str
    """Why, as a sentence."""
    at: datetime
