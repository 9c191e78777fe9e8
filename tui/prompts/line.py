"""A question that is answered with one line: a name, a path, a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words
from tui.widgets.text_line import TextLine

ACTIONS = (
    Action("line.decline", "escape", "cancel", "Leave it as it is.", scope="prompts", rank=2, key_display="esc"),
)
TAKE = Action("line.submit", "enter", "ok", "Take what is typed.", scope="prompts", rank=1)

Check = Callable[[str], str]
"""What is wrong with an answer, as a sentence; empty when nothing is."""


class AnswerLine(TextLine):
    """Where it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((TAKE,))]


class LinePrompt(Prompt[str | None]):
    """Asks for a line. None when the person backs out; an answer that `check` objects to is not taken."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(
        self,
        heading: str,
        detail: str = "",
        *,
        value: str = "",
        placeholder: str = "",
        check: Check | None = None,
        suggester: Suggester | None = None,
        replaced: bool = False,
    ) -> None:
        """`replaced`: what is typed takes the place of `value`, unless the cursor is moved first."""
        super().__init__(heading)
        self._detail = detail
        self._value = value
        self._placeholder = placeholder
        self._check = check or _anything
        self._suggester = suggester
        self._replaced = replaced

    def compose_body(self) -> ComposeResult:
        if self._detail:
            yield Words(self._detail)
        yield AnswerLine(
            self._value,
            placeholder=self._placeholder,
            suggester=self._suggester,
            select_on_focus=self._replaced,
        )
        yield Words("", id="objection", classes="danger")

    def on_mount(self) -> None:
        self.query_one(AnswerLine).focus()

    @on(Input.Changed)
    def _forget_objection(self) -> None:
        self.query_one("#objection", Words).update("")

    @on(Input.Submitted)
    def _typed(self, message: Input.Submitted) -> None:
        if objection := self._check(message.value):
            self.query_one("#objection", Words).update(objection)
        else:
            self.dismiss(message.value)


def _anything(answer: str) -> str:
    return "" if answer.strip() else "Type something, or press esc to leave it."
