"""The prompt for a password or a passphrase."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Input

from backend.connection.interaction import SecretKind, SecretRequest
from backend.connection.vault import Secret
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, SecretInput, Words

ACTIONS = (Action("secret.decline", "escape", "decline", "Do not answer.", scope="prompts", rank=2, key_display="esc"),)


class SecretPrompt(Prompt[Secret]):
    """One masked line."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, request: SecretRequest) -> None:
        ours = request.kind is SecretKind.PASSPHRASE
        super().__init__("unlock a key" if ours else f"{request.host} asks:")
        self._request = request

    def compose_body(self) -> ComposeResult:
        request = self._request
        if request.kind is SecretKind.PASSPHRASE:
            yield Words(f"Passphrase of {request.subject}")
            yield Words(f"to log in as {request.user} on {request.host}; it stays on this machine", classes="quiet")
        elif request.kind is SecretKind.SUDO:
            yield Words(request.subject or f"Password of {request.user}, for sudo on {request.host}")
            yield Words("to act as another user there; it is kept in memory until you disconnect", classes="quiet")
        elif request.kind is SecretKind.SU:
            yield Words(f"Password of {request.user}, for su on {request.host}")
            yield Words("to act as that user; it is kept in memory until you disconnect", classes="quiet")
        else:
            yield Words(f"Password of {request.user} on {request.host}")
        if request.on_the_way_to:
            yield Words(f"on the way to {request.on_the_way_to}", classes="quiet")
        if request.attempt > 1:
            yield Words(f"The last answer was not accepted. This is try {request.attempt}.", classes="warning")
        yield SecretInput()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Hand over what was typed, and keep nothing of it."""
        self.query_one(SecretInput).value = ""
        self.dismiss(Secret(message.value))
