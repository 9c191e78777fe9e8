"""The words of transfers: what is to be copied, how far it is, how it ended. Values only."""

from __future__ import annotations

from enum import Enum, StrEnum

from backend.dataclass import dataclass
from backend.errors import FairleadError


class Direction(Enum):
    GET = "get"
    """From the host to this machine."""
    PUT = "put"
    """From this machine to the host."""
    BETWEEN = "between"
    """From the host to another one, or to another place of its own."""


class ConflictPolicy(StrEnum):
    """What to do when the destination's name is taken by another file."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    NEWER = "newer"
    """Overwrite only what is older than the source."""
    RENAME = "rename"
    """Keep both: the new one gets a number."""
    ASK = "ask"
    """Ask the person, for each name or once for all; the other items go on meanwhile."""


UNATTENDED: tuple[ConflictPolicy, ...] = tuple(policy for policy in ConflictPolicy if policy is not ConflictPolicy.ASK)
"""Policies for when nobody is there to be asked."""


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """What is to be copied, and how."""

    direction: Direction
    host: str
    sources: tuple[str, ...]
    """Paths as the person wrote them, here for PUT, on the host otherwise. Non-UTF-8 bytes as surrogate escapes."""
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
    as_copy: bool = False
    """The destination was not there when this began: it is the copy itself, though it is a directory by now."""
    only: tuple[str, ...] = ()
    """Of the sources and what is in them only these files, by their whole paths; empty for everything."""
    to_host: str | None = None
    """Where `destination` is, for BETWEEN only; may be `host` itself."""

    @property
    def way(self) -> tuple[str, ...]:
        """The direction, and the hosts in the order of travel."""
        return (self.direction.value, self.host, *(() if self.to_host is None else (self.to_host,)))

    @property
    def changed_host(self) -> str | None:
        """The host that is copied to; None where that is this machine."""
        return self.host if self.direction is Direction.PUT else self.to_host


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
    INTERRUPTED = "interrupted"
    """Its process or its connection ended in the middle of it; it goes on when somebody takes it up again."""


@dataclass(frozen=True, slots=True)
class NameTaken:
    """A name at the destination that another file has: what is to be done? All words are cleaned, for showing."""

    host: str
    name: str
    """Of what is to be copied."""
    place: str
    """The whole destination, `web-1:/srv/app/notes.md` or a local path."""
    size: int | None
    """Bytes of what is to be copied; None where nobody knows."""
    modified: float | None
    """Seconds since the epoch, of the same."""
    there_size: int | None
    """The same of what is there."""
    there_modified: float | None
    there_kind: str = "file"
    """What is there: `file`, `directory`, `symlink`, …"""


@dataclass(frozen=True, slots=True)
class TakenAnswer:
    """What a person wants."""

    policy: ConflictPolicy
    """Anything but ASK."""
    for_all: bool = False
    """So for all other names of the transfer."""


@dataclass(frozen=True, slots=True)
class FileProgress:
    """How far one file of a transfer is."""

    path: str
    """For people."""
    bytes_done: int
    bytes_total: int


class Lane(StrEnum):
    """How files travel, as people read it."""

    BLOCK = "block lane"
    """One large file, many requests under way."""
    FILE = "file lane"
    """Many files at once, each by itself."""
    ARCHIVE = "archive lane"
    """Many small files in one tar stream."""


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
    lane: Lane | None = None
    """How that travels; None before anything does."""
    restarts: int = 0
    """How often the link was lost and it went on."""


@dataclass(frozen=True, slots=True)
class ItemProblem:
    """One thing that was skipped or failed."""

    path: str
    error: FairleadError | None
    """None for what was skipped on purpose."""
    note: str = ""
    source: str = ""
    """The whole path as the machine has it, bytes that are no UTF-8 as surrogate escapes; not for showing."""


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
    """Problems that are not listed here (beyond the first thousand), but counted in `progress.failed` or `skipped`."""
    notes: tuple[ItemNote, ...] = ()
    """Started again because the source changed, could not be verified, and the like; the first thousand."""
    notes_dropped: int = 0
    """Notes that are not listed here."""

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
