"""What is said about a cluster: jobs, partitions, what is to be submitted. Frozen values only; texts are cleaned."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any

from backend.dataclass import dataclass
from backend.errors import Code, ConfigError

WAITING = frozenset(
    {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
)
RUNNING = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"})
_JOB_ID = re.compile(r"[0-9]{1,18}(?:_(?:[0-9]{1,9}|\[[0-9,%-]{1,200}\]))?(?:\+[0-9]{1,6})?")
_SPAN = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the queue."""

    id: str
    """`123`, `123_4` of an array, `123_[5-9]` for those of an array that wait."""
    name: str
    user: str
    partition: str
    state: str
    """Slurm's long word: `PENDING`, `RUNNING`, `OUT_OF_MEMORY`."""
    reason: str = ""
    """Slurm's code for why it waits or failed; empty where there is none."""
    used: float | None = None
    """Seconds that it has run."""
    limit: float | None = None
    """Seconds that it may run; None without a limit."""
    left: float | None = None
    """Seconds until it is ended by its limit."""
    nodes: int = 0
    cpus: int = 0
    memory: str = ""
    gpus: str = ""
    where: str = ""
    """Its nodes, as Slurm abbreviates them."""
    start: str = ""
    """When it began, or is expected to, on the cluster's clock; empty where Slurm does not know."""
    submitted: str = ""
    directory: str = ""

    @property
    def waits(self) -> bool:
        return self.state in WAITING

    @property
    def runs(self) -> bool:
        return self.state in RUNNING

    @property
    def ended(self) -> bool:
        return not self.waits and not self.runs

    def to_json(self) -> dict[str, Any]:
        """As `fairlead slurm … --json` prints it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class JobFiles:
    """Where a job writes, and how it ended."""

    stdout: bytes
    stderr: bytes
    exit_status: int
    exit_signal: int
    """0 where none ended it."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Nodes of one partition that are in one state."""

    name: str
    up: bool
    default: bool
    limit: float | None
    """Seconds that a job may run there; None without a limit."""
    nodes: int
    state: str
    where: str
    cpus: str
    """Allocated, idle, other and all, as `4/12/0/16`."""
    memory: str
    """MiB of each node."""
    gpus: str
    why: str
    """Why they are not in use, where somebody said so."""

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be run as a job. One of `script`, `path` and `command` is given."""

    script: bytes | None = None
    """A whole batch script."""
    path: bytes | None = None
    """A batch script on the host."""
    command: bytes | None = None
    """A command line for sh."""
    arguments: tuple[bytes, ...] = ()
    """For a script on the host."""
    name: str = ""
    partition: str = ""
    time: str = ""
    """As Slurm takes it: minutes, `HH:MM:SS`, `D-HH`."""
    nodes: str = ""
    tasks: str = ""
    cpus: str = ""
    """For each task."""
    gpus: str = ""
    """On each node: `2`, `a100:2`."""
    memory: str = ""
    """On each node: `4G`."""
    output: str = ""
    directory: bytes | None = None
    extra: tuple[str, ...] = field(default=())
    """Further options of sbatch(1), as they are."""


def checked_job(text: str) -> str:
    """A job's id as it may be handed to Slurm's programs. Raises ConfigError (USAGE)."""
    if not _JOB_ID.fullmatch(text):
        raise ConfigError(Code.USAGE, evidence={"problem": f"{text!r} is not a job of Slurm: a number, or 123_4."})
    return text


def seconds_of(span: str) -> float | None:
    """Seconds in `1-02:03:04`, `02:03:04` or `03:04`; None for `UNLIMITED`, `INVALID` and the like."""
    match = _SPAN.fullmatch(span.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
