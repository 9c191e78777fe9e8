"""The rows of a directory, whatever order they come in and whatever is done meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.connector import Attributes, Entry, FileKind
from tui.widgets.file_order import PLACED, SWEEP, SortBy, View
from tui.widgets.file_row import Row
from tui.widgets.file_rows import FileRows

_NAMES = st.binary(min_size=1, max_size=4).filter(lambda name: b"\0" not in name and b"/" not in name)
_ENTRIES = st.lists(
    st.builds(
        Entry,
        st.one_of(_NAMES, st.sampled_from([b".a", b"A", b"a", b"b.txt", b"\xff"])),
        st.builds(
            Attributes,
            st.sampled_from(list(FileKind)),
            size=st.one_of(st.none(), st.integers(0, 5)),
            modified=st.one_of(st.none(), st.sampled_from([0.0, 1.5, 9e9])),
        ),
    ),
    max_size=30,
    unique_by=lambda entry: entry.name,
)


def _rows(entries: Iterable[Entry]) -> FileRows:
    rows = FileRows()
    rows.add(entries)
    _settle(rows)
    return rows


def _settle(rows: FileRows) -> None:
    while rows.waiting:
        rows.settle()


def _files(*names: str, **sizes: int) -> list[Entry]:
    return [Entry(name.encode(), Attributes(FileKind.FILE, size=sizes.get(name))) for name in names]


def _names(rows: FileRows) -> list[bytes]:
    return [row.name for row in rows.rows()]


def _show(rows: FileRows, **changes: object) -> None:
    for _ in rows.rearrange(replace(rows.view, **changes)):  # type: ignore[arg-type]
        pass


def _sort(rows: FileRows, by: SortBy) -> None:
    _show(rows, sort_by=by)


@given(entries=_ENTRIES, cuts=st.lists(st.integers(0, 30), max_size=4), by=st.sampled_from(SortBy))
def test_the_order_does_not_depend_on_how_the_rows_came(entries: list[Entry], cuts: list[int], by: SortBy) -> None:
    whole = _rows(entries)
    _sort(whole, by)
    parts = FileRows()
    _sort(parts, by)
    edges = [0, *sorted(min(cut, len(entries)) for cut in cuts), len(entries)]
    for start, stop in itertools.pairwise(edges):
        parts.add(entries[start:stop])
        _settle(parts)
    assert _names(parts) == _names(whole)


@given(entries=_ENTRIES, by=st.sampled_from(SortBy), text=st.sampled_from(["", "a", "A", "xff"]), hidden=st.booleans())
def test_every_row_is_shown_once_or_counted_as_hidden(
    entries: list[Entry], by: SortBy, text: str, hidden: bool
) -> None:
    rows = _rows(entries)
    if hidden:
        _show(rows, hidden=True)
    _show(rows, text=text)
    _sort(rows, by)
    expected = {e.name for e in entries if (hidden or not e.name.startswith(b"."))}
    expected = {name for name in expected if text.casefold() in Row.of(Entry(name, entries[0].attributes)).folded}
    assert sorted(_names(rows)) == sorted(expected)
    assert rows.count + rows.hidden == len(entries)


@given(entries=_ENTRIES, by=st.sampled_from(SortBy), moves=st.integers(0, 40))
def test_the_cursor_stays_on_its_file(entries: list[Entry], by: SortBy, moves: int) -> None:
    rows = _rows(entries)
    _show(rows, hidden=True)
    rows.move_to(moves)
    before = rows.current
    _sort(rows, by)
    rows.add([Entry(b"0 came later", Attributes(FileKind.DIRECTORY))])
    _settle(rows)
    if before is not None:
        assert rows.current == before
        assert rows.row(rows.cursor) == before


@given(entries=_ENTRIES, typed=st.text(st.sampled_from("aAb."), max_size=3))
def test_a_filter_typed_letter_by_letter_shows_what_it_shows_at_once(entries: list[Entry], typed: str) -> None:
    slowly, at_once = _rows(entries), _rows(entries)
    for end in range(len(typed) + 1):
        _show(slowly, text=typed[:end])
    _show(at_once, text=typed)
    assert _names(slowly) == _names(at_once)


@pytest.mark.parametrize(
    ("leaving", "cursor", "expected"),
    [("c", "c", b"d"), ("cd", "c", b"e"), ("e", "e", b"d"), ("a", "c", b"c"), ("abcde", "b", None), ("de", "e", b"c")],
)
def test_the_neighbour_of_what_goes_is_the_next_that_stays_else_the_one_before(
    leaving: str, cursor: str, expected: bytes | None
) -> None:
    rows = _rows(_files(*"abcde"))
    rows.move_to_name(cursor.encode())
    gone = [row for row in rows.rows() if row.shown in leaving]
    assert rows.neighbour(gone) == expected


def test_directories_come_first_in_every_order() -> None:
    entries = [*_files("a", "z", a=5, z=1), Entry(b"m", Attributes(FileKind.DIRECTORY, size=4096))]
    for by in SortBy:
        rows = _rows(entries)
        _sort(rows, by)
        assert rows.row(0).name == b"m"


def test_the_largest_and_the_latest_come_first() -> None:
    rows = _rows(_files("small", "big", "none", small=1, big=9))
    _sort(rows, SortBy.SIZE)
    assert _names(rows) == [b"big", b"small", b"none"]


def test_the_sort_key_goes_round() -> None:
    assert [by.next for by in SortBy] == [SortBy.SIZE, SortBy.TIME, SortBy.KIND, SortBy.NAME]


def test_until_the_cursor_is_moved_it_stays_at_the_top() -> None:
    rows = _rows(_files("m"))
    rows.add(_files("a"))
    rows.settle()
    assert rows.current is not None
    assert rows.current.name == b"a"


def test_where_the_cursors_file_is_filtered_away_it_stays_in_its_place() -> None:
    rows = _rows(_files("a1", "b2", "c1", "d1"))
    rows.move_to(1)
    _show(rows, text="1")
    assert rows.current is not None
    assert rows.current.name == b"c1"


def test_the_cursor_finds_a_name() -> None:
    rows = _rows(_files("a", "b", ".c"))
    assert rows.move_to_name(b"b")
    assert rows.cursor == 1
    assert not rows.move_to_name(b".c")
    assert not rows.move_to_name(b"nowhere")


def test_what_is_chosen_outlives_filter_and_order() -> None:
    rows = _rows(_files("a", "b", "c", a=3, b=4))
    rows.toggle(rows.row(0))
    rows.toggle(rows.row(1))
    _show(rows, text="c")
    _sort(rows, SortBy.SIZE)
    assert [row.name for row in rows.chosen] == [b"a", b"b"]
    assert (rows.chosen_count, rows.chosen_size) == (2, 7)
    assert rows.subject == rows.chosen


def test_without_a_choice_the_cursor_is_the_subject() -> None:
    rows = _rows(_files("a", "b"))
    assert [row.name for row in rows.subject] == [b"a"]
    assert FileRows().subject == ()


def test_all_that_is_shown_is_chosen_or_let_go() -> None:
    rows = _rows(_files("a1", "b1", "c2"))
    _show(rows, text="1")
    rows.choose_all()
    assert [row.name for row in rows.chosen] == [b"a1", b"b1"]
    rows.choose_all()
    assert rows.chosen == ()


def test_names_that_look_alike_stay_two_files() -> None:
    rows = _rows([Entry(b"\xff", Attributes(FileKind.FILE)), Entry(b"\\xff", Attributes(FileKind.FILE))])
    assert rows.row(0).shown == rows.row(1).shown
    rows.toggle(rows.row(0))
    assert not rows.is_chosen(rows.row(1))


@pytest.mark.parametrize("name", [b"..", b".", b"", b"a/b", b"/etc/passwd", b"a\0b"])
def test_a_name_that_is_no_plain_name_is_not_usable(name: bytes) -> None:
    assert not Row.of(Entry(name, Attributes(FileKind.FILE))).usable


def test_control_characters_of_a_name_are_not_shown() -> None:
    row = Row.of(Entry(b"\x1b[31mred\n", Attributes(FileKind.FILE)))
    assert row.shown.isprintable()


def test_another_directory_starts_from_nothing() -> None:
    rows = _rows(_files("a"))
    rows.toggle(rows.row(0))
    rows.clear(View())
    assert (rows.count, rows.read, rows.chosen, rows.current) == (0, 0, (), None)


def test_one_call_places_a_bounded_number_of_rows() -> None:
    rows = FileRows()
    rows.add(_files(*(f"{number}" for number in range(3 * PLACED))))
    rows.settle()
    assert rows.waiting == 2 * PLACED
    _settle(rows)
    assert rows.count == 3 * PLACED
    assert sum(1 for _ in rows.rearrange(View(SortBy.SIZE))) > 3


def test_a_name_that_is_listed_twice_is_one_file() -> None:
    rows = _rows([*_files("a"), *_files("a", "b")])
    assert _names(rows) == [b"a", b"b"]


def test_what_can_be_worked_on_is_known_without_listing_it() -> None:
    hostile = Entry(b"a/b", Attributes(FileKind.FILE))
    assert not _rows([hostile]).has_subject
    rows = _rows([hostile, *_files("b")])
    rows.choose_all()
    assert rows.has_subject
    assert [row.name for row in rows.chosen] == [b"b"]


def test_the_size_of_what_is_chosen_keeps_up_with_each_choice() -> None:
    rows = _rows(_files(*(f"{number}" for number in range(100)), **{"7": 5}))
    rows.choose_all()
    rows.toggle(rows.row(rows.count - 1))
    assert rows.move_to_name(b"7")
    assert (rows.chosen_count, rows.chosen_size) == (99, 5)
    assert rows.current is not None
    rows.toggle(rows.current)
    assert (rows.chosen_count, rows.chosen_size) == (98, 0)


def test_what_a_directory_held_is_let_go_of_bit_by_bit() -> None:
    rows = _rows(_files(*(f"{number}" for number in range(SWEEP + 1))))
    rows.clear(View())
    assert sum(1 for _ in rows.tidy()) > 3
    assert not list(rows.tidy())
