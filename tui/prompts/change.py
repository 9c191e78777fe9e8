"""One line about chosen files: a mode, an owner; and whether it goes for all that is in directories."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from backend.dataclass import dataclass
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.prompts.base import Prompt, Words
from tui.prompts.line import AnswerLine, Check

ACTIONS = (
    Action("change.recursive", "ctrl+r", "whole trees", "All that is in directories as well, or not.",
           scope="prompts", rank=3, priority=True),
    Action("change.decline", "escape", "cancel", "Leave it as it is.", scope="prompts", rank=2, key_display="esc"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """What was typed."""

    text: str
    recursive: bool


class ChangePrompt(Prompt[Change | None]):
    """None when the person backs out; a line that `check` objects to is not taken."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(
        self, heading: str, detail: str, *, value: str, check: Check, has_directories: bool, glyphs: Glyphs
    ) -> None:
        super().__init__(heading)
        self._detail = detail
        self._value = value
        self._check = check
        self._has_directories = has_directories
        self._glyphs = glyphs
        self._recursive = False

    def compose_body(self) -> ComposeResult:
        yield Words(self._detail)
        yield AnswerLine(self._value, select_on_focus=True)
        yield Words("", id="objection", classes="danger")
        yield Words("", id="reach", classes="quiet")

    def on_mount(self) -> None:
        self.query_one(AnswerLine).focus()
        self._tell_reach()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._has_directories if action == "recursive" else True

    def action_recursive(self) -> None:
        self._recursive = not self._recursive
        self._tell_reach()

    def _tell_reach(self) -> None:
        if self._has_directories:
            sign = self._glyphs.passed if self._recursive else self._glyphs.dash
            what = "with all that is in directories" if self._recursive else "not what is in directories"
            self.query_one("#reach", Words).update(f"{sign} {what} (ctrl+r)")

    @on(Input.Changed)
    def _forget_objection(self) -> None:
        self.query_one("#objection", Words).update("")

    @on(Input.Submitted)
    def _typed(self, message: Input.Submitted) -> None:
        if objection := self._check(message.value):
            self.query_one("#objection", Words).update(objection)
        else:
            self.dismiss(Change(message.value.strip(), self._recursive))
