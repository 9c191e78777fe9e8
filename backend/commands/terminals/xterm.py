"""The terminal of our own, in Python: an xterm as far as programs of today use it, behind the port."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Set

from backend.commands.terminals.answers import Answers
from backend.commands.terminals.controls import CONTROLS, ESCAPES, SEQUENCES, designate, numbers
from backend.commands.terminals.emulator import Colours, Cursor, Modes, Row, Wishes
from backend.commands.terminals.looks import look_after
from backend.commands.terminals.modes import KEYPAD, VISIBLE, ModeTable
from backend.commands.terminals.parsing import Parser
from backend.commands.terminals.screen import Screen
from backend.commands.terminals.window import Window

_MAX_BELLS = 1000


class Xterm:
    """One screen with its history; see `emulator.Emulator`."""

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = Screen(columns, rows)
        self._modes = ModeTable(self._screen)
        self._window = Window()
        self._answers = Answers(self._screen, self._modes, self._window)
        self._parser = Parser(self)
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._bells = 0

    @property
    def colours(self) -> Colours | None:
        return self._answers.colours

    @colours.setter
    def colours(self, colours: Colours | None) -> None:
        self._answers.colours = colours

    @property
    def columns(self) -> int:
        return self._screen.columns

    @property
    def rows(self) -> int:
        return self._screen.rows

    def feed(self, data: bytes) -> None:
        """Take in output, cut anywhere."""
        self._parser.feed(self._decoder.decode(data))

    def resize(self, columns: int, rows: int) -> None:
        """Both at least 1."""
        if min(columns, rows) < 1:
            raise ValueError("a screen has at least one row and one column")
        self._screen.resize(columns, rows)

    def take_changed(self) -> Set[int]:
        changed, self._screen.changed = self._screen.changed, set()
        return changed

    def row(self, number: int) -> Row:
        return self._screen.page.lines[number].row()

    @property
    def history(self) -> int:
        return len(self._screen.history)

    @property
    def gone(self) -> int:
        return self._screen.history.gone

    def history_row(self, number: int) -> Row:
        return self._screen.history[number]

    def goes_on(self, number: int) -> bool:
        if number < 0:
            return self._screen.history.goes_on(number)
        return self._screen.page.lines[number].wrapped

    @property
    def cursor(self) -> Cursor:
        pen = self._screen.pen
        return Cursor(pen.column, pen.row, self._modes.on(VISIBLE), self._window.shape)

    @property
    def modes(self) -> Modes:
        return self._modes.modes

    @property
    def title(self) -> str:
        return self._window.title

    def take_wishes(self) -> Wishes:
        wishes = Wishes(self._answers.take(), self._window.take_clipboard(), self._bells)
        self._bells = 0
        return wishes

    # What the parser tells

    def text(self, text: str) -> None:
        self._screen.draw(text)

    def control(self, code: str) -> None:
        if control := CONTROLS.get(code):
            control(self._screen)
        elif code == "\a":
            self._bells = min(self._bells + 1, _MAX_BELLS)

    def escape(self, name: str) -> None:
        if control := ESCAPES.get(name):
            control(self._screen)
        elif name == "c":
            self._screen.reset()
            self._modes.reset()
            self._window.reset()
        elif name in ("=", ">"):
            self._modes.switch(KEYPAD, name == "=")
        elif name == "Z":
            self._answers.ask("c", numbers(""))
        else:
            designate(self._screen, name)

    def sequence(self, name: str, parameters: str) -> None:
        if name == "m":
            pen = self._screen.pen
            pen.look = look_after(pen.look, parameters)
        elif sequence := SEQUENCES.get(name):
            sequence(self._screen, numbers(parameters))
        else:
            self._setting(name, parameters)

    def _setting(self, name: str, parameters: str) -> None:
        values = numbers(parameters)
        if name in ("?h", "?l"):
            for mode in values:
                self._modes.switch(mode, name == "?h")
        elif name in ("h", "l"):
            for mode in values:
                self._modes.switch_ansi(mode, name == "h")
        elif name == "?s":
            self._modes.save(values)
        elif name == "?r":
            self._modes.restore(values)
        elif name == "!p":
            self._screen.soft_reset()
            self._modes.soft_reset()
        elif name == " q":
            self._window.set_shape(values.at(0))
        elif name == "t" and values.at(0) in (22, 23):
            self._window.stack_title(values.at(0) == 22)
        else:
            self._answers.ask(name, values)

    def string(self, introducer: str, body: str) -> None:
        if introducer == "P":
            self._answers.ask_setting(body)
        elif body[:3] in ("10;", "11;", "12;"):
            self._answers.ask_colours(int(body[:2]), body[3:])
        else:
            self._window.command(body)
