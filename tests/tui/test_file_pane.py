"""One pane of files: rows as they come, every way of showing none, and a cursor that stays where it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot

from backend.connection.connector import Attributes, Entry, FileKind, Space
from backend.errors import Code, FairleadError, FileError, LinkLost
from backend.files.filesystem import FileSystem
from tests.support.loop_monitor import loop_monitor
from tests.tui.fakes import NOW
from tui.glyphs import UNICODE
from tui.theme import DARK, DEFAULT_VARIABLES
from tui.widgets.file_order import SortBy, View
from tui.widgets.file_pane import FilePane
from tui.widgets.reading_pane import Reading


class ScriptedFiles:
    """A host's files as a test wants them: directories of entries, and where reading stops."""

    host: str | None = "web-1"

    def __init__(self) -> None:
        self.directories: dict[bytes, list[Entry]] = {}
        self.failures: dict[bytes, FairleadError] = {}
        self.links: dict[bytes, bytes] = {}
        self.more = asyncio.Event()
        self.pause_after: int | None = None
        self.batch = 256
        self.closed = 0

    async def start(self) -> bytes:
        return await self.home()

    async def home(self) -> bytes:
        return b"/home/ann"

    async def list(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        entries = self.directories.get(path, [])
        try:
            for start in range(0, len(entries), self.batch):
                yield entries[start : start + self.batch]
                await asyncio.sleep(0)
                if self.pause_after is not None and start + self.batch >= self.pause_after:
                    await self.more.wait()
            if path in self.failures:
                raise self.failures[path]
        finally:
            self.closed += 1

    async def space(self, path: bytes) -> Space | None:
        return Space(100 << 30, 18_000_000_000)

    async def stat(self, path: bytes, *, follow: bool = True) -> Attributes:
        target = self.links.get(path, path)
        if target in self.directories:
            return Attributes(FileKind.DIRECTORY)
        if path in self.links and not target.startswith(b"/file"):
            raise FileError(Code.NOT_FOUND, evidence={"path": "x", "parent": "y"})
        return Attributes(FileKind.FILE)

    async def readlink(self, path: bytes) -> bytes:
        return self.links[path]


class PaneApp(App[None]):
    CSS = "FilePane { border: round white; }"

    def __init__(self) -> None:
        super().__init__()
        self.viewed: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULT_VARIABLES

    def compose(self) -> ComposeResult:
        yield FilePane(UNICODE, lambda: NOW, id="remote")

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name
        self.pane.list.focus()

    @property
    def pane(self) -> FilePane:
        return self.query_one(FilePane)

    def on_file_pane_view_asked(self, message: FilePane.ViewAsked) -> None:
        self.viewed.append(message.row.shown)


class Run:
    def __init__(self, app: PaneApp, pilot: Pilot[Any]) -> None:
        self.app, self.pilot, self.pane = app, pilot, app.pane
        self.files = ScriptedFiles()

    def open(self, path: bytes) -> None:
        self.pane.open(cast(FileSystem, self.files), path)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.005)
            await self.pilot.pause()

    async def opened(self, path: bytes) -> None:
        self.open(path)
        await self.rest()

    async def rest(self) -> None:
        await self.pilot.pause()
        await self.until(lambda: self.pane.state is not Reading.UNDER_WAY and not self.pane.rows.waiting)
        await self.until(lambda: not any(worker.is_running for worker in self.app.workers))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.rest()

    @property
    def rows(self) -> list[str]:
        """The lines under the names of the columns."""
        height = self.pane.list.scrollable_content_region.height
        return [row for y in range(1, height) if (row := self.pane.list.render_line(y).text.rstrip())]

    @property
    def names(self) -> list[str]:
        return [row.shown for row in self.pane.rows.rows()]

    @property
    def title(self) -> str:
        return Content.from_markup(str(self.pane.border_title)).plain

    @property
    def footer(self) -> str:
        return Content.from_markup(str(self.pane.border_subtitle)).plain

    @property
    def says(self) -> str:
        return str(self.pane.query_one("#says").render()) if self.pane.has_class("-says") else ""

    @property
    def cursor(self) -> str:
        row = self.pane.rows.current
        return row.shown if row is not None else ""


