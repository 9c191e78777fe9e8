"""A directory on the screen: only the rows in view are drawn, however many there are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from backend.connection.connector import FileKind
from backend.dataclass import dataclass
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.widgets.file_columns import Cells, Columns, cells, changed_text, header
from tui.widgets.file_row import Row
from tui.widgets.file_rows import FileRows

_GROUP = "Files"

ACTIONS = (
    Action("file_list.up", "up,k", "up", "One line up.", _GROUP, "files", palette=False, does="cursor_up"),
    Action("file_list.down", "down,j", "down", "One line down.", _GROUP, "files", palette=False, does="cursor_down"),
    Action("file_list.page_up", "pageup", "page up", "One page up.", _GROUP, "files", palette=False),
    Action("file_list.page_down", "pagedown", "page down", "One page down.", _GROUP, "files", palette=False),
    Action("file_list.first", "home", "first", "To the first row.", _GROUP, "files", palette=False),
    Action("file_list.last", "end", "last", "To the last row.", _GROUP, "files", palette=False),
    Action("file_list.choose", "space", "choose", "Choose the row, and go on to the next.", _GROUP, "files", rank=2),
    Action(
        "file_list.choose_all", "asterisk", "choose all", "Choose all rows that are shown, or none.", _GROUP, "files"
    ),
)


class FileList(ScrollView, can_focus=True):
    """The rows of a `FileRows`, under a line with the names of the columns."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "file-list--header",
        "file-list--cursor",
        "file-list--directory",
        "file-list--link",
        "file-list--special",
        "file-list--quiet",
        "file-list--chosen",
    }
    DEFAULT_CSS = """
    FileList {
        background: transparent; overflow-x: hidden; scrollbar-size-vertical: 1;
        & > .file-list--header { color: $quiet; }
        & > .file-list--directory { color: $accent; }
        & > .file-list--link { color: $secondary; text-style: italic; }
        & > .file-list--special { color: $warning; }
        & > .file-list--quiet { color: $quiet; }
        & > .file-list--chosen { color: $warning; text-style: bold; }
        & > .file-list--cursor { background: $block-cursor-blurred-background; }
        &:focus > .file-list--cursor { background: $block-cursor-background; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    BINDING_GROUP_TITLE = _GROUP

    @dataclass
    class Moved(Message):
        """The cursor, the view or the choice changed."""

        list_: FileList

    @dataclass
    class Opened(Message):
        """A row was double-clicked."""

        list_: FileList

    def __init__(self, rows: FileRows, glyphs: Glyphs, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.rows = rows
        self.targets: dict[bytes, str] = {}
        """Where links lead, as far as that was read."""
        self.sizes: dict[bytes, str] = {}
        """What trees take, as far as that was added up."""
        self._glyphs = glyphs
        self._now = now
        self._changed = changed_text(now())
        self._ink: dict[str, Style] = {}

    # --- keeping up ----------------------------------------------------------------------------------------------

    def rows_changed(self) -> None:
        """There are other rows, or the same ones in another order."""
        self._changed = changed_text(self._now())
        size = Size(0, self.rows.count + 1)
        if size != self.virtual_size:
            # The usual way lays the whole screen out anew; nothing moves here but our own scroll bar.
            self.set_reactive(FileList.virtual_size, size)
            self._scroll_update(size)
        self._show_cursor()

    def _show_cursor(self) -> None:
        """Have the cursor in view, and draw."""
        index, top, height = self.rows.cursor, round(self.scroll_y), self._height
        if index < top:
            self.scroll_to(y=index, animate=False, immediate=True)
        elif index >= top + height:
            self.scroll_to(y=index - height + 1, animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Moved(self))

    @property
    def _height(self) -> int:
        """Rows in view; the names of the columns take one line."""
        return max(1, self.scrollable_content_region.height - 1)

    @property
    def in_view(self) -> list[Row]:
        top = round(self.scroll_y)
        return list(self.rows.rows(top, top + self._height))

    # --- drawing -------------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._ink = {}

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        columns = Columns.within(width)
        if y == 0:
            text = header(columns, self.rows.view.sort_by, self._glyphs, reverse=self.rows.reverse)
            return self._strip(text, "header", "header", width)
        index = round(self.scroll_y) + y - 1
        if index >= self.rows.count:
            return Strip.blank(width, self.rich_style)
        return self._row_strip(index, columns, width)

    def _row_strip(self, index: int, columns: Columns, width: int) -> Strip:
        row = self.rows.row(index)
        chosen = self.rows.is_chosen(row)
        target = self.targets.get(row.name, "") if row.kind is FileKind.SYMLINK else ""
        tree_size = self.sizes.get(row.name, "") if row.is_directory else ""
        text = cells(row, columns, self._changed, self._glyphs, chosen=chosen, target=target, tree_size=tree_size)
        name = "chosen" if chosen else _ink_of(row)
        strip = self._strip(text, name, "quiet", width)
        return self._on_cursor(strip) if index == self.rows.cursor else strip

    def _on_cursor(self, strip: Strip) -> Strip:
        cursor = Style(bgcolor=self._part("cursor").bgcolor)
        return Strip([Segment(text, (style or Style()) + cursor) for text, style, _ in strip], strip.cell_length)

    def _strip(self, text: Cells, name: str, rest: str, width: int) -> Strip:
        base = self.rich_style
        segments = [
            Segment(text.mark, base + self._part(name)),
            Segment(text.name, base + self._part(name)),
            Segment(text.rest, base + self._part(rest)),
        ]
        return Strip(segments).adjust_cell_length(width, base)

    def _part(self, name: str) -> Style:
        if not name:
            return Style()
        if name not in self._ink:
            self._ink[name] = self.get_component_rich_style(f"file-list--{name}", partial=True)
        return self._ink[name]

    # --- keys and mouse --------------------------------------------------------------------------------------------

    def _move(self, index: int) -> None:
        self.rows.move_to(index)
        self._show_cursor()

    def action_cursor_up(self) -> None:
        self._move(self.rows.cursor - 1)

    def action_cursor_down(self) -> None:
        self._move(self.rows.cursor + 1)

    def action_page_up(self) -> None:
        self._move(self.rows.cursor - max(1, self._height - 1))

    def action_page_down(self) -> None:
        self._move(self.rows.cursor + max(1, self._height - 1))

    def action_first(self) -> None:
        self._move(0)

    def action_last(self) -> None:
        self._move(self.rows.count - 1)

    def action_choose(self) -> None:
        if (row := self.rows.current) is not None and row.usable:
            self.rows.toggle(row)
            self._move(self.rows.cursor + 1)

    def action_choose_all(self) -> None:
        self.rows.choose_all()
        self._show_cursor()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Moved(self))

    def on_resize(self) -> None:
        self._show_cursor()

    def on_click(self, event: events.Click) -> None:
        index = event.y - 1 + round(self.scroll_y)
        if event.y > 0 and index < self.rows.count:
            self._move(index)
            if event.chain > 1:
                self.post_message(self.Opened(self))


def _ink_of(row: Row) -> str:
    if not row.usable or row.kind in (FileKind.SPECIAL, FileKind.UNKNOWN):
        return "special"
    return {FileKind.DIRECTORY: "directory", FileKind.SYMLINK: "link"}.get(row.kind, "")
