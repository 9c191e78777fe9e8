"""History, sizes, what changed, and what programs wish for."""

from __future__ import annotations

from base64 import b64encode

import pytest

from backend.commands.terminals.answers import MAX_ANSWERS
from backend.commands.terminals.emulator import (
    PLAIN,
    Colours,
    Cursor,
    CursorShape,
    Emulator,
    Look,
    Modes,
    MouseCoding,
    MouseMode,
    Run,
)
from backend.commands.terminals.engines import make_emulator
from backend.commands.terminals.history import HISTORY_LIMIT
from backend.commands.terminals.parsing import MAX_STRING
from backend.commands.terminals.window import MAX_CLIPBOARD, MAX_TITLE


def fed(data: str | bytes, columns: int = 10, rows: int = 4) -> Emulator:
    emulator = make_emulator(columns, rows)
    emulator.feed(data.encode() if isinstance(data, str) else data)
    return emulator


def screen(emulator: Emulator) -> list[str]:
    return ["".join(run.text for run in emulator.row(row)) for row in range(emulator.rows)]


def history(emulator: Emulator) -> list[str]:
    return ["".join(run.text for run in emulator.history_row(row)) for row in range(emulator.history)]


def lines(count: int) -> str:
    return "\r\n".join(str(line) for line in range(count))


# Rows


def test_a_row_is_runs_of_what_looks_the_same() -> None:
    emulator = fed("ab\x1b[1mcd\x1b[41me\x1b[0m f")
    red = Look(background=1, bold=True)
    assert emulator.row(0) == (Run("ab"), Run("cd", Look(bold=True)), Run("e", red), Run(" f"))


def test_blank_and_plain_columns_at_the_end_are_missing() -> None:
    assert fed("ab   ").row(0) == (Run("ab"),)
    assert fed("").row(0) == ()
    assert fed("\x1b[44m  \x1b[m  ").row(0) == (Run("  ", Look(background=4)),)


def test_a_wide_character_stands_once() -> None:
    assert fed("漢字x").row(0) == (Run("漢字x"),)


def test_a_row_tells_whether_its_text_goes_on_in_the_next() -> None:
    emulator = fed("a word and another\r\nx")
    assert [emulator.goes_on(row) for row in range(4)] == [True, False, False, False]
    assert emulator.row(0) == (Run("a word and"),)
    assert emulator.row(1) == (Run(" another"),)


def test_blanks_at_the_end_of_a_row_that_goes_on_are_part_of_its_text() -> None:
    assert fed("a word    and another").row(0) == (Run("a word    "),)


@pytest.mark.parametrize("end", ["\x1b[1;5H\x1b[K", "\x1b[1;1H\x1b[2K", "\x1b[1;1H\x1b[P", "\x1b[2J"])
def test_a_row_whose_end_was_erased_does_not_go_on(end: str) -> None:
    assert not fed("a word and another" + end).goes_on(0)


# History


def test_rows_that_go_on_do_so_in_the_history_and_back_from_there() -> None:
    emulator = fed("a word and another\r\n" + lines(4))
    assert [emulator.goes_on(row) for row in (-2, -1)] == [True, False]
    emulator.resize(10, 6)
    assert (emulator.history, emulator.goes_on(0), emulator.goes_on(1)) == (0, True, False)


def test_rows_that_leave_at_the_top_are_kept_with_their_looks() -> None:
    emulator = fed("\x1b[32mone\x1b[m\r\n" + lines(6))
    assert screen(emulator) == ["2", "3", "4", "5"]
    assert [emulator.history_row(row) for row in range(emulator.history)] == [
        (Run("one", Look(foreground=2)),),
        (Run("0"),),
        (Run("1"),),
    ]


def test_the_history_has_an_end_and_tells_what_is_gone() -> None:
    emulator = fed("")
    for _ in range(12):
        emulator.feed(b"x\r\n" * 1000)
    assert emulator.history == HISTORY_LIMIT
    assert emulator.history + emulator.gone == 12_000 - 3


def test_a_region_at_the_top_goes_into_the_history_and_others_do_not() -> None:
    assert history(fed("a\r\nb\r\nc\r\nd\x1b[1;3r\x1b[3;1H\n")) == ["a"]
    assert history(fed("a\r\nb\r\nc\r\nd\x1b[2;4r\x1b[4;1H\n")) == []


def test_deleted_lines_are_no_history() -> None:
    assert history(fed(lines(4) + "\x1b[1;1H\x1b[2M")) == []