@asynccontextmanager
async def running(size: tuple[int, int] = (40, 14)) -> AsyncIterator[Run]:
    app = PaneApp()
    async with app.run_test(size=size) as pilot:
        run = Run(app, pilot)
        run.pane.label = "web-1"
        yield run


def _file(name: str, size: int | None = 1, kind: FileKind = FileKind.FILE) -> Entry:
    return Entry(name.encode(), Attributes(kind, size=size, mode=0o644, modified=0.0))


def _many(count: int) -> list[Entry]:
    return [_file(f"file{number * 7919 % count:06}", number) for number in range(count)]


async def test_a_directory_is_shown_sorted_with_its_place_and_room() -> None:
    async with running() as run:
        run.files.directories[b"/srv"] = [_file("b"), _file("a"), _file("d", kind=FileKind.DIRECTORY)]
        await run.opened(b"/srv")
        assert [row.split()[:2] for row in run.rows] == [["▸", "d/"], ["a", "1"], ["b", "1"]]
        assert run.title == "web-1  /srv · 18.0 GB free"
        assert run.footer == "3 items"


async def test_an_empty_path_is_the_home_directory() -> None:
    async with running() as run:
        run.files.directories[b"/home/ann"] = [_file("a")]
        await run.opened(b"")
        assert run.pane.path == b"/home/ann"
        assert run.title.startswith("web-1  ~ ")


async def test_the_first_rows_are_there_before_the_last_ones_came() -> None:
    async with running() as run:
        run.files.directories[b"/srv"] = _many(1000)
        run.files.pause_after = 256
        run.open(b"/srv")
        await run.until(lambda: run.pane.rows.count == 256)
        assert run.pane.state is Reading.UNDER_WAY
        assert "256 read…" in run.footer
        assert run.rows
        run.files.more.set()
        await run.rest()
        assert run.footer == "1,000 items"


@pytest.mark.no_cover  # tracing would be measured with the rest
async def test_a_hundred_thousand_rows_hold_up_no_key() -> None:
    async with running() as run:
        run.files.directories[b"/srv"] = _many(100_000)
        rows = run.pane.rows
        with loop_monitor() as report:
            run.open(b"/srv")
            await _while_moving(run, lambda: rows.read < 40_000)
            await run.pilot.press("slash", "9")  # typed while they come
            await run.until(lambda: run.pane.settled)
            assert (rows.count, rows.hidden) == (sum("9" in name for name in _NAMES), 100_000 - rows.count)
            await run.pilot.press("escape", "s")
            await _while_moving(run, lambda: not run.pane.settled)
            assert (rows.count, rows.view) == (100_000, View(SortBy.SIZE))
            await run.pilot.press("asterisk", "S", "full_stop")
            assert (rows.chosen_count, rows.chosen_size) == (100_000, sum(range(100_000)))
            await _while_moving(run, lambda: not run.pane.settled)
            await run.opened(b"/empty")
        assert rows.chosen_count == 0
    assert report.worst < 0.05, report.culprit


_NAMES = [f"{number:06}" for number in range(100_000)]


async def _while_moving(run: Run, condition: Callable[[], bool]) -> None:
    """The cursor moves meanwhile, not only afterwards."""
    while condition():
        await _moves(run, "down")
        await asyncio.sleep(0.02)


async def _moves(run: Run, key: str) -> None:
    before = run.pane.rows.cursor
    run.app.simulate_key(key)
    async with asyncio.timeout(20):
        while run.pane.rows.cursor == before and 0 < before < run.pane.rows.count - 1:
            await asyncio.sleep(0)


