"""Directory listings as text and JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.connector import Attributes, Entry, FileKind
from backend.sizes import size_text
from backend.text import show_bytes
from cli import listing
from cli.units import seconds_text


def _entry(name: bytes, kind: FileKind = FileKind.FILE) -> Entry:
    return Entry(name, Attributes(kind))


def _sorted(entries: list[Entry], *, hidden: bool) -> list[listing.Row]:
    return listing.in_order(listing.shown_rows(entries, hidden=hidden), listing.Order.NAME)


def _shown(name: bytes) -> bytes:
    return show_bytes(name).encode()


def test_names_with_a_dot_are_listed_only_when_asked_for() -> None:
    entries = [_entry(b"b"), _entry(b".hidden"), _entry(b"a")]
    assert [row.name for row in _sorted(entries, hidden=False)] == [b"a", b"b"]
    assert [row.name for row in _sorted(entries, hidden=True)] == [b".hidden", b"a", b"b"]


@pytest.mark.parametrize(
    ("order", "names"),
    [("name", "abcd"), ("size", "cbad"), ("time", "dabc"), ("kind", "dabc")],
)
def test_a_listing_is_sorted_by_what_was_asked_and_the_other_way_round(order: str, names: str) -> None:
    rows = [
        listing.Row(b"a", Attributes(FileKind.FILE, 1, modified=3.0)),
        listing.Row(b"b", Attributes(FileKind.FILE, 2, modified=2.0)),
        listing.Row(b"c", Attributes(FileKind.SYMLINK, 3, modified=1.0)),
        listing.Row(b"d", Attributes(FileKind.DIRECTORY, None, modified=4.0)),
    ]
    wanted = listing.Order(order)
    assert "".join(row.name.decode() for row in listing.in_order(rows, wanted)) == names
    assert "".join(row.name.decode() for row in listing.in_order(rows, wanted, reverse=True)) == names[::-1]


def test_a_long_listing_lines_up_and_shows_where_links_point() -> None:
    known = Attributes(FileKind.FILE, 12345, 0o644, 1000, 100, 0.0, owner="deploy")
    link = Attributes(FileKind.SYMLINK, 3, 0o777, 0, 0, None)
    rows = [listing.Row(b"a", known), listing.Row(b"b", link, b"a\n")]
    first, second = listing.long_lines(rows, _shown)
    assert first == b"-rw-r--r-- deploy 100 12345 1970-01-01 00:00 a"
    assert second == b"lrwxrwxrwx 0      0       3 ?                b -> a\\n"


def test_what_the_server_did_not_tell_is_a_question_mark() -> None:
    assert listing.long_lines([listing.Row(b"x", Attributes(FileKind.DIRECTORY))], _shown) == [
        b"d????????? ? ? ? ?                x"
    ]


def test_a_name_that_is_not_utf8_is_exact_in_json() -> None:
    assert listing.name_json(b"caf\xe9") == {"name": "caf\\xe9", "name_base64": "Y2Fm6Q=="}
    assert listing.name_json("café\n".encode()) == {"name": "café\n"}


def test_attributes_in_json_are_null_where_the_server_was_silent() -> None:
    told = listing.attributes_json(Attributes(FileKind.FILE, mode=0o4755))
    assert told["mode"] == "4755"
    assert told["size"] is None
    assert json.loads(json.dumps(told)) == told


@given(st.lists(st.text("abc日é", min_size=1, max_size=12), min_size=1, max_size=30), st.integers(10, 100))
def test_columns_hold_every_name_once_and_fit_the_terminal(names: list[str], width: int) -> None:
    lines = listing.columns(names, width)
    assert sorted(" ".join(lines).split()) == sorted(names)
    widest = max(map(listing.cells_of, names))
    assert all(listing.cells_of(line) <= max(width, widest) for line in lines)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (48_200_000, "48.2 MB"), (4.2e12, "4.2 TB"), (999_999, "1.0 MB")],
)
def test_sizes_read_as_people_say_them(count: float, text: str) -> None:
    assert size_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (31.2, "31 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (59.7, "1 min 00 s")],
)
def test_times_read_as_people_say_them(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
