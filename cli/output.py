"""stdout and stderr as bytes, unbuffered, without ever holding up the event loop.

What hosts send is written raw to pipes and files, and made safe to look at where it would reach a terminal.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import queue
import threading
from typing import Protocol

from backend.files.problems import local_error
from backend.text import clean_text, show_bytes

_NAMES = {1: b"stdout", 2: b"stderr"}


class ByteWriter(Protocol):
    """Where bytes go."""

    async def write(self, data: bytes) -> None:
        """Returns when all of `data` is written; raises BrokenPipeError when nobody reads any more, or FileError."""
        ...


class FdWriter:
    """Writes to a file descriptor from a thread of its own: a reader that stalls holds back the caller, not the loop.

    The thread is a daemon: a write that never ends does not keep the process alive.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._work: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        threading.Thread(target=self._write_on, name=f"fairlead-writer-{fd}", daemon=True).start()

    async def write(self, data: bytes) -> None:
        written = self._loop.create_future()
        self._work.put((data, written))
        try:
            await written
        except BrokenPipeError:
            raise
        except OSError as error:
            raise local_error(error, _NAMES.get(self._fd, b"output")) from error

    def _write_on(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            while True:
                data, written = self._work.get()
                error = self._write(memoryview(data))
                self._loop.call_soon_threadsafe(_settle, written, error)

    def _write(self, rest: memoryview) -> OSError | None:
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            return error
        return None


def _settle(written: asyncio.Future[None], error: OSError | None) -> None:
    if written.done():
        return
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)


class CleanWriter:
    """Shows bytes on a terminal: UTF-8 where they are, `\\xNN` where not, control codes replaced."""

    def __init__(self, inner: ByteWriter) -> None:
        self._inner = inner
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    async def write(self, data: bytes) -> None:
        await self._inner.write(clean_text(self._decoder.decode(data)).encode())


def stdout_for_data() -> ByteWriter:
    """stdout for what hosts send: raw, or cleaned on a terminal."""
    writer = FdWriter(1)
    return CleanWriter(writer) if os.isatty(1) else writer


def name_for_stdout(name: bytes) -> bytes:
    """A remote name as stdout gets it: raw, or made safe to look at on a terminal."""
    return show_bytes(name).encode() if os.isatty(1) else name
