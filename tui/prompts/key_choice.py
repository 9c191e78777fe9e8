"""Choosing a key for a host: one line for each that is at hand, and all about the one under the cursor below."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from backend.diagnostics.remedies.keys import KeyAtHand
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words
from tui.widgets.row_list import RowList

ACTIONS = (
    Action("key_choice.decline", "escape", "back", "Leave it as it is.", scope="prompts", rank=9, key_display="esc"),
)
TAKE = Action("key_choice.take", "enter", "take", "Take this key.", scope="prompts", rank=1, does="choose")
_LONGEST_NAME = 32


class KeyRows(RowList[KeyAtHand]):
    """The keys, one line each."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((TAKE,))]

    def __init__(self, keys: Sequence[KeyAtHand]) -> None:
        super().__init__(id="choices")
        self.set_rows(keys)
        self._name_width = min(_LONGEST_NAME, max(Content(key.shown).cell_length for key in keys))

    def key_of(self, row: KeyAtHand) -> Hashable:
        return row.path

    def draw(self, row: KeyAtHand, width: int) -> Content:
        name = Content(row.shown).truncate(self._name_width, ellipsis=True, pad=True)
        return Content.assemble(" ", name, "  ", (row.words, "$quiet"))


class KeyPrompt(Prompt[KeyAtHand | None]):
    """Answers with a key; None for: leave it."""

    BINDINGS = bindings_of(ACTIONS)
    DEFAULT_CSS = """
    KeyPrompt #choices { height: auto; max-height: 12; margin-top: 1; }
    KeyPrompt #key-detail { height: 3; margin-top: 1; }
    """
    LINES_BELOW = 4
    AUTO_FOCUS = "#choices"

    def __init__(self, heading: str, keys: Sequence[KeyAtHand]) -> None:
        super().__init__(heading)
        self._keys = keys

    def compose_body(self) -> ComposeResult:
        yield Words("These are at hand; those that were not tried come first.")
        yield KeyRows(self._keys)

    def compose_below(self) -> ComposeResult:
        yield Words("", id="key-detail")

    @on(RowList.Highlighted)
    def _tell(self) -> None:
        if (key := self.query_one(KeyRows).current) is not None:
            self.query_one("#key-detail", Words).update(Content.assemble((key.shown, "bold"), "\n", key.words))

    @on(RowList.Chosen)
    def _take(self) -> None:
        if self.armed:
            self.dismiss(self.query_one(KeyRows).current)
