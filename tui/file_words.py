"""What a pane of files says about itself: where it is, how much is there, and why there is nothing to see. Pure."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from backend.connection.connector import Space
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError, FileError
from backend.files.contract import TreeSize
from backend.sizes import size_text
from backend.text import show_bytes
from tui.glyphs import Glyphs
from tui.looks import Look
from tui.widgets.explanation import explain
from tui.widgets.file_rows import FileRows

_ROOM_FOR_STATE = 44
_FRAME = 8
"""Cells of a border that no title can have."""


@dataclass(frozen=True, slots=True)
class PaneWords:
    """What the words are made from."""

    label: str
    look: Look | None
    """The state of the connection; None for this machine."""
    path: str
    reading: bool
    rows: FileRows
    space: Space | None
    error: FairleadError | None
    """Why nothing could be read."""
    reason: str
    """Why nothing is read."""
    outdated: bool = False
    """It has changed since."""


def pane_title(words: PaneWords, glyphs: Glyphs, width: int) -> Content:
    """`● web-1  /srv/app   18 GB free (83 % full)`; the room gives way first, then the path's beginning.

    A state that is not the usual one has its word as well, where there is room for it.
    """
    room = max(8, width - _FRAME)
    free = _free(words.space, brief=room < 60)
    label = _label(words, with_state=room >= _ROOM_FOR_STATE)
    head = label.cell_length + 2
    path = words.path
    if free and head + cell_len(path) + 3 + cell_len(free) > room:
        free = _free(words.space, brief=True)
    if free and head + min(cell_len(path), 12) + 3 + cell_len(free) > room:
        free = ""
    path_room = max(4, room - head - (cell_len(free) + 3 if free else 0))
    end = (f" {glyphs.dot} {free}" if free else "", "$quiet")
    return Content.assemble(label, f"  {_tail(path, path_room, glyphs)}" if path else "", end)


def _label(words: PaneWords, *, with_state: bool) -> Content:
    name, shown = (words.label, "bold"), words.look
    if shown is None:
        return Content.assemble(name)
    state = (f" {shown.word}", shown.style) if with_state and shown.word != "ready" else ""
    return Content.assemble((shown.glyph, shown.style), " ", name, state)


def _free(space: Space | None, *, brief: bool) -> str:
    if space is None or not space.total:
        return ""
    used = round(100 * (space.total - space.free) / space.total)
    return f"{size_text(space.free)} free" + ("" if brief else f" ({used} % full)")


def _tail(path: str, room: int, glyphs: Glyphs) -> str:
    """The end of a path that does not fit."""
    if cell_len(path) <= room:
        return path
    room -= cell_len(glyphs.ellipsis)
    start = len(path)
    while start and cell_len(path[start - 1 :]) <= room:
        start -= 1
    return glyphs.ellipsis + path[start:]


def pane_footer(words: PaneWords, glyphs: Glyphs, width: int) -> str:
    """`3 of 1,204 chosen · 4.2 GB`, or how many there are, how many were read so far, how many are hidden."""
    rows = words.rows
    parts = ["outdated"] if words.outdated else []
    if rows.chosen_count:
        parts.append(f"{rows.chosen_count:,} of {rows.count:,} chosen")
        parts.append(size_text(rows.chosen_size))
    elif words.reading and not words.reason:
        parts.append(f"{rows.read:,} read{glyphs.ellipsis}")
    elif not words.reason and words.error is None:
        parts.append(f"{rows.count:,} item{'' if rows.count == 1 else 's'}")
    if rows.view.text:
        parts.append(f"with '{rows.view.text}'")
    elif rows.hidden:
        parts.append(f"{rows.hidden:,} hidden")
    return set_cell_size(text, width - _FRAME) if cell_len(text := f" {glyphs.dot} ".join(parts)) > width else text


def nothing_shown(words: PaneWords, glyphs: Glyphs) -> Content | None:
    """What stands in place of the rows, with the next key; None when there are rows."""
    if words.reason:
        return Content(words.reason)
    if words.rows.count or words.rows.waiting:
        return None
    if words.error is not None:
        return _refused(words.error)
    if words.reading:
        return Content(f"Reading {words.path or 'the home directory'}{glyphs.ellipsis}")
    return _empty(words)


def _refused(error: FairleadError) -> Content:
    # Advice that names a command names a host; here the keys do what it would do.
    steps = [item for item in error.advice if item.command is None]
    # What was seen of a connection stands beside the host; here there is little room, and the files are not to blame.
    seen = error.evidence if isinstance(error, FileError) else None
    what = explain(error.message, error.code, seen, steps)
    keys = [("backspace", "goes up"), ("g", "goes elsewhere")]
    if error.code is not Code.PERMISSION:
        keys.insert(0, ("r", "tries again"))
    return Content("\n\n").join([_keys(*keys), what])


def _empty(words: PaneWords) -> Content:
    if words.rows.view.text:
        what = f"Nothing here holds '{words.rows.view.text}'."
        return Content("\n").join([Content(what), _keys(("esc", f"shows all {words.rows.hidden:,}"))])
    if words.rows.hidden:
        what = f"Only hidden files here, {words.rows.hidden:,} of them."
        return Content("\n").join([Content(what), _keys((".", "shows them"), ("backspace", "goes up"))])
    return Content("\n").join(
        [Content("This directory is empty."), _keys(("m", "makes a directory"), ("backspace", "goes up"))]
    )


def _keys(*keys: tuple[str, str]) -> Content:
    return Content("   ").join([Content.assemble((key, "bold $accent"), f" {what}") for key, what in keys])


def short_path(path: bytes, home: bytes) -> str:
    """A path for people, with `~` for the home directory."""
    if home.rstrip(b"/") and (path == home or path.startswith(home + b"/")):
        return "~" + show_bytes(path[len(home) :])
    return show_bytes(path)


def tree_size_text(size: TreeSize) -> str:
    """What a tree takes, in a column; a lower bound says so."""
    return f"{'>' if size.unreadable else ''}{size_text(size.bytes)}"
