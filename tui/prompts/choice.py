"""A question with a few answers, each with its own key; and words that may be long."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content

from backend.dataclass import dataclass
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words

KEYS = "abcdefghijklmnopqrstuvwxyz"
ACTIONS = (
    Action("choice.decline", "escape", "back", "Leave it as it is.", scope="prompts", rank=9, key_display="esc"),
    *(
        Action(
            f"choice.take_{key}", key, key, "Take this answer.", scope="prompts", does=f"take('{key}')", palette=False
        )
        for key in KEYS
    ),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the answers."""

    key: str
    """A letter."""
    word: str
    does: str
    """What it means, as half a sentence."""


class ChoicePrompt(Prompt[str | None]):
    """The letter of the answer; None when the person backs out."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, heading: str, words: str | Content, answers: Sequence[Answer], *, danger: bool = False) -> None:
        super().__init__(heading)
        self._words = words
        self._answers = answers
        self._danger = danger

    def compose_body(self) -> ComposeResult:
        yield Words(self._words, classes="danger" if self._danger else None)
        width = max(len(answer.word) for answer in self._answers)
        lines = [
            Content.assemble(
                (f"  {answer.key}  ", "bold $accent"), f"{answer.word:<{width}}  ", (answer.does, "$quiet")
            )
            for answer in self._answers
        ]
        yield Words(Content("\n").join([Content(""), *lines]))

    def action_take(self, key: str) -> None:
        if self.armed and any(answer.key == key for answer in self._answers):
            self.dismiss(key)
