"""The backend's questions, answered by modals: one at a time, and never in the middle of somebody's typing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from backend.connection.interaction import (
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    HostKeyState,
    SecretRequest,
)
from backend.connection.vault import Secret
from backend.files.model import NameTaken, TakenAnswer
from tui.messages import Notice
from tui.prompts.typing import TypingGuard

if TYPE_CHECKING:
    from textual.app import App

    from tui.prompts.modal import Modal

T = TypeVar("T")


class ModalInteraction:
    """An `Interaction` over a Textual app. Prompts are imported when the first of their kind is needed."""

    def __init__(self, app: App[int], *, guard: TypingGuard | None = None) -> None:
        self._app = app
        self._turn = asyncio.Lock()
        self.guard = guard or TypingGuard(time.monotonic)
        self.holding_back = ""
        """The host whose question waits for a pause in the typing; empty when none does."""

    async def secret(self, request: SecretRequest) -> Secret | None:
        from tui.prompts.secret import SecretPrompt

        return await self._ask(request.host, partial(SecretPrompt, request))

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        from tui.prompts.challenge import ChallengePrompt

        return await self._ask(challenge.host, partial(ChallengePrompt, challenge))

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        from tui.prompts.host_key import ChangedKeyPrompt, UnknownKeyPrompt

        kind = UnknownKeyPrompt if question.state is HostKeyState.UNKNOWN else ChangedKeyPrompt
        return await self._ask(question.host, partial(kind, question)) or HostKeyDecision.REFUSE

    async def confirm(self, question: Confirmation) -> bool:
        from tui.prompts.confirm import ConfirmPrompt

        answer: bool | None = await self._ask("", lambda: ConfirmPrompt(question))
        return bool(answer)

    async def name_taken(self, question: NameTaken) -> TakenAnswer | None:
        from tui.prompts.taken import TakenPrompt

        return await self._ask(question.host, partial(TakenPrompt, question))

    def announce(self, host: str, text: str) -> None:
        self._app.post_message(Notice(text, title=f"{host} says"))

    async def _ask(self, host: str, make: Callable[[], Modal[T]]) -> T | None:
        async with self._turn:
            await self._pause_in_typing(host)
            return await self._answer(make())

    async def _pause_in_typing(self, host: str) -> None:
        try:
            while (seconds := self.guard.wait) > 0:
                self.holding_back = host
                await asyncio.sleep(seconds)
        finally:
            self.holding_back = ""

    async def _answer(self, prompt: Modal[T]) -> T | None:
        """Show `prompt` in the app's own turn; withdrawn when whoever asked has given up."""
        answer: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()

        def answered(result: T | None) -> None:
            if not answer.done():
                answer.set_result(result)

        def show() -> None:
            self._app.push_screen(prompt, answered)

        self._app.call_later(show)
        try:
            return await answer
        finally:
            if not answer.done() or answer.cancelled():
                self._app.call_later(self._withdraw, prompt)

    def _withdraw(self, prompt: Modal[T]) -> None:
        if prompt in self._app.screen_stack:
            prompt.dismiss(None)
