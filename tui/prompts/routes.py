"""The routes of a host in the last attempt to connect: which carries the connection, why the others lost."""

from __future__ import annotations

from functools import partial

from textual.app import ComposeResult

from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.detail.details import HostDetails
from tui.detail.routes import routes_story
from tui.glyphs import Glyphs
from tui.prompts.base import Prompt
from tui.widgets.flow import NEVER_BROKEN, Flow

ACTIONS = (
    Action("routes.copy", "c", "copy", "Copy all of this.", scope="prompts", rank=1),
    Action("routes.decline", "escape,enter,q", "close", "Go back.", scope="prompts", rank=2, key_display="esc"),
)


class RoutesPrompt(Prompt[None]):
    """Opened with `R`."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, details: HostDetails, glyphs: Glyphs) -> None:
        super().__init__(f"routes to {clean_line(details.view.name)}")
        self._story = partial(routes_story, details, glyphs)

    def compose_body(self) -> ComposeResult:
        yield Flow(self._story)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(f"{self._heading}\n\n{self._story(NEVER_BROKEN).plain}\n")
        self.notify("Copied.", markup=False)
