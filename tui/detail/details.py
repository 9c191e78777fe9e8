"""All that is known of one host at one moment, gathered for the screen. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backend.connection.connector import LinkFacts, PhaseEvent
from backend.connection.race import RouteOutcome
from backend.connection.route_memory import Remembered
from backend.connection.target import Target
from backend.forwards.model import ForwardView
from backend.health.values import SshHealth
from backend.requests.model import Request
from tui.hosts import HostView


@dataclass(frozen=True, slots=True)
class HostRecord:
    """What is kept of a host on disk, as it was when it was read last."""

    health: SshHealth | None = None
    requests: tuple[Request, ...] = ()
    problem: str = ""
    """Why the requests cannot be read."""


@dataclass(frozen=True, slots=True)
class HostDetails:
    """All that the pane tells of one host."""

    view: HostView
    now: datetime
    facts: LinkFacts | None = None
    target: Target | None = None
    given_up_in: float | None = None
    """While answers are late: seconds until the connection counts as lost."""
    phases: tuple[PhaseEvent, ...] = ()
    """Of the attempt under way or the last one."""
    routes: tuple[RouteOutcome, ...] = ()
    """Of the attempt under way or the last one, in the order in which they were tried."""
    remembered: Remembered | None = None
    """Why the first of them was the first, where it worked on this network before."""
    planned: tuple[str, ...] = ()
    """The routes that its entry lists, by name."""
    forwards: tuple[ForwardView, ...] = ()
    """Those that were started."""
    listed: int = 0
    """How many forwards its entry lists."""
    record: HostRecord | None = None
    """None until it has been read."""
