"""Connecting for a ladder over all routes of a host: the route that wins is the one that is shown, the others are told.

Where none wins, the route that came furthest is shown. The race is the session's own (`backend.connection.race`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from backend.clock import Clock
from backend.connection.connector import Connector, Link, PhaseEvent
from backend.connection.interaction import Interaction
from backend.connection.outcomes import RouteOutcome, RoutesFailed, RouteStatus, most_telling
from backend.connection.race import Race
from backend.connection.target import Target
from backend.errors import FairleadError

Show = Callable[[PhaseEvent], None]


class Attempt:
    """One attempt over `targets`, the host's routes in order."""

    def __init__(
        self, targets: Sequence[Target], *, connector: Connector, interaction: Interaction, clock: Clock
    ) -> None:
        self._targets = {target.route: target for target in targets}
        self._connector = connector
        self._interaction = interaction
        self._events: dict[str, list[PhaseEvent]] = {target.route: [] for target in targets}
        self._race = Race(
            [replace(target, anew=True) for target in targets],
            connector=connector,
            interaction=interaction,
            clock=clock,
            observe=self._keep_or_show,
        )
        self._show: Show | None = None

    async def connect(self, choose: Callable[[Target], None], show: Show) -> Link:
        """The link. `choose` hears which route the ladder is about, then `show` hears its phases: at once where it is
        the only one, else when the race is over. Raises what `Race.run` raises."""
        if len(self._targets) == 1:
            choose(next(iter(self._targets.values())))
            self._show = show
        try:
            link, target = await self._race.run()
        except FairleadError as error:
            self._tell(self._targets[self._at_fault(error)], choose, show)
            raise
        try:
            await self._race.finish()
        except BaseException:
            await link.close()
            raise
        self._tell(self._targets[target.route], choose, show)
        return link

    def _keep_or_show(self, target: Target, event: PhaseEvent) -> None:
        if self._show is not None:
            self._show(event)
        else:
            self._events[target.route].append(event)

    def _tell(self, target: Target, choose: Callable[[Target], None], show: Show) -> None:
        if self._show is None:
            choose(target)
            for event in self._events[target.route]:
                show(event)

    def _at_fault(self, error: FairleadError) -> str:
        if isinstance(error, RoutesFailed):
            return most_telling(error.failures)[0]
        return next(outcome.route for outcome in self._race.outcomes if outcome.error is error)

    @property
    def others(self) -> Mapping[str, str]:
        """What came of the routes that are not shown, as evidence; empty where there is one only."""
        return {
            f"route {outcome.route}": _told(outcome)
            for outcome in self._race.outcomes
            if len(self._targets) > 1 and outcome.status is not RouteStatus.WON
        }


def _told(outcome: RouteOutcome) -> str:
    if outcome.error is not None:
        return f"{outcome.error.code}: {outcome.error.message}"
    if outcome.note:
        return outcome.note
    return {RouteStatus.LOST: "slower"}.get(outcome.status, outcome.status.value)
