"""What verifying a connection finds: one frozen value for each thing that was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from backend.dataclass import dataclass
from backend.diagnostics.remedies.model import Remedy
from backend.errors import Advice, Code


class CheckId(StrEnum):
    """What is tried, in this order."""

    EXEC = "exec"
    SHELL = "shell"
    HOME = "home"
    SFTP = "sftp"
    WRITE = "write"
    SPACE = "space"
    FORWARD = "forward"
    CLOCK = "clock"
    MODULES = "modules"


class CheckStatus(StrEnum):
    """How it went."""

    PASS = "pass"  # noqa: S105 - a verdict
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    """Not possible on this account, or not reached; `summary` says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried."""

    id: CheckId
    status: CheckStatus
    summary: str
    """What was found, in a few words, on one line."""
    ms: float
    code: Code | None = None
    """For all but PASS, where the catalogue knows the cause."""
    evidence: Mapping[str, str] = field(default_factory=dict)
    advice: tuple[Advice, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    """What of the advice this program can do by itself."""

    def to_json(self) -> dict[str, Any]:
        """One element of `verify` in the output of `fairlead diagnose --verify --json`."""
        return {
            "id": self.id.value,
            "status": self.status.value,
            "code": None if self.code is None else self.code.value,
            "summary": self.summary,
            "ms": round(self.ms, 1),
            "evidence": dict(self.evidence),
            "advice": [item.to_json() for item in self.advice],
        }
