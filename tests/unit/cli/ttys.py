"""A terminal for tests: the person types at one end, the program has the other."""

from __future__ import annotations

import os
import pty
import select
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Tty:
    """Both ends of a pseudo-terminal."""

    person: int
    program: int

    def type(self, text: str) -> None:
        os.write(self.person, text.encode())

    def screen(self, *, within: float = 0.05) -> str:
        """What has been shown since the last look; `within` seconds that is waited for more."""
        shown = b""
        while select.select([self.person], [], [], within)[0]:
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


@contextmanager
def full_pipe() -> Iterator[tuple[int, TextIO]]:
    """A pipe that takes nothing more until somebody reads: the end to read, and the full one."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(65536))
    os.set_blocking(writing, True)
    with os.fdopen(writing, "w", encoding="utf-8") as full:
        try:
            yield reading, full
        finally:
            os.close(reading)
