"""Transfers: what is to be copied, how far it is, how it ended. The service owns them; no screen does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum

from backend.clock import Clock
from backend.connection.session import Sessions
from backend.errors import FairleadError
from backend.events import Event, EventBus
from backend.store import Store


class Direction(Enum):
    GET = "get"
    """From the host to this machine."""
    PUT = "put"
    """From this machine to the host."""


class ConflictPolicy(StrEnum):
    """What to do when the destination's name is taken by another file."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    NEWER = "newer"
    """Overwrite only what is older than the source."""
    RENAME = "rename"
    """Keep both: the new one gets a number."""


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """What is to be copied, and how."""

    direction: Direction
    host: str
    sources: tuple[str, ...]
    """Paths as the person wrote them, on the host for GET, here for PUT. Non-UTF-8 bytes as surrogate escapes."""
    destination: str
    """As `cp -r` takes it: an existing directory, or a path that ends in a slash, means into it."""
    verify: bool = True
    """Compare SHA-256 of both ends."""
    on_conflict: ConflictPolicy = ConflictPolicy.OVERWRITE
    rate_limit: int | None = None
    """Bytes a second."""
    parallel: int = 16
    """Files at once."""
    follow_symlinks: bool = False
    """Copy what links inside trees point to, rather than the links."""


class TransferState(StrEnum):
    WAITING = "waiting"
    SCANNING = "scanning"
    COPYING = "copying"
    PAUSED = "paused"
    RECONNECTING = "reconnecting"
    """The link is gone; it goes on when the session is back."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """How far a transfer is."""

    files_total: int | None = None
    """None while the tree is still being read."""
    files_done: int = 0
    bytes_total: int | None = None
    bytes_done: int = 0
    """Of the content, what was there before included."""
    sent_bytes: int = 0
    """What went over the link this time."""
    resumed_bytes: int = 0
    """What was there already, and proven."""
    skipped: int = 0
    failed: int = 0
    verified: int = 0
    rate: float | None = None
    """Bytes a second, smoothed."""
    seconds_left: float | None = None
    current: str = ""
    """What is being copied, for people."""
    restarts: int = 0
    """How often the link was lost and it went on."""


@dataclass(frozen=True, slots=True)
class ItemProblem:
    """One thing that was skipped or failed."""

    path: str
    error: FairleadError | None
    """None for what was skipped on purpose."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """How a transfer ended."""

    progress: TransferProgress
    seconds: float
    problems: tuple[ItemProblem, ...] = ()
    error: FairleadError | None = None
    """Why it ended early, or SOME_FAILED, or the single file's own error; None when all is there."""
    problems_dropped: int = 0
    """Problems beyond the first thousand, counted in `progress.failed` but not listed."""

    def to_json(self) -> dict[str, object]:
        """`files, bytes, sent_bytes, resumed_bytes, skipped, failed, verified, seconds`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TransferChanged(Event):
    """A transfer entered another state."""

    transfer_id: str
    state: TransferState


@dataclass(frozen=True, slots=True)
class TransferProgressed(Event):
    """A transfer went on; at most ten a second for each."""

    transfer_id: str


class Transfer:
    """One request on its way."""

    id: str
    request: TransferRequest
    state: TransferState
    progress: TransferProgress
    started_at: datetime
    outcome: TransferOutcome | None = None
    problems: list[ItemProblem]

    async def wait(self) -> TransferOutcome:
        """How it ended; does not raise for the transfer's own fate. Cancelling the wait does not stop it."""
        raise NotImplementedError

    def pause(self) -> None:
        raise NotImplementedError

    def resume(self) -> None:
        raise NotImplementedError

    async def cancel(self) -> TransferOutcome:
        """Stop; what has arrived is kept for the next time."""
        raise NotImplementedError


class TransferService:
    """Runs transfers."""

    def __init__(self, *, sessions: Sessions, store: Store, bus: EventBus, clock: Clock) -> None:
        raise NotImplementedError

    def submit(self, request: TransferRequest) -> Transfer:
        """Start it and return at once."""
        raise NotImplementedError

    def all(self) -> tuple[Transfer, ...]:
        """Running ones and the last hundred that ended, oldest first."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop everything in an orderly way; the journal keeps what is needed to go on. Bounded."""
        raise NotImplementedError
