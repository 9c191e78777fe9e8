"""The routes of a host while they are tried and afterwards: which carries the connection, why the others lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult

from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.detail.details import HostDetails
from tui.detail.routes import is_running, routes_story
from tui.glyphs import Glyphs
from tui.prompts.base import Prompt
from tui.widgets.flow import NEVER_BROKEN, Flow

ACTIONS = (
    Action("routes.copy", "c", "copy", "Copy all of this.", scope="prompts", rank=1),
    Action("routes.decline", "escape,enter,q", "close", "Go back.", scope="prompts", rank=2, key_display="esc"),
)


PERIOD = 0.25
"""Seconds between two looks."""


class RoutesPrompt(Prompt[None]):
    """Opened with `R`."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, host: str, look: Callable[[], HostDetails], glyphs: Glyphs) -> None:
        """`look` tells how it is now."""
        super().__init__(f"routes to {clean_line(host)}")
        self._look = look
        self._glyphs = glyphs
        self._details = look()
        self._story = partial(routes_story, self._details, glyphs)

    def compose_body(self) -> ComposeResult:
        yield Flow(self._story)

    def on_mount(self) -> None:
        self.set_interval(PERIOD, self._follow)

    def _follow(self) -> None:
        """Show how it is now, where that is otherwise than before; seconds go by while routes are tried."""
        before, self._details = self._details, self._look()
        if self._details.routes != before.routes or is_running(self._details.routes):
            self._story = partial(routes_story, self._details, self._glyphs)
            self.query_one(Flow).show(self._story)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(f"{self._heading}\n\n{self._story(NEVER_BROKEN).plain}\n")
        self.notify("Copied.", markup=False)