def test_the_alternate_screen_has_no_history() -> None:
    emulator = fed("\x1b[?1049h" + lines(9))
    assert emulator.history == 0
    emulator.feed(b"\x1b[?1049l")
    assert screen(emulator) == ["", "", "", ""]


def test_the_history_is_cleared_on_demand() -> None:
    emulator = fed(lines(9) + "\x1b[3J")
    assert (emulator.history, emulator.gone) == (0, 5)
    assert screen(emulator) == ["5", "6", "7", "8"]


# What changed


def test_at_first_all_rows_have_changed_and_then_none() -> None:
    emulator = fed("")
    assert emulator.take_changed() == {0, 1, 2, 3}
    assert emulator.take_changed() == set()


@pytest.mark.parametrize(
    ("data", "changed"),
    [
        ("x", {0}),
        ("\x1b[3;1Hx", {2}),
        ("\x1b[2;2H", set()),
        ("\x1b[1m\x1b[6n\x1b]2;t\a", set()),
        ("\x1b[2;1H\x1b[K", {1}),
        ("\x1b[2;1H\x1b[J", {1, 2, 3}),
        ("\x1b[3;1H\x1b[1J", {0, 1, 2}),
        ("\x1b[2;1H\x1b[L", {1, 2, 3}),
        ("\x1b[2;3r\x1b[3;1H\n", {1, 2}),
        ("\x1b[4;1H\n", {0, 1, 2, 3}),
        ("abcdefghijk", {0, 1}),
        ("\x1b[?1049h", {0, 1, 2, 3}),
        ("\x1b[?5h", set()),
    ],
)
def test_only_rows_that_were_written_to_have_changed(data: str, changed: set[int]) -> None:
    emulator = fed(lines(4) + "\x1b[H")
    emulator.take_changed()
    emulator.feed(data.encode())
    assert emulator.take_changed() == changed


def test_after_a_resize_all_rows_have_changed() -> None:
    emulator = fed(lines(4))
    emulator.take_changed()
    emulator.resize(12, 6)
    assert emulator.take_changed() == set(range(6))


# Sizes


def test_rows_go_into_the_history_and_come_back() -> None:
    emulator = fed(lines(4))
    emulator.resize(10, 2)
    assert (history(emulator), screen(emulator), emulator.cursor) == (["0", "1"], ["2", "3"], Cursor(1, 1))
    emulator.resize(10, 5)
    assert (history(emulator), screen(emulator), emulator.cursor) == ([], ["0", "1", "2", "3", ""], Cursor(1, 3))


def test_blank_rows_below_the_cursor_go_first() -> None:
    emulator = fed("a\r\nb")
    emulator.resize(10, 2)
    assert (history(emulator), screen(emulator), emulator.cursor) == ([], ["a", "b"], Cursor(1, 1))


def test_the_cursor_stays_on_its_row_where_there_is_text_below() -> None:
    emulator = fed(lines(4) + "\x1b[2;1H")
    emulator.resize(10, 3)
    assert (history(emulator), screen(emulator), emulator.cursor) == (["0"], ["1", "2", "3"], Cursor(0, 0))


def test_what_does_not_fit_the_width_comes_back_when_it_does() -> None:
    emulator = fed("abcdefghij\r\nxy")
    emulator.resize(4, 4)
    assert screen(emulator) == ["abcd", "xy", "", ""]
    emulator.feed(b"\x1b[1;1H123")
    emulator.resize(12, 4)
    assert screen(emulator) == ["123defghij", "xy", "", ""]


@pytest.mark.parametrize(
    "act", ["\x1b[K", "\x1b[2K", "\x1b[J", "\x1b[99X", "\x1b[P", "\x1b[@", "\x1b[4h1\x1b[4l", "12345", "\x1b#8"]
)
def test_what_was_erased_or_written_past_does_not_come_back(act: str) -> None:
    emulator = fed("abcdefghij")
    emulator.resize(4, 4)
    emulator.feed(b"\x1b[1;1H" + act.encode())
    emulator.resize(10, 4)
    assert len(screen(emulator)[0]) <= 4


def test_a_wide_character_that_is_cut_is_gone() -> None:
    emulator = fed("abcdef漢g")
    emulator.resize(7, 4)
    assert screen(emulator)[0] == "abcdef"
    emulator.resize(12, 4)
    assert screen(emulator)[0] == "abcdef  g"


def test_the_history_keeps_rows_in_their_width() -> None:
    emulator = fed("abcdefghij\r\nxy")
    emulator.resize(4, 1)
    assert (history(emulator), screen(emulator)) == (["abcdefghij"], ["xy"])


