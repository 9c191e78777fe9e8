"""A connector that keeps to what servers put up with: few connections under way at once, and no login too many."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from backend.connection.connector import Connector, Gate, Link, Observer
from backend.connection.guard import MOST, LockoutGuard
from backend.connection.interaction import (
    Between,
    Challenge,
    Interaction,
    SecretKind,
    SecretRequest,
)
from backend.connection.on_the_way import OnTheWay
from backend.connection.refusals import Place, place_of
from backend.connection.target import Hop, Target
from backend.connection.vault import Secret
from backend.dataclass import dataclass
from backend.errors import AuthError
from backend.events import Event, EventBus
from backend.tasks import background

log = logging.getLogger(__name__)

AT_ONCE = 3
"""Connections to one address that may be in the making at once; OpenSSH begins to drop them at ten (`MaxStartups` of
sshd_config(5)), all clients together."""


@dataclass(frozen=True, slots=True)
class LoginHeldBack(Event):
    """The guard has kept a login from being tried."""

    error: AuthError


class GuardedConnector:
    """`inner`, with connections to one address taking turns and the guard asked before each login; see `Connector`."""

    def __init__(self, inner: Connector, guard: LockoutGuard, bus: EventBus) -> None:
        self._inner = inner
        self._guard = guard
        self._bus = bus
        self._turns = Turns(AT_ONCE)

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> Link:
        """As `inner` does it. Raises AuthError LOGIN_HELD_BACK where one more refusal may lock this address out."""
        guarded = _GuardedGate(gate, self._guard, target, self._bus)
        person = FewerTries(OnTheWay(interaction, target), guarded.left)
        first = place_of(target, target.hops[0])
        async with self._turns.turn(first), background(self._guard.read_ahead(target)):
            try:
                link = await self._inner.connect(target, person, observer, guarded)
            except AuthError as error:
                await self._guard.note(target, error)
                raise
        self._guard.note_accepted(target)
        return link


class _GuardedGate:
    """`inner`, if any, with the guard asked before each login."""

    def __init__(self, inner: Gate | None, guard: LockoutGuard, target: Target, bus: EventBus) -> None:
        self._inner = inner
        self._guard = guard
        self._target = target
        self._bus = bus
        self.left: dict[str, int] = {}
        """Refused tries that are still safe, by the hop's name."""

    async def take(self) -> None:
        if self._inner is not None:
            await self._inner.take()

    def release(self) -> None:
        if self._inner is not None:
            self._inner.release()

    async def admit(self, hop: Hop) -> None:
        try:
            self.left[hop.name] = await self._guard.check(self._target, hop)
        except AuthError as error:
            log.warning("a login is held back", extra={"host": self._target.name, "hop": hop.name})
            self._bus.publish(LoginHeldBack(self._target.name, error))
            raise
        if self._inner is not None:
            await self._inner.admit(hop)


class Turns:
    """At most so many at once for each place; who waits is served in order."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._places: dict[Place, asyncio.Semaphore] = {}
        self._present: Counter[Place] = Counter()
        """Who has a turn or waits for one; a place with nobody is forgotten."""

    @asynccontextmanager
    async def turn(self, place: Place) -> AsyncIterator[None]:
        """Waits for a turn at `place`, and has it inside the block."""
        semaphore = self._places.setdefault(place, asyncio.Semaphore(self._at_once))
        self._present[place] += 1
        try:
            async with semaphore:
                yield
        finally:
            self._present[place] -= 1
            if not self._present[place]:
                del self._present[place], self._places[place]


class FewerTries(Between):
    """A person who is asked for a secret only as often as the guard allows."""

    def __init__(self, person: Interaction, left: Mapping[str, int]) -> None:
        """`left`: refused tries that are still safe, by the hop's name; the others have all of theirs."""
        super().__init__(person)
        self._left = left

    async def secret(self, request: SecretRequest) -> Secret | None:
        if request.kind is SecretKind.PASSWORD and self._is_over(request.host, request.attempt):
            return None
        return await self.person.secret(request)

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        if challenge.prompts and self._is_over(challenge.host, challenge.attempt):
            return None
        return await self.person.challenge(challenge)

    def _is_over(self, hop: str, attempt: int) -> bool:
        return attempt > self._left.get(hop, MOST)
