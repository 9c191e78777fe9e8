"""Something to read, in a box, until esc."""

from __future__ import annotations

from textual.app import ComposeResult

from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt
from tui.widgets.flow import Flow, Layout

ACTIONS = (
    Action("reading.decline", "escape,q", "back", "Close this.", scope="prompts", rank=1, key_display="esc",
           palette=False),
)  # fmt: skip


class ReadingPrompt(Prompt[None]):
    """Shows a text that is laid out for the width at hand."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, heading: str, layout: Layout) -> None:
        super().__init__(heading)
        self._layout = layout

    def compose_body(self) -> ComposeResult:
        yield Flow(self._layout)
