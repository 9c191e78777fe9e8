"""Where the cursor goes. Rows and columns are counted from 0; no count moves it off the screen."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

from backend.commands.terminals.screen import ReverseWrap, Screen


def move(screen: Screen, column: int, row: int) -> None:
    """To anywhere on the screen."""
    pen = screen.pen
    pen.column = min(max(column, 0), screen.columns - 1)
    pen.row = min(max(row, 0), screen.rows - 1)
    pen.wrapping = False


def go(screen: Screen, column: int, row: int) -> None:
    """CUP: rows are those within the margins where origin mode is set."""
    if screen.pen.origin:
        row = min(screen.top + row, screen.bottom)
    move(screen, column, row)


def to_column(screen: Screen, column: int) -> None:
    """CHA, HPA."""
    move(screen, column, screen.pen.row)


def to_row(screen: Screen, row: int) -> None:
    """VPA."""
    go(screen, screen.pen.column, row)


def up(screen: Screen, count: int) -> None:
    """CUU: not over the top margin from below it."""
    pen = screen.pen
    top = screen.top if pen.row >= screen.top else 0
    move(screen, pen.column, max(pen.row - count, top))


def down(screen: Screen, count: int) -> None:
    """CUD: not over the bottom margin from above it."""
    pen = screen.pen
    bottom = screen.bottom if pen.row <= screen.bottom else screen.rows - 1
    move(screen, pen.column, min(pen.row + count, bottom))


def up_to_beginning(screen: Screen, count: int) -> None:
    """CPL."""
    up(screen, count)
    to_column(screen, 0)


def down_to_beginning(screen: Screen, count: int) -> None:
    """CNL."""
    down(screen, count)
    to_column(screen, 0)


def right(screen: Screen, count: int) -> None:
    """CUF."""
    move(screen, screen.pen.column + count, screen.pen.row)


def left(screen: Screen, count: int) -> None:
    """CUB, BS: on to the lines above where reverse wrap is set."""
    pen = screen.pen
    if screen.auto_wrap and screen.reverse_wrap is not ReverseWrap.NONE:
        count = min(count - pen.wrapping, screen.columns * screen.rows)
        while count > pen.column and (row := _row_before(screen)) is not None:
            count -= pen.column + 1
            pen.column, pen.row = screen.columns - 1, row
    move(screen, pen.column - count, pen.row)


def _row_before(screen: Screen) -> int | None:
    """The row that the cursor backs into from the first column."""
    row, everywhere = screen.pen.row, screen.reverse_wrap is ReverseWrap.EVERYWHERE
    if row == screen.top:
        return screen.bottom if everywhere else None
    if row == 0:
        return screen.rows - 1 if everywhere else None
    return row - 1 if everywhere or screen.page.lines[row - 1].wrapped else None


def carriage_return(screen: Screen) -> None:
    """CR."""
    screen.pen.column, screen.pen.wrapping = 0, False


def line_feed(screen: Screen) -> None:
    """LF, VT, FF: to the next line, and to its beginning in newline mode."""
    if screen.newline:
        to_column(screen, 0)
    screen.index()


def next_line(screen: Screen) -> None:
    """NEL."""
    to_column(screen, 0)
    screen.index()


def tab(screen: Screen, count: int = 1) -> None:
    """HT, CHT: to the next tab stops, or the last column."""
    pen, stops = screen.pen, screen.tabs
    stop = bisect_right(stops, pen.column) + count - 1
    pen.column = min(stops[stop] if stop < len(stops) else screen.columns, screen.columns - 1)


def back_tab(screen: Screen, count: int) -> None:
    """CBT."""
    stop = bisect_left(screen.tabs, screen.pen.column) - count
    to_column(screen, screen.tabs[stop] if stop >= 0 else 0)


def set_tab(screen: Screen) -> None:
    """HTS."""
    if screen.pen.column not in screen.tabs:
        insort(screen.tabs, screen.pen.column)


def clear_tabs(screen: Screen, which: int) -> None:
    """TBC: that of the cursor's column (0), or all (3)."""
    if which == 0 and screen.pen.column in screen.tabs:
        screen.tabs.remove(screen.pen.column)
    elif which == 3:
        screen.tabs.clear()


def set_margins(screen: Screen, top: int, bottom: int) -> None:
    """DECSTBM: the first and last row of what scrolls; ignored where it has not two rows."""
    bottom = min(bottom, screen.rows - 1)
    if top < bottom:
        screen.top, screen.bottom = top, bottom
        go(screen, 0, 0)
