"""What sequences do to what stands on the screen: erase, insert, delete, scroll."""

from __future__ import annotations

from backend.commands.terminals.cells import Line
from backend.commands.terminals.cursor import move, to_column
from backend.commands.terminals.emulator import PLAIN
from backend.commands.terminals.screen import Screen

_TO_END, _TO_BEGINNING, _ALL, _HISTORY = range(4)


def erase_in_line(screen: Screen, which: int) -> None:
    """EL."""
    column = screen.pen.column
    start, stop = {
        _TO_END: (column, screen.columns),
        _TO_BEGINNING: (0, column + 1),
        _ALL: (0, screen.columns),
    }.get(which, (0, 0))
    _erase(screen, start, stop)


def _erase(screen: Screen, start: int, stop: int) -> None:
    """Some columns of the cursor's line."""
    if start < stop:
        screen.line.erase(start, stop, screen.blank)
        screen.pen.wrapping = False


def erase_in_display(screen: Screen, which: int) -> None:
    """ED, and with 3 the history."""
    row = screen.pen.row
    if which == _HISTORY:
        screen.history.clear()
    elif which == _ALL:
        _erase_rows(screen, 0, screen.rows)
    elif which == _TO_END:
        _erase_rows(screen, row + 1, screen.rows)
    elif which == _TO_BEGINNING:
        _erase_rows(screen, 0, row)
    if which in (_TO_END, _TO_BEGINNING):
        erase_in_line(screen, which)


def _erase_rows(screen: Screen, start: int, stop: int) -> None:
    screen.page.lines[start:stop] = [Line(screen.columns, screen.blank) for _ in range(start, stop)]
    screen.touch(start, stop)
    screen.pen.wrapping = False


def erase_characters(screen: Screen, count: int) -> None:
    """ECH."""
    column = screen.pen.column
    _erase(screen, column, min(column + count, screen.columns))


def insert_characters(screen: Screen, count: int) -> None:
    """ICH."""
    screen.line.insert(screen.pen.column, count, screen.blank)
    screen.pen.wrapping = False


def delete_characters(screen: Screen, count: int) -> None:
    """DCH."""
    screen.line.delete(screen.pen.column, count, screen.blank)
    screen.pen.wrapping = False


def insert_lines(screen: Screen, count: int) -> None:
    """IL: within the margins only."""
    row = screen.pen.row
    if screen.top <= row <= screen.bottom:
        screen.page.scroll_down(row, screen.bottom, count, screen.blank)
        screen.touch(row, screen.bottom + 1)
        to_column(screen, 0)


def delete_lines(screen: Screen, count: int) -> None:
    """DL: what it takes out is not kept."""
    row = screen.pen.row
    if screen.top <= row <= screen.bottom:
        screen.page.delete(row, screen.bottom, count, screen.blank)
        screen.touch(row, screen.bottom + 1)
        to_column(screen, 0)


def align(screen: Screen) -> None:
    """DECALN: a screen full of E."""
    screen.top, screen.bottom = 0, screen.rows - 1
    move(screen, 0, 0)
    for line in screen.page.lines:
        line.write(0, "E" * screen.columns, PLAIN)
        line.end()
    screen.touch(0, screen.rows)
