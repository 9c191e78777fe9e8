"""Running commands on hosts: streams, limits, cancel, and the truth about how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from backend.clock import Clock
from backend.commands.output import OutputBuffer
from backend.connection.connector import Chunk, ExitReport, PtyRequest
from backend.connection.session import Sessions
from backend.errors import FairleadError
from backend.events import Event, EventBus

Sink = Callable[[Chunk], None]
"""Called in the loop for each chunk, in order of arrival; must return quickly."""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """What is to be run."""

    command: bytes
    """Given to the login shell as it is."""
    cwd: bytes | None = None
    """Directory to run in; the command does not run when it cannot be entered."""
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    """Sent whole, then stdin is ended."""
    pty: PtyRequest | None = None
    time_limit: float | None = None
    """Seconds."""


class CommandState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """How a command ended. Exactly one of `exit` and `error` tells; never both empty."""

    exit: ExitReport | None
    error: FairleadError | None
    """LinkLost (the outcome is unknown), TimeLimitError, Interrupted, SessionError, or why there was no connection."""
    seconds: float
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


@dataclass(frozen=True, slots=True)
class CommandOutput(Event):
    """A command's buffer has grown; at most one event for each turn of the reader."""

    command_id: str


class RunningCommand:
    """A command that belongs to the service, whatever screen started it."""

    id: str
    host: str
    spec: CommandSpec
    started_at: datetime
    output: OutputBuffer
    state: CommandState
    outcome: CommandOutcome | None

    async def wait(self) -> CommandOutcome:
        """How it ended; never raises for the command's own fate. Cancelling the wait does not stop the command."""
        raise NotImplementedError

    async def cancel(self) -> CommandOutcome:
        """TERM, then KILL, then close; the outcome's error says what could not be confirmed."""
        raise NotImplementedError


class CommandService:
    """Starts commands and keeps them."""

    def __init__(self, *, sessions: Sessions, bus: EventBus, clock: Clock) -> None:
        raise NotImplementedError

    def start(self, host: str, spec: CommandSpec, sink: Sink | None = None) -> RunningCommand:
        """Start it and return at once; connecting is part of the command's own life."""
        raise NotImplementedError

    async def run(self, host: str, spec: CommandSpec, sink: Sink | None = None) -> CommandOutcome:
        """Start and wait; cancelling this cancels the command."""
        raise NotImplementedError

    def all(self) -> tuple[RunningCommand, ...]:
        """Running ones and the last hundred that ended, oldest first."""
        raise NotImplementedError

    async def close(self) -> None:
        """Cancel what runs; bounded."""
        raise NotImplementedError
