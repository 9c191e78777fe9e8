"""A list with a cursor, drawn line by line: what host list, ladder and switcher have in common."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from backend.dataclass import dataclass
from tui.actions import Action, bindings_of

R = TypeVar("R")

_GROUP = "Lists"

ACTIONS = (
    Action("list.up", "up,k", "up", "One line up.", _GROUP, "list", palette=False, does="cursor_up"),
    Action("list.down", "down,j", "down", "One line down.", _GROUP, "list", palette=False, does="cursor_down"),
    Action("list.page_up", "pageup", "page up", "One page up.", _GROUP, "list", palette=False),
    Action("list.page_down", "pagedown", "page down", "One page down.", _GROUP, "list", palette=False),
    Action("list.first", "home,g", "first", "To the first line.", _GROUP, "list", palette=False),
    Action("list.last", "end,G", "last", "To the last line.", _GROUP, "list", palette=False),
    Action("list.choose", "enter", "choose", "Take the line under the cursor.", _GROUP, "list", palette=False),
)


class RowList(ScrollView, Generic[R], can_focus=True):
    """Rows of one line each. Subclasses draw a row, name it by a key, and say which rows the cursor may stand on."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-list--cursor", "row-list--hover"}
    DEFAULT_CSS = """
    RowList {
        background: transparent;
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        & > .row-list--cursor { background: $block-cursor-blurred-background; }
        &:focus > .row-list--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        & > .row-list--hover { background: $block-hover-background; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    cursor: reactive[int] = reactive(0)
    _hovered: reactive[int] = reactive(-1)

    @dataclass
    class Highlighted(Message):
        """The cursor stands on another row."""

        list_: RowList[object]
        index: int

        @property
        def control(self) -> RowList[object]:
            return self.list_

    @dataclass
    class Chosen(Message):
        """A row was taken, with enter or a double click."""

        list_: RowList[object]
        index: int

        @property
        def control(self) -> RowList[object]:
            return self.list_

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: Sequence[R] = ()

    # --- for subclasses ------------------------------------------------------------------------------------------

    def draw(self, row: R, width: int) -> Content:
        """One row in `width` cells; longer is cut."""
        raise NotImplementedError

    def key_of(self, row: R) -> Hashable:
        """What stays the same when the row's content changes."""
        return row

    def can_stand_on(self, row: R) -> bool:
        """Whether the cursor may rest here; headings say no."""
        return True

    # --- rows ----------------------------------------------------------------------------------------------------

    @property
    def current(self) -> R | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    def set_rows(self, rows: Sequence[R]) -> None:
        """Show these rows; the cursor stays on the row with the same key, or near where it was."""
        here = self.current
        before = self.cursor
        self.rows = rows
        self.virtual_size = Size(0, len(rows))
        wanted = None if here is None else self.key_of(here)
        found = (
            next((i for i, row in enumerate(rows) if self.key_of(row) == wanted), None) if here is not None else None
        )
        self.cursor = self._standing_place(before if found is None else found, 1)
        self.refresh()

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on the row with this key; False when there is none."""
        for index, row in enumerate(self.rows):
            if self.key_of(row) == key:
                self.cursor = index
                return True
        return False

    def _standing_place(self, index: int, step: int) -> int:
        """The nearest row that the cursor may rest on: first in the direction of `step`, then the other way."""
        index = max(0, min(index, len(self.rows) - 1))
        places = [i for i, row in enumerate(self.rows) if self.can_stand_on(row)]
        if not places:
            return index
        ahead = [i for i in places if (i >= index if step >= 0 else i <= index)]
        return (min if step >= 0 else max)(ahead) if ahead else min(places, key=lambda i: abs(i - index))

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self.rows) - 1))

    def watch_cursor(self, before: int, cursor: int) -> None:
        self._show_row(cursor)
        self.refresh()
        self.post_message(self.Highlighted(self, cursor))  # type: ignore[arg-type]  # the row's type is not looked at

    def on_resize(self) -> None:
        """Where there is less room, the cursor stays in view."""
        self._show_row(self.cursor)

    def _show_row(self, index: int) -> None:
        heading_above = 1 if index > 0 and not self.can_stand_on(self.rows[index - 1]) else 0
        self.scroll_to_region(Region(0, index - heading_above, 1, 1 + heading_above), animate=False, force=True)

    # --- drawing -------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if not 0 <= index < len(self.rows):
            return Strip.blank(width, self.rich_style)
        style = self.visual_style
        if index == self.cursor and self.can_stand_on(self.rows[index]):
            style = self.get_visual_style("row-list--cursor")
        elif index == self._hovered:
            style = self.get_visual_style("row-list--hover")
        content = self.draw(self.rows[index], width).truncate(width, ellipsis=True)
        return Visual.to_strips(self, content, width, 1, style, pad=True)[0]

    # --- keys and mouse --------------------------------------------------------------------------------------------

    def _step(self, step: int) -> None:
        self.cursor = self._standing_place(self.cursor + step, step)

    def action_cursor_up(self) -> None:
        self._step(-1)

    def action_cursor_down(self) -> None:
        self._step(1)

    def action_page_up(self) -> None:
        self._step(-max(1, self.scrollable_content_region.height - 1))

    def action_page_down(self) -> None:
        self._step(max(1, self.scrollable_content_region.height - 1))

    def action_first(self) -> None:
        self.cursor = self._standing_place(0, 1)

    def action_last(self) -> None:
        self.cursor = self._standing_place(len(self.rows) - 1, -1)

    def action_choose(self) -> None:
        if self.current is not None and self.can_stand_on(self.current):
            self.post_message(self.Chosen(self, self.cursor))  # type: ignore[arg-type]

    def _on_mouse_move(self, event: events.MouseMove) -> None:
        self._hovered = event.y + self.scroll_offset.y

    def _on_leave(self, event: events.Leave) -> None:
        self._hovered = -1

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if not 0 <= index < len(self.rows) or not self.can_stand_on(self.rows[index]):
            return
        self.cursor = index
        if event.chain > 1:
            self.action_choose()
