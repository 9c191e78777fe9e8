"""A look into a file, as text or byte by byte: any part of it, without fetching the rest; or its end, as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from backend.clock import Clock
from backend.commands.output import OutputBuffer
from backend.connection.connector import Chunk, StdStream
from backend.errors import FairleadError
from backend.files.ends import growth
from backend.files.filesystem import FileSystem
from backend.sizes import size_text
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.prompts.base import Words
from tui.prompts.modal import Modal
from tui.widgets.explanation import explain
from tui.widgets.footer import Footer
from tui.widgets.output_pane import OutputPane

PART = 262144
"""Bytes that are fetched at a time."""
_ROW = 16
"""Bytes of a line of the byte view."""

ACTIONS = (
    Action("view.other_end", "t", "head / tail", "Show the end of the file, or its beginning.", scope="view", rank=2),
    Action("view.hex", "x", "bytes", "Show the bytes as numbers, or the text.", scope="view", rank=3),
    Action("view.follow_growth", "F", "follow", "Show the end, and what is added to it.", scope="view", rank=4),
    Action("view.next_part", "right_square_bracket", "next part", "Go on behind what is shown.", scope="view", rank=5),
    Action(
        "view.previous_part", "left_square_bracket", "part before", "Go to what is before what is shown.", scope="view"
    ),
    Action("view.close", "escape,q", "close", "Back to the files.", scope="view", rank=1, key_display="esc"),
)


class ViewPane(OutputPane):
    """The text, and in its place what kept it from being read."""

    def compose_above(self) -> ComposeResult:
        yield Words("", id="view-says")


class FileView(Modal[None]):
    """At most `PART` bytes of a file at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    DEFAULT_CSS = """
    FileView { background: $background; }
    FileView ViewPane { height: 1fr; }
    FileView #view-says { display: none; height: auto; max-height: 100%; padding: 1; }
    FileView #view-says.-open { display: block; }
    """

    def __init__(
        self, files: FileSystem, path: bytes, name: str, size: int | None, glyphs: Glyphs, clock: Clock
    ) -> None:
        super().__init__()
        self._files = files
        self._path = path
        self._name_shown = name
        self._file_size = size
        self._glyphs = glyphs
        self._clock = clock
        self._start = 0
        """The offset of what is shown."""
        self._got = b""
        self._at_end = False
        self._as_bytes = False
        self._growing = False

    def compose(self) -> ComposeResult:
        yield ViewPane(self._glyphs)
        yield Footer()

    def on_mount(self) -> None:
        self.pane.view.focus()
        self._load(0)

    @property
    def pane(self) -> ViewPane:
        return self.query_one(ViewPane)

    # --- where to look -------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "next_part":
                return True if self._more_behind else None
            case "previous_part":
                return True if self._start > 0 else None
            case _:
                return True

    @property
    def _more_behind(self) -> bool:
        end = self._start + len(self._got)
        return len(self._got) >= PART and (self._file_size is None or end < self._file_size)

    def action_other_end(self) -> None:
        self._at_end = not self._at_end
        self._load(max(0, (self._file_size or 0) - PART) if self._at_end else 0)

    def action_next_part(self) -> None:
        self._at_end = False
        self._load(self._start + len(self._got))

    def action_previous_part(self) -> None:
        self._at_end = False
        self._load(max(0, self._start - PART))

    def action_hex(self) -> None:
        self._as_bytes = not self._as_bytes
        if self._growing:
            self._load(self._start)
        else:
            self._show_all()

    def action_follow_growth(self) -> None:
        if self._growing:
            self._load(self._start)
            return
        self._at_end = True
        self._follow()

    def action_close(self) -> None:
        self.dismiss(None)

    # --- reading -------------------------------------------------------------------------------------------------

    def _load(self, start: int) -> None:
        self._growing, self._start, self._got = False, start, b""
        self._entitle(f"reading{self._glyphs.ellipsis}")
        self._fetch(start)

    def _entitle(self, what: str) -> None:
        self.pane.border_title = Content(f"{self._name_shown} {self._glyphs.dot} {what}")

    @work(group="view", exclusive=True, exit_on_error=False)
    async def _fetch(self, start: int) -> None:
        """Read one part; a failure stands where the text would, below what came before it."""
        buffer = OutputBuffer()
        self.pane.view.show(buffer, live=False)
        self._say(None)
        try:
            async with aclosing(self._files.read(self._path, start=start, limit=PART)) as content:  # type: ignore[type-var]
                async for data in content:
                    self._take(buffer, data)
                    self._arrived(stay=not self._at_end)
        except FairleadError as error:
            self._say(error)
            self._entitle(f"{size_text(len(self._got))} read, then it failed")
            return
        if self._as_bytes:
            self._end_of_bytes(buffer)
        self._entitle(self._title())
        self.refresh_bindings()

    @work(group="view", exclusive=True, exit_on_error=False)
    async def _follow(self) -> None:
        """The end of the file, then what is added to it until something else is asked for."""
        buffer = OutputBuffer()
        self._growing, self._got = True, b""
        self.pane.view.show(buffer, live=True)
        self._say(None)
        try:
            size = (await self._files.stat(self._path)).size or 0
            self._start = max(0, size - PART)
            self._entitle(f"following{self._glyphs.ellipsis}")
            async with aclosing(growth(self._files, self._path, self._start, self._clock)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    said = b"\n[it has become shorter: from its beginning]\n" if piece is None else piece
                    buffer.feed(Chunk(StdStream.ERR if piece is None else StdStream.OUT, said))
                    self._arrived(stay=False)
        except FairleadError as error:
            self._growing = False
            self._say(error)
            self._entitle("no longer followed")

    def _take(self, buffer: OutputBuffer, data: bytes) -> None:
        before = len(self._got) - len(self._got) % _ROW
        self._got += data
        if not self._as_bytes:
            buffer.feed(Chunk(StdStream.OUT, data))
            return
        whole = len(self._got) - len(self._got) % _ROW
        for line in byte_lines(self._got[before:whole], self._start + before):
            buffer.feed(Chunk(StdStream.OUT, line))

    def _end_of_bytes(self, buffer: OutputBuffer) -> None:
        whole = len(self._got) - len(self._got) % _ROW
        for line in byte_lines(self._got[whole:], self._start + whole):
            buffer.feed(Chunk(StdStream.OUT, line))
        self._arrived(stay=not self._at_end)

    def _show_all(self) -> None:
        """What is here already, the other way."""
        buffer, got = OutputBuffer(), self._got
        self._got = b""
        self.pane.view.show(buffer, live=False)
        self._take(buffer, got)
        if self._as_bytes:
            self._end_of_bytes(buffer)
        self._arrived(stay=not self._at_end)

    def _arrived(self, *, stay: bool) -> None:
        """A beginning is looked at from its first line, an end from its last."""
        view = self.pane.view
        view.grown()
        if stay:
            view.following = False

    def _say(self, error: FairleadError | None) -> None:
        words = self.pane.query_one("#view-says", Words)
        words.set_class(error is not None, "-open")
        if error is not None:
            words.update(explain(error.message, error.code, error.evidence, error.advice))

    def _title(self) -> str:
        got, size = len(self._got), self._file_size
        if size is None or got >= size:
            return f"all {size_text(got)}"
        if self._start == 0:
            return f"first {size_text(got)} of {size_text(size)}"
        if self._start + got >= size:
            return f"last {size_text(got)} of {size_text(size)}"
        return f"{size_text(got)} at {self._start:,} of {size_text(size)}"


def byte_lines(data: bytes, offset: int) -> Iterator[bytes]:
    """As hexdump(1) -C writes them: offset, numbers, and the printable ASCII characters."""
    for start in range(0, len(data), _ROW):
        row = data[start : start + _ROW]
        numbers = f"{row[:8].hex(' '):<23} {row[8:].hex(' '):<23}"
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{offset + start:08x}  {numbers}  {text}\n".encode()
