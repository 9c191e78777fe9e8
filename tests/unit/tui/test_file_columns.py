"""How a file is written in the cells there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from backend.connection.connector import Attributes, Entry, FileKind
from tui.glyphs import ASCII, UNICODE
from tui.widgets.file_columns import Columns, cells, changed_text, detail, fitted, full_name, header, permissions
from tui.widgets.file_order import SortBy
from tui.widgets.file_row import Row

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
_CHANGED = changed_text(NOW)


def _row(name: bytes, kind: FileKind = FileKind.FILE, **attributes: object) -> Row:
    return Row.of(Entry(name, Attributes(kind, **attributes)))  # type: ignore[arg-type]


_ROWS = st.builds(
    lambda name, kind, size, mode, modified: _row(name, kind, size=size, mode=mode, modified=modified, owner="deploy"),
    st.one_of(st.binary(max_size=60), st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace"))),
    st.sampled_from(list(FileKind)),
    st.one_of(st.none(), st.integers(0, 2**70)),
    st.one_of(st.none(), st.integers(0, 0o7777)),
    st.one_of(st.none(), st.floats()),
)


@given(row=_ROWS, width=st.integers(8, 200), chosen=st.booleans(), target=st.text(max_size=30))
def test_a_line_is_as_wide_as_it_may_be_whatever_the_server_sends(
    row: Row, width: int, chosen: bool, target: str
) -> None:
    text = cells(row, Columns.within(width), _CHANGED, UNICODE, chosen=chosen, target=target)
    assert cell_len(text.mark + text.name + text.rest) == max(width, cell_len(text.mark) + 4)


@given(width=st.integers(8, 200), by=st.sampled_from(SortBy))
def test_the_names_of_the_columns_stand_over_them(width: int, by: SortBy) -> None:
    text = header(Columns.within(width), by, UNICODE)
    assert cell_len(text.mark + text.name + text.rest) == max(width, cell_len(text.mark) + 4)


def test_columns_come_as_there_is_room() -> None:
    def shown(width: int) -> list[str]:
        columns = Columns.within(width)
        return [name for name in ("size", "owner", "mode", "changed") if getattr(columns, name)]

    assert [shown(width) for width in (20, 30, 38, 56, 96)] == [
        [],
        ["size"],
        ["size", "changed"],
        ["size", "mode", "changed"],
        ["size", "owner", "mode", "changed"],
    ]


@given(text=st.text(max_size=60), width=st.integers(1, 40))
def test_fitted_text_is_exactly_as_wide(text: str, width: int) -> None:
    assert cell_len(fitted(text, width)) == width


def test_a_long_name_keeps_its_end() -> None:
    assert fitted("a-very-long-name-of-an-archive.tar.gz", 20) == "a-very-long…e.tar.gz"
    assert fitted("a-very-long-name-of-an-archive.tar.gz", 20, "...").isascii()


@pytest.mark.parametrize(
    ("ago", "short", "long"),
    [
        (timedelta(hours=3), "09:00", "today 09:00"),
        (timedelta(days=1, hours=3), "Tue", "yest. 09:00"),
        (timedelta(days=3), "Sun", "1 Mar 12:00"),
        (timedelta(days=30), "2 Feb", "2 Feb 12:00"),
        (timedelta(days=700), "2024", "3 Apr 2024"),
        (timedelta(days=-2), "6 Mar", "6 Mar 12:00"),
    ],
)
def test_times_are_as_short_as_they_can_be(ago: timedelta, short: str, long: str) -> None:
    moment = (NOW - ago).timestamp()
    assert (_CHANGED(moment, 7), _CHANGED(moment, 14)) == (short, long)


@pytest.mark.parametrize("modified", [None, 1e30, float("nan"), float("-inf")])
def test_a_time_that_no_calendar_has_is_left_out(modified: float | None) -> None:
    assert _CHANGED(modified, 7) == ""
    assert detail(_row(b"a", modified=modified), UNICODE) == ["a"]


def test_what_a_file_is_can_be_told_without_colour() -> None:
    marks = {kind: cells(_row(b"x", kind), Columns.within(40), _CHANGED, ASCII, chosen=False).mark for kind in FileKind}
    assert len(set(marks.values())) == len(FileKind)


def test_a_directory_ends_in_a_slash_and_a_link_tells_where_it_leads() -> None:
    assert full_name(_row(b"data", FileKind.DIRECTORY), UNICODE) == "data/"
    assert full_name(_row(b"current", FileKind.SYMLINK), UNICODE, "releases/41") == "current → releases/41"


def test_permissions_read_as_ls_writes_them() -> None:
    assert [permissions(mode) for mode in (0o755, 0o4755, 0o1777, None)] == ["rwxr-xr-x", "rwsr-xr-x", "rwxrwxrwt", ""]


def test_the_detail_tells_all_there_is() -> None:
    row = _row(b"a.bin", size=1234567, mode=0o640, modified=0.0, owner="deploy", group="www")
    assert detail(row, UNICODE) == ["a.bin", "1,234,567 bytes", "-rw-r-----", "deploy:www", "1970-01-01 00:00:00"]