class TestNothingToShow:
    async def test_an_empty_directory(self) -> None:
        async with running() as run:
            run.files.directories[b"/srv"] = []
            await run.opened(b"/srv")
            assert "This directory is empty." in run.says

    async def test_a_directory_that_is_being_read(self) -> None:
        async with running() as run:
            run.files.directories[b"/srv"] = [_file("a")]
            run.files.batch, run.files.pause_after = 1, 0
            run.open(b"/srv")
            await run.until(lambda: bool(run.rows))
            run.open(b"/other")
            assert "Reading /other" in run.says

    async def test_one_that_may_not_be_read(self) -> None:
        async with running() as run:
            run.files.failures[b"/root"] = FileError(Code.PERMISSION, evidence={"path": "/root"})
            await run.opened(b"/root")
            assert run.pane.state is Reading.REFUSED
            assert "/root: permission denied." in run.says
            assert "backspace goes up" in run.says

    async def test_one_that_could_not_be_read(self) -> None:
        async with running() as run:
            run.files.failures[b"/srv"] = LinkLost(Code.CONNECTION_LOST, host="web-1")
            await run.opened(b"/srv")
            assert "r tries again" in run.says
            assert "CONNECTION_LOST" in run.says
            run.files.failures.clear()
            run.files.directories[b"/srv"] = [_file("a")]
            await run.press("r")
            assert run.names == ["a"]

    async def test_one_that_was_read_in_part_shows_what_came_and_says_so(self) -> None:
        async with running((60, 14)) as run:
            run.files.directories[b"/srv"] = _many(300)
            run.files.failures[b"/srv"] = LinkLost(Code.CONNECTION_LOST, host="web-1")
            await run.opened(b"/srv")
            assert run.pane.state is Reading.PART
            assert len(run.names) == 300
            assert run.pane.has_class("-warns")
            assert "Only part of it" in str(run.pane.query_one("#warning").render())

    async def test_more_names_than_are_kept_are_not_read_and_it_is_said(self) -> None:
        async with running((60, 14)) as run:
            run.files.directories[b"/srv"] = _many(3000)
            run.pane.most_rows = 300
            await run.opened(b"/srv")
            assert (run.pane.state, len(run.names), run.files.closed) == (Reading.WHOLE, 300, 1)
            assert "Only the first 300 names; F looks for others." in str(run.pane.query_one("#warning").render())
            run.files.directories[b"/other"] = _many(300)
            await run.opened(b"/other")
            assert len(run.names) == 300
            assert not run.pane.has_class("-warns")

    async def test_a_filter_that_hides_all(self) -> None:
        async with running() as run:
            run.files.directories[b"/srv"] = [_file("a"), _file("b")]
            await run.opened(b"/srv")
            await run.press("slash", *"zz")
            assert "Nothing here holds 'zz'." in run.says
            await run.press("escape")
            assert run.names == ["a", "b"]
            await run.press("slash")
            run.pane.reload()
            await run.rest()
            assert run.pane.query_one("#filter").has_class("-open"), "somebody is about to type"
            await run.press("escape")
            assert not run.pane.query_one("#filter").has_class("-open")

    async def test_no_connection(self) -> None:
        async with running() as run:
            run.pane.close("Not connected to web-1.")
            await run.pilot.pause()
            assert run.says == "Not connected to web-1."


async def test_entering_and_leaving_a_directory_comes_back_to_it() -> None:
    async with running() as run:
        run.files.directories[b"/srv"] = [_file(name, kind=FileKind.DIRECTORY) for name in ("a", "b", "c")]
        run.files.directories[b"/srv/b"] = [_file("inside")]
        await run.opened(b"/srv")
        await run.press("down", "enter")
        assert (run.pane.path, run.names) == (b"/srv/b", ["inside"])
        await run.press("backspace")
        assert (run.pane.path, run.cursor) == (b"/srv", "b")


async def test_a_link_to_a_directory_is_entered_one_to_a_file_is_looked_into_and_one_to_nowhere_says_so() -> None:
    async with running() as run:
        run.files.directories[b"/srv"] = [_file(name, kind=FileKind.SYMLINK) for name in ("a", "b", "c")]
        run.files.directories[b"/target"] = [_file("inside")]
        run.files.links = {b"/srv/a": b"/target", b"/srv/b": b"/file", b"/srv/c": b"/gone"}
        await run.opened(b"/srv")
        assert run.rows[0].startswith("@ a → /target")
        await run.press("down", "down", "enter")
        assert (run.pane.path, run.app.viewed) == (b"/srv", [])
        await run.press("up", "enter")
        assert run.app.viewed == ["b"]
        await run.press("up", "enter")
        assert run.pane.path == b"/srv/a"
        await run.press("backspace")
        assert run.cursor == "a"


