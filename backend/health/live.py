"""A look at a host now: connect once, ask for a few round trips. Nothing is repeated."""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Any

from backend.clock import Clock
from backend.connection.connector import Link, LinkFacts, PhasePassed
from backend.connection.session import PhaseSeen, Session
from backend.connection.state import SessionChanged, SessionState
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError, LinkLost
from backend.events import EventBus
from backend.tasks import background, within

_PINGS = 3
_LIMIT = 10.0
"""Seconds for one answer."""


@dataclass(frozen=True, slots=True)
class LiveLook:
    """What one look found."""

    host: str
    error: FairleadError | None = None
    """Why there is no connection, or why it did not answer."""
    connect_seconds: float | None = None
    """From the look-up to the login, without the time a person took; None where it was connected before, under whatever
    name."""
    phases: tuple[tuple[str, float], ...] = ()
    """Phase and seconds, all hops together, in order."""
    round_trips: tuple[float, ...] = ()
    """Seconds."""
    facts: LinkFacts | None = None

    @property
    def round_trip(self) -> float | None:
        """The median, in seconds."""
        return median(self.round_trips) if self.round_trips else None

    def to_json(self) -> dict[str, Any]:
        """`live` in the output of `fairlead health --json HOST`."""
        trip = self.round_trip
        return {
            "ok": self.error is None,
            "error": None if self.error is None else self.error.to_json(),
            "connect_seconds": None if self.connect_seconds is None else round(self.connect_seconds, 4),
            "phases": {name: round(seconds, 4) for name, seconds in self.phases},
            "round_trip": None if trip is None else round(trip, 6),
            "round_trips": [round(one, 6) for one in self.round_trips],
            "server_version": None if self.facts is None else self.facts.server_version,
            "auth_method": None if self.facts is None else self.facts.auth_method,
        }


async def _link(session: Session, bus: EventBus) -> Link:
    """Its link. Raises why there is none; what it was lost by, where it is being restored: that may take for ever."""
    lost: asyncio.Future[FairleadError] = asyncio.get_running_loop().create_future()

    def hear(change: SessionChanged | None) -> None:
        if change is None or change.host != session.host or change.new is not SessionState.RECONNECTING:
            return
        if change.error is not None and not lost.done():
            lost.set_result(change.error)

    subscription = bus.subscribe(SessionChanged, hear)
    try:
        hear(session.last_change)
        async with background(session.link()) as linking:
            await asyncio.wait((linking, lost), return_when=asyncio.FIRST_COMPLETED)
            if linking.done():
                return linking.result()
        raise lost.result()
    finally:
        subscription.cancel()


async def look_live(session: Session, *, bus: EventBus, clock: Clock) -> LiveLook:
    """Connect where that was not done yet, and measure. Never raises for what the host does."""
    phases: dict[str, float] = {}

    def seen(event: PhaseSeen) -> None:
        if event.host == session.host and isinstance(event.phase, PhasePassed) and not event.phase.shared:
            name = event.phase.phase.value
            phases[name] = phases.get(name, 0.0) + event.phase.seconds

    trips: list[float] = []
    error: FairleadError | None = None
    subscription = bus.subscribe(PhaseSeen, seen)
    try:
        link = await _link(session, bus)
        for _ in range(_PINGS):
            trips.append(await within(_LIMIT, link.ping(), clock))
    except FairleadError as failure:
        error = failure
    except TimeoutError:
        error = LinkLost(Code.KEEPALIVE_LOST, evidence={"seconds": f"{_LIMIT:g}"}, host=session.host)
    finally:
        subscription.cancel()
    return LiveLook(
        host=session.host,
        error=error,
        connect_seconds=sum(phases.values()) if phases else None,
        phases=tuple(phases.items()),
        round_trips=tuple(trips),
        facts=session.facts,
    )
