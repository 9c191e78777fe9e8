"""One side of the files: a directory of this machine or of a host, read as it comes, and what it says about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from backend.connection.connector import Entry, FileKind, Space
from backend.errors import Code, FairleadError
from backend.files.filesystem import FileSystem
from backend.files.paths import join_inside, name_of, parent_of, to_text
from backend.text import show_bytes
from tui.actions import bindings_of
from tui.file_words import PaneWords, nothing_shown, pane_footer, pane_title, short_path
from tui.glyphs import Glyphs
from tui.prompts.base import Words
from tui.widgets.file_actions import ACTIONS
from tui.widgets.file_list import FileList
from tui.widgets.file_rows import FileRows, Row
from tui.widgets.soon import soon
from tui.widgets.text_line import TextLine

SETTLE = 0.03
"""Seconds between two times that rows which have come are put in their places."""


class Reading(Enum):
    """How far a directory has been read."""

    NOTHING = "nothing"
    UNDER_WAY = "under way"
    WHOLE = "whole"
    PART = "part"
    """It ended with an error after some rows."""
    REFUSED = "refused"
    """It ended with an error and nothing came."""


class FilePane(Vertical):
    """A directory. It reads for itself; what is done with its files is the screen's."""

    DEFAULT_CSS = """
    FilePane {
        FileList { height: 1fr; }
        #filter { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
        #filter.-open { display: block; }
        #says { display: none; height: 1fr; padding: 1 1; overflow-y: auto; }
        #warning { display: none; height: auto; max-height: 3; color: $warning; }
        &.-says #says { display: block; }
        &.-says FileList { height: 1; }
        &.-warns #warning { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    class Changed(Message):
        """The directory, the cursor or the choice is another."""

        def __init__(self, pane: FilePane) -> None:
            super().__init__()
            self.pane = pane

    class ViewAsked(Message):
        """A file is to be looked into."""

        def __init__(self, pane: FilePane, row: Row) -> None:
            super().__init__()
            self.pane = pane
            self.row = row

    @dataclass
    class _Arrived(Message):
        reading: int
        entries: list[Entry]

    @dataclass
    class _Ended(Message):
        reading: int
        error: FairleadError | None

    @dataclass
    class _Told(Message):
        reading: int
        home: bytes
        path: bytes
        space: Space | None

    @dataclass
    class _LinkRead(Message):
        reading: int
        name: bytes
        target: str

    def __init__(self, glyphs: Glyphs, now: Callable[[], datetime], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, classes="pane")
        self.files: FileSystem | None = None
        self.path = b""
        self.rows = FileRows()
        self.list = FileList(self.rows, glyphs, now)
        self.state = Reading.NOTHING
        self.error: FairleadError | None = None
        self.space: Space | None = None
        self.label = ""
        """How the side is called: `local`, or the host."""
        self.reason = ""
        """Why there is nothing to read yet, when there is not."""
        self._home = b""
        self._glyphs = glyphs
        self._reading_number = 0
        self._wanted: bytes | None = None
        """The name that the cursor is to be put on when it comes."""
        self._settling = False
        self._resorting = False

    def compose(self) -> ComposeResult:
        yield self.list
        yield Words("", id="says", classes="empty")
        yield Words("", id="warning")
        yield TextLine(id="filter", placeholder="only names with", select_on_focus=False, compact=True)

    @property
    def settled(self) -> bool:
        """Whether all that has been asked for is there and in its place."""
        return self.state is not Reading.UNDER_WAY and not self.rows.waiting and not self._settling

    # --- going somewhere -----------------------------------------------------------------------------------------

    def open(self, files: FileSystem, path: bytes, *, cursor: bytes | None = None) -> None:
        """Read `path`; an empty one is the home directory. `cursor` is the name to stand on."""
        self.files, self.path, self.reason = files, path, ""
        self._reset()
        self._wanted = cursor
        self._read(files, path, self._reading_number)

    def close(self, reason: str) -> None:
        """Show nothing, and why."""
        self.files, self.path, self.reason = None, b"", reason
        self._reset()
        self.state = Reading.NOTHING
        self._draw()

    def _reset(self) -> None:
        self._reading_number += 1
        self.state, self.error, self.space = Reading.UNDER_WAY, None, None
        self.rows.clear()
        self.list.targets.clear()
        self._set_filter("")
        self.list.rows_changed()
        self._draw()

    def reload(self, cursor: bytes | None = None) -> None:
        """Read the same directory anew; the cursor stays on its file, or goes to the one named."""
        if self.files is not None:
            current = self.rows.current
            self.open(self.files, self.path, cursor=cursor or (current.name if current is not None else None))

    @work(group="listing", exclusive=True, exit_on_error=False)
    async def _read(self, files: FileSystem, path: bytes, reading: int) -> None:
        """Read the directory; what comes is told by messages, each with the number of this reading."""
        error: FairleadError | None = None
        try:
            home = await files.home()
            path = path or await files.start()
            self.post_message(self._Told(reading, home, path, None))
            async with aclosing(files.list(path)) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    self.post_message(self._Arrived(reading, list(batch)))
        except FairleadError as failure:
            error = failure
        self.post_message(self._Ended(reading, error))
        if error is None:
            with suppress(FairleadError):
                self.post_message(self._Told(reading, home, path, await files.space(path)))

    @on(_Told)
    def _told(self, message: _Told) -> None:
        if message.reading == self._reading_number:
            self._home = message.home
            self.path = self.path or message.path
            self.space = message.space or self.space
            self._draw()

    @on(_Arrived)
    def _arrived(self, message: _Arrived) -> None:
        if message.reading == self._reading_number:
            self.rows.add(message.entries)
            self._settle_soon()

    @on(_Ended)
    def _ended(self, message: _Ended) -> None:
        if message.reading == self._reading_number:
            self.error = message.error
            if message.error is None:
                self.state = Reading.WHOLE
            else:
                self.state = Reading.PART if self.rows.read else Reading.REFUSED
            self._draw()

    def _settle_soon(self) -> None:
        if not self._settling:
            self._settling = True
            soon(self, SETTLE if self.rows.count else 0.0, self._settle)

    def _settle(self) -> None:
        self._settling = False
        if self._resorting:
            self._settle_soon()
            return
        self.rows.settle()
        if self._wanted is not None and self.rows.move_to_name(self._wanted):
            self._wanted = None
        self.list.rows_changed()
        self._draw()
        if self.rows.waiting:
            self._settle_soon()

    # --- links -----------------------------------------------------------------------------------------------------

    @on(FileList.Moved)
    def _moved(self, message: FileList.Moved) -> None:
        message.stop()
        self._draw_border()
        self.post_message(self.Changed(self))
        links = [r for r in self.list.in_view if r.kind is FileKind.SYMLINK and r.name not in self.list.targets]
        if links and self.files is not None:
            self._read_links(self.files, self.path, [row.name for row in links if row.usable], self._reading_number)

    @work(group="links", exclusive=True, exit_on_error=False)
    async def _read_links(self, files: FileSystem, path: bytes, names: list[bytes], reading: int) -> None:
        """Where the links in view lead; one that cannot be read is told as unknown."""
        for name in names:
            try:
                target = show_bytes(await files.readlink(join_inside(path, name)))
            except FairleadError:
                target = "?"
            self.post_message(self._LinkRead(reading, name, target))

    @on(_LinkRead)
    def _link_read(self, message: _LinkRead) -> None:
        if message.reading == self._reading_number:
            self.list.targets[message.name] = message.target
            self.list.refresh()
            self.post_message(self.Changed(self))

    # --- what it says ----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._draw_border()
        words = nothing_shown(self._words(), self._glyphs)
        self.set_class(words is not None, "-says")
        if words is not None:
            self.query_one("#says", Words).update(words)
        partial = self.state is Reading.PART and self.error is not None
        self.set_class(partial, "-warns")
        if partial and self.error is not None:
            text = f"{self._glyphs.attention} Only part of it: {self.error.message} r reads it again."
            self.query_one("#warning", Words).update(text)
        self.post_message(self.Changed(self))

    def _draw_border(self) -> None:
        words = self._words()
        width = self.size.width
        self.border_title = pane_title(words, self._glyphs, width)
        self.border_subtitle = Content(pane_footer(words, self._glyphs, width))

    def _words(self) -> PaneWords:
        return PaneWords(
            label=self.label,
            path=short_path(self.path, self._home),
            reading=self.state is Reading.UNDER_WAY,
            rows=self.rows,
            space=self.space,
            error=self.error if self.state is Reading.REFUSED else None,
            reason=self.reason,
        )

    # --- keys ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "clear":
                return self._filter.has_class("-open") or bool(self.rows.filter_text or self.rows.chosen_count)
            case "open" | "go_up" | "filter" | "hidden" | "sort" | "reload":
                return self.files is not None
            case _:
                return True

    @on(FileList.Opened)
    def _double_clicked(self, message: FileList.Opened) -> None:
        message.stop()
        self.action_open()

    def action_open(self) -> None:
        """A directory is entered, a link followed, a file looked into."""
        row = self.rows.current
        if row is None or self.files is None:
            return
        if not row.usable:
            self.notify("The server sent a name that is no plain name; nothing is done with it.", markup=False)
        elif row.is_directory:
            self.open(self.files, join_inside(self.path, row.name))
        elif row.kind in (FileKind.SYMLINK, FileKind.UNKNOWN):
            self._follow(self.files, row)
        else:
            self.post_message(self.ViewAsked(self, row))

    @work(group="follow-link", exclusive=True, exit_on_error=False)
    async def _follow(self, files: FileSystem, row: Row) -> None:
        path = join_inside(self.path, row.name)
        try:
            attributes = await files.stat(path)
        except FairleadError as error:
            gone = error.code is Code.NOT_FOUND
            self.notify("The link leads nowhere." if gone else error.message, severity="warning", markup=False)
            return
        if attributes.kind is FileKind.DIRECTORY:
            self.call_later(self.open, files, path)
        else:
            self.post_message(self.ViewAsked(self, row))

    def action_go_up(self) -> None:
        if self.files is not None and self.path not in (b"", b"/"):
            self.open(self.files, parent_of(self.path), cursor=name_of(self.path))

    def action_reload(self) -> None:
        self.reload()

    def action_hidden(self) -> None:
        self.rows.toggle_hidden()
        self.list.rows_changed()
        self._draw()

    @work(group="sorting", exclusive=True, exit_on_error=False)
    async def action_sort(self) -> None:
        """Sort by the next column; a long list is sorted between two pictures."""
        if self._resorting:
            return
        self._resorting = True
        try:
            for _ in self.rows.resort(self.rows.sort_by.next):
                await asyncio.sleep(0)
        finally:
            self._resorting = False
        self.list.rows_changed()

    # --- the filter --------------------------------------------------------------------------------------------------

    @property
    def _filter(self) -> Input:
        return self.query_one("#filter", Input)

    def action_filter(self) -> None:
        self._filter.add_class("-open")
        self._filter.focus()

    def action_clear(self) -> None:
        if self.rows.filter_text or self._filter.has_class("-open"):
            self._set_filter("")
            self._narrow("")
        else:
            self.forget_choice()
        self.list.focus()

    def forget_choice(self) -> None:
        """Nothing is chosen any more."""
        self.rows.choose_none()
        self.list.rows_changed()

    def _set_filter(self, text: str) -> None:
        self.rows.filter_text = ""
        if self.is_mounted:
            with self.prevent(Input.Changed):
                self._filter.value = text
            self._filter.set_class(bool(text), "-open")

    @on(Input.Changed, "#filter")
    def _filter_typed(self, message: Input.Changed) -> None:
        message.stop()
        self._narrow(message.value)

    def _narrow(self, text: str) -> None:
        self.rows.show_only(text)
        self.list.rows_changed()
        self._draw()

    @on(Input.Submitted, "#filter")
    def _filter_taken(self, message: Input.Submitted) -> None:
        message.stop()
        self._filter.set_class(bool(message.value), "-open")
        self.list.focus()

    # --- for the screen ----------------------------------------------------------------------------------------------

    def path_of(self, row: Row) -> str:
        """The whole path of a row, as requests carry it."""
        return to_text(join_inside(self.path, row.name))
