"""Tells a person who is asked by a jump host, or a proxy, which host it leads to."""

from __future__ import annotations

from dataclasses import replace

from backend.connection.interaction import (
    Between,
    Challenge,
    HostKeyDecision,
    HostKeyQuestion,
    Interaction,
    SecretRequest,
)
from backend.connection.target import Target
from backend.connection.vault import Secret


class OnTheWay(Between):
    """`person`, with each question of another machine than the host itself marked as on the way to it."""

    def __init__(self, person: Interaction, target: Target) -> None:
        super().__init__(person)
        self._target = target

    async def secret(self, request: SecretRequest) -> Secret | None:
        leads_to = "" if request.is_target else self._target.name
        return await self.person.secret(replace(request, on_the_way_to=leads_to))

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        leads_to = "" if challenge.is_target else self._target.name
        return await self.person.challenge(replace(challenge, on_the_way_to=leads_to))

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        leads_to = "" if question.host == self._target.host.name else self._target.name
        return await self.person.host_key(replace(question, on_the_way_to=leads_to))
