"""The output view under the hands: following, going back, searching, and a million lines that hold up no key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.selection import SELECT_ALL
from textual.widgets import Input

from backend.commands.output import OutputBuffer
from backend.connection.connector import Chunk, StdStream
from tui.glyphs import ASCII, UNICODE, Glyphs
from tui.theme import DARK, DEFAULT_VARIABLES
from tui.widgets.output_pane import OutputPane
from tui.widgets.output_view import FRAME, POURING_FRAME, OutputView


class PaneApp(App[None]):
    CSS = "OutputPane { border: round white; padding: 0; } OutputView { width: 1fr; }"

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self._glyphs = glyphs
        self.copied = ""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULT_VARIABLES

    def compose(self) -> ComposeResult:
        yield OutputPane(self._glyphs)

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name
        self.view.focus()

    @property
    def view(self) -> OutputView:
        return self.query_one(OutputView)

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text


class Run:
    """A view that is fed by the test."""

    def __init__(self, app: PaneApp, pilot: Pilot[Any]) -> None:
        self.app, self.pilot = app, pilot
        self.view = app.view
        self.buffer = OutputBuffer(max_lines=1000)

    async def feed(self, data: bytes, stream: StdStream = StdStream.OUT) -> None:
        self.buffer.feed(Chunk(stream, data))
        self.view.grown()
        await self.rest()

    async def rest(self) -> None:
        """Until everything that was fed has been taken in and drawn."""
        await self.until(lambda: not self.view.behind)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            await self.pilot.pause()
            while not condition():
                await asyncio.sleep(0.005)
            await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.rest()

    @property
    def rows(self) -> list[str]:
        """What stands in the view, without the edge."""
        height = self.view.scrollable_content_region.height
        return [self.view.render_line(y).text[1:].rstrip() for y in range(height)]

    @property
    def says(self) -> str:
        return self.view.status


@asynccontextmanager
async def running(size: tuple[int, int] = (40, 12), glyphs: Glyphs = UNICODE) -> AsyncIterator[Run]:
    app = PaneApp(glyphs)
    async with app.run_test(size=size) as pilot:
        run = Run(app, pilot)
        run.view.show(run.buffer)
        yield run


def _lines(start: int, stop: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(start, stop))


async def test_the_newest_line_is_in_view() -> None:
    async with running() as run:
        await run.feed(_lines(0, 100))
        assert run.rows[-1] == "line 99"
        assert run.says == "following · 100 lines"
        await run.feed(_lines(100, 105))
        assert run.rows[-1] == "line 104"


async def test_scrolling_up_stops_following_and_counts_what_comes() -> None:
    async with running() as run:
        await run.feed(_lines(0, 100))
        await run.press("pageup")
        seen = run.rows
        await run.feed(_lines(100, 400))
        assert run.rows == seen
        assert not run.view.following
        assert run.says.startswith("+30")
        await run.press("f")
        assert run.rows[-1] == "line 399"
        assert run.view.following


async def test_coming_back_to_the_end_follows_again() -> None:
    async with running() as run:
        await run.feed(_lines(0, 100))
        await run.press("up", "up")
        assert not run.view.following
        await run.press("down", "down")
        assert run.view.following


async def test_what_is_looked_at_stays_while_old_lines_are_dropped() -> None:
    async with running() as run:
        await run.feed(_lines(0, 1000))
        await run.press("pageup")
        seen = run.rows
        await run.feed(_lines(1000, 1500))
        assert run.rows == seen
        assert "500 older lines dropped" in run.says


async def test_a_line_that_grows_is_drawn_anew() -> None:
    async with running() as run:
        await run.feed(b"progress 1")
        await run.feed(b"0 %\r")
        await run.feed(b"progress 20 %")
        assert run.rows[0] == "progress 20 %"


@pytest.mark.parametrize(("glyphs", "edge"), [(UNICODE, "┃"), (ASCII, "|")])
async def test_stderr_is_marked_at_the_edge(glyphs: Glyphs, edge: str) -> None:
    async with running(glyphs=glyphs) as run:
        await run.feed(b"to stdout\n")
        await run.feed(b"to stderr\n", StdStream.ERR)
        assert [run.view.render_line(y).text[:1] for y in range(2)] == [" ", edge]


async def test_a_colour_goes_on_in_the_next_line() -> None:
    async with running() as run:
        await run.feed(b"\x1b[31mred\nstill\x1b[0m\nplain\n")
        styles = [list(run.view.render_line(y))[1].style for y in range(3)]
        colours = [style.color.number if style is not None and style.color is not None else None for style in styles]
        assert colours[:2] == [1, 1]
        assert colours[2] != 1


async def test_colours_of_the_host_are_kept_and_its_other_orders_are_not() -> None:
    async with running() as run:
        await run.feed(b"\x1b[31mred\x1b[0m\x1b[2J\x1b]0;title\x07 [bold]not markup[/]\n")
        assert run.rows[0] == "red [bold]not markup[/]"
        styles = {segment.text: segment.style for segment in run.view.render_line(0)}
        red = styles["red"]
        assert red is not None
        assert red.color is not None
        assert red.color.number == 1


async def test_search_goes_to_matches_in_both_directions_and_round_the_end() -> None:
    async with running() as run:
        await run.feed(_lines(0, 300))
        await run.press("slash", *"e 7", "enter")
        assert run.says.startswith("'e 7' 11 of 11")
        await run.press("N")
        assert run.says.startswith("'e 7' 10 of 11")
        assert "line 78" in run.rows
        await run.press("n", "n")
        assert run.says.startswith("'e 7' 1 of 11")
        assert "line 7" in run.rows


async def test_search_marks_what_it_finds() -> None:
    async with running() as run:
        await run.feed(b"an apple a day\n")
        await run.press("slash", *"apple", "enter")
        marked = [segment.text for segment in run.view.render_line(0) if segment.text == "apple"]
        assert marked == ["apple"]


async def test_the_filter_shows_only_lines_with_the_text_and_says_so() -> None:
    async with running() as run:
        await run.feed(_lines(0, 300))
        await run.press("ampersand", *"99", "enter")
        assert [row for row in run.rows if row] == ["line 99", "line 199", "line 299"]
        assert run.says.startswith("only '99': 3")
        await run.feed(b"another 99\nanother 98\n")
        assert [row for row in run.rows if row][-1] == "another 99"
        await run.press("escape")
        assert run.rows[-1] == "another 98"


async def test_escape_backs_out_one_step_at_a_time() -> None:
    async with running() as run:
        await run.feed(_lines(0, 50))
        await run.press("slash", *"line", "enter", "ampersand", *"1", "enter")
        assert (run.view.searched, run.view.filtered) == ("line", "1")
        await run.press("escape")
        assert (run.view.searched, run.view.filtered) == ("", "1")
        await run.press("escape")
        assert (run.view.searched, run.view.filtered) == ("", "")


async def test_keys_typed_into_the_search_do_nothing_else() -> None:
    async with running() as run:
        await run.feed(_lines(0, 50))
        await run.press("slash", *"wfn")
        assert run.app.query_one(Input).value == "wfn"
        assert not run.view.wrapping


async def test_long_lines_are_cut_with_a_sign_moved_along_or_wrapped() -> None:
    async with running((24, 8)) as run:
        await run.feed(b"0123456789" * 5 + b"\n")
        assert run.rows[0].endswith(">")
        await run.press("right", "right")
        assert run.rows[0].startswith("6789")
        await run.press("w")
        assert "".join(run.rows) == "0123456789" * 5


async def test_wrapping_keeps_what_is_looked_at_in_view() -> None:
    async with running((24, 8)) as run:
        await run.feed(b"".join(b"%03d %s\n" % (number, b"x" * 60) for number in range(200)))
        await run.press("home", *["pagedown"] * 10)
        top = run.rows[0][:3]
        await run.press("w")
        assert run.rows[0][:3] == top


async def test_what_is_in_view_is_copied_where_nothing_is_selected() -> None:
    async with running((40, 6)) as run:
        await run.feed(_lines(0, 100))
        await run.press("y")
        assert run.app.copied == "line 96\nline 97\nline 98\nline 99"


async def test_what_is_selected_is_copied_whole() -> None:
    async with running((40, 6)) as run:
        await run.feed(_lines(0, 100))
        run.app.screen.selections = {run.view: SELECT_ALL}
        await run.press("y")
        assert run.app.copied.count("\n") == 99


async def test_dragging_with_the_mouse_selects_text() -> None:
    async with running() as run:
        await run.feed(b"first line\nsecond line\n")
        await run.pilot.mouse_down(run.view, offset=(1, 0))
        await run.pilot.hover(run.view, offset=(7, 1))
        await run.pilot.mouse_up(run.view, offset=(7, 1))
        selected = run.app.screen.get_selected_text()
        assert selected is not None
        assert selected.startswith("first line\nsecond")


async def test_another_command_s_output_starts_at_its_end() -> None:
    async with running() as run:
        await run.feed(_lines(0, 100))
        await run.press("home")
        other = OutputBuffer()
        other.feed(Chunk(StdStream.OUT, b"other\n"))
        run.view.show(other, live=False)
        await run.rest()
        assert run.rows[0] == "other"
        assert run.says == "1 line"


async def test_a_million_lines_hold_up_no_key() -> None:
    async with running((120, 36)) as run:
        run.buffer = OutputBuffer()
        run.view.show(run.buffer)
        fed = 0
        while fed < 1_000_000:
            run.buffer.feed(Chunk(StdStream.OUT, _lines(fed, fed + 20_000)))
            fed += 20_000
            run.view.grown()
            if fed % 100_000 == 0:
                await _moves(run, "pageup")
                run.view.follow()
        await run.rest()
        run.view.search("line 99999")
        await _moves(run, "pageup")
        await run.rest()
        assert run.says.startswith("'line 99999' ")
        assert run.view.status.endswith("1,000,000 lines") or "+" in run.view.status


async def _moves(run: Run, key: str) -> None:
    """The view moves while lines pour in, not only afterwards."""
    top = run.view.scroll_y
    run.app.simulate_key(key)
    async with asyncio.timeout(60):
        while run.view.scroll_y == top:
            await asyncio.sleep(0)


async def test_what_pours_is_drawn_less_often_until_it_trickles_again() -> None:
    async with running() as run:
        await run.feed(b"a line\n" * 500)
        assert run.view.frame == POURING_FRAME
        await run.feed(b"one more\n")
        assert run.view.frame == FRAME
