"""A transfer as the queue keeps it: what was asked for, where it stands, how far it was, how it ended. Values only."""

from __future__ import annotations

from dataclasses import field, replace
from datetime import datetime
from typing import Any

from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.events import Event
from backend.files.model import (
    Direction,
    ItemNote,
    ItemProblem,
    TransferOutcome,
    TransferProgress,
    TransferRequest,
    TransferState,
)
from backend.files.queue.rules import MOVING, Wish
from backend.priority import Priority
from backend.text import show_bytes

_S = TransferState


@dataclass(frozen=True, slots=True)
class TransferListed(Event):
    """The list of transfers holds something else than before, apart from what this process does itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRecord:
    """One transfer of the list."""

    id: str
    """Stays the same over restarts."""
    request: TransferRequest
    state: TransferState
    priority: Priority
    place: float
    """Among those of its priority; the smaller, the earlier."""
    asked: datetime
    stopped: datetime | None = None
    """When it came to its end or was interrupted."""
    progress: TransferProgress = field(default_factory=TransferProgress)
    """As it was a second ago at most, while a process works on it."""
    outcome: TransferOutcome | None = None
    """Of one that does not go on; without its items, which are read on their own."""
    by_itself: bool = True
    """Once interrupted, it goes on as soon as its host is connected; else only when it is asked to."""
    owner: str | None = None
    """The process that works on it."""
    ours: bool = False
    """That is this one."""
    wish: Wish | None = None
    """What somebody else has asked its process to do, and what it has not done yet."""
    revision: int = 0
    """Grows with each change."""

    @property
    def held(self) -> bool:
        """Whether a process works on it."""
        return self.owner is not None

    @property
    def failed_items(self) -> int:
        return self.progress.failed

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        request, error = self.request, self.outcome.error if self.outcome else None
        return {
            "id": self.id,
            "host": request.host,
            "direction": request.direction.value,
            "to_host": request.to_host,
            "sources": [shown(source) for source in request.sources],
            "destination": shown(request.destination),
            "state": self.state.value,
            "priority": self.priority.name.lower(),
            "asked": self.asked.isoformat(),
            "stopped": self.stopped.isoformat() if self.stopped else None,
            "process": int(self.owner.partition("-")[0]) if self.owner else None,
            "asked_to": self.wish.value if self.wish else None,
            "rate_limit": request.rate_limit,
            "progress": _progress_json(self.progress),
            "error": error.to_json() if error else None,
        }


@dataclass(frozen=True, slots=True)
class TransferItems:
    """What became of single items of a transfer."""

    problems: tuple[ItemProblem, ...] = ()
    notes: tuple[ItemNote, ...] = ()

    def of(self, outcome: TransferOutcome) -> TransferOutcome:
        """`outcome`, with these in it."""
        return replace(
            outcome,
            problems=self.problems,
            notes=self.notes,
            problems_dropped=max(0, outcome.problems_dropped - len(self.problems)),
            notes_dropped=max(0, outcome.notes_dropped - len(self.notes)),
        )


def without_items(outcome: TransferOutcome) -> TransferOutcome:
    """`outcome` with its items counted rather than listed."""
    return replace(
        outcome,
        problems=(),
        notes=(),
        problems_dropped=outcome.problems_dropped + len(outcome.problems),
        notes_dropped=outcome.notes_dropped + len(outcome.notes),
    )


def in_order(records: list[TransferRecord]) -> list[TransferRecord]:
    """Those under way, those that wait in the order in which they will go, then the others, newest first."""
    return sorted(records, key=rank)


def rank(record: TransferRecord) -> tuple[int, float, float, str]:
    """What `in_order` sorts by; no two have the same."""
    if record.state in MOVING:
        return (0, record.asked.timestamp(), record.place, record.id)
    if record.state in {_S.WAITING, _S.PAUSED}:
        return (1, -record.priority, record.place, record.id)
    when = (record.stopped or record.asked).timestamp()
    return (2 if record.state is _S.INTERRUPTED else 3, 0, -when, record.id)


def retry_of_failed(request: TransferRequest, outcome: TransferOutcome) -> TransferRequest | None:
    """One transfer of just the items that failed; None when none did.

    Where not all of them are listed it is the same again: what is in its place already is not sent another time.
    """
    failed = tuple(problem.source for problem in outcome.problems if problem.error is not None)
    if outcome.problems_dropped or not all(failed):
        return request
    return replace(request, only=failed) if failed else None


def words(request: TransferRequest) -> str:
    """`put model.bin → web-1:/srv/app`, for people, cleaned."""
    names = " ".join(shown(source) for source in request.sources)
    there = "" if request.direction is Direction.GET else f"{request.to_host or request.host}:"
    here = "" if request.direction is Direction.PUT else f"{request.host}:"
    return f"{request.direction.value} {here}{names} → {there}{shown(request.destination)}"


def shown(path: str) -> str:
    return show_bytes(path.encode("utf-8", "surrogateescape"))


def why(record: TransferRecord) -> FairleadError | None:
    """Why it does not go on, where that is known."""
    return record.outcome.error if record.outcome else None


def _progress_json(progress: TransferProgress) -> dict[str, Any]:
    names = ("files_total", "files_done", "bytes_total", "bytes_done", "sent_bytes", "resumed_bytes")
    counts = {name: getattr(progress, name) for name in names}
    more = {name: getattr(progress, name) for name in ("skipped", "failed", "verified", "restarts")}
    rate = None if progress.rate is None else round(progress.rate)
    left = None if progress.seconds_left is None else round(progress.seconds_left, 1)
    return {**counts, **more, "rate": rate, "seconds_left": left, "current": progress.current}
