"""A failure, told in full: what happened, what was seen, what to do next, and the code; it can be copied."""

from __future__ import annotations

from functools import partial

from textual.app import ComposeResult

from backend.errors import FairleadError
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt
from tui.widgets.explanation import explain_error
from tui.widgets.flow import NEVER_BROKEN, Flow

ACTIONS = (
    Action("failure.copy", "c", "copy", "Copy all of this.", scope="prompts", rank=1),
    Action("failure.decline", "escape,enter", "close", "Go back.", scope="prompts", rank=2, key_display="esc"),
)


class FailurePrompt(Prompt[None]):
    """Shows one FairleadError."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, error: FairleadError, title: str = "") -> None:
        super().__init__(title or _place(error))
        self.error = error

    def compose_body(self) -> ComposeResult:
        yield Flow(partial(explain_error, self.error))

    def action_copy(self) -> None:
        """To the clipboard, through the terminal (OSC 52)."""
        text = explain_error(self.error, NEVER_BROKEN).plain
        self.app.copy_to_clipboard(f"{self._heading}\n\n{text}\n")
        self.notify("Copied.", markup=False)


def _place(error: FairleadError) -> str:
    if error.hop:
        return f"{error.host or ''} by way of {error.hop}".strip()
    return error.host or "this did not work"
