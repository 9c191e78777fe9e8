"""The header over terminals: the host as everywhere, and below it a tab for each terminal of every host."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from tui.glyphs import Glyphs
from tui.widgets.header import Header, title_line

DrawTabs = Callable[[int], Content]
"""The tabs as they are now, in so many cells."""


class TerminalHeader(Header):
    """As tall as every header."""

    def __init__(self, glyphs: Glyphs, tabs: DrawTabs) -> None:
        super().__init__(glyphs)
        self._tabs = tabs

    def render(self) -> Content:
        if self.facts is None:
            return Content("")
        width = self.content_size.width
        return Content("\n").join([title_line(self.facts, width, self._glyphs), self._tabs(width)])
