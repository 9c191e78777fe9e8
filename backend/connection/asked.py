"""Tells on the bus that a person was asked something, and whether they answered; never what."""

from __future__ import annotations

from dataclasses import dataclass

from backend.clock import Clock
from backend.connection.interaction import (
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    Interaction,
    SecretRequest,
)
from backend.connection.vault import Secret
from backend.events import Event, EventBus


@dataclass(frozen=True, slots=True)
class PersonAsked(Event):
    """A question was put to the person and is over. `host` is who asked; empty for questions of our own."""

    kind: str
    """`password`, `passphrase`, `challenge`, `host_key`, `confirmation`."""
    answered: bool
    """False: declined, refused, or nobody was there."""
    seconds: float
    """How long it took."""


class HeardInteraction:
    """`person`, with each question told on the bus once it is answered or declined."""

    def __init__(self, person: Interaction, bus: EventBus, clock: Clock) -> None:
        self.person = person
        self._bus = bus
        self._clock = clock

    async def secret(self, request: SecretRequest) -> Secret | None:
        began = self._clock.monotonic()
        given = await self.person.secret(request)
        self._tell(request.host, request.kind.value, given is not None, began)
        return given

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        began = self._clock.monotonic()
        given = await self.person.challenge(challenge)
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

    def announce(self, host: str, text: str) -> None:
        self.person.announce(host, text)

    def _tell(self, host: str, kind: str, answered: bool, began: float) -> None:
        self._bus.publish(PersonAsked(host, kind, answered, self._clock.monotonic() - began))
