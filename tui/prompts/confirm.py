"""The yes-or-no question."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content

from backend.connection.interaction import Confirmation
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words
from tui.widgets.flow import Flow, hanging

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
        yield Flow(self._detail)
        yield Words(f"{self._question.yes}?", classes="danger" if self._question.danger else "title")

    def _detail(self, width: int) -> Content:
        """Lines that are set in, as commands are, keep to that where they are broken."""
        return Content("\n").join([_set_in(line, width) for line in self._question.detail.split("\n")])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "yes" and not self.armed else True

    def action_yes(self) -> None:
        self.dismiss(True)


def _set_in(line: str, width: int) -> Content:
    words = line.lstrip(" ")
    return hanging(Content(" " * (len(line) - len(words))), words, width)
