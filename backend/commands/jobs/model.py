"""What is said about detached jobs. Frozen values only."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum

from backend.connection.connector import StdStream
from backend.dataclass import dataclass

_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{10}")
SIGNALS = {1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 10: "USR1", 11: "SEGV",
           12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 24: "XCPU", 25: "XFSZ"}  # fmt: skip
"""Linux's numbers of the signals that end processes."""


def new_id(now: datetime) -> str:
    """A name that no other job has, that nobody can guess, and that sorts by time: `20261127-014233-3f9ac2d17b`."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(5)}"


def is_id(text: str) -> bool:
    """Whether `text` is what `new_id` makes: harmless in paths and scripts."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What is to be run."""

    command: bytes
    """Given to the login shell as it is; at most `LONGEST` bytes."""
    name: str = ""
    """For people; the command's own words where it is empty."""
    cwd: bytes | None = None
    """Directory to run in; the job does not start when it cannot be entered."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment. The host's disk keeps the names, not the values."""


class JobState(StrEnum):
    """Where a job stands, as far as is known."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"
    REBOOTED = "rebooted"
    """The host was restarted while it ran."""
    VANISHED = "vanished"
    """There is no such process any more, and it left no status: it was killed from outside, its keeper with it."""
    UNREADABLE = "unreadable"
    """There is a directory for it, and nothing in it that can be read."""
    UNCONFIRMED = "unconfirmed"
    """The connection was lost while it was started, and nobody has looked since."""
    NOT_STARTED = "not started"
    """As `UNCONFIRMED`, and the host knows nothing of it."""


OPEN = frozenset({JobState.STARTING, JobState.RUNNING})
"""It is under way."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a job's processes take at a moment: those of its session, and all that they have started."""

    processes: int
    resident: int
    """Bytes in memory (VmRSS), added up: what they share counts for each."""
    peak: int
    """The highest that each has had (VmHWM), added up: at most so much at any time. Of those that live."""
    cpu: float
    """Seconds of processor, ended children included."""
    proportional: int | None = None
    """Bytes with shared ones divided among those who share them (PSS); None where it was not asked for, or is not told
    for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of an account on a host, as it was when somebody looked."""

    host: str
    id: str
    state: JobState
    name: str = ""
    command: bytes = b""
    command_size: int = 0
    """Bytes of the whole command, of which `command` may be the beginning."""
    cwd: bytes = b""
    variables: tuple[str, ...] = ()
    """Names of those that were added."""
    started: datetime | None = None
    """By the host's clock."""
    ended: datetime | None = None
    status: int | None = None
    """As a shell tells it: 128+n when signal n ended it."""
    pid: int | None = None
    """Of the shell that keeps it; also its session and process group, where the host has a way to make one."""
    keeper: bool = True
    """Whether that shell lives. Where it was killed, and the job was not, nobody will know how it ends."""
    directory: bytes = b""
    """On the host: `out`, `err` and what else is known."""
    usage: Usage | None = None
    """While it runs, where the host tells."""
    out_size: int | None = None
    """Bytes of its output so far, where they were asked for."""
    err_size: int | None = None
    running_for: float | None = None
    """Seconds from its start to its end, or to the look; by the host's clock."""
    seen: datetime | None = None
    """When it was looked at, by our clock."""
    risk: str = ""
    """Why it may not outlive the connection; empty where nothing speaks against it."""

    @property
    def signal(self) -> str | None:
        """The signal that ended it, without SIG; None where it ended by itself."""
        if self.status is None or self.status <= 128:
            return None
        return SIGNALS.get(self.status - 128)


@dataclass(frozen=True, slots=True)
class Listing:
    """The jobs of an account on a host, newest first."""

    host: str
    jobs: tuple[Job, ...]
    left_out: int = 0
    """Older ones that are there as well."""


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Some of a job's output."""

    stream: StdStream
    offset: int
    """Of its first byte."""
    data: bytes


@dataclass(frozen=True, slots=True)
class LogCut:
    """A log is shorter than what was read or left out of it: what comes next is its content from its beginning."""

    stream: StdStream
    read: int
    """Bytes that had been read or left out."""
    size: int
    """Bytes that it has now."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What came of stopping a job."""

    job: Job
    killed: bool
    """Whether it took KILL."""
