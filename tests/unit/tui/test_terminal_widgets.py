"""How terminals are drawn, numbered, copied and named in tabs. Nothing here needs a screen."""

from __future__ import annotations

import pytest
from rich.style import Style
from textual import events
from textual.geometry import Offset
from textual.selection import Selection

from backend.commands.terminals.emulator import CursorShape, Look, Modes, MouseCoding, MouseMode, Run
from backend.commands.terminals.engines import make_emulator
from tui.terminal_pointer import Pointer
from tui.widgets.output_rows import Needle
from tui.widgets.terminal_copy import selected_text, word_around
from tui.widgets.terminal_lines import TerminalLines
from tui.widgets.terminal_paint import Mark, character_at, paint, with_cursor
from tui.widgets.terminal_search import TerminalFinder

BASE = Style(color="#d8dee3", bgcolor="#12171b")


def lines_of(output: bytes, *, columns: int = 10, rows: int = 3) -> TerminalLines:
    emulator = make_emulator(columns, rows)
    emulator.feed(output)
    return TerminalLines(emulator)


def test_lines_keep_their_numbers_while_the_screen_moves_on() -> None:
    lines = lines_of(b"one\r\ntwo\r\nthree\r\nfour")
    assert (lines.first, lines.screen, lines.end) == (0, 1, 4)
    assert [lines.text(number) for number in range(6)] == ["one", "two", "three", "four", "", ""]
    lines.emulator.feed(b"\r\nfive")
    assert (lines.screen, lines.text(0), lines.text(4)) == (2, "one", "five")


def test_the_alternate_screen_has_nothing_above_it() -> None:
    lines = lines_of(b"one\r\ntwo\r\nthree\r\nfour\x1b[?1049h")
    assert lines.first == lines.screen == 1


def test_a_row_is_as_wide_as_the_screen_and_keeps_its_colours() -> None:
    row = (Run("a\u65e5", Look(foreground=202, bold=True)), Run("x", Look(background=(1, 2, 3), hidden=True)))
    strip = paint(row, 8, BASE)
    assert (strip.text, strip.cell_length) == ("a\u65e5     ", 8)
    first, second = list(strip)[:2]
    assert first.style is not None and second.style is not None
    assert first.style.color is not None and first.style.color.number == 202
    assert first.style.bgcolor == BASE.bgcolor
    assert second.style.bgcolor is not None and second.style.bgcolor.triplet == (1, 2, 3)


@pytest.mark.parametrize(("column", "shown"), [(0, "a"), (1, "\u65e5"), (2, "\u65e5"), (3, "b"), (7, " ")])
def test_the_cursor_covers_the_whole_character(column: int, shown: str) -> None:
    strip = with_cursor(paint((Run("a\u65e5b"),), 8, BASE), column, CursorShape.BLOCK, focused=True)
    assert [segment.text for segment in strip if segment.style is not None and segment.style.reverse] == [shown]
    assert strip.cell_length == 8


def test_the_cursor_has_its_shape() -> None:
    blank = paint((Run("a"),), 4, BASE)
    assert with_cursor(blank, 1, CursorShape.BAR, focused=True).text == "a\u258f  "
    under = next(iter(with_cursor(blank, 0, CursorShape.UNDERLINE, focused=True))).style
    away = next(iter(with_cursor(blank, 0, CursorShape.BLOCK, focused=False))).style
    assert under is not None and under.underline and not under.reverse
    assert away is not None and away.underline and not away.reverse


def test_marks_count_characters_not_cells() -> None:
    strip = paint((Run("\u65e5\u672cab"),), 8, BASE, (Mark(2, 4, Style(underline=True)),))
    assert [segment.text for segment in strip if segment.style is not None and segment.style.underline] == ["ab"]
    assert [character_at("\u65e5\u672cab", column) for column in (0, 1, 2, 4, 9)] == [0, 0, 1, 2, 4]


def test_what_wrapped_is_copied_as_one_line() -> None:
    lines = lines_of(b"0123456789abc\r\nnext  \r\n")
    everything = Selection(Offset(8, 0), Offset(4, 2))
    assert selected_text(lines, everything) == "89abc\nnext"
    assert selected_text(lines, Selection(Offset(0, 1), Offset(2, 1))) == "ab"


def test_a_word_is_what_belongs_together() -> None:
    text = "cp /srv/app-1.txt user@host:x, now"
    assert [text[slice(*word_around(text, index))] for index in (0, 5, 20, 2)] == [
        "cp", "/srv/app-1.txt", "user@host:x,", "",
    ]  # fmt: skip


async def test_a_search_goes_round() -> None:
    finder = TerminalFinder(lines_of(b"a1\r\nb\r\na2\r\nc\r\na3"), Needle("a"))
    assert [await finder.find(-1, 3) for _ in range(4)] == [2, 0, 4, 2]
    assert await finder.find(1, 0) == 4
    assert await TerminalFinder(lines_of(b"a"), Needle("z")).find(-1, 0) is None


def test_a_movement_is_told_once_for_each_cell_with_the_button_that_is_held() -> None:
    pointer, modes = Pointer(), Modes(mouse=MouseMode.DRAG, coding=MouseCoding.SGR)

    def told(kind: type[events.MouseEvent], x: int, y: int, button: int = 0) -> bytes:
        event = kind(None, x, y, 0, 0, button, shift=False, meta=False, ctrl=False)
        return pointer.bytes_of(event, 80, 24, modes)

    assert told(events.MouseMove, 1, 1) == b""
    assert told(events.MouseDown, 1, 1, 1) == b"\x1b[<0;2;2M"
    assert told(events.MouseMove, 1, 1, 1) == b""
    assert told(events.MouseMove, 99, -3, 1) == b"\x1b[<32;80;1M"
    assert told(events.MouseUp, 99, 3, 1) == b"\x1b[<0;80;4m"
    assert told(events.MouseScrollDown, 2, 2) == b"\x1b[<65;3;3M"