def test_what_comes_back_from_the_history_fits_the_new_width() -> None:
    emulator = fed("abc漢字def\r\n" + lines(4))
    emulator.resize(6, 6)
    assert screen(emulator) == ["abc漢", "0", "1", "2", "3", ""]
    assert emulator.row(0) == (Run("abc漢"),)


def test_the_screen_below_an_alternate_one_is_resized_with_it() -> None:
    emulator = fed(lines(4) + "\x1b[?1049h\x1b[Hfull")
    emulator.resize(10, 2)
    assert screen(emulator) == ["full", ""]
    emulator.feed(b"\x1b[?1049l!")
    assert (history(emulator), screen(emulator)) == (["0", "1"], ["2", "3!"])


def test_a_line_that_waited_to_wrap_goes_on_where_there_is_room_now() -> None:
    emulator = fed("abcdefghij")
    emulator.resize(12, 4)
    emulator.feed(b"kl")
    assert screen(emulator)[0] == "abcdefghijkl"


def test_a_saved_cursor_that_waited_to_wrap_does_not_wrap_in_the_middle_of_a_wider_line() -> None:
    emulator = fed("abcdefghij\x1b7")
    emulator.resize(12, 4)
    emulator.feed(b"\x1b8XY")
    assert screen(emulator) == ["abcdefghiXY", "", "", ""]


def test_margins_are_gone_after_a_resize() -> None:
    emulator = fed("\x1b[2;3r")
    emulator.resize(10, 5)
    emulator.feed(b"\x1b[5;1Hx\r\ny")
    assert screen(emulator) == ["", "", "", "x", "y"]


def test_new_columns_have_tab_stops() -> None:
    emulator = fed("")
    emulator.resize(30, 4)
    emulator.feed(b"\t\t\t*")
    assert emulator.cursor == Cursor(25, 0)


