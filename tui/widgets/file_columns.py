"""How a file is written in a line of so many cells: which columns there is room for and what stands in them. Pure."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import datetime, timedelta

from rich.cells import cell_len, set_cell_size

from backend.connection.connector import FileKind
from backend.dataclass import dataclass
from backend.sizes import size_text
from tui.format import bytes_text
from tui.glyphs import Glyphs
from tui.widgets.file_order import SortBy
from tui.widgets.file_row import Row

MARK = 2
_SIZE = 8
_MODE = 9
_OWNER = 9
_TAIL = 8
"""Cells of a name's end that are kept when its middle gives way."""

_KIND_LETTERS = {FileKind.DIRECTORY: "d", FileKind.SYMLINK: "l", FileKind.FILE: "-", FileKind.SPECIAL: "s"}


@dataclass(frozen=True, slots=True)
class Columns:
    """What is shown in a pane of some width; zero cells leave a column out."""

    name: int
    size: int
    owner: int
    mode: int
    changed: int

    @classmethod
    def within(cls, width: int) -> Columns:
        """The columns for `width` cells."""
        size = _SIZE if width >= 24 else 0
        changed = 14 if width >= 54 else 7 if width >= 34 else 0
        mode = _MODE + 2 if width >= 54 else 0
        owner = _OWNER + 2 if width >= 84 else 0
        return cls(max(4, width - MARK - size - owner - mode - changed), size, owner, mode, changed)


@dataclass(frozen=True, slots=True)
class Cells:
    """One row, each column padded to its width."""

    mark: str
    name: str
    rest: str


Changed = Callable[[float | None, int], str]
"""A time as a column of so many cells has it."""


def header(columns: Columns, sort_by: SortBy, glyphs: Glyphs, *, reverse: bool = False) -> Cells:
    """The line above the rows; the column that they are sorted by is marked, with which way."""
    sign = glyphs.turned if reverse else glyphs.opened

    def titled(text: str, by: SortBy) -> str:
        return f"{text}{sign}" if by is sort_by else text

    name = f"name, by kind{sign}" if sort_by is SortBy.KIND else titled("name", SortBy.NAME)
    return Cells(
        " " * MARK,
        fitted(name, columns.name),
        right(titled("size", SortBy.SIZE), columns.size)
        + left("owner", columns.owner)
        + left("mode", columns.mode)
        + right(titled("changed" if columns.changed > 8 else "date", SortBy.TIME), columns.changed),
    )


def cells(
    row: Row,
    columns: Columns,
    changed: Changed,
    glyphs: Glyphs,
    *,
    chosen: bool,
    target: str = "",
    tree_size: str = "",
) -> Cells:
    """One file. `tree_size` stands in the place of a directory's size, where it was added up."""
    unknown = tree_size or glyphs.dash
    size = unknown if row.is_directory or row.size is None else size_text(row.size)
    return Cells(
        fitted(mark(row, glyphs, chosen=chosen), MARK),
        fitted(full_name(row, glyphs, target), columns.name, glyphs.ellipsis),
        right("link" if row.kind is FileKind.SYMLINK else size, columns.size)
        + left(row.owner, columns.owner)
        + left(permissions(row.mode), columns.mode)
        + right(changed(row.modified, columns.changed), columns.changed),
    )


def mark(row: Row, glyphs: Glyphs, *, chosen: bool) -> str:
    """What a row is, by a sign: chosen, or its kind."""
    if chosen:
        return glyphs.passed
    if not row.usable:
        return glyphs.attention
    return {
        FileKind.DIRECTORY: glyphs.closed,
        FileKind.SYMLINK: "@",
        FileKind.SPECIAL: "=",
        FileKind.UNKNOWN: "?",
    }.get(row.kind, " ")


def full_name(row: Row, glyphs: Glyphs, target: str = "") -> str:
    """The name with what it leads to: `releases/`, `current → releases/41`."""
    if row.is_directory:
        return f"{row.shown}/"
    return f"{row.shown} {glyphs.arrow} {target}" if target else row.shown


def permissions(mode: int | None) -> str:
    """`rwxr-xr-x`; empty where the server did not say."""
    return "" if mode is None else stat.filemode(mode)[1:]


def detail(row: Row, glyphs: Glyphs, target: str = "") -> list[str]:
    """All that is known of a file, for a line of its own: the name in full first."""
    size = [] if row.size is None or row.is_directory else [bytes_text(row.size)]
    owner = [f"{row.owner}:{row.group}"] if row.owner else []
    mode = [f"{_KIND_LETTERS.get(row.kind, '?')}{permissions(row.mode)}"] if row.mode is not None else []
    when = [_exact(row.modified)] if row.modified is not None else []
    return [full_name(row, glyphs, target), *size, *mode, *owner, *[text for text in when if text]]


def changed_text(now: datetime) -> Changed:
    """Times as seen from `now` (aware), in the person's zone: `09:12`, `Mon`, `3 Mar`; longer where there is room."""
    local_now = now.astimezone()

    def changed(modified: float | None, width: int) -> str:
        then = _local(modified)
        if then is None or width == 0:
            return ""
        return _long(then, local_now) if width > 8 else _short(then, local_now)

    return changed


def _short(then: datetime, now: datetime) -> str:
    days = (now.date() - then.date()).days
    if days == 0:
        return then.strftime("%H:%M")
    if 0 < days < 7:
        return then.strftime("%a")
    return f"{then.day} {then:%b}" if _recent(then, now) else f"{then.year}"


def _long(then: datetime, now: datetime) -> str:
    days = (now.date() - then.date()).days
    if days in (0, 1):
        return then.strftime("today %H:%M" if days == 0 else "yest. %H:%M")
    return f"{then.day} {then:%b %H:%M}" if _recent(then, now) else f"{then.day} {then:%b %Y}"


def _recent(then: datetime, now: datetime) -> bool:
    return abs(now - then) < timedelta(days=300)


def _local(modified: float | None) -> datetime | None:
    """None also for times that no calendar has: servers may send any number."""
    try:
        return None if modified is None else datetime.fromtimestamp(modified).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _exact(modified: float | None) -> str:
    then = _local(modified)
    return "" if then is None else then.strftime("%Y-%m-%d %H:%M:%S")


def fitted(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in exactly `width` cells; where it is too long its middle gives way, so that endings stay."""
    length = cell_len(text)
    if length <= width:
        return text + " " * (width - length)
    gap = cell_len(ellipsis)
    if width <= gap + 2:
        return set_cell_size(text, width)
    tail = min(_TAIL, (width - gap) // 2)
    return set_cell_size(set_cell_size(text, width - gap - tail) + ellipsis + _ending(text, tail), width)


def _ending(text: str, width: int) -> str:
    """The longest end of `text` that fits in `width` cells."""
    start = len(text)
    while start and cell_len(text[start - 1 :]) <= width:
        start -= 1
    return text[start:]


def right(text: str, width: int) -> str:
    """A column with a space before it, its text to the right; nothing when it has no width."""
    return "" if width == 0 else " " * max(0, width - cell_len(text)) + set_cell_size(text, min(cell_len(text), width))


def left(text: str, width: int) -> str:
    """A column with two spaces before it, its text to the left."""
    return "" if width == 0 else "  " + set_cell_size(text, width - 2)
