"""What the past says about what comes: a frozen value for screens, the command line and reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from backend.dataclass import dataclass
from backend.health.deep.values import Level

Series = Sequence[tuple[float, float]]
"""Seconds since 1970 and a value, in any order; gaps, duplicates and what is not a number are allowed."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
HORIZON_DAYS = 30
"""What lies further ahead is not told: so far ahead a straight line is a guess."""


class TrendKind(StrEnum):
    """What kind of change it is."""

    SHIFT = "shift"
    """A value stays higher than it used to be."""
    FILL = "fill"
    """Something with a limit fills."""
    LEAK = "leak"
    """Available memory falls for as long as the host is up."""
    FAILURES = "failures"
    """More attempts fail than before."""
    EXPIRY = "expiry"
    """Something ends on a date that is known."""


@dataclass(frozen=True, slots=True)
class Trend:
    """One change that is sure enough to be told."""

    kind: TrendKind
    metric: str
    """Its name in the history: `disk./.used_ratio`, `latency`."""
    sentence: str
    """All of it in one line, the person's time zone in its dates."""
    reasons: tuple[str, ...]
    """The figures behind it, one sentence each."""
    level: Level
    short: str = ""
    """A few words for a line with many: `/ full on 3 Dec (±4 days)`."""
    eta: datetime | None = None
    """When it comes to its limit, UTC; None where it has none."""
    uncertainty: timedelta | None = None
    """`eta` lies within so much on either side nine times in ten; None without `eta`."""
    confidence: float = 0.0
    """0 to 1: how sure it is that there is a change at all, not how bad it is."""
    since: datetime | None = None
    """When it began, or how far back it was seen, UTC."""

    def to_json(self) -> dict[str, Any]:
        """One of `trends` in the output of `fairlead health --json`."""
        return {
            "kind": self.kind.value,
            "metric": self.metric,
            "level": self.level.value,
            "sentence": self.sentence,
            "reasons": list(self.reasons),
            "eta": None if self.eta is None else self.eta.isoformat(),
            "uncertainty_seconds": None if self.uncertainty is None else round(self.uncertainty.total_seconds()),
            "confidence": round(self.confidence, 3),
            "since": None if self.since is None else self.since.isoformat(),
        }
