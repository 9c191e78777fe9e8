"""What a pane says about itself; each reason for seeing no files reads differently and names the next key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from backend.connection.connector import Attributes, Entry, FileKind, Space
from backend.connection.state import SessionState
from backend.errors import Code, FileError, LinkLost
from tui.file_words import PaneWords, nothing_shown, pane_footer, pane_title, short_path
from tui.glyphs import UNICODE
from tui.looks import look
from tui.widgets.file_order import View
from tui.widgets.file_rows import FileRows

SPACE = Space(total=106 << 30, free=18_000_000_000)


def _rows(*names: str) -> FileRows:
    rows = FileRows()
    rows.add(Entry(name.encode(), Attributes(FileKind.FILE, size=1_400_000_000)) for name in names)
    rows.settle()
    return rows


def _words(rows: FileRows | None = None, **values: object) -> PaneWords:
    start = PaneWords("web-1", None, "/srv/app", False, rows or FileRows(), SPACE, None, "")
    return replace(start, **values)  # type: ignore[arg-type]


def test_the_title_tells_place_and_room() -> None:
    assert pane_title(_words(), UNICODE, 80).plain == "web-1  /srv/app · 18.0 GB free (84 % full)"
    assert pane_title(_words(), UNICODE, 40).plain == "web-1  /srv/app · 18.0 GB free"


def test_the_title_tells_the_state_of_the_connection_in_words_where_it_is_not_the_usual_one() -> None:
    ready, away = (look(state, UNICODE) for state in (SessionState.READY, SessionState.RECONNECTING))
    assert pane_title(_words(look=ready), UNICODE, 80).plain.startswith("● web-1  /srv/app")
    assert pane_title(_words(look=away), UNICODE, 80).plain.startswith("◐ web-1 reconnecting  /srv/app")
    assert pane_title(_words(look=away), UNICODE, 40).plain.startswith("◐ web-1  /srv/app")


@pytest.mark.parametrize("width", range(24, 100))
def test_a_title_fits_its_border(width: int) -> None:
    title = pane_title(_words(path="/srv/app/releases/41/static/images"), UNICODE, width)
    assert title.cell_length <= width - 2
    assert cell_len(pane_footer(_words(_rows("a", ".b")), UNICODE, width)) <= width


def test_a_long_path_keeps_its_end() -> None:
    assert pane_title(_words(path="/srv/app/releases/41/static", space=None), UNICODE, 30).plain == (
        "web-1  …ases/41/static"
    )


@pytest.mark.parametrize(
    ("path", "shown"),
    [(b"/home/ann", "~"), (b"/home/ann/x", "~/x"), (b"/home/anna", "/home/anna"), (b"/srv/\xff", "/srv/\\xff")],
)
def test_home_is_written_short(path: bytes, shown: str) -> None:
    assert short_path(path, b"/home/ann") == shown


def test_the_footer_counts_what_is_chosen() -> None:
    rows = _rows("a", "b", "c")
    rows.choose_all()
    assert pane_footer(_words(rows), UNICODE, 60) == "3 of 3 chosen · 4.2 GB"


def test_the_footer_counts_what_was_read_so_far_and_what_is_hidden() -> None:
    assert pane_footer(_words(_rows("a"), reading=True), UNICODE, 60) == "1 read…"
    assert pane_footer(_words(_rows("a", ".b", ".c")), UNICODE, 60) == "1 item · 2 hidden"


def test_rows_need_no_words() -> None:
    assert nothing_shown(_words(_rows("a")), UNICODE) is None


def _filtered() -> FileRows:
    rows = _rows("a", "b")
    for _ in rows.rearrange(View(text="zzz")):
        pass
    return rows


EMPTY = {
    "empty": (_words(), "m makes a directory"),
    "reading": (_words(reading=True), "Reading /srv/app…"),
    "filtered": (_words(_filtered()), "esc shows all 2"),
    "hidden": (_words(_rows(".a")), ". shows them"),
    "denied": (_words(error=FileError(Code.PERMISSION, evidence={"path": "/srv/app"})), "backspace goes up"),
    "failed": (_words(error=LinkLost(Code.CONNECTION_LOST, host="web-1")), "r tries again"),
    "not connected": (_words(reason="Not connected to web-1."), "Not connected to web-1."),
}


@pytest.mark.parametrize("state", EMPTY)
def test_each_reason_for_nothing_names_the_next_key(state: str) -> None:
    words, key = EMPTY[state]
    shown = nothing_shown(words, UNICODE)
    assert shown is not None
    assert key in shown.plain


def test_no_two_reasons_read_alike() -> None:
    shown = [nothing_shown(words, UNICODE) for words, _ in EMPTY.values()]
    assert len({content.plain for content in shown if content is not None}) == len(EMPTY)
