"""Directory entries and attributes as text and JSON. Pure.

Names stay bytes: a pipe gets them as they are, a terminal gets them safe to look at. JSON has `name`, and where the
name is not UTF-8 also `name_base64`, so that none is lost.
"""

from __future__ import annotations

import base64
import stat
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from backend.connection.connector import Attributes, Entry, FileKind
from backend.dataclass import dataclass
from backend.text import show_bytes

ShowName = Callable[[bytes], bytes]
"""How a name is written to stdout."""

_TYPE = {FileKind.FILE: stat.S_IFREG, FileKind.DIRECTORY: stat.S_IFDIR, FileKind.SYMLINK: stat.S_IFLNK}
_GAP = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a listing."""

    name: bytes
    attributes: Attributes
    points_to: bytes | None = None
    """For a link, where it was asked for."""


class Order(Enum):
    """What a listing is sorted by."""

    NAME = "name"
    SIZE = "size"
    """Largest first."""
    TIME = "time"
    """Latest first."""
    KIND = "kind"
    """Directories, files, links, the rest."""


_KINDS = {kind: place for place, kind in enumerate((FileKind.DIRECTORY, FileKind.FILE, FileKind.SYMLINK))}
_KEYS: dict[Order, Callable[[Row], Any]] = {
    Order.NAME: lambda row: row.name,
    Order.SIZE: lambda row: (-(row.attributes.size or 0), row.name),
    Order.TIME: lambda row: (-(row.attributes.modified or 0.0), row.name),
    Order.KIND: lambda row: (_KINDS.get(row.attributes.kind, len(_KINDS)), row.name),
}


def shown_rows(entries: Iterable[Entry], *, hidden: bool) -> list[Row]:
    """Those that begin with a dot only when asked for."""
    return [Row(entry.name, entry.attributes) for entry in entries if hidden or not entry.name.startswith(b".")]


def in_order(rows: Iterable[Row], order: Order, *, reverse: bool = False) -> list[Row]:
    """Sorted, what is equal by name."""
    return sorted(rows, key=_KEYS[order], reverse=reverse)


def long_lines(rows: Sequence[Row], show: ShowName) -> list[bytes]:
    """As `ls -l`: mode, owner, group, size, time of change, name; what the server did not tell is a `?`."""
    cells = [_cells(row.attributes) for row in rows]
    widths = [max((len(cell[column]) for cell in cells), default=0) for column in range(4)]
    return [_long_line(row, cell, widths, show) for row, cell in zip(rows, cells, strict=True)]


def _long_line(row: Row, cell: tuple[str, ...], widths: Sequence[int], show: ShowName) -> bytes:
    mode, owner, group, size, when = cell
    ahead = f"{mode:<{widths[0]}} {owner:<{widths[1]}} {group:<{widths[2]}} {size:>{widths[3]}} {when} "
    pointer = b" -> " + show(row.points_to) if row.points_to is not None else b""
    return ahead.encode() + show(row.name) + pointer


def _cells(attributes: Attributes) -> tuple[str, ...]:
    size = "?" if attributes.size is None else str(attributes.size)
    owner, group = _who(attributes.owner, attributes.uid), _who(attributes.group, attributes.gid)
    return mode_text(attributes), owner, group, size, time_text(attributes.modified)


def _who(name: str, number: int | None) -> str:
    return name or ("?" if number is None else str(number))


def mode_text(attributes: Attributes) -> str:
    """`-rw-r--r--`; `?` where the server did not tell."""
    if attributes.mode is None:
        letter = {FileKind.DIRECTORY: "d", FileKind.SYMLINK: "l", FileKind.FILE: "-"}.get(attributes.kind, "?")
        return f"{letter}?????????"
    text = stat.filemode(_TYPE.get(attributes.kind, 0) | attributes.mode)
    return text if attributes.kind is not FileKind.SPECIAL else f"s{text[1:]}"


def time_text(modified: float | None) -> str:
    """Local time to the minute."""
    if modified is None:
        return f"{'?':<16}"
    return datetime.fromtimestamp(modified).astimezone().strftime("%Y-%m-%d %H:%M")


def columns(names: Sequence[str], width: int) -> list[str]:
    """Names down the columns, as many columns as `width` cells hold."""
    for count in range(min(len(names), max(1, width // (1 + _GAP))), 1, -1):
        rows = -(-len(names) // count)
        table = [names[start : start + rows] for start in range(0, len(names), rows)]
        widths = [max(map(cells_of, column)) for column in table]
        if sum(widths) + _GAP * (len(widths) - 1) <= width:
            return [_row(table, widths, row) for row in range(rows)]
    return list(names)


def _row(table: Sequence[Sequence[str]], widths: Sequence[int], row: int) -> str:
    placed = [(column[row], width) for column, width in zip(table, widths, strict=True) if row < len(column)]
    return "".join(name + " " * (width - cells_of(name) + _GAP) for name, width in placed).rstrip()


def cells_of(text: str) -> int:
    """How many character cells `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of_character(character) for character in text)


def _cells_of_character(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def name_json(name: bytes, key: str = "name") -> dict[str, str]:
    """A name for JSON: exact where it is UTF-8; otherwise shown, with the exact one in `…_base64`."""
    try:
        return {key: name.decode()}
    except UnicodeDecodeError:
        return {key: show_bytes(name), f"{key}_base64": base64.b64encode(name).decode()}


def attributes_json(attributes: Attributes) -> dict[str, Any]:
    """What the server told; null for what it did not. `modified` in seconds since 1970."""
    return {
        "kind": attributes.kind.value,
        "size": attributes.size,
        "mode": None if attributes.mode is None else f"{attributes.mode:04o}",
        "uid": attributes.uid,
        "gid": attributes.gid,
        "owner": attributes.owner or None,
        "group": attributes.group or None,
        "modified": attributes.modified,
    }


def row_json(row: Row) -> dict[str, Any]:
    pointer = {} if row.points_to is None else name_json(row.points_to, "points_to")
    return {**name_json(row.name), **attributes_json(row.attributes), **pointer}
