"""What is said about a command: what to run, where it stands, how it ended. Frozen values and events only."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from backend.connection.connector import Chunk, ExitReport, PtyRequest, RemoteProcess
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.events import Event

if TYPE_CHECKING:
    from backend.connection.session import Session


class Start(Protocol):
    """Starts a command line as the spec says: there, in its directory, with its variables, as the user wanted."""

    async def __call__(self, line: bytes) -> RemoteProcess:
        """Raises FairleadError where it does not start."""
        ...

    def begins(self) -> None:
        """To be called by what starts a command in another way, just before the host is asked: it may run then."""
        ...


Opening = Callable[["Session", "CommandSpec", Start], Awaitable[RemoteProcess]]
"""Makes the process of a command in a way of its own, by `Start` or without. Raises FairleadError when there is none:
nothing runs then."""

Sink = Callable[[Chunk], Awaitable[None] | None]
"""Called in the loop for each chunk, in order of arrival; must return quickly.

What it returns, if anything, is awaited before more is read: so a slow taker holds back the host, not our memory.
"""

GRACE = 2.0
"""Seconds that processes get after TERM, and again after KILL."""
UNKNOWN_END = "How the command ended is unknown; it may still be running there."
"""For people, where the link was lost and nothing was confirmed."""


class ElevateBy(StrEnum):
    """What makes one user another."""

    SUDO = "sudo"
    """Asks for the person's own password, as a rule."""
    SU = "su"
    """Asks for the other user's."""


@dataclass(frozen=True, slots=True)
class Elevate:
    """To run as another user of the host."""

    by: ElevateBy = ElevateBy.SUDO
    user: str = "root"


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """What is to be run."""

    command: bytes
    """Given to the login shell as it is."""
    judged: tuple[bytes, ...] = ()
    """What is judged in place of `command` where that carries other texts, as a script: command lines of its kind."""
    cwd: bytes | None = None
    """Directory to run in; the command does not run when it cannot be entered."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment. Can be seen in the host's process list: no place for secrets."""
    stdin: bytes = b""
    """Sent whole, then stdin is ended. With a PTY and nothing to send, stdin stays open."""
    stdin_stream: AsyncIterable[bytes] | None = None
    """Sent after `stdin`, piece by piece as it comes; stdin is ended when it ends. When it fails with OSError, the
    command is stopped: it must not take a part for the whole."""
    elevate: Elevate | None = None
    """Another user to run as; the password for that is asked for where it is needed."""
    pty: PtyRequest | None = None
    time_limit: float | None = None
    """Seconds, from the moment the host has started the command."""
    save_to: Path | None = None
    """A new local file that gets the whole output, both streams as they arrive, however much it is."""
    opening: Opening | None = None
    """What gives the command its process, as a named session or loaded modules do; None: a channel of its own."""
    encoding: str = "utf-8"
    """The host's, in which `command` is written already; for whoever shows what it says."""
    keep_output: bool = True
    """Whether `RunningCommand.output` is filled. A sink that takes everything has no need of it."""


class CommandState(StrEnum):
    """Where a command stands."""

    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """How a command ended. Exactly one of `exit` and `error` tells; never both empty."""

    exit: ExitReport | None
    error: FairleadError | None
    """LinkLost (the outcome is unknown), TimeLimitError, Interrupted, SessionError, or why there was no connection.

    For the two limits, the evidence `remote` says `ended`, `not started`, or `unknown: …`.
    """
    seconds: float
    """From the moment the host started it; from the beginning if it never did."""
    bytes_out: int
    bytes_err: int

    @property
    def succeeded(self) -> bool:
        return self.error is None and self.exit is not None and self.exit.status == 0


@dataclass(frozen=True, slots=True)
class CommandChanged(Event):
    """A command entered another state."""

    command_id: str
    state: CommandState
    outcome: CommandOutcome | None = None
    """How it ended; None before it has."""


@dataclass(frozen=True, slots=True)
class CommandOutput(Event):
    """A command's buffer has grown; at most one event for each sixtieth of a second."""

    command_id: str
