"""The terminal that the program runs on: raw mode, without echo, its size, what is typed; always put back as it was.

Reading happens in a thread that a wake-up pipe can stop, so that it takes no key that was typed for somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import termios
import threading
import tty
from collections.abc import AsyncGenerator, Iterator

from backend.connection.connector import PtySize

_saved: dict[int, list[object]] = {}
"""Settings to go back to, by file descriptor, while a terminal is not as the person left it."""


def restore_all() -> None:
    """Put every terminal back as it was; for an end that cannot unwind."""
    for fd, settings in list(_saved.items()):
        with contextlib.suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSANOW, settings)  # type: ignore[arg-type]  # what tcgetattr gave
    _saved.clear()


@contextlib.contextmanager
def _put_back(fd: int) -> Iterator[list[object]]:
    """The terminal's settings, to be changed; put back at the end."""
    settings: list[object] = termios.tcgetattr(fd)
    outermost = _saved.setdefault(fd, settings) is settings
    try:
        yield list(settings)
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, settings)  # type: ignore[arg-type]
        if outermost:
            _saved.pop(fd, None)


@contextlib.contextmanager
def raw_mode(fd: int) -> Iterator[None]:
    """Every key goes through as it is, ctrl+c included (`cfmakeraw(3)`)."""
    with _put_back(fd):
        tty.setraw(fd, termios.TCSADRAIN)
        yield


@contextlib.contextmanager
def without_echo(fd: int) -> Iterator[None]:
    """Typed lines are not shown; ctrl+c still interrupts."""
    with _put_back(fd) as settings:
        flags = settings[3]
        assert isinstance(flags, int)
        settings[3] = flags & ~termios.ECHO
        # TCSAFLUSH would throw away what an impatient person has typed ahead.
        termios.tcsetattr(fd, termios.TCSADRAIN, settings)  # type: ignore[arg-type]
        yield


def line_end(fd: int) -> str:
    """What ends a line at `fd`: a terminal in raw mode does not go back to the left by itself (`OPOST`)."""
    try:
        output_flags = termios.tcgetattr(fd)[1]
    except (termios.error, OSError):
        return "\n"
    return "\n" if output_flags & termios.OPOST else "\r\n"


def size_of(fd: int) -> PtySize:
    """The terminal's size; 80 by 24 where it does not tell."""
    try:
        columns, rows = os.get_terminal_size(fd)
    except OSError:
        return PtySize()
    return PtySize(columns, rows) if columns and rows else PtySize()


class Reader:
    """What arrives at a file descriptor, read in a thread of its own, one chunk whenever one is asked for."""

    def __init__(self, fd: int, *, limit: int = 65536) -> None:
        self._fd = fd
        self._limit = limit
        self._ready: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self._wanted = threading.Semaphore(1)
        self._loop = asyncio.get_running_loop()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Chunks until the end of the file; closing the generator stops reading at once and takes nothing more."""
        wake, stop = os.pipe()
        threading.Thread(target=self._read_on, args=(wake,), name="fairlead-reader", daemon=True).start()
        try:
            while chunk := await self._next():
                yield chunk
                self._wanted.release()
        finally:
            os.close(stop)
            self._wanted.release()

    async def _next(self) -> bytes:
        item = await self._ready.get()
        if isinstance(item, OSError):
            raise item
        return item

    def _read_on(self, wake: int) -> None:
        """The thread: ends with the file, with an error, or when the other end of `wake` is closed."""
        try:
            item: bytes | OSError | None = b"-"
            while item and not isinstance(item, OSError):
                self._wanted.acquire()
                item = self._read(wake)
                if item is not None:
                    self._loop.call_soon_threadsafe(self._ready.put_nowait, item)
        except RuntimeError:
            return  # the loop is closed: nobody listens any more
        finally:
            os.close(wake)

    def _read(self, wake: int) -> bytes | OSError | None:
        """Wait for input and read it; None when woken up instead."""
        try:
            readable, _, _ = select.select([self._fd, wake], [], [])
            return None if wake in readable else os.read(self._fd, self._limit)
        except OSError as error:
            return error
