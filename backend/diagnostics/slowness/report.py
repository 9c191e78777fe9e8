"""The answer: the limit that binds, in one sentence with its arithmetic, the others, and what can be done. Frozen."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from backend.dataclass import dataclass
from backend.diagnostics.remedies.model import Remedy
from backend.diagnostics.slowness.values import Measurements
from backend.errors import Advice


class LimitKind(StrEnum):
    """What holds a connection back."""

    LOOKUP_HERE = "name_lookup_here"
    TCP = "tcp_connect"
    BANNER = "banner"
    KEX = "key_exchange"
    LOOKUP_THERE = "name_lookup_at_login"
    LOGIN = "login"
    SESSION = "session_start"
    LOGIN_FILES = "login_files"
    COMMANDS = "commands"
    DISTANCE = "distance"
    WINDOW = "window"
    RATE = "rate"
    LOSS = "loss"
    QUEUE = "queue"
    DISK = "disk"
    CIPHER = "cipher"
    CPU_HERE = "cpu_here"
    CPU_THERE = "cpu_there"
    HOST_BUSY = "host_busy"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that holds it back."""

    kind: LimitKind
    sentence: str
    """What it is and what it costs, for people."""
    arithmetic: str
    """How the numbers come to that."""
    weight: float
    """How much it hurts; below 1 nobody feels it."""
    confidence: float
    """0 to 1."""
    remedies: tuple[Advice, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One element of `limits`."""
        return {
            "kind": self.kind.value,
            "sentence": self.sentence,
            "arithmetic": self.arithmetic,
            "confidence": round(self.confidence, 2),
            "remedies": [one.to_json() for one in self.remedies],
        }


@dataclass(frozen=True, slots=True)
class SlowReport:
    """Why a host is slow."""

    host: str
    measurements: Measurements
    limits: tuple[Limit, ...] = ()
    """Those that are felt, the one that hurts most first."""
    notes: tuple[str, ...] = ()
    """What was seen besides and hurts nobody by itself."""
    nothing: str = ""
    """What is said where there is no limit."""
    can: tuple[Remedy, ...] = ()
    """What of the advice this program can do by itself."""

    @property
    def limit(self) -> Limit | None:
        """The one that binds; None where nothing stands out."""
        return self.limits[0] if self.limits else None

    @property
    def sentence(self) -> str:
        return self.nothing if self.limit is None else self.limit.sentence

    @property
    def arithmetic(self) -> str:
        return "" if self.limit is None else self.limit.arithmetic

    @property
    def remedies(self) -> tuple[Advice, ...]:
        return () if self.limit is None else self.limit.remedies

    def to_json(self) -> dict[str, Any]:
        """`slow` in the output of `fairlead diagnose --slow --json`."""
        return {
            "host": self.host,
            "limit": None if self.limit is None else self.limit.kind.value,
            "sentence": self.sentence,
            "arithmetic": self.arithmetic,
            "limits": [one.to_json() for one in self.limits],
            "notes": list(self.notes),
            "measurements": self.measurements.to_json(),
        }
