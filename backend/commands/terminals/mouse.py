"""What the mouse sends to a program, as far as that asked for it (ctlseqs, "Mouse Tracking"). Pure."""

from __future__ import annotations

from enum import Enum, IntEnum

from backend.commands.terminals.emulator import Modes, MouseCoding, MouseMode
from backend.commands.terminals.keys import key_bytes
from backend.dataclass import dataclass


class Button(IntEnum):
    """As they are written."""

    LEFT = 0
    MIDDLE = 1
    RIGHT = 2
    NONE = 3
    WHEEL_UP = 64
    WHEEL_DOWN = 65
    WHEEL_LEFT = 66
    WHEEL_RIGHT = 67


class Act(Enum):
    """What happened to the button."""

    PRESSED = "pressed"
    RELEASED = "released"
    MOVED = "moved"
    """The mouse moved while it was pressed; with NONE, while none was. To be told once for each cell."""


@dataclass(frozen=True, slots=True)
class MouseEvent:
    """Something that the mouse did over the screen."""

    act: Act
    button: Button
    column: int
    """From 0."""
    row: int
    shift: bool = False
    alt: bool = False
    ctrl: bool = False


_MOVED, _RELEASED = 32, 3
_X10_LIMIT, _UTF8_LIMIT = 223, 2015
"""The last column and row, from 1, that can be written."""


def mouse_bytes(event: MouseEvent, modes: Modes) -> bytes:
    """Nothing where the program does not want it, or cannot be told."""
    if not _wanted(event, modes.mouse):
        return b""
    code = int(event.button) + (_MOVED if event.act is Act.MOVED else 0)
    if modes.mouse is not MouseMode.PRESS:
        code += 4 * event.shift + 8 * event.alt + 16 * event.ctrl
    return _written(code, event, modes.coding)


def _wanted(event: MouseEvent, mode: MouseMode) -> bool:
    wheel = event.button >= Button.WHEEL_UP
    if mode is MouseMode.NONE or (wheel and event.act is not Act.PRESSED):
        return False
    if mode is MouseMode.PRESS:
        return event.act is Act.PRESSED and not wheel
    if event.act is Act.MOVED:
        return mode is MouseMode.MOVE or (mode is MouseMode.DRAG and event.button is not Button.NONE)
    return event.button is not Button.NONE


def _written(code: int, event: MouseEvent, coding: MouseCoding) -> bytes:
    column, row = event.column + 1, event.row + 1
    released = event.act is Act.RELEASED
    if coding is MouseCoding.SGR:
        return f"\x1b[<{code};{column};{row}{'m' if released else 'M'}".encode("ascii")
    if released:
        code = code - int(event.button) + _RELEASED
    if coding is MouseCoding.URXVT:
        return f"\x1b[{code + 32};{column};{row}M".encode("ascii")
    utf8 = coding is MouseCoding.UTF8
    if max(column, row) > (_UTF8_LIMIT if utf8 else _X10_LIMIT):
        return b""
    return b"\x1b[M" + "".join(map(chr, (code + 32, column + 32, row + 32))).encode("utf-8" if utf8 else "latin-1")


def wheel_bytes(rows: int, modes: Modes) -> bytes:
    """A wheel turned by `rows`, up where negative: as arrow keys, where a full-screen program knows no mouse."""
    if not modes.alternate or not modes.alternate_scroll or modes.mouse is not MouseMode.NONE:
        return b""
    return key_bytes("up" if rows < 0 else "down", None, modes) * abs(rows)
