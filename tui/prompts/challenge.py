"""The prompt for a server's own questions (keyboard-interactive, RFC 4256): several lines, all words the server's."""

from __future__ import annotations

from textual.app import ComposeResult

from backend.connection.interaction import Challenge
from backend.connection.vault import Secret
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, SecretInput, Words

ACTIONS = (
    Action("challenge.read", "enter", "go on", "The message has been read.", scope="prompts", rank=1),
    Action("challenge.decline", "escape", "decline", "Do not answer.", scope="prompts", rank=2, key_display="esc"),
)


class ChallengePrompt(Prompt[tuple[Secret, ...]]):
    """As many lines as the server has questions; a challenge without questions is a message to read."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, challenge: Challenge) -> None:
        super().__init__(f"{challenge.host} asks:" if challenge.prompts else f"{challenge.host} says:")
        self._challenge = challenge

    def compose_body(self) -> ComposeResult:
        challenge = self._challenge
        if challenge.login:
            yield Words(challenge.login, classes="quiet")
        if challenge.title:
            yield Words(challenge.title, classes="title")
        if challenge.instructions:
            yield Words(challenge.instructions, classes="theirs")
        if challenge.attempt > 1:
            yield Words(f"The login was not accepted. This is try {challenge.attempt}.", classes="warning")
        for number, prompt in enumerate(challenge.prompts):
            yield Words(prompt.text, classes="theirs question")
            yield SecretInput(masked=not prompt.echo, id=f"line-{number}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not self._challenge.prompts if action == "read" else True

    def action_read(self) -> None:
        self.dismiss(())

    def on_input_submitted(self) -> None:
        """Enter goes down the lines; on the last one all answers are handed over."""
        lines = list(self.query(SecretInput))
        here = next((number for number, line in enumerate(lines) if line.has_focus), len(lines) - 1)
        if here < len(lines) - 1:
            lines[here + 1].focus()
            return
        answers = tuple(Secret(line.value) for line in lines)
        for line in lines:
            line.value = ""
        self.dismiss(answers)
