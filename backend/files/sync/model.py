"""The words of a sync: what is asked for, what is planned, how it ended. Values only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import field
from enum import StrEnum

from backend.connection.connector import FileKind
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.files.lane import Parts
from backend.files.model import ItemNote, ItemProblem
from backend.files.paths import Location
from backend.files.sync.patterns import Rules


class Do(StrEnum):
    """What is done to one name."""

    MAKE = "make"
    """A directory is made."""
    COPY = "copy"
    """A file that the goal does not have."""
    REPLACE = "replace"
    """A file that differs."""
    LINK = "link"
    """A symbolic link is made, or points elsewhere."""
    ADJUST = "adjust"
    """Mode or time alone."""
    DELETE = "delete"
    KEEP = "keep"
    """Nothing differs."""
    EXTRA = "extra"
    """The goal alone has it, and it stays, for nothing is to be deleted."""
    EXCLUDE = "exclude"
    """A rule keeps it out, on whichever side it is; it is neither copied nor deleted."""
    SKIP = "skip"
    """It is there and is never synced: special files, unfinished copies."""
    BLOCK = "block"
    """Something of another kind has the name, and may not be removed."""


class Reason(StrEnum):
    """Why; a phrase for people."""

    NEW = "new"
    SIZE = "size differs"
    TIME = "time differs"
    CONTENT = "content differs"
    MODE = "mode differs"
    MODE_AND_TIME = "mode and time differ"
    TARGET = "points elsewhere"
    OTHER_KIND = "another kind of file has the name"
    EXTRANEOUS = "not at the source"
    IN_THE_WAY = "in the way of another kind of file"
    SAME = "the same"
    RULE = "a rule excludes it"
    SPECIAL = "a device, socket or FIFO"
    UNFINISHED = "the name of an unfinished copy"
    HOLDS_KEPT = "what it holds is not to be deleted"


CHANGES = frozenset({Do.MAKE, Do.COPY, Do.REPLACE, Do.LINK, Do.ADJUST})
"""What changes the goal, deletions apart."""
CARRIED = frozenset({Do.COPY, Do.REPLACE, Do.LINK})
"""What is copied from one side to the other."""


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done to one name, and why."""

    do: Do
    parts: Parts
    """Names from the top of what is synced; empty for the top itself."""
    kind: FileKind
    """Of the source, or of what is deleted."""
    reason: Reason
    size: int = 0
    """Bytes: of a file that is copied, or that is deleted."""
    mode: int | None = None
    """The source's; of what is deleted, its own."""
    modified: float | None = None
    """Likewise."""
    was: FileKind | None = None
    """What has the name at the goal, where something has."""
    opens: int | None = None
    """Of a directory in which something changes: the mode it needs meanwhile, where it could not be written in."""
    points_to: bytes | None = None
    """Of a link, where that was looked at."""


@dataclass(frozen=True, slots=True)
class Options:
    """How two trees are compared, and what may be done to the goal."""

    delete: bool = False
    """Remove from the goal what the source has not."""
    force: bool = False
    """Remove what is in the way of another kind of file, also without `delete`."""
    checksum: bool = False
    """Compare the contents of files of the same size."""
    rules: Rules = field(default_factory=Rules)

    @property
    def clears(self) -> bool:
        """Whether what is in the way may be removed."""
        return self.delete or self.force


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What is to be synced, and how."""

    source: Location
    """A directory; written with a slash at its end, or as `.`, it means what is in it (rsync(1))."""
    goal: Location
    """The directory that gets it."""
    options: Options = Options()
    max_delete: int | None = None
    """Deletions above this are refused, all of them; None for no bound."""
    verify: bool = True
    """Compare SHA-256 of what is copied."""
    rate_limit: int | None = None
    """Bytes a second."""
    parallel: int = 16
    """Files at once."""


@dataclass(slots=True)
class Counts:
    """What a plan holds, or what a sync has done."""

    of: Counter[Do] = field(default_factory=Counter)
    bytes: int = 0
    """To be copied."""
    deleted_bytes: int = 0

    def add(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self.of[action.do] += 1
            if action.do is Do.DELETE:
                self.deleted_bytes += action.size
            elif action.do in CARRIED:
                self.bytes += action.size

    @property
    def files(self) -> int:
        """Files and links to be copied."""
        return sum(self.of[do] for do in CARRIED)

    @property
    def changes(self) -> int:
        """Everything that would change the goal, deletions apart."""
        return sum(self.of[do] for do in CHANGES)

    @property
    def deletions(self) -> int:
        return self.of[Do.DELETE]

    def to_json(self) -> dict[str, int]:
        """`directories, adjusted, deleted, deleted_bytes, kept, extra, excluded, blocked`."""
        return {
            "directories": self.of[Do.MAKE],
            "adjusted": self.of[Do.ADJUST],
            "deleted": self.of[Do.DELETE],
            "deleted_bytes": self.deleted_bytes,
            "kept": self.of[Do.KEEP],
            "extra": self.of[Do.EXTRA],
            "excluded": self.of[Do.EXCLUDE],
            "blocked": self.of[Do.BLOCK],
        }


class SyncState(StrEnum):
    COMPARING = "comparing"
    ASKING = "asking"
    COPYING = "copying"
    DELETING = "deleting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a sync is."""

    state: SyncState
    round: int = 1
    """From 1: the trees are compared again after each."""
    seen: int = 0
    """Names that were compared in this round."""
    deleted: int = 0
    adjusted: int = 0


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person says to a plan."""

    delete: bool = True
    left_out: frozenset[Parts] = frozenset()
    """What is not to be done; of a directory, neither is what is in it."""


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """How a sync ended."""

    done: Counts
    """What was done; kept, excluded, skipped and blocked as they were at the last look."""
    seconds: float
    rounds: int
    files: int = 0
    """Copied, links among them."""
    bytes: int = 0
    sent_bytes: int = 0
    resumed_bytes: int = 0
    verified: int = 0
    failed: int = 0
    problems: tuple[ItemProblem, ...] = ()
    """What still differs, could not be read or was refused; the first thousand."""
    notes: tuple[ItemNote, ...] = ()
    error: FairleadError | None = None
    """Why not all is the same now; None when it is."""

    def to_json(self) -> dict[str, object]:
        """As of a transfer, and the counts of what was done."""
        return {
            "files": self.files,
            "bytes": self.bytes,
            "sent_bytes": self.sent_bytes,
            "resumed_bytes": self.resumed_bytes,
            "skipped": self.done.of[Do.SKIP],
            "failed": self.failed,
            "verified": self.verified,
            "seconds": round(self.seconds, 3),
            **self.done.to_json(),
            "rounds": self.rounds,
        }
