"""Rows of an output view, compared with what a patient reader would work out from scratch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.output import OutputBuffer
from backend.connection.connector import Chunk, StdStream
from tui.widgets.ansi import plain_text
from tui.widgets.output_rows import DirectRows, Needle, ReadRows, Rows, breaks
from tui.widgets.output_search import Finder

_TEXT = st.text(st.sampled_from("abAB 漢\t"), max_size=12)
_CHUNKS = st.lists(st.builds(lambda text, end: (text + end).encode(), _TEXT, st.sampled_from(["", "\n", "\n", "\r\n"])))


def _buffer(*chunks: bytes, max_lines: int = 1000) -> OutputBuffer:
    buffer = OutputBuffer(max_lines=max_lines)
    for chunk in chunks:
        buffer.feed(Chunk(StdStream.OUT, chunk))
    return buffer


def _expected(buffer: OutputBuffer, width: int | None, needle: Needle | None) -> list[tuple[int, int]]:
    rows = []
    for number, line in enumerate(buffer.lines(buffer.first, buffer.end), buffer.first):
        text = plain_text(line.raw)
        if needle is None or needle.within(text):
            rows += [(number, piece) for piece in range(len(breaks(text, width)) if width else 1)]
    return rows


def _read_all(rows: Rows, step: int) -> None:
    rows.read(step)
    while rows.unread:
        rows.read(step)


@given(
    chunks=_CHUNKS,
    width=st.one_of(st.none(), st.integers(2, 9)),
    needle=st.one_of(st.none(), st.sampled_from(["a", "ab", "A", " "])),
    keep=st.integers(1, 6),
    step=st.integers(1, 4),
)
def test_rows_are_the_same_whether_read_as_they_come_or_at_the_end(
    chunks: list[bytes], width: int | None, needle: str | None, keep: int, step: int
) -> None:
    buffer = OutputBuffer(max_lines=keep)
    wanted = Needle(needle) if needle else None
    rows = ReadRows(buffer, width=width, needles=(wanted,) if wanted else ())
    for chunk in chunks:
        buffer.feed(Chunk(StdStream.OUT, chunk))
        rows.read(step)
    _read_all(rows, step)
    expected = _expected(buffer, width, wanted)
    assert [rows.locate(row) for row in range(rows.count)] == expected
    for line in range(buffer.first, buffer.end):
        assert rows.row_of(line) == sum(number < line for number, _ in expected)


@given(chunks=_CHUNKS, keep=st.integers(1, 6))
def test_without_wrapping_or_filter_each_line_is_a_row(chunks: list[bytes], keep: int) -> None:
    buffer = OutputBuffer(max_lines=keep)
    rows, gone = DirectRows(buffer), 0
    for chunk in chunks:
        buffer.feed(Chunk(StdStream.OUT, chunk))
        gone += rows.read(1)
    assert gone == buffer.dropped
    assert [rows.locate(row) for row in range(rows.count)] == _expected(buffer, None, None)


@given(chunks=_CHUNKS, keep=st.integers(1, 6))
def test_rows_that_went_at_the_top_are_told(chunks: list[bytes], keep: int) -> None:
    buffer = OutputBuffer(max_lines=keep)
    rows, gone, shown = ReadRows(buffer, width=4), 0, 0
    for chunk in chunks:
        buffer.feed(Chunk(StdStream.OUT, chunk))
        before = [rows.locate(row)[0] for row in range(rows.count)]
        lost = rows.read(1000)
        gone += lost
        assert all(number < buffer.first for number in before[:lost])
    shown = rows.count
    assert shown == len(_expected(buffer, 4, None))


@given(text=_TEXT, width=st.integers(2, 9))
def test_no_piece_is_wider_than_it_may_be(text: str, width: int) -> None:
    from rich.cells import cell_len

    shown = plain_text(text.encode())
    starts = breaks(shown, width)
    pieces = [shown[start:stop] for start, stop in zip(starts, [*starts[1:], len(shown)], strict=True)]
    assert "".join(pieces) == shown
    assert all(cell_len(piece) <= width for piece in pieces)


@pytest.mark.parametrize(
    ("needle", "text", "spans"),
    [
        ("ab", "xabAbab", [(1, 3), (3, 5), (5, 7)]),
        ("Ab", "xabAbab", [(3, 5)]),
        ("aa", "aaaa", [(0, 2), (2, 4)]),
        ("x", "abc", []),
        ("i", "İi", [(1, 2)]),
    ],
)
def test_a_capital_makes_the_case_count(needle: str, text: str, spans: list[tuple[int, int]]) -> None:
    assert Needle(needle).spans(text) == spans


def _finder(buffer: OutputBuffer, text: str, *, read: int = 10_000) -> Finder:
    finder = Finder(buffer, Needle(text))
    finder.read(read)
    return finder


class TestFinder:
    lines = b"".join(b"line %d%s\n" % (number, b" hit" if number % 10 == 3 else b"") for number in range(50))

    def test_the_first_match_is_the_nearest_one_above_the_end_of_the_view(self) -> None:
        finder = _finder(_buffer(self.lines), "hit")
        assert finder.arrive(20, 40) == 33
        assert (finder.place, finder.count) == (4, 5)

    def test_it_goes_down_and_up_and_round_the_ends(self) -> None:
        finder = _finder(_buffer(self.lines), "hit")
        finder.arrive(0, 49)
        gone_to = []
        for direction in (1, 1, -1, -1):
            finder.aim(direction)
            gone_to.append(finder.arrive(0, 49))
        assert gone_to == [3, 13, 3, 43]

    def test_a_step_is_answered_once(self) -> None:
        finder = _finder(_buffer(self.lines), "hit")
        assert finder.arrive(0, 49) == 43
        assert finder.arrive(0, 49) is None

    def test_a_step_waits_until_enough_was_read(self) -> None:
        finder = Finder(_buffer(self.lines), Needle("hit"))
        finder.read(30)
        assert finder.arrive(0, 49) is None
        finder.read(30)
        assert finder.arrive(0, 49) == 43

    def test_nothing_is_found_where_nothing_is(self) -> None:
        finder = _finder(_buffer(self.lines), "miss")
        assert finder.arrive(0, 49) is None
        assert (finder.count, finder.place) == (0, None)

    def test_a_match_that_was_dropped_is_no_place_any_more(self) -> None:
        buffer = _buffer(self.lines, max_lines=50)
        finder = _finder(buffer, "hit")
        finder.aim(1)
        assert finder.arrive(0, 49) == 3
        buffer.feed(Chunk(StdStream.OUT, b"more\n" * 10))
        finder.read(1000)
        assert finder.place is None
        assert finder.count == 4

    def test_only_what_the_filter_shows_is_found(self) -> None:
        finder = Finder(_buffer(self.lines), Needle("hit"), within=Needle("line 2"))
        finder.read(1000)
        assert finder.arrive(0, 49) == 23
        assert finder.count == 1
