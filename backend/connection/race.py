"""Several routes to one host, tried in order with a staggered start: the first that logs in wins.

Attempts run side by side up to the point where the person would be asked or a login would begin; there they take turns
(`Gate`), so that nobody is asked twice and no login is wasted. What the host itself refuses ends the race: a secret
that was refused over one route is not tried again over another. A jump host's or a proxy's failure ends its own route.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from backend.clock import Clock
from backend.connection.connector import Connector, Link, PhaseEvent
from backend.connection.interaction import (
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    Interaction,
    SecretRequest,
)
from backend.connection.retry import may_repeat
from backend.connection.target import Hop, Target
from backend.connection.vault import Secret
from backend.connection.ways import described
from backend.errors import AuthError, Category, Code, ConnectError, FairleadError, HostKeyError
from backend.tasks import cancel_all

STAGGER = 2.0
"""Seconds between the starts of two routes; a failure starts the next one at once."""

_MOST_TELLING = (
    Category.AUTH,
    Category.HOST_KEY,
    Category.SESSION,
    Category.PROTOCOL,
    Category.LINK,
    Category.NETWORK,
    Category.NAME,
    Category.CONFIG,
)
"""Of several failures, the one that came furthest tells most."""


class RouteStatus(StrEnum):
    """What became of a route."""

    WAITING = "not tried"
    """Not started; at the end: not needed, or the race was over before."""
    TRYING = "trying"
    WON = "won"
    LOST = "lost"
    """Given up when another one had won, or the race had ended."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RouteOutcome:
    """One route of a host in one attempt to connect."""

    route: str
    """Its name, as in `routes`."""
    way: str
    """In words: `direct`, `via bastion`, `over Tailscale, 100.64.0.7`."""
    status: RouteStatus
    error: FairleadError | None = None
    """For FAILED."""
    seconds: float | None = None
    """How long it was tried."""

    def to_json(self) -> dict[str, Any]:
        return {
            "route": self.route,
            "way": self.way,
            "status": self.status.value,
            "code": None if self.error is None else self.error.code.value,
            "message": None if self.error is None else self.error.message,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
        }


def way_of(target: Target) -> str:
    """How a route goes, in words."""
    parts = [described(target.hops[0].way)]
    if target.jumps:
        parts.append(f"via {', '.join(jump.name for jump in target.jumps)}")
    return ", ".join(part for part in parts if part) or "direct"


class RoutesFailed(ConnectError):
    """Every route of a host has failed. Worth a repeat where any of them is."""

    def __init__(self, host: str, failures: Sequence[tuple[str, FairleadError]]) -> None:
        self.failures = tuple(failures)
        route, worst = most_telling(failures)
        reason = " ".join(f"{name}: {_sentence(error)}" for name, error in failures)
        codes = {f"route {name}": error.code.value for name, error in failures}
        super().__init__(Code.ROUTES_FAILED, evidence={**codes, "route": route, "reason": reason}, host=host)
        own = super().advice
        self._own_advice = (*worst.advice, *(step for step in own if step not in worst.advice))

    @property
    def retryable(self) -> bool:
        return any(may_repeat(error) for _, error in self.failures)


def _sentence(error: FairleadError) -> str:
    return error.message if error.message.endswith((".", "!", "?")) else f"{error.message}."


def most_telling(failures: Sequence[tuple[str, FairleadError]]) -> tuple[str, FairleadError]:
    """Of several failures the one whose advice helps most; of equals the first."""

    def rank(failure: tuple[str, FairleadError]) -> int:
        category = failure[1].category
        return _MOST_TELLING.index(category) if category in _MOST_TELLING else len(_MOST_TELLING)

    return min(failures, key=rank)


def ends_the_race(error: FairleadError) -> bool:
    """Whether `error` is the host's own word, or the person's, so that no other route may be tried after it."""
    if error.hop is not None:
        return False
    return isinstance(error, HostKeyError) or (isinstance(error, AuthError) and not error.retryable)


