"""Bytes to a file descriptor, unbuffered, without ever holding up the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from collections import deque

from backend.files.problems import local_error

_NAMES = {1: b"stdout", 2: b"stderr"}


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
                error = _written(self._fd, data)
                self._loop.call_soon_threadsafe(_settle, written, error)


class StreamWriter:
    """Writes a stream to a file descriptor from a thread of its own, in large pieces: most of what is handed over is
    written behind the caller's back. A reader that stalls holds the caller back once `ROOM` bytes wait for it.

    What could not be written is raised by the next call: BrokenPipeError when nobody reads any more, or FileError.
    """

    ROOM = 1 << 20
    """Bytes that wait to be written before the caller does."""
    _PIECE = 256 << 10

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        """Of what waits and of what is being written."""
        self._changed = threading.Condition()
        self._room = asyncio.Event()
        self._error: OSError | None = None
        self._thread: threading.Thread | None = None

    async def write(self, data: bytes) -> None:
        """Hand `data` over; returns when there is room for more."""
        self._raise()
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_on, name=f"fairlead-writer-{self._fd}", daemon=True)
            self._thread.start()
        with self._changed:
            self._waiting.append(data)
            self._size += len(data)
            full = self._size > self.ROOM
            self._changed.notify()
        if full:
            await self._until_below(self.ROOM // 2)

    async def flush(self) -> None:
        """Until all of it is written."""
        await self._until_below(0)

    async def _until_below(self, size: int) -> None:
        while True:
            self._room.clear()
            with self._changed:
                if self._size <= size or self._error is not None:
                    break
            await self._room.wait()
        self._raise()

    def _raise(self) -> None:
        error = self._error
        if isinstance(error, BrokenPipeError):
            raise error
        if error is not None:
            raise local_error(error, _NAMES.get(self._fd, b"output")) from error

    def _write_on(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            while self._error is None:
                piece = self._next()
                self._error = _written(self._fd, piece)
                with self._changed:
                    self._size -= len(piece)
                    told = self._error is not None or self._size <= self.ROOM // 2
                if told:
                    self._loop.call_soon_threadsafe(self._room.set)

    def _next(self) -> bytes:
        """What waits, up to a piece."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            taken, size = [self._waiting.popleft()], 0
            while self._waiting and (size := size + len(taken[-1])) < self._PIECE:
                taken.append(self._waiting.popleft())
        return taken[0] if len(taken) == 1 else b"".join(taken)


def _written(fd: int, data: bytes) -> OSError | None:
    """Write all of it; what kept it from being written."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(fd, rest) :]
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
