"""What a report holds: a host, and whatever was found out about it; every part may be missing. Frozen, and as JSON.

`docs/reports.md` describes the JSON. `VERSION` grows when something in it changes its meaning or goes; what is added
does not change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from backend.clock import iso
from backend.dataclass import dataclass
from backend.diagnostics.checks import Check
from backend.diagnostics.rungs import Diagnosis
from backend.diagnostics.server_side.findings import NotSeen, ServerSide
from backend.diagnostics.slowness.report import SlowReport
from backend.errors import FairleadError
from backend.health.deep.values import DeepCheck
from backend.health.history.values import Point
from backend.health.trends.values import Trend
from backend.health.values import SshHealth
from backend.reports.program import ProgramFacts

FORMAT = "fairlead.report"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is told of one host."""

    host: str
    made_at: datetime
    """When what it tells of was found out; aware."""
    program: ProgramFacts
    diagnosis: Diagnosis | None = None
    server_side: ServerSide | NotSeen | None = None
    """Why the host refuses the login, seen from inside; None where nobody looked."""
    checks: tuple[Check, ...] | None = None
    """What was tried to verify the connection; None where nothing was."""
    slow: SlowReport | None = None
    """Why it is slow; None where that was not measured."""
    deep: DeepCheck | None = None
    """The last look into the host."""
    health: SshHealth | None = None
    trends: tuple[Trend, ...] | None = None
    """What its past leads to; None where that is not known."""
    courses: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    """How the readings of `trends` went, by name."""
    problem: FairleadError | None = None
    """Why something that belongs here is missing."""

    def to_json(self) -> dict[str, Any]:
        """As `docs/reports.md` describes it."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "host": self.host,
            "made_at": iso(self.made_at),
            "program": self.program.to_json(),
            "diagnosis": None if self.diagnosis is None else self.diagnosis.to_json(),
            "server_side": None if self.server_side is None else self.server_side.to_json(),
            "verify": None if self.checks is None else [check.to_json() for check in self.checks],
            "slow": None if self.slow is None else self.slow.to_json(),
            "deep": None if self.deep is None else self.deep.to_json(),
            "trends": None if self.trends is None else [trend.to_json() for trend in self.trends],
            "health": None if self.health is None else self.health.to_json(),
            "problem": None if self.problem is None else self.problem.to_json(),
        }
