"""Exit statuses: part of the interface, documented in `docs/cli.md`. Pure."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from backend.errors import Category, Code, FairleadError

if TYPE_CHECKING:
    from backend.connection.connector import ExitReport


class Status(IntEnum):
    """What a script can rely on. `run` and `shell` also pass on the remote command's own status."""

    OK = 0
    USAGE = 2
    INTEGRITY = 3
    SOME_FAILED = 4
    INTERNAL = 70
    """A fault of Fairlead itself (`EX_SOFTWARE` of sysexits.h)."""
    TIME_LIMIT = 124
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    """Whoever read our output went away; as a shell reports SIGPIPE."""
    NO_CONNECTION = 255


_BY_CODE = {
    Code.CHECKSUM_DIFFERS: Status.INTEGRITY,
    Code.TIME_LIMIT: Status.TIME_LIMIT,
    Code.INTERRUPTED: Status.INTERRUPTED,
    Code.PRODUCTION_HOST: Status.USAGE,
    Code.COMMAND_DENIED: Status.USAGE,
    Code.COMMAND_DANGEROUS: Status.USAGE,
    Code.SUDO_REFUSED: Status.SOME_FAILED,
    Code.SUDO_PASSWORD: Status.SOME_FAILED,
    Code.JOB_UNKNOWN: Status.USAGE,
    Code.JOB_FAILED: Status.SOME_FAILED,
    Code.JOB_RUNNING: Status.SOME_FAILED,
    Code.JOB_NOT_STOPPED: Status.SOME_FAILED,
    Code.PROCESS_GONE: Status.SOME_FAILED,
    Code.PROCESS_REFUSED: Status.SOME_FAILED,
    Code.MODULES_ABSENT: Status.SOME_FAILED,
    Code.MODULE_UNKNOWN: Status.SOME_FAILED,
    Code.MODULE_FAILED: Status.SOME_FAILED,
    Code.SHELL_GONE: Status.SOME_FAILED,
    Code.SLURM_ABSENT: Status.SOME_FAILED,
    Code.SLURM_UNCONFIGURED: Status.SOME_FAILED,
    Code.SLURM_SILENT: Status.SOME_FAILED,
    Code.SLURM_REFUSED: Status.SOME_FAILED,
    Code.SLURM_JOB_UNKNOWN: Status.SOME_FAILED,
    Code.SU_REFUSED: Status.SOME_FAILED,
    Code.SU_PASSWORD: Status.SOME_FAILED,
}
_BY_CATEGORY = {
    Category.CONFIG: Status.USAGE,
    Category.FILES: Status.SOME_FAILED,
    Category.LOCAL: Status.SOME_FAILED,
    Category.INTERNAL: Status.INTERNAL,
}
_SIGNALS = {
    "HUP": 1,
    "INT": 2,
    "QUIT": 3,
    "ILL": 4,
    "TRAP": 5,
    "ABRT": 6,
    "FPE": 8,
    "KILL": 9,
    "USR1": 10,
    "SEGV": 11,
    "USR2": 12,
    "PIPE": 13,
    "ALRM": 14,
    "TERM": 15,
}
"""Linux's numbers for the names of RFC 4254 §6.10: servers send names only."""
_OTHER_SIGNAL = 126


def status_of(error: FairleadError) -> int:
    """The exit status for a failure: by its code, then by its category; what is left never got through: 255."""
    if error.code is Code.INTERRUPTED and "signal" in error.evidence:
        return 128 + _SIGNALS.get(error.evidence["signal"], _SIGNALS["INT"])
    return _BY_CODE.get(error.code) or _BY_CATEGORY.get(error.category, Status.NO_CONNECTION)


def status_of_exit(report: ExitReport) -> int:
    """The remote command's own status; 128+n for a signal; 255 where the server closed without a word."""
    if report.status is not None:
        return report.status
    if report.signal is not None:
        return 128 + _SIGNALS.get(report.signal, _OTHER_SIGNAL)
    return Status.NO_CONNECTION
