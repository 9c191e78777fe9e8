"""A directory that is read as it comes and put in order step by step; what it looks like is the subclass's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import datetime
from enum import Enum

from textual import on, work
from textual.containers import Vertical
from textual.message import Message

from backend.connection.connector import Entry, Space
from backend.dataclass import dataclass
from backend.errors import FairleadError, FileError
from backend.files.filesystem import FileSystem
from tui.glyphs import Glyphs
from tui.widgets.file_list import FileList
from tui.widgets.file_order import RUN, View
from tui.widgets.file_rows import FileRows
from tui.widgets.soon import soon

SETTLE = 0.03
"""Seconds between two times that rows which have come are put in their places and shown."""
SETTLE_MANY = 0.1
"""The same where there are many already: a picture takes longer than putting thousands of rows in their places."""
IN_A_ROW = 8
"""Portions of rows that are put in their places before there is a picture again."""
MOST_ROWS = 500_000
"""Names that are read of one directory, about 300 MB of them; a hostile server's listing need not end."""
PORTION_APART = 0.02
"""Seconds between two portions; keys are heard in between."""


class Reading(Enum):
    """How far a directory has been read."""

    NOTHING = "nothing"
    UNDER_WAY = "under way"
    WHOLE = "whole"
    PART = "part"
    """It ended with an error after some rows."""
    REFUSED = "refused"
    """It ended with an error and nothing came."""


