"""The way to one host: its routes in the order in which they are tried, what came of each, and which to try first.

A session connects through here, for the first time and every time that a link is restored.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from backend.clock import Clock
from backend.connection.connector import Link, Phase, PhaseEvent, PhaseFailed
from backend.connection.interaction import Interaction
from backend.connection.outcomes import RouteOutcome
from backend.connection.race import Observe, Race, preferred
from backend.connection.route_memory import Remembered, RouteMemory
from backend.connection.sharing import SharedConnector
from backend.connection.state import SessionState
from backend.connection.target import Target
from backend.dataclass import dataclass
from backend.events import Event, EventBus
from backend.hosts.book import HostBook

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoutesChanged(Event):
    """An attempt to connect has got further on one of the host's routes."""

    outcomes: tuple[RouteOutcome, ...]
    """All of the host's routes, in the order in which they are tried."""
    remembered: Remembered | None = None
    """Why the first of them is the first, where that is because it worked here before."""


_STATE_OF_PHASE = {Phase.HOST_KEY: SessionState.VERIFYING, Phase.AUTH: SessionState.AUTHENTICATING}
_CLIMB = tuple(SessionState)


def state_of(event: PhaseEvent) -> SessionState:
    """Where a session stands whose connection is in this phase."""
    return _STATE_OF_PHASE.get(event.phase, SessionState.CONNECTING)


class Lead:
    """Which of several routes a session's state tells of: the one that has come furthest."""

    def __init__(self) -> None:
        self._target: Target | None = None

    def is_of(self, target: Target, event: PhaseEvent, state: SessionState) -> bool:
        """Whether `event` is one of that route, where the session is told to be in `state`."""
        if isinstance(event, PhaseFailed):
            self._target = None
        elif self._target is None or _CLIMB.index(state_of(event)) > _CLIMB.index(state):
            self._target = target
        return self._target is target


class Routing:
    """Connects to `host` over its routes."""

    def __init__(
        self,
        host: str,
        *,
        connector: SharedConnector,
        book: HostBook,
        interaction: Interaction,
        bus: EventBus,
        clock: Clock,
        memory: RouteMemory | None,
    ) -> None:
        self._host = host
        self._connector = connector
        self._book = book
        self._interaction = interaction
        self._bus = bus
        self._clock = clock
        self._memory = memory
        self._race: Race | None = None
        self._won = ""
        self.remembered: Remembered | None = None
        """What worked last on this network, as it was known for the last attempt."""

    @property
    def outcomes(self) -> tuple[RouteOutcome, ...]:
        """What came of each route in the last attempt, in the order they were tried; empty before the first."""
        return self._race.outcomes if self._race is not None else ()

    async def targets(self) -> tuple[Target, ...]:
        """The host over each of its routes; what is up under another name, or worked on this network, comes first.
        Raises ConfigError."""
        targets = await self._book.routes(self._host)
        if (up := next((target for target in targets if self._connector.is_up(target)), None)) is not None:
            self.remembered = None
            return preferred(targets, up.route)
        return await self._in_order(targets)

    async def _in_order(self, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        found = await self._memory.recall(self._host) if self._memory is not None and len(targets) > 1 else None
        self.remembered = found if any(found and target.route == found.route for target in targets) else None
        return preferred(targets, self.remembered.route if self.remembered else None)

    async def connect(self, targets: Sequence[Target], observe: Observe) -> tuple[Link, Target]:
        """A link over the first route that logs in. Raises what `Race.run` raises; call `finish` afterwards."""
        race = self._race = Race(
            targets,
            connector=self._connector,
            interaction=self._interaction,
            clock=self._clock,
            observe=observe,
            changed=self._tell,
        )
        link, target = await race.run()
        self._won = target.route
        return link, target

    async def finish(self) -> None:
        """After `connect`: close what has lost, remember what has won. Bounded; never raises."""
        race, route = self._race, self._won
        if race is None or len(race.outcomes) == 1:
            return
        for outcome in race.outcomes:
            log.info("route %s of %s: %s", outcome.route, self._host, _told(outcome))
        await race.finish()
        if self._memory is not None:
            await self._memory.keep(self._host, route)

    def _tell(self) -> None:
        if self._race is not None:
            self._bus.publish(RoutesChanged(self._host, self._race.outcomes, self.remembered))


def _told(outcome: RouteOutcome) -> str:
    took = "" if outcome.seconds is None else f" after {outcome.seconds:.1f} s"
    why = f"{outcome.error.code}: {outcome.error.message}" if outcome.error else outcome.note
    return f"{outcome.status}{took}" + (f", {why}" if why else "")
