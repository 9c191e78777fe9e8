"""Tells on the bus that a person was asked something, and whether they answered; never what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backend.clock import Clock
from backend.connection.interaction import (
    Between,
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    Interaction,
    SecretRequest,
)
from backend.connection.vault import Secret
from backend.dataclass import dataclass
from backend.events import Event, EventBus

if TYPE_CHECKING:
    from backend.files.model import NameTaken, TakenAnswer


@dataclass(frozen=True, slots=True)
class PersonAsked(Event):
    """A question was put to the person and is over. `host` is who asked; empty for questions of our own."""

    kind: str
    """`password`, `passphrase`, `challenge`, `host_key`, `confirmation`, `name_taken`."""
    answered: bool
    """False: declined, refused, or nobody was there."""
    seconds: float
    """How long it took."""


class HeardInteraction(Between):
    """`person`, with each question told on the bus once it is answered or declined."""

    def __init__(
        self, person: Interaction, bus: EventBus, clock: Clock, given: Callable[[Secret], None] = lambda _: None
    ) -> None:
        """`given` hears each secret that the person gave."""
        super().__init__(person)
        self._bus = bus
        self._clock = clock
        self._given = given

    async def secret(self, request: SecretRequest) -> Secret | None:
        began = self._clock.monotonic()
        given = await self.person.secret(request)
        if given is not None:
            self._given(given)
        self._tell(request.host, request.kind.value, given is not None, began)
        return given

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        began = self._clock.monotonic()
        given = await self.person.challenge(challenge)
        for answer in given or ():
            self._given(answer)
        if challenge.prompts:
            self._tell(challenge.host, "challenge", given is not None, began)
        return given

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        began = self._clock.monotonic()
        decision = await self.person.host_key(question)
        self._tell(question.host, "host_key", decision is not HostKeyDecision.REFUSE, began)
        return decision

    async def confirm(self, question: Confirmation) -> bool:
        began = self._clock.monotonic()
        agreed = await self.person.confirm(question)
        self._tell("", "confirmation", agreed, began)
        return agreed

    async def name_taken(self, question: NameTaken) -> TakenAnswer | None:
        began = self._clock.monotonic()
        answer = await self.person.name_taken(question)
        self._tell("", "name_taken", answer is not None, began)
        return answer

    def _tell(self, host: str, kind: str, answered: bool, began: float) -> None:
        self._bus.publish(PersonAsked(host, kind, answered, self._clock.monotonic() - began))
