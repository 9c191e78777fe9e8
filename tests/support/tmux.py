"""The same program under tmux: a second opinion on what a terminal of some size shows."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.tiers import need_program


class TmuxScreen:
    """One window of a tmux server of its own."""

    def __init__(self, program: str, socket: str) -> None:
        self._call = [program, "-L", socket, "-f", "/dev/null"]

    def run(self, *arguments: str) -> str:
        """What tmux says to a command of its own."""
        done = subprocess.run([*self._call, *arguments], check=True, capture_output=True)
        return done.stdout.decode()

    def type(self, data: bytes) -> None:
        self.run("send-keys", "-H", *(f"{byte:02x}" for byte in data))

    def paste(self, text: str) -> None:
        """With brackets, where the program asks for them."""
        self.run("set-buffer", text)
        self.run("paste-buffer", "-p")

    def resize(self, columns: int, rows: int) -> None:
        self.run("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def rows(self) -> list[str]:
        """What is on the screen, without the blanks at the ends of rows."""
        return [row.rstrip() for row in self.run("capture-pane", "-p").split("\n")[:-1]]

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row, from 0."""
        column, row = self.run("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(row)


@contextmanager
def tmux_screen(command: str, *, columns: int, rows: int) -> Iterator[TmuxScreen]:
    """`command` in a window of that size, without a status line; gone when the block is left."""
    screen = TmuxScreen(need_program("tmux"), f"fairlead-{secrets.token_hex(4)}")
    size = ("-x", str(columns), "-y", str(rows))
    screen.run("start-server", ";", "set", "-g", "status", "off", ";", "set", "-g", "default-terminal", "tmux-256color",
               ";", "set", "-s", "escape-time", "0", ";", "new-session", "-d", *size, command)  # fmt: skip
    try:
        yield screen
    finally:
        subprocess.run([*screen._call, "kill-server"], check=False, capture_output=True)
