"""A process that acts as another user: what was said before it did is left out of its streams."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from types import TracebackType
from typing import Self

from backend.connection.connector import Chunk, ExitReport, Place, PtySize, RemoteProcess, StdStream

_END_OF_INPUT = b"\x04"


class ElevatedProcess:
    """`backend.connection.connector.RemoteProcess`, from the mark in each of its streams on."""

    def __init__(
        self,
        inner: RemoteProcess,
        chunks: AsyncIterator[Chunk],
        *,
        before: Mapping[StdStream, bytes | bytearray],
        begin: Mapping[StdStream, bytes],
    ) -> None:
        """`before`: what has come already of each stream; `begin`: the line after which its own output begins."""
        self.types_its_end = False
        """It reads from a terminal that nobody asked for: the end of its input is typed."""
        self._inner = inner
        self._chunks = chunks
        self._before = before
        self._begin = dict(begin)

    async def output(self) -> AsyncGenerator[Chunk, None]:
        """Its own output, in order of arrival."""
        waiting = {stream: _Beginning(mark) for stream, mark in self._begin.items()}
        for stream, said in self._before.items():
            if data := waiting[stream].feed(bytes(said)):
                yield Chunk(stream, data)
        async for chunk in self._chunks:
            beginning = waiting[chunk.stream]
            if beginning.passed:
                yield chunk
            elif data := beginning.feed(chunk.data):
                yield Chunk(chunk.stream, data)

    async def write(self, data: bytes) -> None:
        await self._inner.write(data)

    async def write_eof(self) -> None:
        if self.types_its_end:
            await self._inner.write(_END_OF_INPUT)
        else:
            await self._inner.write_eof()

    def resize(self, size: PtySize) -> None:
        self._inner.resize(size)

    def send_signal(self, signal: str) -> None:
        self._inner.send_signal(signal)

    def place(self) -> Place | None:
        return self._inner.place()

    async def wait(self) -> ExitReport:
        return await self._inner.wait()

    async def close(self) -> None:
        await self._inner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Beginning:
    """Leaves out a stream's bytes up to the line with the mark."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._held = b""
        self.passed = False

    def feed(self, data: bytes) -> bytes:
        """What of it comes after the mark."""
        self._held += data
        at = self._held.find(self._mark)
        end = self._held.find(b"\n", at) if at >= 0 else -1
        if end < 0:
            self._held = self._held[-2 * len(self._mark) :] if at < 0 else self._held[at:]
            return b""
        after, self._held, self.passed = self._held[end + 1 :], b"", True
        return after
