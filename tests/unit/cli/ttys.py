"""A terminal for tests: the person types at one end, the program has the other."""

from __future__ import annotations

import os
import pty
import select
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tty:
    """Both ends of a pseudo-terminal."""

    person: int
    program: int

    def type(self, text: str) -> None:
        os.write(self.person, text.encode())

    def screen(self) -> str:
        """What has been shown since the last look."""
        shown = b""
        while select.select([self.person], [], [], 0.05)[0]:
            shown += os.read(self.person, 65536)
        return shown.decode()

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.program)[3] & termios.ECHO)

    @property
    def settings(self) -> list[object]:
        return termios.tcgetattr(self.program)


@contextmanager
def open_tty() -> Iterator[Tty]:
    person, program = pty.openpty()
    try:
        yield Tty(person, program)
    finally:
        os.close(person)
        os.close(program)
