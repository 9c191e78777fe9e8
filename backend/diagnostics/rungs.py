"""The rungs of a ladder and the verdict over them: frozen values, and how they read as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from backend.connection.connector import Phase
from backend.connection.target import Target
from backend.dataclass import dataclass
from backend.diagnostics.remedies.model import Remedy
from backend.errors import Advice, Code, FairleadError


class RungId(StrEnum):
    """What a rung is about, in the order in which it is climbed."""

    CONFIG = "config"
    NAME = "name"
    ROUTE = "route"
    TCP = "tcp"
    BANNER = "banner"
    KEX = "kex"
    HOST_KEY = "host_key"
    AUTH = "auth"
    SESSION = "session"
    FILES = "files"
    PERFORMANCE = "performance"

    @classmethod
    def of(cls, phase: Phase) -> RungId:
        """The rung that a connector's phase is told on."""
        return cls(phase.value)


class RungStatus(StrEnum):
    """How it stands with a rung."""

    RUNNING = "running"
    PASS = "pass"  # noqa: S105 - a verdict
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    """Not reached, or not applicable."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder."""

    id: RungId
    status: RungStatus
    hop: str
    """The machine it concerns."""
    code: Code | None = None
    summary: str = ""
    """What was found, in a few words."""
    ms: float | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    advice: tuple[Advice, ...] = ()
    error: FairleadError | None = None
    remedies: tuple[Remedy, ...] = ()
    """Those of the advice that can be applied from here."""

    def to_json(self) -> dict[str, Any]:
        """One element of `rungs` in the output of `fairlead diagnose --json`."""
        return {
            "id": self.id.value,
            "hop": self.hop,
            "status": self.status.value,
            "code": None if self.code is None else self.code.value,
            "summary": self.summary,
            "ms": None if self.ms is None else round(self.ms, 1),
            "evidence": dict(self.evidence),
            "advice": [item.to_json() for item in self.advice],
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The whole ladder."""

    host: str
    rungs: tuple[Rung, ...]

    @property
    def verdict(self) -> str:
        """`ok`, `warn` or `failed`."""
        if self.failed is not None:
            return "failed"
        return "ok" if self._first(RungStatus.WARN) is None else "warn"

    @property
    def failed(self) -> Rung | None:
        """The first broken rung."""
        return self._first(RungStatus.FAIL)

    @property
    def code(self) -> Code | None:
        """Of the broken rung; of the first warning where nothing is broken; None when all is well."""
        worst = self.failed or self._first(RungStatus.WARN)
        return None if worst is None else worst.code

    def to_json(self) -> dict[str, Any]:
        """As `fairlead diagnose --json` prints it."""
        return {
            "host": self.host,
            "verdict": self.verdict,
            "failed_rung": None if self.failed is None else self.failed.id.value,
            "code": None if self.code is None else self.code.value,
            "rungs": [rung.to_json() for rung in self.rungs],
        }

    def _first(self, status: RungStatus) -> Rung | None:
        return next((rung for rung in self.rungs if rung.status is status), None)


Place = tuple[str, RungId]
"""A rung's place in the plan: the machine, and what about it."""

_PER_HOP = (RungId.ROUTE, RungId.TCP, RungId.BANNER, RungId.KEX, RungId.HOST_KEY, RungId.AUTH)
_AT_THE_END = (RungId.SESSION, RungId.FILES, RungId.PERFORMANCE)


def plan(host: str, target: Target | None) -> tuple[Place, ...]:
    """The rungs to climb, in order: config once, then each hop, then what only the host itself can show.

    Only the first hop's name is looked up here; the others are looked up by the jump host before them. Without a
    target the plan is that of a host reached directly.
    """
    names = [host] if target is None else [hop.name for hop in target.hops]
    climb: list[Place] = [(host, RungId.CONFIG), (names[0], RungId.NAME)]
    climb += [(name, rung) for name in names for rung in _PER_HOP]
    climb += [(names[-1], rung) for rung in _AT_THE_END]
    return tuple(climb)
