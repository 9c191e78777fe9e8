"""A series as a picture of cells: the middle as a line, low to high as a dotted band, values and times beside it. Pure.

With UTF-8 each cell has two by four dots (braille); without, it is one letter. The band is dotted and the line is not,
so that they can be told apart without colours.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

from textual.content import Content

from backend.dataclass import dataclass
from backend.health.history.values import Point
from tui.glyphs import Glyphs

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille pattern by row and column (Unicode, block 2800)."""
_BRAILLE = 0x2800
_GAP = 3.0
"""Points that are so many times further apart than usual are not joined."""
_LINE, _BAND = 2, 1


@dataclass(frozen=True, slots=True)
class Scale:
    """From values and times to words."""

    value: Callable[[float], str]
    finer: Callable[[float], str]
    """The same with one digit more, where two values on the axis would be called the same."""
    time: Callable[[float], str]
    times: Sequence[float]
    """Moments that are named below the plot."""
    floor: float | None = None
    """What values are never below; the plot begins there where that is near."""
    ceiling: float | None = None
    """What values are never above."""
    least: float = 0.0
    """The plot shows at least such a difference."""


def plot(
    points: Sequence[Point], start: float, end: float, size: tuple[int, int], scale: Scale, glyphs: Glyphs
) -> Content:
    """`points` from `start` to `end` in `size` cells (columns and rows, with the axes)."""
    width, height = size
    shown = [point for point in points if start <= point.at <= end]
    rows = height - 2
    if not shown or rows < 2:
        return Content("")
    bottom, top = _bounds(shown, scale)
    ticks = _ticks(bottom, top, rows)
    labels = _labels(ticks, scale)
    margin = max(map(len, labels.values()))
    columns = width - margin - 2
    if columns < 8:
        return Content("")
    across, down = (2, 4) if glyphs.utf8 else (1, 1)
    dots = _dots(shown, start, end, (columns * across, rows * down), (bottom, top))
    lines = []
    for row in range(rows):
        label = labels.get(row, "")
        edge = ("┤" if label else "│") if glyphs.utf8 else ("+" if label else "|")
        lines.append(Content.assemble((f"{label:>{margin}} {edge}", "$quiet"), _row(dots, row, columns, glyphs)))
    lines.extend(_time_axis(start, end, margin, columns, scale, glyphs))
    return Content("\n").join(lines)


def _bounds(points: Sequence[Point], scale: Scale) -> tuple[float, float]:
    low, high = min(point.low for point in points), max(point.high for point in points)
    reach = max(high - low, scale.least, abs(high) * 1e-6) or 1.0
    middle = (low + high) / 2
    bottom, top = min(low, middle - reach / 2), max(high, middle + reach / 2)
    if scale.floor is not None:
        bottom = scale.floor if bottom - scale.floor < reach / 2 else bottom
        bottom = max(scale.floor, bottom)
    return bottom, top if scale.ceiling is None else max(min(top, scale.ceiling), bottom + 1e-9)


def _ticks(bottom: float, top: float, rows: int) -> dict[int, float]:
    """The rows that have a value beside them: the ends, and some in between."""
    count = max(2, min(5, rows // 3 + 1))
    places = {round(number * (rows - 1) / (count - 1)) for number in range(count)}
    return {row: top - (top - bottom) * row / (rows - 1) for row in places}


def _labels(ticks: dict[int, float], scale: Scale) -> dict[int, str]:
    labels = {row: scale.value(value) for row, value in ticks.items()}
    if len(set(labels.values())) == len(labels):
        return labels
    return {row: scale.finer(value) for row, value in ticks.items()}


Dots = dict[tuple[int, int], int]
"""What stands at a column and a row of dots, the uppermost row first."""


def _dots(
    points: Sequence[Point], start: float, end: float, size: tuple[int, int], bounds: tuple[float, float]
) -> Dots:
    width, height = size
    bottom, top = bounds
    dots: Dots = {}

    def row_of(value: float) -> int:
        return min(height - 1, max(0, round((top - value) / (top - bottom) * (height - 1))))

    before: tuple[int, int] | None = None
    for column, one in enumerate(_columns(points, start, end, width)):
        if one is None:
            before = None
            continue
        low, middle, high = (row_of(value) for value in one)
        for row in range(high, low + 1):
            if (row + column) % 2 == 0:
                dots.setdefault((column, row), _BAND)
        reached = middle if before is None else before[1]
        for row in range(min(middle, reached), max(middle, reached) + 1):
            dots[column, row] = _LINE
        before = column, middle
    return dots


Values = tuple[float, float, float]
"""Low, middle, high."""


def _columns(points: Sequence[Point], start: float, end: float, width: int) -> list[Values | None]:
    """What is shown in each column: the points in it together, or what lies between the two beside it."""
    heaps: defaultdict[int, list[Point]] = defaultdict(list)
    for point in points:
        heaps[min(width - 1, int((point.at - start) / (end - start) * width))].append(point)
    columns: list[Values | None] = [None] * width
    for place, heap in heaps.items():
        columns[place] = (
            min(one.low for one in heap), median(one.middle for one in heap), max(one.high for one in heap)
        )  # fmt: skip
    places = sorted(heaps)
    usual = median([later - earlier for earlier, later in pairwise(places)] or [1])
    for earlier, later in pairwise(places):
        if 1 < later - earlier <= max(2, math.ceil(_GAP * usual)):
            for place in range(earlier + 1, later):
                columns[place] = _between(columns[earlier], columns[later], (place - earlier) / (later - earlier))
    return columns


def _between(one: Values | None, other: Values | None, part: float) -> Values:
    assert one is not None
    assert other is not None
    low, middle, high = (a + (b - a) * part for a, b in zip(one, other, strict=True))
    return low, middle, high


def _row(dots: Dots, row: int, columns: int, glyphs: Glyphs) -> Content:
    return Content.assemble(*(_cell(dots, row, column, glyphs) for column in range(columns)))


def _cell(dots: Dots, row: int, column: int, glyphs: Glyphs) -> tuple[str, str]:
    if not glyphs.utf8:
        what = dots.get((column, row), 0)
        return {_LINE: ("*", "$accent"), _BAND: (":", "$quiet")}.get(what, (" ", ""))
    bits = {_LINE: 0, _BAND: 0, 0: 0}
    for y, line in enumerate(_DOTS):
        for x, bit in enumerate(line):
            bits[dots.get((column * 2 + x, row * 4 + y), 0)] |= bit
    if bits[_LINE]:  # alone, so that it stands out
        return chr(_BRAILLE + bits[_LINE]), "$accent"
    return (chr(_BRAILLE + bits[_BAND]), "$quiet") if bits[_BAND] else (" ", "")


def _time_axis(start: float, end: float, margin: int, columns: int, scale: Scale, glyphs: Glyphs) -> list[Content]:
    """The line below the plot, with a mark at each named moment, and names; those that would meet are left out."""
    rule, mark, corner = ("─", "┬", "└") if glyphs.utf8 else ("-", "+", "+")
    marks, names = [rule] * columns, [" "] * columns
    free = 0
    for at in scale.times:
        place = round((at - start) / (end - start) * (columns - 1))
        word = scale.time(at)
        begin = min(max(0, place - len(word) // 2), columns - len(word))
        if not 0 <= place < columns or begin < free:
            continue
        marks[place] = mark
        names[begin : begin + len(word)] = word
        free = begin + len(word) + 2
    indent = " " * (margin + 1)
    return [
        Content.styled(f"{indent}{corner}{''.join(marks)}", "$quiet"),
        Content.styled(f"{indent} {''.join(names)}".rstrip(), "$quiet"),
    ]
