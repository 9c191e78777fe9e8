"""How one row of a terminal becomes a strip of the screen: the program's colours, marks, the cursor.

The first sixteen colours are the theme's, or the person's own terminal's; what a program leaves to the terminal is the
theme's foreground and background.
"""

from __future__ import annotations

from itertools import pairwise

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from backend.commands.terminals.emulator import CursorShape, Row
from backend.dataclass import dataclass
from tui.widgets.ansi import rich_style


@dataclass(frozen=True, slots=True)
class Mark:
    """A part of a row, by character, that is shown in another style."""

    start: int
    end: int
    style: Style


def paint(row: Row, width: int, base: Style, marks: tuple[Mark, ...] = ()) -> Strip:
    """A row as a strip of `width` cells."""
    segments = [
        Segment(" " * cell_len(run.text) if run.look.hidden else run.text, base + rich_style(run.look)) for run in row
    ]
    strip = Strip(segments).adjust_cell_length(width, base)
    return marked(strip, marks) if marks else strip


def marked(strip: Strip, marks: tuple[Mark, ...]) -> Strip:
    """The strip with its marks, a later one over an earlier one."""
    text = strip.text
    for mark in marks:
        start, end = cell_len(text[: mark.start]), cell_len(text[: mark.end])
        strip = _restyled(strip, start, end, mark.style)
    return strip


def with_cursor(strip: Strip, column: int, shape: CursorShape, *, focused: bool) -> Strip:
    """The strip with a cursor in `column`. A bar stands in the cell where that is blank, else it is a line below."""
    start, end = _cell_of(strip.text, column)
    if end > strip.cell_length:
        return strip
    if not focused:
        return _restyled(strip, start, end, Style(underline=True, bold=True))
    if shape is CursorShape.BLOCK:
        return _restyled(strip, start, end, None)
    if shape is CursorShape.BAR and strip.crop(start, end).text == " ":
        before, here, after = _three(strip, start, end)
        bar = Strip([Segment("▏", segment.style) for segment in here][:1], 1)
        return Strip.join([before, bar, after])
    return _restyled(strip, start, end, Style(underline=True, bold=True))


def _restyled(strip: Strip, start: int, end: int, style: Style | None) -> Strip:
    """With the cells from `start` to `end` in `style`; None: with foreground and background exchanged."""
    before, middle, after = _three(strip, start, end)
    segments = [
        Segment(text, _reversed(own or Style()) if style is None else (own or Style()) + style)
        for text, own, _ in middle
    ]
    return Strip.join([before, Strip(segments, middle.cell_length), after])


def _reversed(style: Style) -> Style:
    return style + Style(reverse=not style.reverse)


def _three(strip: Strip, start: int, end: int) -> tuple[Strip, Strip, Strip]:
    length = strip.cell_length
    start, end = min(start, length), min(end, length)
    before, middle, after = (strip.crop(left, right) for left, right in pairwise((0, start, end, length)))
    return before, middle, after


def _cell_of(text: str, column: int) -> tuple[int, int]:
    """Where the character in `column` begins and ends, in cells."""
    start = 0
    for character in text:
        end = start + get_character_cell_size(character)
        if start <= column < end:
            return start, end
        start = end
    return column, column + 1


def character_at(text: str, column: int) -> int:
    """The index of the character in `column`; the length of `text` beyond its end."""
    cells = 0
    for index, character in enumerate(text):
        cells += get_character_cell_size(character)
        if column < cells:
            return index
    return len(text)
