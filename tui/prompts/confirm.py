"""The yes-or-no question."""

from __future__ import annotations

from textual.app import ComposeResult

from backend.connection.interaction import Confirmation
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words

ACTIONS = (
    Action("confirm.yes", "y", "yes", "Do it.", scope="prompts", rank=1),
    Action("confirm.decline", "escape,n", "no", "Leave it as it is.", scope="prompts", rank=2, key_display="esc"),
)


class ConfirmPrompt(Prompt[bool]):
    """`y` does it; anything that backs out does not."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, question: Confirmation) -> None:
        super().__init__(question.title)
        self._question = question

    def compose_body(self) -> ComposeResult:
        yield Words(self._question.detail)
        yield Words(f"{self._question.yes}?", classes="danger" if self._question.danger else "title")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "yes" and not self.armed else True

    def action_yes(self) -> None:
        self.dismiss(True)
