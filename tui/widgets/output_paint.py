"""How one line of output becomes rows of the screen: colours, marks, the edge. Lines are drawn once and remembered."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.selection import Selection
from textual.strip import Strip

from backend.commands.output import Line
from backend.connection.connector import StdStream
from tui.widgets.ansi import PLAIN, Look, parse_line, rich_style
from tui.widgets.output_rows import Needle, breaks

REMEMBERED = 512
"""Lines that are kept drawn."""
EDGE = 1
"""Cells on the left that tell the streams apart."""


@dataclass(frozen=True, slots=True)
class Ink:
    """The styles of a view, as its stylesheet has them."""

    base: Style
    match: Style
    match_here: Style
    stderr: Style
    more: Style
    selection: Style


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything but the line itself that decides how it looks."""

    ink: Ink
    wrap: int | None = None
    """Cells of a wrapped row; None cuts at the edge."""
    needle: Needle | None = None
    """Marked wherever it stands."""
    match: int | None = None
    """The line whose matches are the ones gone to."""
    selection: Selection | None = None


class Painter:
    """Draws the lines of one view. A change of the drawing forgets what was drawn before."""

    def __init__(self, console: Console, drawing: Drawing, edge: str) -> None:
        self._console = console
        self._drawing = drawing
        self._edge = edge
        self._drawn: LRUCache[int, tuple[Line, Look, list[Strip]]] = LRUCache(REMEMBERED)
        self._edges = self._make_edges()

    def use(self, drawing: Drawing) -> None:
        """Draw like this from now on."""
        if drawing != self._drawing:
            self._drawing = drawing
            self._edges = self._make_edges()
            self._drawn.clear()

    def forget(self) -> None:
        """The lines are those of another buffer."""
        self._drawn.clear()

    def rows(self, number: int, line: Line, look: Look = PLAIN) -> list[Strip]:
        """The rows of a line that begins with `look`, without the edge and as wide as they are.

        Their offsets are characters of the line.
        """
        known = self._drawn.get(number)
        if known is None or known[:2] != (line, look):
            known = (line, look, self._draw(number, line.raw, look))
            self._drawn[number] = known
        return known[2]

    def framed(self, row: Strip, line: Line, *, left: int, width: int) -> Strip:
        """What is seen of a row from its cell `left` on, in `width` cells with the edge; a sign where it goes on."""
        base, room = self._drawing.ink.base, width - EDGE
        shown = row.crop_extend(left, left + room, base)
        if row.cell_length > left + room:
            shown = Strip.join([shown.crop(0, room - 1), Strip([Segment(">", base + self._drawing.ink.more)], 1)])
        return Strip.join([self._edges[line.stream], shown])

    def blank(self, width: int) -> Strip:
        return Strip.blank(width, self._drawing.ink.base)

    def _make_edges(self) -> dict[StdStream, Strip]:
        ink = self._drawing.ink
        return {
            StdStream.OUT: Strip([Segment(" ", ink.base)], EDGE),
            StdStream.ERR: Strip([Segment(self._edge, ink.base + ink.stderr)], EDGE),
        }

    def _draw(self, number: int, raw: bytes, look: Look) -> list[Strip]:
        text = Text(end="", no_wrap=True)
        for span in parse_line(raw, look):
            text.append(span.text, rich_style(span.look))
        self._mark(text, number)
        width, base = self._drawing.wrap, self._drawing.ink.base
        starts = [0] if width is None else breaks(text.plain, width)
        parts = text.divide(starts[1:]) if len(starts) > 1 else [text]
        return [
            Strip(part.render(self._console)).apply_style(base).apply_offsets(start, number)
            for start, part in zip(starts, parts, strict=True)
        ]

    def _mark(self, text: Text, number: int) -> None:
        """Show what is found and what is selected."""
        drawing, ink = self._drawing, self._drawing.ink
        if drawing.needle is not None:
            style = ink.match_here if number == drawing.match else ink.match
            for start, end in drawing.needle.spans(text.plain):
                text.stylize(style, start, end)
        span = drawing.selection.get_span(number) if drawing.selection is not None else None
        if span is not None:
            text.stylize(ink.selection, span[0], len(text) if span[1] < 0 else span[1])