def preferred(targets: Sequence[Target], route: str | None) -> tuple[Target, ...]:
    """`targets` with the one called `route` first."""
    return tuple(sorted(targets, key=lambda target: target.route != route))


# --- turns -------------------------------------------------------------------------------------------------------


class _Turn:
    """One route's place at the gate; see `Gate`."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._held = False
        self.in_vain = False
        """The connection went while it waited: nothing was tried, nobody was asked."""

    async def take(self) -> None:
        if self._held:
            return
        try:
            await self._lock.acquire()
        except asyncio.CancelledError:
            self.in_vain = True
            raise
        self._held, self.in_vain = True, False

    async def admit(self, hop: Hop) -> None:
        """Nothing of the race's own."""

    def release(self) -> None:
        if self._held:
            self._held = False
            self._lock.release()


class _SaidOnce:
    """A person who is shown the same words of a server once, whichever routes they come by."""

    def __init__(self, person: Interaction) -> None:
        self.person = person
        self._said: set[tuple[str, str]] = set()

    async def secret(self, request: SecretRequest) -> Secret | None:
        return await self.person.secret(request)

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        return await self.person.challenge(challenge)

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        return await self.person.host_key(question)

    async def confirm(self, question: Confirmation) -> bool:
        return await self.person.confirm(question)

    def announce(self, host: str, text: str) -> None:
        if (host, text) not in self._said:
            self._said.add((host, text))
            self.person.announce(host, text)


# --- the race ----------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Lane:
    """One route while it is tried."""

    target: Target
    status: RouteStatus = RouteStatus.WAITING
    error: FairleadError | None = None
    began: float | None = None
    seconds: float | None = None
    turn: _Turn | None = None
    tries: int = field(default=0)

    @property
    def outcome(self) -> RouteOutcome:
        return RouteOutcome(self.target.route, way_of(self.target), self.status, self.error, self.seconds)


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
        self._left: list[asyncio.Task[Link]] = []

    @property
    def outcomes(self) -> tuple[RouteOutcome, ...]:
        """How it stands with each route, in the order in which they are tried."""
        return tuple(lane.outcome for lane in self._lanes)

    async def run(self) -> tuple[Link, Target]:
        """The link, and the target that names its route. Call `finish` afterwards, or leave it to a task.

        Raises the one route's error, the host's own refusal, or RoutesFailed. Cancelling cancels all.
        """
        if len(self._lanes) > 1:
            self._interaction = _SaidOnce(self._interaction)
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
        lane.turn = _Turn(self._gate) if several else None
        lane.status, lane.tries = RouteStatus.TRYING, lane.tries + 1
        lane.began = self._clock.monotonic()
        target = lane.target

        def observe(event: PhaseEvent) -> None:
            self._observe(target, event)

        if lane.turn is None:
            attempt = self._connector.connect(target, self._interaction, observe)
        else:
            attempt = self._connector.connect(target, self._interaction, observe, lane.turn)
        self._running[asyncio.create_task(attempt, name=f"{target.name} over {target.route}")] = lane
        self._changed()

    async def _something(self) -> set[asyncio.Task[Link]]:
        """The attempts that have ended, waited for until it is time for the next route."""
        timer = asyncio.ensure_future(self._clock.sleep(self._stagger)) if self._waiting else None
        waited: set[asyncio.Future[Any]] = {*self._running, *([timer] if timer else [])}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            return {task for task in self._running if task.done()}
        finally:
            if timer is not None:
                timer.cancel()
                await asyncio.wait({timer})

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
        if lane.turn is not None:
            lane.turn.release()
        if in_vain and lane.tries == 1:  # the server would not wait until others were done: it has its turn yet
            lane.status = RouteStatus.WAITING
            self._waiting.appendleft(lane)
            return None
        lane.status, lane.error = RouteStatus.FAILED, error
        return error if len(self._lanes) == 1 or ends_the_race(error) else None

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
