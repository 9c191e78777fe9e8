"""The lines of a terminal by numbers that stay: history first, then the screen. Pure.

Line 0 is the first that ever left the screen; what was dropped from the history keeps its number, and is blank.
"""

from __future__ import annotations

from backend.commands.terminals.emulator import Emulator, Row


class TerminalLines:
    """A reader of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    @property
    def first(self) -> int:
        """The oldest line that is kept; on the alternate screen, which has no history, that of its top."""
        return self.screen if self.emulator.modes.alternate else self.emulator.gone

    @property
    def screen(self) -> int:
        """The line at the top of the screen."""
        return self.emulator.gone + self.emulator.history

    @property
    def end(self) -> int:
        """One more than the last line of the screen."""
        return self.screen + self.emulator.rows

    def row(self, line: int) -> Row:
        """How a line looks; empty for one that is gone, or not there yet."""
        if line >= self.screen:
            return self.emulator.row(line - self.screen) if line < self.end else ()
        return self.emulator.history_row(line - self.emulator.gone) if line >= self.emulator.gone else ()

    def goes_on(self, line: int) -> bool:
        """Whether it is the same line as the next one to who copies it."""
        return self.emulator.gone <= line < self.end and self.emulator.goes_on(line - self.screen)

    def text(self, line: int) -> str:
        """The words of a line, without the blanks at its end."""
        return "".join(run.text for run in self.row(line)).rstrip()
