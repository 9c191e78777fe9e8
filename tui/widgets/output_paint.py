"""How one line of output becomes rows of the screen: colours, marks, the edge. What is seen of a line is drawn once and
remembered; a long line full of matches is never drawn as a whole."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.selection import Selection
from textual.strip import Strip

from backend.commands.output import Line
from backend.commands.terminals.emulator import PLAIN, Look
from backend.connection.connector import StdStream
from backend.dataclass import dataclass
from tui.widgets.ansi import parse_line, rich_style
from tui.widgets.output_rows import Needle, breaks

REMEMBERED = 512
"""Lines that are kept drawn."""
EDGE = 1
"""Cells on the left that tell the streams apart."""
_behind = itemgetter(1)
PIECE = 512
"""Cells of a line that are drawn at once where it is not wrapped."""


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


class Marks(NamedTuple):
    """Characters of a line that look otherwise."""

    spans: Sequence[tuple[int, int]]
    """First character and the one behind the last, in order; they do not overlap."""
    style: Style


class Drawn:
    """A line whose pieces are drawn when they are first looked at."""

    def __init__(self, parts: Sequence[Text], starts: Sequence[int], draw: Callable[[Text, int], Strip]) -> None:
        """`starts`: the first character of each part; `draw` makes a row of a part that begins there."""
        self._parts = parts
        self._starts = starts
        self._draw = draw
        self._ends: list[int] = []
        """The cell behind each part."""
        for part in parts:
            self._ends.append((self._ends[-1] if self._ends else 0) + cell_len(part.plain))
        self._strips: dict[int, Strip] = {}

    @property
    def cell_length(self) -> int:
        """Of the whole line, in one row."""
        return self._ends[-1]

    @property
    def drawn(self) -> int:
        """How many pieces have been drawn."""
        return len(self._strips)

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, piece: int) -> Strip:
        """A piece, without the edge and as wide as it is. Its offsets are characters of the line."""
        if piece not in self._strips:
            self._strips[piece] = self._draw(self._parts[piece], self._starts[piece])
        return self._strips[piece]

    def between(self, left: int, right: int) -> Strip:
        """The cells from `left` to before `right`, as far as there are any."""
        begins = [0, *self._ends[:-1]]
        to_end = right >= self.cell_length  # with marks that take no cell, as they have at the end, or nothing else
        if left <= 0 and to_end:
            return Strip.join([self[index] for index in range(len(self))])
        seen = [index for index, end in enumerate(self._ends) if end > left and (to_end or begins[index] < right)]
        if not seen:
            return Strip([], 0)
        row = Strip.join([self[index] for index in seen])
        return row.crop(left - begins[seen[0]], right - begins[seen[0]])


class Painter:
    """Draws the lines of one view. A change of the drawing forgets what was drawn before."""

    def __init__(self, console: Console, drawing: Drawing, edge: str) -> None:
        self._console = console
        self._drawing = drawing
        self._edge = edge
        self._drawn: LRUCache[int, tuple[Line, Look, Drawn]] = LRUCache(REMEMBERED)
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

    def line(self, number: int, line: Line, look: Look = PLAIN) -> Drawn:
        """A line that begins with `look`: its rows where lines are wrapped."""
        known = self._drawn.get(number)
        if known is None or known[:2] != (line, look):
            known = (line, look, self._draw(number, line.raw, look))
            self._drawn[number] = known
        return known[2]

    def row(self, drawn: Drawn, piece: int, line: Line, *, width: int) -> Strip:
        """One row of a wrapped line, in `width` cells with the edge."""
        row = drawn[min(piece, len(drawn) - 1)]
        return self._framed(row, line, goes_on=row.cell_length > width - EDGE, room=width - EDGE)

    def window(self, drawn: Drawn, line: Line, *, left: int, width: int) -> Strip:
        """What is seen of a line in one row, from its cell `left` on, in `width` cells with the edge."""
        right = left + width - EDGE
        seen = drawn.between(left, right)
        return self._framed(seen, line, goes_on=drawn.cell_length > right, room=width - EDGE)

    def _framed(self, row: Strip, line: Line, *, goes_on: bool, room: int) -> Strip:
        """With the edge, and a sign where the line goes on."""
        base = self._drawing.ink.base
        shown = row.crop_extend(0, room, base)
        if goes_on:
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

    def _draw(self, number: int, raw: bytes, look: Look) -> Drawn:
        text = Text(end="", no_wrap=True)
        for span in parse_line(raw, look):
            text.append(span.text, rich_style(span.look))
        marks = self._marks(text.plain, number)
        starts = breaks(text.plain, self._drawing.wrap or PIECE)
        parts = list(text.divide(starts[1:])) if len(starts) > 1 else [text]
        return Drawn(parts, starts, partial(self._strip, number, marks))

    def _marks(self, text: str, number: int) -> list[Marks]:
        """What is found and what is selected, the latter on top."""
        drawing, ink = self._drawing, self._drawing.ink
        found = drawing.needle.spans(text) if drawing.needle is not None else []
        marks = [Marks(found, ink.match_here if number == drawing.match else ink.match)]
        span = drawing.selection.get_span(number) if drawing.selection is not None else None
        if span is not None:
            marks.append(Marks([(span[0], len(text) if span[1] < 0 else span[1])], ink.selection))
        return marks

    def _strip(self, number: int, marks: Sequence[Marks], part: Text, start: int) -> Strip:
        """A part of the line `number` that begins at its character `start`, as a row."""
        end = start + len(part)
        for spans, style in marks:
            for first, behind in islice(spans, bisect_right(spans, start, key=_behind), None):
                if first >= end:
                    break
                part.stylize(style, max(0, first - start), behind - start)
        return Strip(part.render(self._console)).apply_style(self._drawing.ink.base).apply_offsets(start, number)
