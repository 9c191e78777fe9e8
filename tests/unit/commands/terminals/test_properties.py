"""Whatever comes, however it is cut, and whatever the size: one screen, and no error."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.commands.terminals.emulator import Emulator, Row
from backend.commands.terminals.engines import make_emulator
from backend.commands.terminals.widths import width
from tests.unit.commands.terminals.test_conformance import CASES

PIECES = sorted({case.bytes_in for case in CASES if len(case.bytes_in) < 60})
PARTS = [
    b"\x1b[",
    b"\x1b]",
    b"\x1bP",
    b"\x1b",
    b";",
    b"5",
    b"H",
    b"m",
    b"h",
    b"\x07",
    b"\x18",
    b"\xe6",
    b"\xbc",
    b"\xa2",
]
TEXTS = ["漢字".encode(), "e\u0301".encode(), b"hello ", b"\r\n", b"\n", b"\t", b"\x1b[?7l", b"\x1b[4h", b"\x1b[2;3r"]

streams = st.lists(
    st.one_of(st.sampled_from(PIECES), st.sampled_from(PARTS), st.sampled_from(TEXTS), st.binary(max_size=6)),
    max_size=24,
).map(b"".join)
sizes = st.tuples(st.sampled_from([1, 2, 3, 5, 8, 20]), st.sampled_from([1, 2, 3, 5, 8]))


def everything(emulator: Emulator) -> tuple[list[Row], list[Row], object, object, str, int]:
    return (
        [emulator.row(row) for row in range(emulator.rows)],
        [emulator.history_row(row) for row in range(emulator.history)],
        emulator.cursor,
        emulator.modes,
        emulator.title,
        emulator.gone,
    )


def fits(emulator: Emulator) -> bool:
    """Nothing stands beside the screen, and nothing in it can do harm."""
    rows, kept, *_ = everything(emulator)
    for row in rows:
        if sum(width(character) for run in row for character in run.text) > emulator.columns:
            return False
    texts = [run.text for row in (*rows, *kept) for run in row]
    cursor = emulator.cursor
    return (
        all(text.isprintable() or not any(character < " " for character in text) for text in texts)
        and all(texts)
        and 0 <= cursor.column < emulator.columns
        and 0 <= cursor.row < emulator.rows
    )


@given(data=streams, size=sizes, cuts=st.lists(st.integers(1, 7), min_size=1, max_size=8))
@example(data=b"\x1b[?7lab\xe6\xbc\xa2cd", size=(3, 2), cuts=[1])
def test_how_output_is_cut_does_not_matter(data: bytes, size: tuple[int, int], cuts: list[int]) -> None:
    whole, cut = make_emulator(*size), make_emulator(*size)
    whole.feed(data)
    at, turn = 0, 0
    while at < len(data):
        step = cuts[turn % len(cuts)]
        cut.feed(data[at : at + step])
        at, turn = at + step, turn + 1
    assert everything(cut) == everything(whole)
    assert cut.take_wishes() == whole.take_wishes()
    assert cut.take_changed() == whole.take_changed()


@given(size=sizes, acts=st.lists(st.tuples(streams, st.none() | sizes), max_size=5))
def test_nothing_breaks_a_screen(size: tuple[int, int], acts: list[tuple[bytes, tuple[int, int] | None]]) -> None:
    emulator = make_emulator(*size)
    for data, other in acts:
        emulator.feed(data)
        assert fits(emulator)
        if other is not None:
            emulator.resize(*other)
            assert (emulator.columns, emulator.rows) == other
            assert fits(emulator)


@given(first=streams, then=streams, size=sizes)
def test_rows_that_are_not_told_to_have_changed_have_not(first: bytes, then: bytes, size: tuple[int, int]) -> None:
    emulator = make_emulator(*size)
    emulator.feed(first)
    emulator.take_changed()
    before = [emulator.row(row) for row in range(emulator.rows)]
    emulator.feed(then)
    after = [emulator.row(row) for row in range(emulator.rows)]
    assert {
        row for row, (old, new) in enumerate(zip(before, after, strict=True)) if old != new
    } <= emulator.take_changed()


@settings(max_examples=30)
@given(size=sizes, other=sizes, count=st.integers(0, 12))
def test_no_line_that_fits_is_lost_in_a_resize(size: tuple[int, int], other: tuple[int, int], count: int) -> None:
    emulator = make_emulator(*size)
    emulator.feed(b"\r\n".join(b"%x" % (line % 16) for line in range(count)))
    emulator.resize(*other)
    kept = [emulator.history_row(row) for row in range(emulator.history)]
    texts = [run.text for row in (*kept, *everything(emulator)[0]) for run in row]
    assert texts == [f"{line % 16:x}" for line in range(count)]
