"""The host list: groups, state, tags, latency, and the last round trips as bars."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from backend.connection.state import CONNECTED
from backend.dataclass import dataclass
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs, sparkline
from tui.hosts import Gap, Heading, HostRow, HostView
from tui.widgets.row_list import RowList

CONNECT = Action(
    "connections.connect", "enter", "connect", "Connect to this host.", "Connections", "connections",
    rank=1,
)  # fmt: skip
OPEN_DETAIL = Action(
    "connections.open_detail", "right,l", "details", "Show all about this host.", "Connections", "connections", rank=6
)
FOLD = Action(
    "connections.fold", "left,h", "fold", "Show only the heading of this group.", "Connections", "connections"
)
UNFOLD = Action(
    "connections.unfold", "enter,right,l", "unfold", "Show the hosts of this group.", "Connections", "connections",
    rank=1,
)  # fmt: skip

_STATUS_WIDTH = 13
_SPARK_WIDTH = 8
_TAGS_LEAST = 8
"""Cells for tags that bars must leave."""
_FRAME = 5
"""The sign, and the spaces between the columns."""
_NAME_LIMIT = 22


class HostList(RowList[HostRow]):
    """The hosts, one line each, under headings that can be folded."""

    HELP = """
    The hosts of config.toml and ~/.ssh/config. The one under the cursor is the current host of every screen.
    Type / and a few letters to narrow the list, or a to connect to an address that is written nowhere.
    Pinned hosts stand first, then those that were used last; left folds a group, enter or right unfolds it.
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((CONNECT, OPEN_DETAIL, FOLD, UNFOLD))]

    class DetailWanted(Message):
        """The person wants to see all about the host under the cursor."""

    @dataclass
    class FoldWanted(Message):
        """The person wants to see only the heading of a group, or all of it again."""

        title: str
        folded: bool

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="hosts")
        self._glyphs = glyphs
        self._name_width = 0
        self._has_pins = False

    def set_rows(self, rows: Sequence[HostRow]) -> None:
        hosts = [row for row in rows if isinstance(row, HostView)]
        self._name_width = min(max((len(host.name) for host in hosts), default=0), _NAME_LIMIT)
        self._has_pins = any(host.entry.pinned for host in hosts)
        super().set_rows(rows)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can be done with a host is known to the screen."""
        match action:
            case "connect" | "open_detail":
                return self.screen.check_action(action, parameters)
            case "fold":
                return isinstance(self.current, HostView) and self._heading_above() is not None
            case "unfold":
                return isinstance(self.current, Heading)
            case _:
                return True

    def action_connect(self) -> None:
        self.action_choose()

    def action_open_detail(self) -> None:
        self.post_message(self.DetailWanted())

    def action_fold(self) -> None:
        """Fold the group that the cursor is in."""
        if (heading := self._heading_above()) is not None:
            self.post_message(self.FoldWanted(heading.title, folded=True))

    def action_unfold(self) -> None:
        if isinstance(self.current, Heading):
            self.post_message(self.FoldWanted(self.current.title, folded=False))

    def _heading_above(self) -> Heading | None:
        above = reversed(self.rows[: self.cursor])
        return next((row for row in above if isinstance(row, Heading)), None)

    def on_click(self, event: events.Click) -> None:
        """A heading folds and unfolds; all else is the list's."""
        index = event.y + self.scroll_offset.y
        row = self.rows[index] if 0 <= index < len(self.rows) else None
        if isinstance(row, Heading):
            event.prevent_default()
            self.post_message(self.FoldWanted(row.title, folded=not row.folded))

    def key_of(self, row: HostRow) -> Hashable:
        return row.name if isinstance(row, HostView) else heading_key(row) if isinstance(row, Heading) else row

    def can_stand_on(self, row: HostRow) -> bool:
        return isinstance(row, HostView) or (isinstance(row, Heading) and row.folded)

    def draw(self, row: HostRow, width: int) -> Content:
        if isinstance(row, Heading):
            return heading_line(row, self._glyphs)
        if isinstance(row, Gap):
            return Content("")
        return host_line(row, width, self._glyphs, name_width=self._name_width, pins=self._has_pins)


def heading_key(heading: Heading) -> Hashable:
    """What stays the same when a group is folded."""
    return ("group", heading.title)


def heading_line(heading: Heading, glyphs: Glyphs) -> Content:
    """`▸ cluster (3)`; a folded one says how many of its hosts are connected."""
    mark = glyphs.closed if heading.folded else glyphs.opened
    line = Content.assemble(
        (f"{mark} ", "$quiet"), (clean_line(heading.title), "$accent"), (f" ({heading.count})", "$quiet")
    )
    if heading.folded and heading.connected:
        return Content.assemble(line, "  ", (f"{glyphs.ready} {heading.connected}", "$success"))
    return line


def host_line(view: HostView, width: int, glyphs: Glyphs, *, name_width: int, pins: bool = False) -> Content:
    """One host in `width` cells: sign, name, tags in what room is left, status, and bars where there is room.

    With `pins` there is a column for them.
    """
    shown = view.look(glyphs)
    pin = _pin(view, glyphs) if pins else Content("")
    frame = _FRAME + pin.cell_length
    name_width = max(1, min(name_width, width - frame - _STATUS_WIDTH))
    room = max(0, width - frame - name_width - _STATUS_WIDTH)
    name = Content(clean_line(view.name)).truncate(name_width, ellipsis=True, pad=True)
    right = Content.styled(view.status(glyphs), shown.style).truncate(_STATUS_WIDTH, ellipsis=True)
    right = Content.assemble(" " * (_STATUS_WIDTH - right.cell_length), right)
    if room >= _TAGS_LEAST + _SPARK_WIDTH + 2:
        room -= _SPARK_WIDTH + 2
        bars = sparkline(view.latencies, _SPARK_WIDTH, glyphs) if view.state in CONNECTED else ""
        right = Content.assemble(right, "  ", (f"{bars:>{_SPARK_WIDTH}}", "$quiet"))
    left = Content.assemble(pin, (shown.glyph, shown.style), " ", name)
    tags = Content.styled(tag_text(view), "$quiet").truncate(room, ellipsis=True, pad=True)
    return Content.assemble(left, "  ", tags, " ", right)


def _pin(view: HostView, glyphs: Glyphs) -> Content:
    return Content.assemble((glyphs.pin if view.entry.pinned else " ", "$accent"), " ")


def tag_text(view: HostView) -> str:
    """Tags; a production host says so first, since it matters most, and a pinned one its group: it stands apart."""
    entry = view.entry
    group = (entry.group,) if entry.pinned and entry.group else ()
    first = ("prod",) if entry.production and "prod" not in (entry.group, *entry.tags) else ()
    return clean_line(" ".join((*first, *group, *entry.tags)))
