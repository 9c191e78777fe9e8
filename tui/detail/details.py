"""All that is known of one host at one moment, gathered for the screen. Values only."""

from __future__ import annotations

from datetime import datetime

from backend.connection.connector import LinkFacts, PhaseEvent
from backend.connection.outcomes import RouteOutcome
from backend.connection.route_memory import Remembered
from backend.connection.target import Target
from backend.dataclass import dataclass
from backend.forwards.model import ForwardView
from backend.health.deep.values import DeepCheck
from backend.health.trends.values import Trend
from backend.health.values import SshHealth
from backend.requests.model import Request
from tui.hosts import HostView


@dataclass(frozen=True, slots=True)
class HostRecord:
    """What is kept of a host on disk, as it was when it was read last."""

    health: SshHealth | None = None
    check: DeepCheck | None = None
    """The last look into it."""
    trends: tuple[Trend, ...] = ()
    """What its past leads to, the worst first."""
    requests: tuple[Request, ...] = ()
    problem: str = ""
    """Why the requests cannot be read."""


@dataclass(frozen=True, slots=True)
class HostDetails:
    """All that the pane tells of one host."""

    view: HostView
    now: datetime
    moment: float = 0.0
    """The same on the clock's monotonic scale."""
    facts: LinkFacts | None = None
    shared_with: tuple[str, ...] = ()
    """The other names that use its connection."""
    target: Target | None = None
    given_up_in: float | None = None
    """While answers are late: seconds until the connection counts as lost."""
    phases: tuple[PhaseEvent, ...] = ()
    """Of the attempt under way or the last one; of several routes, over the one that has come furthest."""
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
