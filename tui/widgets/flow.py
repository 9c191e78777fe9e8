"""Text that is laid out for the width at hand: names in a column, values beside them, hanging where they are long."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

Layout = Callable[[int], Content]
"""The text for a width in cells, already broken into lines."""

NEVER_BROKEN = 100_000
"""A width at which no line is broken, for the clipboard."""


class Flow(Widget):
    """Shows a layout, anew for every width."""

    DEFAULT_CSS = "Flow { width: 100%; height: auto; }"

    def __init__(self, layout: Layout | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._layout = layout or no_text

    def show(self, layout: Layout) -> None:
        """Show another text."""
        self._layout = layout
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._layout(max(1, width)).plain.count("\n") + 1

    def render(self) -> Content:
        return self._layout(max(1, self.content_size.width))


def hanging(head: Content, value: str | Content, width: int) -> Content:
    """`head`, then `value` beside it, its further lines under its first one."""
    indent = head.cell_length
    room = max(8, width - indent)
    content = Content(value) if isinstance(value, str) else value
    lines = [line.rstrip() for part in content.split("\n", allow_blank=True) for line in part.wrap(room)]
    padded = [lines[0], *(Content.assemble(" " * indent, line) for line in lines[1:])] if lines else []
    return Content.assemble(head, Content("\n").join(padded))


def broken(value: str | Content, width: int) -> Content:
    """`value` in lines of at most `width` cells."""
    return hanging(Content(""), value, width)


def no_text(width: int) -> Content:
    """The layout of nothing."""
    return Content("")
