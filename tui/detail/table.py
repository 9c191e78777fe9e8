"""Names in a column and what is said of them beside it: the form of most of what is told about a host. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content

from backend.text import clean_line
from tui.widgets.flow import hanging

NAME_WIDTH = 10
GAP = 2

TableRow = tuple[str, str | Content]
"""A name and what is said of it; nothing said leaves the row out. Plain text is cleaned."""


def table(rows: Iterable[TableRow], width: int) -> Content:
    """The rows that say something, one below the other, in `width` cells."""
    return Content("\n").join([table_row(name, value, width) for name, value in rows if value])


def table_row(name: str, value: str | Content, width: int) -> Content:
    """One row; long values hang under their beginning."""
    head = Content.styled(f"{name:<{NAME_WIDTH}}{' ' * GAP}", "$quiet")
    return hanging(head, clean_line(value) if isinstance(value, str) else value, width)


def room_in(width: int, name: str = "") -> int:
    """Cells for what is said in a table of `width` cells; a long `name` takes some of them."""
    return max(8, width - max(NAME_WIDTH, len(name)) - GAP)


def side_by_side(parts: Sequence[Content], width: int, *, between: str = "  ") -> Content:
    """`parts` in as many lines as they need; none is broken."""
    lines: list[Content] = []
    for part in parts:
        if lines and lines[-1].cell_length + len(between) + part.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], (between, "$quiet"), part)
        else:
            lines.append(part)
    return Content("\n").join(lines)


def first_few(lines: Sequence[Content], most: int, more: str) -> Content:
    """The first `most` of `lines`; what is left out is counted: `and 3 more` and where to see them."""
    shown = list(lines[:most])
    if len(lines) > most:
        shown.append(Content.styled(f"and {len(lines) - most} more{more}", "$quiet"))
    return Content("\n").join(shown)