async def test_a_name_that_is_no_plain_name_is_marked_and_left_alone() -> None:
    async with running() as run:
        run.files.directories[b"/srv"] = [_file("x/../../etc", kind=FileKind.DIRECTORY)]
        await run.opened(b"/srv")
        assert run.rows[0].startswith("⚠ ")
        await run.press("enter", "space")
        assert run.pane.path == b"/srv"
        assert run.pane.rows.chosen_count == 0


async def test_space_chooses_and_the_footer_counts() -> None:
    async with running() as run:
        run.files.directories[b"/srv"] = [_file("a", 2_000_000), _file("b", 3_000_000), _file("c")]
        await run.opened(b"/srv")
        await run.press("space", "space")
        assert run.footer == "2 of 3 chosen · 5.0 MB"
        assert [row[0] for row in run.rows] == ["✓", "✓", " "]
        await run.press("escape")
        assert run.pane.rows.chosen_count == 0


async def test_reading_anew_keeps_the_cursor_on_its_file() -> None:
    async with running() as run:
        run.files.directories[b"/srv"] = [_file("b"), _file("c")]
        await run.opened(b"/srv")
        await run.press("down")
        run.files.directories[b"/srv"].append(_file("a"))
        await run.press("r")
        assert (run.names, run.cursor) == (["a", "b", "c"], "c")


async def test_leaving_a_directory_that_is_being_read_stops_the_reading() -> None:
    async with running() as run:
        run.files.directories[b"/srv"] = _many(1000)
        run.files.directories[b"/other"] = [_file("only")]
        run.files.pause_after = 256
        run.open(b"/srv")
        await run.until(lambda: run.pane.rows.count > 0)
        run.files.pause_after = None
        run.open(b"/other")
        await run.until(lambda: run.pane.state is Reading.WHOLE)
        assert run.names == ["only"]
        await run.until(lambda: run.files.closed == 2)


@pytest.mark.parametrize("key", ["j", "down"])
async def test_a_long_name_of_the_hostile_kind_stays_in_its_cells(key: str) -> None:
    async with running((30, 8)) as run:
        entries = [Entry(b"\x1b[31m[red]" + b"x" * 300 + b"\xff", Attributes(FileKind.FILE, size=1)), _file("z")]
        run.files.directories[b"/srv"] = entries
        await run.opened(b"/srv")
        await run.press(key)
        line = run.pane.list.render_line(1)
        assert line.cell_length == run.pane.list.scrollable_content_region.width
        assert line.text.isprintable()


async def test_what_was_chosen_and_typed_outlives_that_the_directory_is_read_anew() -> None:
    """As it is when a copy into it has ended."""
    async with running() as run:
        run.files.directories[b"/srv"] = [_file("a1", 2), _file("b1", 3), _file("c2", 4), _file("d1", 5)]
        await run.opened(b"/srv")
        await run.press("space", "space", "slash", "1", "enter", "end")
        assert (run.cursor, run.pane.rows.chosen_count) == ("d1", 2)
        run.files.directories[b"/srv"] = [_file("d1", 5), _file("b1", 30), _file("e1"), _file("c2", 4)]
        run.pane.reload()
        await run.rest()
        assert run.names == ["b1", "d1", "e1"]
        assert (run.cursor, [row.shown for row in run.pane.rows.chosen], run.pane.rows.chosen_size) == (
            "d1",
            ["b1"],
            30,
        )
        await run.press("escape")
        assert run.names == ["b1", "c2", "d1", "e1"]
        run.files.directories[b"/srv"] = [_file("a1"), _file("b1", 30)]
        run.pane.reload()
        await run.rest()
        assert [row.shown for row in run.pane.rows.chosen] == ["b1"], "what was gone is not chosen when it is back"
        run.files.directories[b"/other"] = [_file("b1")]
        await run.opened(b"/other")
        assert run.pane.rows.chosen_count == 0
