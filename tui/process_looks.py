"""How processes read on the screen: headings, a line, all about one. Pure."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from backend.commands.processes.arranging import Order
from backend.commands.processes.model import ProcessTable, Row
from backend.sizes import size_text
from backend.text import show_bytes
from tui.detail.table import TableRow, table
from tui.format import duration_text
from tui.glyphs import Glyphs

_STATES = {
    "R": "runs",
    "S": "sleeps",
    "D": "waits for the kernel, and hears no signal until then",
    "T": "is stopped",
    "t": "is stopped by a debugger",
    "Z": "has ended; its parent has not taken note of it",
    "I": "idles, a thread of the kernel",
}
_INDENT = 2
_DEEPEST = 12
"""Steps into the tree that are shown; deeper ones stand there."""
_COLUMNS = ((Order.PID, "pid", 8), (Order.USER, "user", 10), (Order.CPU, "cpu", 7), (Order.MEMORY, "memory", 9))
_MORE = ((Order.TIME, "time", 13), (Order.AGE, "age", 13))
"""Columns that need room."""
_ROOMY = 90


def _columns(width: int) -> tuple[tuple[Order, str, int], ...]:
    return (*_COLUMNS, *(_MORE if width >= _ROOMY else ()))


def heading(order: Order, width: int, glyphs: Glyphs) -> Content:
    """The names of the columns; the one that is sorted by is marked."""
    parts: list[Content] = []
    for column, name, cells in _columns(width):
        shown = f"{name}{glyphs.opened}" if column is order else name
        text = f"{shown:<{cells}}" if column is Order.USER else f"{shown:>{cells - 1}} "
        parts.append(Content.styled(text, "bold $accent" if column is order else "$quiet"))
    named = order is Order.NAME
    parts.append(Content.styled("  command" + (glyphs.opened if named else ""), "bold $accent" if named else "$quiet"))
    return Content.assemble(*parts)


def process_line(row: Row, width: int, glyphs: Glyphs) -> Content:
    """`   812 root      12.4   48.2 MB  S nginx: worker`"""
    one = row.process
    cells = {
        Order.PID: str(one.pid),
        Order.USER: one.user,
        Order.CPU: f"{row.cpu:.1f}",
        Order.MEMORY: size_text(one.resident),
        Order.TIME: duration_text(one.cpu_seconds),
        Order.AGE: "?" if one.age is None else duration_text(one.age),
    }
    text = "".join(
        f"{cells[column][: size - 1]:<{size}}" if column is Order.USER else f"{cells[column]:>{size - 1}} "
        for column, _, size in _columns(width)
    )
    indent = " " * (_INDENT * min(row.depth, _DEEPEST))
    style = {"R": "$success", "D": "$warning", "T": "$warning", "Z": "$error"}.get(one.state, "$quiet")
    return Content.assemble(text, (f"{one.state} ", style), indent, show_bytes(one.command[:width]))


def process_story(row: Row, listing: ProcessTable, now: datetime, width: int) -> Content:
    """All about one process."""
    one = row.process
    known = listing.by_pid()
    parent = known.get(one.parent)
    share = f", {100 * one.resident / listing.memory:.1f} % of the host's" if listing.memory else ""
    rows: list[TableRow] = [
        ("command", show_bytes(one.command)),
        ("state", f"{one.state}, it {_STATES[one.state]}" if one.state in _STATES else one.state),
        ("account", one.user),
        ("parent", "" if parent is None else f"{parent.pid} {show_bytes(parent.command[:80])}"),
        ("memory", f"{size_text(one.resident)}{share}"),
        ("processor", f"{row.cpu:.1f} % of one now, {duration_text(one.cpu_seconds)} in all"),
        ("runs for", "" if one.age is None else duration_text(one.age + (now - listing.at).total_seconds())),
    ]
    return table(rows, width)
