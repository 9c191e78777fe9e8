"""Lines of output as rows: only what is seen is drawn, and it is what the whole line looks like there."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console
from rich.style import Style
from textual.strip import Strip

from backend.commands.output import Line
from backend.connection.connector import StdStream
from tui.widgets.output_paint import EDGE, PIECE, Drawing, Ink, Painter
from tui.widgets.output_rows import Needle

PLAIN = Style()
INK = Ink(PLAIN, Style(bgcolor="blue"), Style(bgcolor="green"), PLAIN, PLAIN, PLAIN)


def painter(needle: str = "", wrap: int | None = None) -> Painter:
    return Painter(Console(), Drawing(INK, wrap=wrap, needle=Needle(needle) if needle else None), "|")


def cells(strip: Strip) -> list[tuple[str, object]]:
    """Each character with its background."""
    return [(letter, part.style and part.style.bgcolor) for part in strip for letter in part.text]


@given(
    text=st.text("ab0\u4e16 \u0301", max_size=3 * PIECE),
    left=st.integers(0, 3 * PIECE),
    room=st.integers(1, 200),
    needle=st.sampled_from(["", "a", "ab", "0"]),
)
@example(text="\u0301", left=0, room=1, needle="")
@example(text="a" * PIECE + "\u0301" * 3, left=1, room=PIECE - 1, needle="")
def test_a_window_is_a_part_of_the_whole_line(text: str, left: int, room: int, needle: str) -> None:
    line = Line(text.encode(), StdStream.OUT)
    whole = painter(needle).line(0, line)
    everything = Strip.join([whole[piece] for piece in range(len(whole))])
    seen = painter(needle).line(0, line).between(left, left + room)
    assert cells(seen) == cells(everything.crop(left, left + room))
    assert whole.cell_length == everything.cell_length


def test_a_long_line_full_of_matches_is_drawn_where_it_is_looked_at() -> None:
    line = Line(b"0" * 100_000, StdStream.OUT)
    paint = painter("0")
    drawn = paint.line(0, line)
    assert drawn.drawn == 0
    row = paint.window(drawn, line, left=5_000, width=80)
    assert 1 <= drawn.drawn <= 2
    assert row.cell_length == 80
    assert row.text == " " + "0" * (80 - EDGE - 1) + ">"
    assert paint.line(0, line) is drawn


def test_where_lines_are_wrapped_each_piece_is_a_row_of_its_own() -> None:
    line = Line(b"abc" * 10, StdStream.OUT)
    paint = painter(wrap=9)
    drawn = paint.line(0, line)
    rows = [paint.row(drawn, piece, line, width=10).text for piece in range(len(drawn))]
    assert rows == [" abcabcabc", " abcabcabc", " abcabcabc", " abc      "]
