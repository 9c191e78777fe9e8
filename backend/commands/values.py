"""What is said about a command: what to run, where it stands, how it ended. Frozen values and events only."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from backend.connection.connector import Chunk, ExitReport, PtyRequest
from backend.errors import FairleadError
from backend.events import Event

Sink = Callable[[Chunk], Awaitable[None] | None]
"""Called in the loop for each chunk, in order of arrival; must return quickly.

What it returns, if anything, is awaited before more is read: so a slow taker holds back the host, not our memory.
"""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """What is to be run."""

    command: bytes
    """Given to the login shell as it is."""
    cwd: bytes | None = None
    """Directory to run in; the command does not run when it cannot be entered."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment. Can be seen in the host's process list: no place for secrets."""
    stdin: bytes = b""
    """Sent whole, then stdin is ended. With a PTY and nothing to send, stdin stays open."""
    stdin_stream: AsyncIterable[bytes] | None = None
    """Sent after `stdin`, piece by piece as it comes; stdin is ended when it ends. When it fails with OSError, the
    command is stopped: it must not take a part for the whole."""
    pty: PtyRequest | None = None
    time_limit: float | None = None
    """Seconds, from the moment the host has started the command."""
    save_to: Path | None = None
    """A new local file that gets the whole output, both streams as they arrive, however much it is."""
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
