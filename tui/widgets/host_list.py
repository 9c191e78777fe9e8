"""The host list: groups, state, tags, latency, and the last round trips as bars."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from backend.connection.state import CONNECTED
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs, sparkline
from tui.hosts import Gap, Heading, HostView
from tui.widgets.row_list import RowList

HostRow = Heading | HostView | Gap

CONNECT = Action(
    "connections.connect", "enter", "connect", "Connect to this host.", "Connections", "connections",
    rank=1,
)  # fmt: skip
OPEN_DETAIL = Action(
    "connections.open_detail", "right,l", "details", "Show all about this host.", "Connections", "connections", rank=6
)

_STATUS_WIDTH = 13
_SPARK_WIDTH = 8
_TAGS_LEAST = 8
"""Cells for tags that bars must leave."""
_FRAME = 5
"""The sign, and the spaces between the columns."""
_NAME_LIMIT = 22


class HostList(RowList[HostRow]):
    """The hosts, one line each."""

    HELP = """
    The hosts of config.toml and ~/.ssh/config. The one under the cursor is the current host of every screen.
    Type / and a few letters to narrow the list, or a to connect to an address that is written nowhere.
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((CONNECT, OPEN_DETAIL))]

    class DetailWanted(Message):
        """The person wants to see all about the host under the cursor."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="hosts")
        self._glyphs = glyphs

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can be done with a host is known to the screen."""
        return self.screen.check_action(action, parameters) if action in {"connect", "open_detail"} else True

    def action_connect(self) -> None:
        self.action_choose()

    def action_open_detail(self) -> None:
        self.post_message(self.DetailWanted())

    def key_of(self, row: HostRow) -> Hashable:
        return row.name if isinstance(row, HostView) else row

    def can_stand_on(self, row: HostRow) -> bool:
        return isinstance(row, HostView)

    def draw(self, row: HostRow, width: int) -> Content:
        if isinstance(row, Heading):
            return Content.assemble((f"{clean_line(row.title)} ", "$accent"), (f"({row.count})", "$quiet"))
        if isinstance(row, Gap):
            return Content("")
        longest = max((len(other.name) for other in self.rows if isinstance(other, HostView)), default=0)
        return host_line(row, width, self._glyphs, name_width=min(longest, _NAME_LIMIT))


def host_line(view: HostView, width: int, glyphs: Glyphs, *, name_width: int) -> Content:
    """One host in `width` cells: sign, name, tags in what room is left, status, and bars where there is room."""
    shown = view.look(glyphs)
    name_width = max(1, min(name_width, width - _FRAME - _STATUS_WIDTH))
    room = max(0, width - _FRAME - name_width - _STATUS_WIDTH)
    name = Content(clean_line(view.name)).truncate(name_width, ellipsis=True, pad=True)
    right = Content.styled(view.status(glyphs), shown.style).truncate(_STATUS_WIDTH, ellipsis=True)
    right = Content.assemble(" " * (_STATUS_WIDTH - right.cell_length), right)
    if room >= _TAGS_LEAST + _SPARK_WIDTH + 2:
        room -= _SPARK_WIDTH + 2
        bars = sparkline(view.latencies, _SPARK_WIDTH, glyphs) if view.state in CONNECTED else ""
        right = Content.assemble(right, "  ", (f"{bars:>{_SPARK_WIDTH}}", "$quiet"))
    left = Content.assemble((shown.glyph, shown.style), " ", name)
    tags = Content.styled(tag_text(view), "$quiet").truncate(room, ellipsis=True, pad=True)
    return Content.assemble(left, "  ", tags, " ", right)


def tag_text(view: HostView) -> str:
    """Tags; a production host says so first, since it matters most."""
    first = ("prod",) if view.entry.production and "prod" not in (view.entry.group, *view.entry.tags) else ()
    return clean_line(" ".join((*first, *view.entry.tags)))
