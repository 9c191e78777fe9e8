"""Answers to what programs ask their terminal: who it is, where the cursor is, what is set (DA, DSR, DECRQSS)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.commands.terminals.controls import Numbers
from backend.commands.terminals.emulator import Colour, Colours, Look
from backend.commands.terminals.modes import ModeTable
from backend.commands.terminals.screen import Screen
from backend.commands.terminals.window import Window

MAX_ANSWERS = 64 << 10
"""Bytes that are kept for a program which asks on and on."""
_CSI, _DCS, _OSC, _ST = "\x1b[", "\x1bP", "\x1b]", "\x1b\\"
_WHO = f"{_CSI}?62;22;52c"
"""A VT220 with colours, from which the clipboard can be written."""
_WHICH = f"{_CSI}>1;300;0c"
"""As an xterm of that patch level answers, from which vim concludes what it may use."""


class Answers:
    """Those of one terminal, until they are taken."""

    def __init__(self, screen: Screen, modes: ModeTable, window: Window) -> None:
        self._screen, self._modes, self._window = screen, modes, window
        self._waiting = bytearray()
        self.colours: Colours | None = None
        self._questions: Mapping[str, Callable[[Numbers], str]] = {
            "c": lambda n: _WHO if n.at(0) == 0 else "",
            ">c": lambda n: _WHICH if n.at(0) == 0 else "",
            "=c": lambda n: f"{_DCS}!|00000000{_ST}" if n.at(0) == 0 else "",
            ">q": lambda n: f"{_DCS}>|Fairlead{_ST}" if n.at(0) == 0 else "",
            "n": self._status,
            "?n": self._private_status,
            "x": lambda n: f"{_CSI}{n.at(0) + 2};1;1;128;128;1;0x" if n.at(0) < 2 else "",
            "t": self._size,
            "$p": lambda n: f"{_CSI}{n.at(0)};{modes.state_ansi(n.at(0))}$y",
            "?$p": lambda n: f"{_CSI}?{n.at(0)};{modes.state(n.at(0))}$y",
        }

    def take(self) -> bytes:
        answers = bytes(self._waiting)
        self._waiting.clear()
        return answers

    def ask(self, name: str, values: Numbers) -> None:
        """A question in the form of a control sequence."""
        if question := self._questions.get(name):
            self._say(question(values))

    def ask_setting(self, body: str) -> None:
        """DECRQSS, XTGETTCAP."""
        if body.startswith("$q"):
            setting = self._setting(body[2:])
            self._say(f"{_DCS}{int(bool(setting))}$r{setting}{_ST}")
        elif body.startswith("+q"):
            self._say(f"{_DCS}0+r{_ST}")

    def ask_colours(self, first: int, questions: str) -> None:
        """OSC 10 (foreground), 11 (background), 12 (cursor): a ? for each, from `first` on; other texts set them."""
        if self.colours is None:
            return
        known = {10: self.colours.foreground, 11: self.colours.background, 12: self.colours.foreground}
        for number, question in enumerate(questions.split(";")[:3], first):
            if question == "?" and number in known:
                levels = "/".join(f"{level * 257:04x}" for level in known[number])
                self._say(f"{_OSC}{number};rgb:{levels}{_ST}")

    def _say(self, answer: str) -> None:
        if len(self._waiting) + len(answer) <= MAX_ANSWERS:
            self._waiting += answer.encode("ascii")

    def _position(self) -> str:
        pen = self._screen.pen
        first = self._screen.top if pen.origin else 0
        return f"{pen.row - first + 1};{pen.column + 1}R"

    def _status(self, values: Numbers) -> str:
        if values.at(0) == 5:
            return f"{_CSI}0n"
        return f"{_CSI}{self._position()}" if values.at(0) == 6 else ""

    def _private_status(self, values: Numbers) -> str:
        if values.at(0) == 6:
            return f"{_CSI}?{self._position()}"
        known = {15: "13", 25: "20", 26: "27;1", 53: "50", 55: "50"}  # no printer, no user keys, US, no locator
        return f"{_CSI}?{known[values.at(0)]}n" if values.at(0) in known else ""

    def _size(self, values: Numbers) -> str:
        screen = self._screen
        size = f"{screen.rows};{screen.columns}t"
        known = {
            11: f"{_CSI}1t",
            18: f"{_CSI}8;{size}",
            19: f"{_CSI}9;{size}",
            20: f"{_OSC}L{_ST}",  # titles are not told: a file could write one, and have it typed
            21: f"{_OSC}l{_ST}",
        }
        return known.get(values.at(0), "")

    def _setting(self, name: str) -> str:
        screen = self._screen
        known = {
            "m": f"{_attributes(screen.pen.look)}m",
            "r": f"{screen.top + 1};{screen.bottom + 1}r",
            " q": f"{self._window.style} q",
            '"p': '62;1"p',
            '"q': '0"q',
        }
        return known.get(name, "")


def _attributes(look: Look) -> str:
    """The parameters of an SGR that makes this look."""
    flags = (look.bold, look.dim, look.italic, look.underline, look.blink, None, look.reverse, look.hidden, look.strike)
    on = [str(code) for code, flag in enumerate(flags, 1) if flag]
    return ";".join(["0", *on, *_colour(look.foreground, 30), *_colour(look.background, 40)])


def _colour(colour: Colour, base: int) -> list[str]:
    if colour is None:
        return []
    if isinstance(colour, tuple):
        return [f"{base + 8}:2::" + ":".join(map(str, colour))]
    if colour < 16:
        return [str(base + colour if colour < 8 else base + 52 + colour)]
    return [f"{base + 8}:5:{colour}"]
