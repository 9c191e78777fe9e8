"""A failure, told in full: what happened, what was seen, what to do next, and the code; it can be copied.

What can be done about it from here has a key, and so has the ladder of its host.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from textual.app import ComposeResult
from textual.content import Content

from backend.diagnostics.explain import Explanation
from backend.diagnostics.places import rung_of
from backend.errors import FairleadError
from tui.actions import Action, bindings_of, key_shown
from tui.prompts.base import Prompt
from tui.remedy_words import applied_by, choices, fixes
from tui.widgets.explanation import explain
from tui.widgets.flow import NEVER_BROKEN, Flow

ACTIONS = (
    Action("failure.fix", "f", "do it", "Do what is marked with this key, after a question, and try again.",
           scope="prompts", rank=1),
    Action("failure.choose_key", "k", "another key", "Choose another key for this host.", scope="prompts", rank=2),
    Action("failure.diagnose", "d", "diagnose", "Climb the ladder of this host, to where it fails.", scope="prompts",
           rank=3),
    Action("failure.copy", "c", "copy", "Copy all of this.", scope="prompts", rank=4),
    Action("failure.decline", "escape,enter", "close", "Go back.", scope="prompts", rank=5, key_display="esc"),
)  # fmt: skip


class Next(Enum):
    """What the person wants to do about it."""

    FIX = auto()
    CHOOSE_KEY = auto()
    DIAGNOSE = auto()


class FailurePrompt(Prompt[Next | None]):
    """Shows one FairleadError."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(
        self,
        error: FairleadError,
        title: str = "",
        explanation: Explanation | None = None,
        keymap: Mapping[str, str] | None = None,
    ) -> None:
        """`explanation` is what more is known about it; without one nothing can be done from here."""
        super().__init__(title or _place(error))
        self.error = error
        self._told = explanation or Explanation(error.evidence, error.advice)
        self._can_diagnose = explanation is not None and error.host is not None and rung_of(error.code) is not None
        keymap = keymap or {}
        self._keys = applied_by(
            self._told.remedies, key_shown("failure.fix", keymap), key_shown("failure.choose_key", keymap)
        )

    def compose_body(self) -> ComposeResult:
        yield Flow(self._text)

    def _text(self, width: int) -> Content:
        told = self._told
        return explain(self.error.message, self.error.code, told.evidence, told.advice, keys=self._keys, width=width)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        can = {
            "fix": bool(fixes(self._told.remedies)),
            "choose_key": bool(choices(self._told.remedies)),
            "diagnose": self._can_diagnose,
        }.get(action)
        if can is None:
            return True
        return (True if self.armed else None) if can else False

    def action_fix(self) -> None:
        self.dismiss(Next.FIX)

    def action_choose_key(self) -> None:
        self.dismiss(Next.CHOOSE_KEY)

    def action_diagnose(self) -> None:
        self.dismiss(Next.DIAGNOSE)

    def action_copy(self) -> None:
        """To the clipboard, through the terminal (OSC 52)."""
        told = self._told
        words = explain(self.error.message, self.error.code, told.evidence, told.advice, width=NEVER_BROKEN)
        self.app.copy_to_clipboard(f"{self._heading}\n\n{words.plain}\n")
        self.notify("Copied.", markup=False)


def _place(error: FairleadError) -> str:
    if error.hop:
        return f"{error.host or ''} by way of {error.hop}".strip()
    return error.host or "this did not work"
