"""Bounded byte pipes between the tasks of a simulated host: a writer waits while nobody reads."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol

from backend.connection.connector import Chunk, StdStream

CAPACITY: Final = 1 << 20


class Reader(Protocol):
    """Where a command's input comes from."""

    async def read(self, limit: int) -> bytes:
        """At least one and at most `limit` bytes; empty at the end."""
        ...


class Writer(Protocol):
    """Where a command's output goes."""

    async def write(self, data: bytes) -> None: ...


class BrokenPipe(Exception):
    """Nobody will read any more what is written (SIGPIPE)."""


class BytePipe:
    """One direction, one writer, one reader."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._parts: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._deaf = False
        self._changed = asyncio.Event()

    async def read(self, limit: int) -> bytes:
        while not self._parts and not self._ended:
            await self._change()
        if not self._parts:
            return b""
        data = self._parts.popleft()
        if len(data) > limit:
            self._parts.appendleft(data[limit:])
            data = data[:limit]
        self._held -= len(data)
        self._changed.set()
        return data

    async def write(self, data: bytes) -> None:
        """Raises BrokenPipe when the reader is gone."""
        while self._held >= self._capacity and not self._deaf:
            await self._change()
        if self._deaf:
            raise BrokenPipe
        if data and not self._ended:
            self._parts.append(bytes(data))
            self._held += len(data)
            self._changed.set()

    def write_eof(self) -> None:
        self._ended = True
        self._changed.set()

    def stop_reading(self) -> None:
        """The reader has gone: what is held is dropped and writers hear of it."""
        self._deaf = True
        self._parts.clear()
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class OutputQueue:
    """A process's two outputs in order of arrival, bounded together."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._chunks: deque[Chunk] = deque()
        self._held = 0
        self._ended = False
        self._deaf = False
        self._changed = asyncio.Event()

    async def put(self, stream: StdStream, data: bytes) -> None:
        """Wait for room. Raises BrokenPipe when the reader is gone."""
        while self._held >= self._capacity and not self._deaf:
            self._changed.clear()
            await self._changed.wait()
        if self._deaf:
            raise BrokenPipe
        self.put_now(stream, data)

    def put_now(self, stream: StdStream, data: bytes) -> None:
        """Without waiting for room: for a terminal's echo."""
        if data and not self._ended and not self._deaf:
            self._chunks.append(Chunk(stream, bytes(data)))
            self._held += len(data)
            self._changed.set()

    async def get(self) -> Chunk | None:
        """The next chunk; None when both streams have ended and all was given."""
        while not self._chunks and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        if not self._chunks:
            return None
        chunk = self._chunks.popleft()
        self._held -= len(chunk.data)
        self._changed.set()
        return chunk

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    def stop_reading(self) -> None:
        self._deaf = True
        self._chunks.clear()
        self._held = 0
        self._changed.set()


class QueueWriter:
    """One of a process's outputs as a Writer."""

    def __init__(self, queue: OutputQueue, stream: StdStream) -> None:
        self._queue = queue
        self._stream = stream

    async def write(self, data: bytes) -> None:
        await self._queue.put(self._stream, data)


class TextSource:
    """Bytes at hand as a Reader."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = data

    async def read(self, limit: int) -> bytes:
        piece, self._data = self._data[:limit], self._data[limit:]
        return piece


class Collector:
    """A Writer that keeps what it gets, up to a limit."""

    def __init__(self, limit: int = 16 << 20) -> None:
        self.data = bytearray()
        self._limit = limit

    async def write(self, data: bytes) -> None:
        if len(self.data) + len(data) > self._limit:
            raise BrokenPipe
        self.data += data


class Null:
    """A Writer that forgets."""

    async def write(self, data: bytes) -> None:
        return None


async def read_all(reader: Reader, limit: int = 64 << 20) -> bytes:
    """Everything up to the end, at most `limit` bytes."""
    parts = []
    while limit > 0 and (piece := await reader.read(min(limit, 1 << 18))):
        parts.append(piece)
        limit -= len(piece)
    return b"".join(parts)
