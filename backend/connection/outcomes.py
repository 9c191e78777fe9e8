"""What becomes of each of a host's routes while they are tried, and the error when all of them have failed. Values."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from backend.connection.connector import Phase
from backend.connection.retry import may_repeat
from backend.connection.target import Target
from backend.connection.ways import described
from backend.dataclass import dataclass
from backend.errors import Category, Code, ConnectError, FairleadError

_MOST_TELLING = (
    Category.AUTH,
    Category.HOST_KEY,
    Category.SESSION,
    Category.PROTOCOL,
    Category.LINK,
    Category.NETWORK,
    Category.NAME,
    Category.CONFIG,
)
"""Of several failures, the one that came furthest tells most."""


class RouteStatus(StrEnum):
    """What became of a route."""

    WAITING = "not tried"
    """Not started; at the end: not needed, or the race was over before."""
    TRYING = "trying"
    WON = "won"
    LOST = "lost"
    """Given up when another one had won, or the race had ended."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RouteOutcome:
    """One route of a host in one attempt to connect."""

    route: str
    """Its name, as in `routes`."""
    way: str
    """In words: `direct`, `via bastion`, `over Tailscale, 100.64.0.7`."""
    status: RouteStatus
    error: FairleadError | None = None
    """For FAILED."""
    seconds: float | None = None
    """How long it was tried."""
    note: str = ""
    """Why it was not tried to its end, where that is because of a jump host on the way; a sentence without its stop."""
    phase: Phase | None = None
    """For TRYING: how far it has come."""
    hop: str = ""
    """The machine that is in this phase."""
    began: float | None = None
    """For TRYING: since when, on the clock's monotonic scale."""
    starts_at: float | None = None
    """For the next one that is WAITING: when it is started at the latest, on the same scale; None while it is held up
    by a login over another route."""

    def to_json(self) -> dict[str, Any]:
        return {
            "route": self.route,
            "way": self.way,
            "status": self.status.value,
            "code": None if self.error is None else self.error.code.value,
            "message": None if self.error is None else self.error.message,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "note": self.note,
        }


def way_of(target: Target) -> str:
    """How a route goes, in words."""
    parts = [described(target.hops[0].way)]
    if target.jumps:
        parts.append(f"via {', '.join(jump.name for jump in target.jumps)}")
    return ", ".join(part for part in parts if part) or "direct"


class RoutesFailed(ConnectError):
    """Every route of a host has failed. Worth a repeat where any of them is."""

    def __init__(self, host: str, failures: Sequence[tuple[str, FairleadError]]) -> None:
        self.failures = tuple(failures)
        route, worst = most_telling(failures)
        reason = " ".join(f"{name}: {_sentence(error)}" for name, error in failures)
        codes = {f"route {name}": error.code.value for name, error in failures}
        super().__init__(Code.ROUTES_FAILED, evidence={**codes, "route": route, "reason": reason}, host=host)
        own = super().advice
        self._own_advice = (*worst.advice, *(step for step in own if step not in worst.advice))

    @property
    def retryable(self) -> bool:
        return any(may_repeat(error) for _, error in self.failures)


def _sentence(error: FairleadError) -> str:
    return error.message if error.message.endswith((".", "!", "?")) else f"{error.message}."


def most_telling(failures: Sequence[tuple[str, FairleadError]]) -> tuple[str, FairleadError]:
    """Of several failures the one whose advice helps most; of equals the first."""

    def rank(failure: tuple[str, FairleadError]) -> int:
        category = failure[1].category
        return _MOST_TELLING.index(category) if category in _MOST_TELLING else len(_MOST_TELLING)

    return min(failures, key=rank)
