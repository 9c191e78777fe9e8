"""The program on a terminal of its own, as a person uses it: its controlling terminal, the keys, the screen."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

from tests.support.program import CALL, Program

_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(1, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class OnTerminal:
    """A running program and the person's end of its terminal."""

    def __init__(self, process: asyncio.subprocess.Process, person: int) -> None:
        self.process = process
        self.seen = ""
        """Everything that was on the screen so far."""
        self._person = person
        self._searched = 0
        self._more = asyncio.Event()
        asyncio.get_running_loop().add_reader(person, self._look)

    def _look(self) -> None:
        try:
            shown = os.read(self._person, 65536)
        except OSError:  # EIO: the program's end is closed
            shown = b""
        if not shown:
            asyncio.get_running_loop().remove_reader(self._person)
        self.seen += shown.decode("utf-8", "replace").replace("\r\n", "\n")
        self._more.set()

    async def expect(self, text: str, *, seconds: float = 30) -> None:
        """Wait until `text` is shown, after what was expected before."""
        try:
            async with asyncio.timeout(seconds):
                while (found := self.seen.find(text, self._searched)) < 0:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} did not appear after: {self.seen!r}") from None
        self._searched = found + len(text)

    def type(self, keys: str) -> None:
        os.write(self._person, keys.encode())

    def resize(self, *, columns: int, rows: int) -> None:
        """Change the window's size; the program is told as by any terminal."""
        fcntl.ioctl(self._person, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def settings(self) -> list[object]:
        """As tcgetattr(3) tells them."""
        return termios.tcgetattr(self._person)

    async def status(self, *, seconds: float = 30) -> int:
        """Wait for its end; the exit status."""
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._person)
        os.close(self._person)


@asynccontextmanager
async def on_terminal(program: Program, *arguments: str, stdin: IO[bytes] | None = None) -> AsyncIterator[OnTerminal]:
    """Start the program with stdout and stderr on a terminal, and stdin where nothing else is given.

    It is gone when the block is left.
    """
    person, own = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _TAKE_TERMINAL,
        *CALL,
        *arguments,
        stdin=own if stdin is None else stdin,
        stdout=own,
        stderr=own,
        start_new_session=True,
        env=program.environment,
        cwd=program.home,
    )
    os.close(own)
    terminal = OnTerminal(process, person)
    try:
        yield terminal
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        terminal.close()
