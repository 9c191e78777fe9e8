"""What makes a real terminal show what an emulator holds, and what puts it back as it should be. Pure.

Sequences are those of xterm (ctlseqs); a terminal that does not know one of them leaves it out.
"""

from __future__ import annotations

from backend.commands.terminals.emulator import Colour, CursorShape, Emulator, Look, Modes, MouseCoding, MouseMode, Row
from backend.dataclass import dataclass

PUT_BACK = (
    b"\x1b[?1049l\x1b[!p\x1b[?1l\x1b>\x1b[20l\x1b[4l\x1b[r\x1b[?6l\x1b[?7h\x1b[?5l"
    b"\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?2004l"
    b"\x1b[>4m\x1b[?25h\x1b[0 q\x1b[m\x1b(B\x0f"
)
"""Modes and looks as a shell expects them, whatever a program has left behind."""

_ATTRIBUTES = (
    ("bold", 1), ("dim", 2), ("italic", 3), ("underline", 4), ("blink", 5), ("reverse", 7), ("hidden", 8), ("strike", 9)
)  # fmt: skip
_SHAPES = {CursorShape.BLOCK: 2, CursorShape.UNDERLINE: 4, CursorShape.BAR: 6}


def room(rows: int) -> bytes:
    """What moves the screen that is there out of the way, into the terminal's own history."""
    return b"\x1b[%d;1H" % rows + b"\r\n" * rows


def below(rows: int) -> bytes:
    """What puts the cursor under all that is on the screen, after `PUT_BACK`: its reset of the margins homes it."""
    return b"\x1b[%d;1H\r\n" % rows


def repaint(emulator: Emulator) -> bytes:
    """The screen, the cursor and the modes of `emulator`, for a terminal of its size."""
    parts = [b"\x1b[?1049%c" % (b"h" if emulator.modes.alternate else b"l"), b"\x1b[m\x1b[r\x1b[?6l\x1b[?7l\x1b[2J"]
    for number in range(emulator.rows):
        if row := emulator.row(number):
            parts += [b"\x1b[%d;1H" % (number + 1), _painted(row)]
    cursor = emulator.cursor
    return b"".join([
        *parts,
        b"\x1b[m\x1b[?7h",
        _modes(emulator.modes),
        b"\x1b[%d q" % _SHAPES[cursor.shape],
        b"\x1b[?25h" if cursor.visible else b"\x1b[?25l",
        b"\x1b]2;%b\x07" % emulator.title.encode() if emulator.title else b"",
        b"\x1b[%d;%dH" % (cursor.row + 1, cursor.column + 1),
    ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Corner:
    """A few words in a corner of a real terminal that shows what an emulator holds: out of the program's way."""

    show: bytes
    hide: bytes
    """Shows what was there before; right as long as nothing else was written since."""


def corner(emulator: Emulator, words: str) -> Corner:
    """`words`, plain ASCII, at the right end of the last row; of the first one, where the cursor is on the last.

    What the program has set (cursor, looks) is kept by DECSC and DECRC.
    """
    row = 0 if emulator.cursor.row == emulator.rows - 1 else emulator.rows - 1
    text = words[: emulator.columns - 1].encode("ascii", "replace")
    column = emulator.columns - len(text)
    before = b"\x1b7\x1b[?6l\x1b[m\x1b(B\x0f\x1b[%d;%dH"
    show = before % (row + 1, column) + b"\x1b[7m" + text + b"\x1b[m\x1b8"
    hide = before % (row + 1, 1) + b"\x1b[2K" + _painted(emulator.row(row)) + b"\x1b[m\x1b8"
    return Corner(show, hide)


def _painted(row: Row) -> bytes:
    return b"".join(_sgr(run.look) + run.text.encode("utf-8", "replace") for run in row)


def _sgr(look: Look) -> bytes:
    """Select Graphic Rendition from the start (ECMA-48 §8.3.117)."""
    codes = ["0", *(str(code) for name, code in _ATTRIBUTES if getattr(look, name))]
    codes += [*_colour(look.foreground, 38), *_colour(look.background, 48)]
    return b"\x1b[%bm" % ";".join(codes).encode()


def _colour(colour: Colour, which: int) -> list[str]:
    if colour is None:
        return []
    if isinstance(colour, int):
        return [f"{which};5;{colour}"]
    return [f"{which};2;{colour[0]};{colour[1]};{colour[2]}"]


def _modes(modes: Modes) -> bytes:
    """What the program has asked keyboard and mouse to do."""
    asked = {
        1: modes.application_cursor,
        5: modes.reverse_screen,
        1004: modes.focus_events,
        2004: modes.bracketed_paste,
        modes.mouse.value: modes.mouse is not MouseMode.NONE,
        modes.coding.value: modes.coding is not MouseCoding.X10,
    }
    private = b"".join(b"\x1b[?%dh" % mode for mode, on in asked.items() if on)
    return private + (b"\x1b=" if modes.application_keypad else b"") + (b"\x1b[20h" if modes.newline else b"")
