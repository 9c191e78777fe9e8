"""What is painted on a real terminal is what the emulator holds: read back by another emulator, it is the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.commands.terminals.emulator import PLAIN, Emulator, Look, Modes
from backend.commands.terminals.engines import make_emulator
from backend.commands.terminals.repaint import PUT_BACK, below, corner, repaint, room

PIECES = st.lists(
    st.one_of(
        st.sampled_from([
            b"\x1b[31m", b"\x1b[1;4;7m", b"\x1b[38;5;202;48;2;1;2;3m", b"\x1b[m", b"\r\n", b"\x1b[3;5H", b"\x1b[?1049h",
            b"\x1b[?1049l", b"\x1b[?1h", b"\x1b[?2004h", b"\x1b[?1002h", b"\x1b[?1006h", b"\x1b[?1004h", b"\x1b=",
            b"\x1b[?25l", b"\x1b[5 q", b"\x1b[20h", b"\x1b[?5h", b"\x1b[2J", b"\x1b]2;title\x07",
        ]),
        st.text("ab \u65e5\xe9", min_size=1, max_size=12).map(str.encode),
    ),
    max_size=20,
)  # fmt: skip


def seen(emulator: Emulator) -> object:
    rows = [[(run.text, run.look) for run in emulator.row(number)] for number in range(emulator.rows)]
    cells = [without_blanks([(character, look) for text, look in row for character in text]) for row in rows]
    return cells, emulator.cursor, emulator.modes, emulator.title


def without_blanks(row: list[tuple[str, Look]]) -> list[tuple[str, Look]]:
    """Plain blanks at the end need not be there."""
    while row and row[-1] == (" ", PLAIN):
        row.pop()
    return row


@given(PIECES)
def test_another_terminal_shows_the_same(pieces: list[bytes]) -> None:
    ours, theirs = make_emulator(20, 6), make_emulator(20, 6)
    ours.feed(b"".join(pieces))
    theirs.feed(b"what was there\r\nbefore\x1b[32m")
    theirs.feed(room(6) + repaint(ours))
    assert seen(theirs) == seen(ours)


@given(PIECES)
def test_words_in_a_corner_leave_no_trace(pieces: list[bytes]) -> None:
    ours, theirs = make_emulator(20, 6), make_emulator(20, 6)
    ours.feed(b"".join(pieces))
    theirs.feed(repaint(ours))
    words = corner(ours, " ^] z comes back ")
    theirs.feed(words.show)
    last = 0 if ours.cursor.row == 5 else 5
    assert "^] z comes back" in "".join(run.text for run in theirs.row(last))
    theirs.feed(words.hide)
    assert seen(theirs) == seen(ours)


@given(PIECES)
def test_it_is_put_back_as_a_shell_expects_it(pieces: list[bytes]) -> None:
    emulator = make_emulator(20, 6)
    emulator.feed(b"".join(pieces) + PUT_BACK)
    assert emulator.modes == Modes()
    assert emulator.cursor.visible


def test_what_was_on_the_real_screen_goes_into_its_history() -> None:
    emulator = make_emulator(20, 4)
    emulator.feed(b"one\r\ntwo" + room(4))
    assert [run.text.rstrip() for number in range(2) for run in emulator.history_row(number)] == ["one", "two"]


def test_afterwards_the_cursor_is_under_what_was_shown() -> None:
    emulator = make_emulator(20, 4)
    emulator.feed(b"one\r\ntwo\x1b[2;3r" + PUT_BACK + below(4) + b"$ ")
    assert [[run.text.rstrip() for run in emulator.row(number)] for number in range(4)] == [["two"], [], [], ["$"]]
