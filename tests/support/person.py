"""A person who answers by script, and an observer who writes the phases down."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from backend.connection.connector import Phase, PhaseEvent, PhaseFailed, PhasePassed
from backend.connection.interaction import (
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    SecretKind,
    SecretRequest,
)
from backend.connection.vault import Secret
from backend.files.model import NameTaken, TakenAnswer


class Person:
    """Answers in order, then declines; every question is kept."""

    def __init__(
        self,
        *,
        passwords: Sequence[str] = (),
        passphrases: Sequence[str] = (),
        answers: Sequence[Sequence[str]] = (),
        host_keys: Sequence[HostKeyDecision] = (),
        names: Sequence[TakenAnswer] = (),
        thinks: float = 0,
    ) -> None:
        self._passwords = list(passwords)
        self._passphrases = list(passphrases)
        self._answers = list(answers)
        self._host_keys = list(host_keys)
        self._names = list(names)
        self._thinks = thinks
        self.secrets: list[SecretRequest] = []
        self.challenges: list[Challenge] = []
        self.questions: list[HostKeyQuestion] = []
        self.taken: list[NameTaken] = []
        self.announced: list[tuple[str, str]] = []

    async def secret(self, request: SecretRequest) -> Secret | None:
        self.secrets.append(request)
        await asyncio.sleep(self._thinks)
        known = self._passwords if request.kind is SecretKind.PASSWORD else self._passphrases
        return Secret(known.pop(0)) if known else None

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        self.challenges.append(challenge)
        await asyncio.sleep(self._thinks)
        if not challenge.prompts:
            return ()
        return tuple(Secret(answer) for answer in self._answers.pop(0)) if self._answers else None

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        self.questions.append(question)
        await asyncio.sleep(self._thinks)
        return self._host_keys.pop(0) if self._host_keys else HostKeyDecision.REFUSE

    async def confirm(self, question: Confirmation) -> bool:
        return False

    async def name_taken(self, question: NameTaken) -> TakenAnswer | None:
        self.taken.append(question)
        await asyncio.sleep(self._thinks)
        return self._names.pop(0) if self._names else None

    def announce(self, host: str, text: str) -> None:
        self.announced.append((host, text))


class Phases:
    """What an observer was told."""

    def __init__(self) -> None:
        self.events: list[PhaseEvent] = []

    def __call__(self, event: PhaseEvent) -> None:
        self.events.append(event)

    def passed(self, hop: str = "") -> list[Phase]:
        """The phases that were passed, in order; of one hop where it is named."""
        return [event.phase for event in self.events if isinstance(event, PhasePassed) and hop in ("", event.hop.name)]

    def evidence(self, phase: Phase, hop: str = "") -> Mapping[str, str]:
        """The evidence of the last time the phase was passed."""
        found = [
            event.evidence
            for event in self.events
            if isinstance(event, PhasePassed) and event.phase is phase and hop in ("", event.hop.name)
        ]
        return found[-1]

    @property
    def failed(self) -> PhaseFailed | None:
        """The failure, if there was one."""
        return next((event for event in self.events if isinstance(event, PhaseFailed)), None)
