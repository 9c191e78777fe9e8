"""A person's terminal, for questions: lines typed with or without echo.

`/dev/tty` is asked rather than stdin and stdout, which may be pipes. A question can be cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import locale
import os
from typing import Self

from backend.tty import Reader, size_of, without_echo


class Terminal:
    """A person's terminal, for questions. Use `Terminal.open`, and close it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._typed = b""

    @classmethod
    def open(cls) -> Self | None:
        """The controlling terminal; None where there is none (cron, a pipeline without a terminal, a container)."""
        try:
            return cls(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        except OSError:
            return None

    @property
    def width(self) -> int:
        return size_of(self._fd).columns

    def write(self, text: str) -> None:
        """Show `text`, which must be clean; a terminal that is gone is not an error."""
        raw = text.encode(locale.getpreferredencoding(False), "replace")
        with contextlib.suppress(OSError):
            while raw:
                raw = raw[os.write(self._fd, raw) :]

    async def ask(self, prompt: str, *, echo: bool) -> str | None:
        """One typed line without its end; None at the end of the input (ctrl+d). Without echo the line end is shown."""
        if echo:
            self.write(prompt)
            try:
                return await self._line()
            except asyncio.CancelledError:
                self.write("\n")  # what is told next does not go on behind the prompt
                raise
        with without_echo(self._fd):
            self.write(prompt)  # not before: who answers at once must not see the answer
            try:
                return await self._line()
            finally:
                self.write("\n")

    async def _line(self) -> str | None:
        """The next line, as text; bytes that are no UTF-8 come as surrogate escapes."""
        if b"\n" not in self._typed:
            async with contextlib.aclosing(Reader(self._fd, limit=4096).chunks()) as chunks:
                async for chunk in chunks:
                    self._typed += chunk
                    if b"\n" in self._typed:
                        break
        line, end, self._typed = self._typed.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape") if line or end else None

    def close(self) -> None:
        os.close(self._fd)
