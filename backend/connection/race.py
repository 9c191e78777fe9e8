"""Several routes to one host, tried in order with a staggered start: the first that logs in wins.

Attempts run side by side up to the point where the person would be asked or a login would begin; there they take turns
(`Gate`), so that nobody is asked twice and no login is wasted. What the host itself refuses ends the race: a secret
that was refused over one route is not tried again over another. A jump host's or a proxy's failure ends its own route.

A jump host that several routes lead to decides for all of them: once it is reached and has let one in, its other ways
are superfluous; where it has refused, it is not asked again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Any

from backend.clock import Clock
from backend.connection.connector import Connector, Link, Phase, PhaseEvent, PhaseFailed, PhasePassed, PhaseStarted
from backend.connection.interaction import Interaction
from backend.connection.outcomes import RouteOutcome, RoutesFailed, RouteStatus, way_of
from backend.connection.target import Hop, Target
from backend.connection.turns import SaidOnce, Turn
from backend.dataclass import dataclass
from backend.errors import AuthError, Category, FairleadError, HostKeyError
from backend.tasks import cancel_all

STAGGER = 2.0
"""Seconds between the starts of two routes; a failure starts the next one at once."""


def ends_the_race(error: FairleadError) -> bool:
    """Whether `error` is the host's own word, or the person's, so that no other route may be tried after it."""
    return error.hop is None and _is_refusal(error)


def _is_refusal(error: FairleadError) -> bool:
    return isinstance(error, HostKeyError) or (isinstance(error, AuthError) and not error.retryable)


def refused_by(error: FairleadError, target: Target) -> Hop | None:
    """The jump host that has refused on the way to `target`, or whose questions the person would not answer."""
    if error.hop is None or not _is_refusal(error):
        return None
    return next((jump for jump in target.jumps if jump.name == error.hop), None)


def leads_through(target: Target, jump: Hop) -> int | None:
    """How many hops lie between `target` and the jump host `jump`, itself included; None where it is not on the way.

    It is the same machine whichever way leads to it: the same name for the same address, port and user."""
    same = (place for place, one in enumerate(target.jumps) if (one.name, one.identity) == (jump.name, jump.identity))
    return next((len(target.hops) - place for place in same), None)


def same_beyond(one: Target, other: Target, jump: Hop) -> bool:
    """Whether both go through `jump`, and through the same machines from there on."""
    left, right = leads_through(one, jump), leads_through(other, jump)
    if left is None or right is None:
        return False
    return [hop.identity for hop in one.hops[-left:]] == [hop.identity for hop in other.hops[-right:]]


def preferred(targets: Sequence[Target], route: str | None) -> tuple[Target, ...]:
    """`targets` with the one called `route` first."""
    return tuple(sorted(targets, key=lambda target: target.route != route))


# --- the race ----------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Lane:
    """One route while it is tried."""

    target: Target
    status: RouteStatus = RouteStatus.WAITING
    error: FairleadError | None = None
    began: float | None = None
    seconds: float | None = None
    turn: Turn | None = None
    tries: int = field(default=0)
    spared_by: _Lane | None = None
    """The route over which a jump host of this one has decided for both."""
    note: str = ""
    phase: PhaseStarted | None = None

    def outcome(self, starts_at: float | None) -> RouteOutcome:
        outcome = RouteOutcome(self.target.route, way_of(self.target), self.status, self.error, self.seconds, self.note)
        if self.status is RouteStatus.WAITING:
            return replace(outcome, starts_at=starts_at)
        if self.status is not RouteStatus.TRYING or self.phase is None:
            return replace(outcome, began=self.began if self.status is RouteStatus.TRYING else None)
        return replace(outcome, phase=self.phase.phase, hop=self.phase.hop.name, began=self.began)


Observe = Callable[[Target, PhaseEvent], None]


class Race:
    """One attempt to connect to a host over its routes."""

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        connector: Connector,
        interaction: Interaction,
        clock: Clock,
        observe: Observe = lambda target, event: None,
        changed: Callable[[], None] = lambda: None,
        stagger: float = STAGGER,
    ) -> None:
        """`targets` in the order in which they are tried. `observe` hears the phases of each, `changed` is called
        whenever an outcome has changed; neither may block or raise."""
        self._lanes = [_Lane(target) for target in targets]
        self._waiting = deque(self._lanes)
        self._running: dict[asyncio.Task[Link], _Lane] = {}
        self._connector = connector
        self._interaction = interaction
        self._clock = clock
        self._observe = observe
        self._changed = changed
        self._stagger = stagger
        self._gate = asyncio.Lock()
        self._next_start: float | None = None
        """When the next of those that wait is started, on the clock's monotonic scale."""
        self._left: list[asyncio.Task[Link]] = []

    @property
    def outcomes(self) -> tuple[RouteOutcome, ...]:
        """How it stands with each route, in the order in which they are tried."""
        following = self._waiting[0] if self._waiting and not self._gate.locked() else None
        return tuple(lane.outcome(self._next_start if lane is following else None) for lane in self._lanes)

    async def run(self) -> tuple[Link, Target]:
        """The link, and the target that names its route. Call `finish` afterwards, or leave it to a task.

        Raises the one route's error, the host's own refusal, or RoutesFailed. Cancelling cancels all.
        """
        if len(self._lanes) > 1:
            self._interaction = SaidOnce(self._interaction)
        try:
            lane, link = await self._first()
        except BaseException:
            self._give_up()
            await self.finish()
            raise
        self._give_up()
        return link, lane.target

    async def finish(self) -> None:
        """See the attempts end that were given up; bounded, never raises. A link that one of them made is closed."""
        left, self._left = self._left, []
        await cancel_all(left)
        made = [task.result() for task in left if task.done() and not task.cancelled() and task.exception() is None]
        await asyncio.gather(*(link.close() for link in made))

    # --- starting and ending ---

    async def _first(self) -> tuple[_Lane, Link]:
        while self._waiting or self._running:
            if self._waiting and not self._gate.locked():
                self._start(self._waiting.popleft())
            if won := self._ended(await self._something()):
                return won
        failures = [(lane.target.route, lane.error) for lane in self._lanes if lane.error is not None]
        if len(failures) == 1:
            raise failures[0][1]
        raise RoutesFailed(self._lanes[0].target.name, failures)

    def _start(self, lane: _Lane) -> None:
        several = len(self._lanes) > 1
        lane.turn = Turn(self._gate) if several else None
        lane.status, lane.tries = RouteStatus.TRYING, lane.tries + 1
        lane.began, lane.phase = self._clock.monotonic(), None
        target = lane.target

        def observe(event: PhaseEvent) -> None:
            if isinstance(event, PhaseStarted):
                lane.phase = event
            self._observe(target, event)
            if isinstance(event, PhasePassed) and event.phase is Phase.AUTH and event.hop in target.jumps:
                self._reached(lane, event.hop)
            elif isinstance(event, PhaseFailed):  # before it gives its turn back
                self._refused(lane, event.error)

        attempt = self._connector.connect(target, self._interaction, observe, lane.turn)
        self._running[asyncio.create_task(attempt, name=f"{target.name} over {target.route}")] = lane
        self._changed()

    async def _something(self) -> set[asyncio.Task[Link]]:
        """The attempts that have ended, waited for until it is time for the next route."""
        timer = asyncio.ensure_future(self._clock.sleep(self._stagger)) if self._waiting else None
        self._next_start = self._clock.monotonic() + self._stagger if timer else None
        try:
            while True:
                waited: set[asyncio.Future[Any]] = {*self._running, *([timer] if timer else [])}
                done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                ended = {task for task in self._running if task.done()}
                if ended or timer in done:  # else one was spared that was waited for
                    return ended
        finally:
            if timer is not None:
                timer.cancel()
                await asyncio.wait({timer})
            self._next_start = None

    def _ended(self, done: set[asyncio.Task[Link]]) -> tuple[_Lane, Link] | None:
        """The winner among the attempts that have ended. Raises what ends the race."""
        ending: FairleadError | None = None
        winner: tuple[_Lane, asyncio.Task[Link]] | None = None
        for task in sorted(done, key=lambda task: self._lanes.index(self._running[task])):
            lane = self._running.pop(task)
            lane.seconds = self._clock.monotonic() - (lane.began or 0.0)
            error = None if task.cancelled() else task.exception()
            if task.cancelled() or (error is None and winner is not None):
                self._lose(lane, task)
            elif error is None:
                winner, lane.status = (lane, task), RouteStatus.WON
            else:
                ending = self._failed(lane, error) or ending
        self._changed()
        if winner is not None:
            return winner[0], winner[1].result()
        if ending is not None:
            raise ending
        return None

    def _failed(self, lane: _Lane, error: BaseException) -> FairleadError | None:
        """Note a route's failure; what ends the race because of it."""
        if not isinstance(error, FairleadError):
            raise error
        in_vain = lane.turn is not None and lane.turn.in_vain
        self._refused(lane, error)
        self._return_spared(lane, error)
        if lane.turn is not None:
            lane.turn.release()
        if in_vain and lane.tries == 1:  # the server would not wait until others were done: it has its turn yet
            lane.status = RouteStatus.WAITING
            self._waiting.appendleft(lane)
            return None
        lane.status, lane.error = RouteStatus.FAILED, error
        return error if len(self._lanes) == 1 or ends_the_race(error) else None

    # --- jump hosts that several routes lead to ---

    def _reached(self, lane: _Lane, jump: Hop) -> None:
        """`jump` has let this route in: its other ways to the same place are not needed."""
        for other in self._lanes:
            if other is not lane and same_beyond(other.target, lane.target, jump):
                self._spare(other, lane, f"{jump.name} was reached over {lane.target.route}")

    def _refused(self, lane: _Lane, error: FairleadError) -> None:
        """Where a jump host has refused, no other route asks it."""
        if (jump := refused_by(error, lane.target)) is not None:
            for other in self._lanes:
                if other is not lane and leads_through(other.target, jump) is not None:
                    self._spare(other, lane, f"{jump.name} refused over {lane.target.route} and is not asked again")

    def _return_spared(self, lane: _Lane, error: FairleadError) -> None:
        """After a lost connection the routes that were spared for this one have their turn yet."""
        spared = [other for other in self._lanes if other.spared_by is lane and error.category is Category.LINK]
        for other in spared:
            other.status, other.spared_by, other.note, other.seconds = RouteStatus.WAITING, None, "", None
        self._waiting = deque(one for one in self._lanes if one in self._waiting or one in spared)

    def _spare(self, lane: _Lane, decider: _Lane, note: str) -> None:
        """Take a route out of the race that is under way in vain, or would be."""
        task = next((task for task, running in self._running.items() if running is lane), None)
        if task is not None and not task.done():
            del self._running[task]
            task.cancel()
            lane.seconds = self._clock.monotonic() - (lane.began or 0.0)
            self._lose(lane, task)
        elif lane in self._waiting:
            self._waiting.remove(lane)
        else:
            return
        lane.spared_by, lane.note = decider, note
        self._changed()

    def _give_up(self) -> None:
        """Cancel what still runs."""
        for task, lane in self._running.items():
            task.cancel()
            lane.seconds = self._clock.monotonic() - (lane.began or 0.0)
            self._lose(lane, task)
        self._running.clear()
        self._changed()

    def _lose(self, lane: _Lane, task: asyncio.Task[Link]) -> None:
        lane.status = RouteStatus.LOST
        if lane.turn is not None:
            lane.turn.release()
        self._left.append(task)