class ReadingPane(Vertical):
    """Reads a directory. Each reading has a number; what comes of an earlier one is dropped."""

    @dataclass
    class _Arrived(Message):
        reading: int
        entries: list[Entry]

    @dataclass
    class _Ended(Message):
        reading: int
        error: FairleadError | None
        cut: bool

    @dataclass
    class _Told(Message):
        reading: int
        home: bytes
        path: bytes
        space: Space | None

    def __init__(self, glyphs: Glyphs, now: Callable[[], datetime], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, classes="pane")
        self.files: FileSystem | None = None
        self.path = b""
        self.rows = FileRows()
        self.list = FileList(self.rows, glyphs, now)
        self.state = Reading.NOTHING
        self.error: FairleadError | None = None
        self.space: Space | None = None
        self.reason = ""
        """Why there is nothing to read yet, when there is not."""
        self.most_rows = MOST_ROWS
        self.cut = False
        """There are more names than are read."""
        self.outdated = False
        """What is shown has changed, and could not be read anew."""
        self._home = b""
        self._reading_number = 0
        self._wanted: bytes | None = None
        """The name that the cursor is to be put on when it comes."""
        self._settling = False
        self._unseen = 0
        """Portions of rows that were put in their places since the last picture."""
        self._asked: View | None = None
        """What the rows are being rearranged for."""

    # --- for subclasses ------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Say how things stand now."""
        raise NotImplementedError

    def draw_border(self) -> None:
        """Say anew where this is and how much there is."""
        raise NotImplementedError

    def show_filter(self, text: str) -> None:
        """The rows are narrowed to names that hold `text`."""
        raise NotImplementedError

    def before_picture(self) -> None:
        """Rows have come, and are about to be drawn."""

    def forget(self) -> None:
        """Another directory, or the same one anew: what was found out about files does not hold any more."""

    # --- how far it is -------------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether all that has been asked for is there and in its place."""
        at_rest = self._asked is None and not self._settling
        return at_rest and self.state is not Reading.UNDER_WAY and not self.rows.waiting

    @property
    def wants_reading(self) -> bool:
        """Whether it would show more than it does if the connection were there again."""
        failed = self.state in (Reading.REFUSED, Reading.PART) and not isinstance(self.error, FileError)
        return self.outdated or failed

    # --- going somewhere -----------------------------------------------------------------------------------------

    def open(self, files: FileSystem, path: bytes, *, cursor: bytes | None = None) -> None:
        """Read `path`; an empty one is the home directory. `cursor` is the name to stand on."""
        self._begin(files, path, cursor)

    def _begin(
        self,
        files: FileSystem,
        path: bytes,
        cursor: bytes | None,
        *,
        text: str = "",
        choose: frozenset[bytes] = frozenset(),
    ) -> None:
        self.files, self.path, self.reason = files, path, ""
        self._reset(text, choose)
        self._wanted = cursor
        self._read(files, path, self._reading_number)

    def close(self, reason: str) -> None:
        """Show nothing, and why."""
        self.files, self.path, self.reason = None, b"", reason
        self._reset()
        self.state = Reading.NOTHING
        self.draw()

    def _reset(self, text: str = "", choose: frozenset[bytes] = frozenset()) -> None:
        self._reading_number += 1
        self.state, self.error, self.space = Reading.UNDER_WAY, None, None
        self.outdated = self.cut = False
        self.workers.cancel_group(self, "rearranging")
        self.rows.clear(replace(self._view, text=text), choose=choose)
        self._asked = None
        self._tidy()
        self.forget()
        self.show_filter(text)
        self.list.rows_changed()
        self.draw()

    def set_outdated(self) -> None:
        """What is shown has changed, and cannot be read anew for now."""
        self.outdated = True
        self.draw_border()

    def reload(self, cursor: bytes | None = None) -> None:
        """Read the same directory anew: filter and choice stay, and the cursor on its file, or on the one named."""
        if self.files is not None:
            current = self.rows.current
            cursor = cursor or (current.name if current is not None else self._wanted)
            self._begin(self.files, self.path, cursor, text=self._view.text, choose=self.rows.chosen_names)

    @work(group="listing", exclusive=True, exit_on_error=False)
    async def _read(self, files: FileSystem, path: bytes, reading: int) -> None:
        """Read the directory; what comes is told by messages, each with the number of this reading."""
        error: FairleadError | None = None
        room = self.most_rows
        try:
            home = await files.home()
            path = path or await files.start()
            self.post_message(self._Told(reading, home, path, None))
            async with aclosing(files.list(path)) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    self.post_message(self._Arrived(reading, list(batch[:room])))
                    if len(batch) > room:
                        room = -1
                        break
                    room -= len(batch)
        except FairleadError as failure:
            error = failure
        self.post_message(self._Ended(reading, error, room < 0))
        if error is None:
            with suppress(FairleadError):
                self.post_message(self._Told(reading, home, path, await files.space(path)))

    @on(_Told)
    def _told(self, message: _Told) -> None:
        if message.reading == self._reading_number:
            self._home = message.home
            self.path = self.path or message.path
            self.space = message.space or self.space
            self.draw()

    @on(_Arrived)
    def _arrived(self, message: _Arrived) -> None:
        if message.reading == self._reading_number:
            self.rows.add(message.entries)
            self._settle_soon()

    @on(_Ended)
    def _ended(self, message: _Ended) -> None:
        if message.reading == self._reading_number:
            self.error, self.cut = message.error, message.cut
            if message.error is None:
                self.state = Reading.WHOLE
                self.rows.complete()
            else:
                self.state = Reading.PART if self.rows.read else Reading.REFUSED
            self.draw()

    def _settle_soon(self) -> None:
        if not self._settling:
            self._settling = True
            soon(self, self._pause, self._settle)

    @property
    def _pause(self) -> float:
        """Seconds until rows that have come are shown; the first ones are at once."""
        return SETTLE_MANY if self.rows.read > RUN else SETTLE if self.rows.count else 0.0

    def _settle(self) -> None:
        self._settling = False
        if self._asked is not None:
            self._settle_soon()
            return
        self.rows.settle()
        self._unseen += 1
        if self.rows.waiting and self._unseen < IN_A_ROW:
            self._settling = True
            soon(self, PORTION_APART, self._settle)
            return
        self._unseen = 0
        self.before_picture()
        if self._wanted is not None and self.rows.move_to_name(self._wanted):
            self._wanted = None
        self.list.rows_changed()
        self.draw()
        if self.rows.waiting:
            self._settle_soon()

    # --- in what order -------------------------------------------------------------------------------------------

    @property
    def _view(self) -> View:
        """What is shown, or will be in a moment."""
        return self._asked or self.rows.view

    def rearrange(self, view: View) -> None:
        """Show the rows as `view` has it; a long list between pictures, and what was asked for before is dropped."""
        self._asked = view
        if self.rows.read > RUN:
            self._rearrange_slowly(view)
            return
        self.workers.cancel_group(self, "rearranging")
        for _ in self.rows.rearrange(view):
            pass
        self._rearranged()

    @work(group="rearranging", exclusive=True, exit_on_error=False)
    async def _rearrange_slowly(self, view: View) -> None:
        for _ in self.rows.rearrange(view):
            await asyncio.sleep(0)
        if self._asked is view:
            self._rearranged()

    def _rearranged(self) -> None:
        self._asked = None
        self.list.rows_changed()
        self.draw()
        self._tidy()

    @work(group="tidying", exclusive=True, exit_on_error=False)
    async def _tidy(self) -> None:
        for _ in self.rows.tidy():
            await asyncio.sleep(0)
