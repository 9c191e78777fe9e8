"""The words of transfers: what is to be copied, how far it is, how it ended. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from backend.errors import FairleadError


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
class ItemNote:
    """Something about one item that a person should know, though it is neither skipped nor failed."""

    path: str
    note: str


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """How a transfer ended."""

    progress: TransferProgress
    seconds: float
    problems: tuple[ItemProblem, ...] = ()
    error: FairleadError | None = None
    """Why it ended early, or SOME_FAILED, or the single file's own error; None when all is there."""
    problems_dropped: int = 0
    """Problems beyond the first thousand, counted in `progress.failed` or `progress.skipped` but not listed."""
    notes: tuple[ItemNote, ...] = ()
    """Started again because the source changed, could not be verified, and the like; the first thousand."""

    def to_json(self) -> dict[str, object]:
        """`files, bytes, sent_bytes, resumed_bytes, skipped, failed, verified, seconds`."""
        return {
            "files": self.progress.files_done,
            "bytes": self.progress.bytes_done,
            "sent_bytes": self.progress.sent_bytes,
            "resumed_bytes": self.progress.resumed_bytes,
            "skipped": self.progress.skipped,
            "failed": self.progress.failed,
            "verified": self.progress.verified,
            "seconds": round(self.seconds, 3),
        }
