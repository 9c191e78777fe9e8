"""One side of the files: a directory of this machine or of a host, read as it comes, and what it says about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from backend.connection.connector import FileKind
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError
from backend.files.contract import TreeSize
from backend.files.filesystem import FileSystem
from backend.files.paths import join_inside, name_of, parent_of, to_text
from backend.text import show_bytes
from tui.actions import bindings_of
from tui.file_words import PaneWords, nothing_shown, pane_footer, pane_title, short_path, tree_size_text
from tui.glyphs import Glyphs
from tui.looks import Look
from tui.prompts.base import Words
from tui.told import told_at
from tui.widgets.file_actions import ACTIONS
from tui.widgets.file_list import FileList
from tui.widgets.file_row import Row
from tui.widgets.reading_pane import Reading, ReadingPane
from tui.widgets.text_line import TextLine


class FilePane(ReadingPane):
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
    class _LinkRead(Message):
        reading: int
        name: bytes
        target: str

    @dataclass
    class _AddedUp(Message):
        reading: int
        name: bytes
        size: TreeSize | FairleadError

    def __init__(self, glyphs: Glyphs, now: Callable[[], datetime], *, id: str) -> None:  # noqa: A002
        super().__init__(glyphs, now, id=id)
        self.host: str | None = None
        """Whose files are shown, or would be with a connection; None for this machine."""
        self.label = ""
        """How the side is called: `local`, or the host."""
        self.look: Look | None = None
        """The state of the host's connection; None for this machine."""
        self._glyphs = glyphs
        self._sizes: dict[tuple[str | None, bytes], tuple[float | None, TreeSize]] = {}
        """What trees took when the directory at their top was changed at that time."""
        self._adding_up: set[bytes] = set()

    def compose(self) -> ComposeResult:
        yield self.list
        yield Words("", id="says", classes="empty")
        yield Words("", id="warning")
        yield TextLine(id="filter", placeholder="only names with", select_on_focus=False, compact=True)

    # --- links -----------------------------------------------------------------------------------------------------

    @on(FileList.Moved)
    def _moved(self, message: FileList.Moved) -> None:
        message.stop()
        self.draw_border()
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

    def draw(self) -> None:
        self.draw_border()
        words = nothing_shown(self._words(), self._glyphs)
        self.set_class(words is not None, "-says")
        if words is not None:
            self.query_one("#says", Words).update(words)
        warning = self._warning()
        self.set_class(bool(warning), "-warns")
        if warning:
            self.query_one("#warning", Words).update(f"{self._glyphs.attention} {warning}")
        self.post_message(self.Changed(self))

    def _warning(self) -> str:
        """What is wrong with what is shown; empty when nothing is."""
        if self.state is Reading.PART and self.error is not None:
            return f"Only part of it: {self.error.message} r reads it again."
        return f"Only the first {self.most_rows:,} names; F looks for others." if self.cut else ""

    def draw_border(self) -> None:
        words = self._words()
        width = self.size.width
        self.border_title = pane_title(words, self._glyphs, width)
        self.border_subtitle = Content(pane_footer(words, self._glyphs, width))

    def _words(self) -> PaneWords:
        error = self.error if self.state is Reading.REFUSED else None
        return PaneWords(
            label=self.label,
            look=self.look,
            path=short_path(self.path, self._home),
            reading=self.state is Reading.UNDER_WAY,
            rows=self.rows,
            space=self.space,
            error=told_at(self, error, self.host, self.draw) if error is not None else None,
            reason=self.reason,
            outdated=self.outdated,
        )

    # --- keys ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "clear":
                return self._filter.has_class("-open") or bool(self._view.text or self.rows.chosen_count)
            case "open" | "go_up" | "filter" | "hidden" | "sort" | "turn_round" | "sizes" | "reload":
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
        self.rearrange(replace(self._view, hidden=not self._view.hidden))

    def show_hidden(self) -> None:
        """From now on names that start with a dot are seen."""
        self.rearrange(replace(self._view, hidden=True))

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.rearrange(replace(self._view, sort_by=self._view.sort_by.next))

    def action_turn_round(self) -> None:
        self.rows.turn_round()
        self.list.rows_changed()

    # --- what trees take -------------------------------------------------------------------------------------------

    def action_sizes(self) -> None:
        """Add up the chosen directories, or all when the row under the cursor is none; while adding up, stop."""
        if self._adding_up:
            self.workers.cancel_group(self, "sizes")
            for name in self._adding_up:
                self.list.sizes.pop(name, None)
            self._adding_up.clear()
            self.list.refresh()
            return
        rows = [row for row in self.rows.subject if row.is_directory and row.usable]
        if not rows:
            rows = [row for row in self.rows.rows() if row.is_directory and row.usable]
        if self.files is not None and rows:
            names = [row.name for row in rows]
            self._adding_up = set(names)
            self.list.sizes |= dict.fromkeys(names, self._glyphs.ellipsis)
            self.list.refresh()
            self._add_up(self.files, self.path, names, self._reading_number)

    @work(group="sizes", exclusive=True, exit_on_error=False)
    async def _add_up(self, files: FileSystem, path: bytes, names: list[bytes], reading: int) -> None:
        for name in names:
            try:
                size: TreeSize | FairleadError = await files.tree_size(join_inside(path, name))
            except FairleadError as error:
                size = error
            self.post_message(self._AddedUp(reading, name, size))

    @on(_AddedUp)
    def _added_up(self, message: _AddedUp) -> None:
        row = self.rows.find(message.name)
        if message.reading != self._reading_number or row is None or self.files is None:
            return
        self._adding_up.discard(message.name)
        if isinstance(message.size, TreeSize):
            where = (self.files.host, join_inside(self.path, message.name))
            self._sizes[where] = (row.modified, message.size)
            self.list.sizes[message.name] = tree_size_text(message.size)
        else:
            self.list.sizes[message.name] = "?"
        self.list.refresh()

    def before_picture(self) -> None:
        """Those that were added up before, of directories that have not changed since."""
        host = self.files.host if self.files is not None else None
        for (whose, path), (modified, size) in self._sizes.items():
            row = self.rows.find(name_of(path)) if whose == host and parent_of(path) == self.path else None
            if row is not None and row.modified == modified and row.name not in self.list.sizes:
                self.list.sizes[row.name] = tree_size_text(size)

    def forget(self) -> None:
        self.list.targets.clear()
        self.list.sizes.clear()
        self._adding_up.clear()

    def forget_sizes(self) -> None:
        """Something was changed: what trees took is no longer known."""
        self._sizes.clear()

    # --- the filter --------------------------------------------------------------------------------------------------

    @property
    def _filter(self) -> Input:
        return self.query_one("#filter", Input)

    def action_filter(self) -> None:
        self._filter.add_class("-open")
        self._filter.focus()

    def action_clear(self) -> None:
        if self._view.text or self._filter.has_class("-open"):
            self.show_filter("")
            self._filter.remove_class("-open")
            self.rearrange(replace(self._view, text=""))
        else:
            self.forget_choice()
        self.list.focus()

    def forget_choice(self) -> None:
        """Nothing is chosen any more."""
        self.rows.choose_none()
        self.list.rows_changed()

    def show_filter(self, text: str) -> None:
        if self.is_mounted:
            with self.prevent(Input.Changed):
                self._filter.value = text
            self._filter.set_class(bool(text) or self._filter.has_focus, "-open")

    @on(Input.Changed, "#filter")
    def _filter_typed(self, message: Input.Changed) -> None:
        message.stop()
        self.rearrange(replace(self._view, text=message.value))

    @on(Input.Submitted, "#filter")
    def _filter_taken(self, message: Input.Submitted) -> None:
        message.stop()
        self._filter.set_class(bool(message.value), "-open")
        self.list.focus()

    # --- for the screen ----------------------------------------------------------------------------------------------

    def path_of(self, row: Row) -> str:
        """The whole path of a row, as requests carry it."""
        return to_text(join_inside(self.path, row.name))