@pytest.mark.parametrize("size", [(0, 4), (10, 0), (-1, -1)])
def test_a_screen_has_a_size(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        fed("").resize(*size)


# Wishes


def test_the_title_is_clean_and_on_one_line() -> None:
    assert fed("\x1b]2;a\u202eb\u0085c\a").title == "a�b�c"
    assert fed("\x1b]0;" + "x" * 9999 + "\x1b\\").title == "x" * MAX_TITLE
    assert fed("\x1b]1;icon\a").title == ""


def test_titles_are_remembered_and_brought_back() -> None:
    emulator = fed("\x1b]2;shell\a\x1b[22;0t\x1b]2;vim\a")
    assert emulator.title == "vim"
    emulator.feed(b"\x1b[23;0t\x1b[23;0t")
    assert emulator.title == "shell"


def test_titles_without_end_are_not_remembered() -> None:
    emulator = fed("".join(f"\x1b]2;{number}\a\x1b[22t" for number in range(99)) + "\x1b[23t" * 99)
    assert emulator.title == "83"


def test_texts_for_the_clipboard_are_cleaned() -> None:
    text = b64encode("grün\n\tx\x1b[31m\x00".encode()).decode()
    emulator = fed(f"\x1b]52;c;{text}\a")
    assert emulator.take_wishes().clipboard == ("grün\n\tx�[31m�",)
    assert emulator.take_wishes().clipboard == ()


@pytest.mark.parametrize(
    "data",
    [
        "\x1b]52;c;?\a",
        "\x1b]52;c;!!!\a",
        "\x1b]52;c;é\a",
        "\x1b]52;c\a",
        "\x1b]52;c;\a",
        "\x1b]52;c;" + b64encode(b"x" * (MAX_CLIPBOARD + 1)).decode() + "\a",
        "\x1b]52;c;" + "A" * (MAX_CLIPBOARD * 6) + "\a",
        "\x1b]52;c;" + "A" * (MAX_STRING + 4) + "\a",
    ],
)
def test_what_is_no_text_for_the_clipboard_is_left_out(data: str) -> None:
    emulator = fed(data + "x")
    assert emulator.take_wishes() == make_emulator(1, 1).take_wishes()
    assert screen(emulator)[0] == "x"


def test_the_clipboard_is_not_filled_without_end() -> None:
    assert len(fed("\x1b]52;c;YQ==\a" * 99).take_wishes().clipboard) == 8


@pytest.mark.parametrize(
    ("data", "answers"),
    [
        ("\x1b]10;?\a", "\x1b]10;rgb:ffff/ffff/e0e0\x1b\\"),
        ("\x1b]11;?\x1b\\", "\x1b]11;rgb:0000/1111/2222\x1b\\"),
        ("\x1b]12;?\a", "\x1b]12;rgb:ffff/ffff/e0e0\x1b\\"),
        ("\x1b]10;?;?\a", "\x1b]10;rgb:ffff/ffff/e0e0\x1b\\\x1b]11;rgb:0000/1111/2222\x1b\\"),
        ("\x1b]11;#ffffff\a\x1b]4;1;?\a\x1b]13;?\a", ""),
    ],
)
def test_the_terminals_colours_are_told_where_they_are_known(data: str, answers: str) -> None:
    emulator = fed("")
    emulator.colours = Colours((255, 255, 224), (0, 17, 34))
    emulator.feed(data.encode())
    assert emulator.take_wishes().replies.decode() == answers
    emulator.colours = None
    emulator.feed(data.encode())
    assert emulator.take_wishes().replies == b""


def test_bells_are_counted() -> None:
    emulator = fed("\a\ax\a")
    assert (emulator.take_wishes().bells, emulator.take_wishes().bells) == (3, 0)


def test_answers_nobody_takes_do_not_pile_up() -> None:
    assert len(fed("\x1b[c" * 99_999).take_wishes().replies) <= MAX_ANSWERS


# Modes and the cursor


@pytest.mark.parametrize(
    ("data", "modes"),
    [
        ("", Modes()),
        ("\x1b[?1h", Modes(application_cursor=True)),
        ("\x1b=", Modes(application_keypad=True)),
        ("\x1b=\x1b>", Modes()),
        ("\x1b[?66h", Modes(application_keypad=True)),
        ("\x1b[20h", Modes(newline=True)),
        ("\x1b[?2004h", Modes(bracketed_paste=True)),
        ("\x1b[?1004h", Modes(focus_events=True)),
        ("\x1b[?9h", Modes(mouse=MouseMode.PRESS)),
        ("\x1b[?1000h", Modes(mouse=MouseMode.CLICK)),
        ("\x1b[?1000;1002;1006h", Modes(mouse=MouseMode.DRAG, coding=MouseCoding.SGR)),
        ("\x1b[?1003;1015h", Modes(mouse=MouseMode.MOVE, coding=MouseCoding.URXVT)),
        ("\x1b[?1002h\x1b[?1000l", Modes(mouse=MouseMode.DRAG)),
        ("\x1b[?1002;1005h\x1b[?1002;1005l", Modes()),
        ("\x1b[?1006;1016h", Modes(coding=MouseCoding.SGR)),
        ("\x1b[?1049h", Modes(alternate=True)),
        ("\x1b[?47h", Modes(alternate=True)),
        ("\x1b[?1007l", Modes(alternate_scroll=False)),
        ("\x1b[?5h", Modes(reverse_screen=True)),
        ("\x1b[?2026h", Modes(synchronised=True)),
        ("\x1b[?1;1003;1006;2004;2026;5h\x1b[20h\x1b=\x1bc", Modes()),
        ("\x1b[?1;66h\x1b[!p", Modes()),
        ("\x1b[?1003h\x1b[!p", Modes(mouse=MouseMode.MOVE)),
        ("\x1b[?2004h\x1b[?2004s\x1b[?2004l\x1b[?2004r", Modes(bracketed_paste=True)),
    ],
)
def test_modes_are_told(data: str, modes: Modes) -> None:
    assert fed(data).modes == modes


@pytest.mark.parametrize(
    ("data", "cursor"),
    [
        ("", Cursor(0, 0)),
        ("ab", Cursor(2, 0)),
        ("\x1b[?25l", Cursor(0, 0, visible=False)),
        ("\x1b[?25l\x1b[?25h", Cursor(0, 0)),
        ("\x1b[?25l\x1b[!p", Cursor(0, 0)),
        ("\x1b[0 q", Cursor(0, 0)),
        ("\x1b[3 q", Cursor(0, 0, shape=CursorShape.UNDERLINE)),
        ("\x1b[6 q", Cursor(0, 0, shape=CursorShape.BAR)),
        ("\x1b[6 q\x1b[2 q", Cursor(0, 0)),
        ("\x1b[6 q\x1b[99 q", Cursor(0, 0, shape=CursorShape.BAR)),
    ],
)
def test_the_cursor_is_told(data: str, cursor: Cursor) -> None:
    assert fed(data).cursor == cursor


def test_a_full_reset_keeps_the_history() -> None:
    emulator = fed(lines(6) + "\x1b[31m\x1bcx")
    assert history(emulator) == ["0", "1"]
    assert emulator.row(0) == (Run("x", PLAIN),)
