"""A look into a file: its beginning or its end, without fetching the rest."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import ModalScreen

from backend.commands.output import OutputBuffer
from backend.connection.connector import Chunk, StdStream
from backend.errors import FairleadError
from backend.files.filesystem import FileSystem
from tui.actions import Action, bindings_of
from tui.format import size_text
from tui.glyphs import Glyphs
from tui.prompts.base import Words
from tui.widgets.explanation import explain
from tui.widgets.footer import Footer
from tui.widgets.output_pane import OutputPane

PART = 262144
"""Bytes that are fetched at a time."""

ACTIONS = (
    Action("view.other_end", "t", "head / tail", "Show the end of the file, or its beginning.", scope="view", rank=2),
    Action("view.close", "escape,q", "close", "Back to the files.", scope="view", rank=1, key_display="esc"),
)


class ViewPane(OutputPane):
    """The text, and in its place what kept it from being read."""

    def compose_above(self) -> ComposeResult:
        yield Words("", id="view-says")


class FileView(ModalScreen[None]):
    """At most `PART` bytes from one end of a file, as text."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    DEFAULT_CSS = """
    FileView { background: $background; }
    FileView ViewPane { height: 1fr; }
    FileView #view-says { display: none; height: auto; max-height: 100%; padding: 1; }
    FileView #view-says.-open { display: block; }
    """

    def __init__(self, files: FileSystem, path: bytes, name: str, size: int | None, glyphs: Glyphs) -> None:
        super().__init__()
        self._files = files
        self._path = path
        self._name_shown = name
        self._file_size = size
        self._glyphs = glyphs
        self._at_end = False

    def compose(self) -> ComposeResult:
        yield ViewPane(self._glyphs)
        yield Footer()

    def on_mount(self) -> None:
        self.pane.view.focus()
        self._load()

    @property
    def pane(self) -> ViewPane:
        return self.query_one(ViewPane)

    def action_other_end(self) -> None:
        self._at_end = not self._at_end
        self._load()

    def action_close(self) -> None:
        self.dismiss(None)

    def _load(self) -> None:
        start = max(0, (self._file_size or 0) - PART) if self._at_end else 0
        self.pane.border_title = Content(f"{self._name_shown} {self._glyphs.dot} reading{self._glyphs.ellipsis}")
        self._fetch(start)

    @work(group="view", exclusive=True, exit_on_error=False)
    async def _fetch(self, start: int) -> None:
        """Read one part; a failure stands where the text would, below what came before it."""
        buffer, got = OutputBuffer(), 0
        self.pane.view.show(buffer, live=False)
        self._say(None)
        try:
            async for data in self._files.read(self._path, start=start, limit=PART):
                buffer.feed(Chunk(StdStream.OUT, data))
                got += len(data)
                self._arrived()
        except FairleadError as error:
            self._say(error)
            self.pane.border_title = Content(
                f"{self._name_shown} {self._glyphs.dot} {size_text(got)} read, then it failed"
            )
            return
        self.pane.border_title = Content(self._title(start, got))

    def _arrived(self) -> None:
        """The beginning is looked at from its first line, the end from its last."""
        view = self.pane.view
        view.grown()
        if not self._at_end:
            view.following = False

    def _say(self, error: FairleadError | None) -> None:
        words = self.pane.query_one("#view-says", Words)
        words.set_class(error is not None, "-open")
        if error is not None:
            words.update(explain(error.message, error.code, error.evidence, error.advice))

    def _title(self, start: int, got: int) -> str:
        if self._file_size is None or got >= self._file_size:
            what = f"all {size_text(got)}"
        else:
            what = f"{'last' if start else 'first'} {size_text(got)} of {size_text(self._file_size)}"
        return f"{self._name_shown} {self._glyphs.dot} {what}"
