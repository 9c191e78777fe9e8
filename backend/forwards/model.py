"""What a forward looks like from outside: frozen values and events."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.events import Event
from backend.forwards.spec import ForwardSpec


class ForwardState(StrEnum):
    """Where a forward stands."""

    STARTING = "starting"
    LISTENING = "listening"
    """Connections are taken and carried."""
    WAITING = "waiting"
    """For the host. A port of this machine stays open meanwhile; its connections wait a little, then are refused."""
    FAILED = "failed"
    """It could not be set up; `error` says why."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ForwardView:
    """A forward at one moment."""

    id: int
    host: str
    spec: ForwardSpec
    state: ForwardState
    since: datetime
    """When it came into this state."""
    reason: str = ""
    """Why it waits or has failed, as a phrase for people."""
    error: FairleadError | None = None
    """For FAILED."""
    places: tuple[str, ...] = ()
    """Where it listens: `127.0.0.1:8080`, a path; on the host for -R, as it was asked for."""
    port: int = 0
    """The port that is open, also where 0 was asked for; 0 for sockets and before it is open."""
    sent: int = 0
    """Bytes from this machine to the host."""
    received: int = 0
    """Bytes from the host to this machine."""
    open: int = 0
    """Connections now."""
    total: int = 0
    """Connections that were made, the refused ones included."""
    refused: int = 0
    """Connections that were not carried: too many at once, or the host was away."""
    errors: int = 0
    """Connections that failed: the destination could not be reached, or the link went while they were open."""
    last_error: str = ""
    """Why the last one failed or was refused."""


@dataclass(frozen=True, slots=True)
class ForwardChanged(Event):
    """A forward came into another state."""

    view: ForwardView


@dataclass(frozen=True, slots=True)
class ForwardCounted(Event):
    """Counters of a forward have moved; at most four times a second for each."""

    view: ForwardView
