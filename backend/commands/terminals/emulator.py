"""The port of a terminal emulator: bytes of a program in; rows of its screen, and what it wants to know, out.

What a program may do is that of an xterm with 256 and true colours (ctlseqs, "XTerm Control Sequences"), as the
terminfo entry `xterm-256color` promises it. Emulators do no input and output of their own and never raise for what
they are fed: bytes from a host are hostile.
"""

from __future__ import annotations

from collections.abc import Set
from enum import Enum
from typing import Protocol

from backend.dataclass import dataclass

Colour = int | tuple[int, int, int] | None
"""0 to 255 of the palette, a (red, green, blue) triple, or None for the terminal's own."""


@dataclass(frozen=True, slots=True)
class Look:
    """How characters look."""

    foreground: Colour = None
    background: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    blink: bool = False
    reverse: bool = False
    hidden: bool = False
    strike: bool = False


PLAIN = Look()


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring cells that look the same. A wide character stands once and takes two columns; no control codes."""

    text: str
    look: Look = PLAIN


Row = tuple[Run, ...]
"""From the left. Columns that are missing at the end are blank and plain."""


class CursorShape(Enum):
    """DECSCUSR; whether it blinks is left to the person."""

    BLOCK = "block"
    UNDERLINE = "underline"
    BAR = "bar"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next character goes, from 0 at the top left."""

    column: int
    row: int
    visible: bool = True
    shape: CursorShape = CursorShape.BLOCK


class MouseMode(Enum):
    """Which events of the mouse a program wants (ctlseqs, "Mouse Tracking")."""

    NONE = 0
    PRESS = 9
    CLICK = 1000
    """Buttons pressed and released."""
    DRAG = 1002
    """And moved while one is pressed."""
    MOVE = 1003
    """And all other movements."""


class MouseCoding(Enum):
    """How those events are written."""

    X10 = 0
    UTF8 = 1005
    SGR = 1006
    URXVT = 1015


@dataclass(frozen=True, slots=True)
class Modes:
    """What a program has asked the keyboard, the mouse and the screen to do."""

    application_cursor: bool = False
    """DECCKM: arrows, Home and End are sent with SS3."""
    application_keypad: bool = False
    newline: bool = False
    """LNM: Enter sends CR LF."""
    bracketed_paste: bool = False
    focus_events: bool = False
    mouse: MouseMode = MouseMode.NONE
    coding: MouseCoding = MouseCoding.X10
    alternate: bool = False
    """The alternate screen is shown: it has no history, and a wheel may be sent as arrows (`alternate_scroll`)."""
    alternate_scroll: bool = True
    reverse_screen: bool = False
    synchronised: bool = False
    """DECSET 2026: a picture is being drawn. It is shown when this ends, or after a moment, for programs die."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a program has asked for since the last look."""

    replies: bytes = b""
    """To be sent to the program: answers to its questions (DA, DSR, DECRQM, ...)."""
    clipboard: tuple[str, ...] = ()
    """Texts for the person's clipboard (OSC 52), cleaned of control codes but for tab and newline, bounded. Reading the
    clipboard is never answered."""
    bells: int = 0


@dataclass(frozen=True, slots=True)
class Colours:
    """The terminal's own colours, (red, green, blue)."""

    foreground: tuple[int, int, int]
    background: tuple[int, int, int]


class Emulator(Protocol):
    """One screen with its history."""

    colours: Colours | None
    """What programs are told that ask (OSC 10 to 12), as editors do which want to know whether it is dark; None where
    nobody knows, and nothing is answered."""

    @property
    def columns(self) -> int: ...

    @property
    def rows(self) -> int: ...

    def feed(self, data: bytes) -> None:
        """Take in output, cut anywhere. Costs time in proportion; the caller feeds slices and gives turns between."""
        ...

    def resize(self, columns: int, rows: int) -> None:
        """Both at least 1. What no longer fits the width is not shown until it does again; rows that no longer fit go
        into the history, and come back from there."""
        ...

    def take_changed(self) -> Set[int]:
        """The numbers of the rows of the screen that changed since the last call; all of them after a resize."""
        ...

    def row(self, number: int) -> Row:
        """A row of the screen, 0 at the top."""
        ...

    @property
    def history(self) -> int:
        """How many rows have left the screen at its top and are kept, at most `history_limit`."""
        ...

    @property
    def gone(self) -> int:
        """How many rows of the history were dropped since the beginning, to tell what a number means now."""
        ...

    def history_row(self, number: int) -> Row:
        """A row of the history, 0 the oldest that is kept. It may be wider than the screen is now."""
        ...

    def goes_on(self, number: int) -> bool:
        """Whether the text of a row wrapped into the next one: both are one line to who copies or searches.

        Rows of the screen are counted from 0, those of the history backwards from -1, the newest. The blanks at the end
        of such a row are not missing. It does not go on any more when the screen has become wider.
        """
        ...

    @property
    def cursor(self) -> Cursor: ...

    @property
    def modes(self) -> Modes: ...

    @property
    def title(self) -> str:
        """What the program calls its window, cleaned, one line; empty where it did not say."""
        ...

    def take_wishes(self) -> Wishes:
        """What the program asked for since the last call."""
        ...
