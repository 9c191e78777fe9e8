"""Two versions of a file, line against line."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content

from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words

ACTIONS = (
    Action("difference.decline", "escape,enter,q", "close", "Go back.", scope="prompts", rank=1, key_display="esc"),
)
_STYLES = {"+": "$success", "-": "$error", "@": "$accent"}


class DifferencePrompt(Prompt[None]):
    """As diff(1) shows it; signs say what colours say."""

    BINDINGS = bindings_of(ACTIONS)
    DEFAULT_CSS = "DifferencePrompt #box { width: 96%; }"

    def __init__(self, heading: str, lines: Sequence[str]) -> None:
        super().__init__(heading)
        self._content = Content("\n").join(
            [Content.styled(line, _STYLES.get(line[:1], "")) for line in lines] or [Content("There is none.")]
        )

    def compose_body(self) -> ComposeResult:
        yield Words(self._content)
