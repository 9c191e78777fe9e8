"""One remote file, read and written by dd(1) and cat(1). There is no handle: each command opens it anew by its path."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing

from backend.connection.command_files.runner import Answer, Runner, Running, word
from backend.connection.connector import Attributes, RemoteFile

_SECTOR = 65536
"""Bytes of a block of dd: reading begins at a multiple of it, and what is too much is dropped here."""
MOST_AT_ONCE = 2 << 20
"""Bytes that one command writes."""


class _Stream:
    """A file that is read on and on by one command."""

    def __init__(self, running: Running, output: AsyncIterator[bytes], at: int) -> None:
        self.at = at
        self._running = running
        self._output = output
        self._held = bytearray()
        self._over = False

    async def take(self, size: int) -> bytes:
        """The next `size` bytes; fewer at the end of the file only."""
        while len(self._held) < size and not self._over:
            data = await anext(self._output, None)
            if data is None:
                self._over = True
            else:
                self._held += data
        taken = bytes(self._held[:size])
        del self._held[:size]
        self.at += len(taken)
        return taken

    async def failure(self) -> Answer | None:
        """Why it ended, where that was not the end of the file."""
        status = await self._running.status() if self._over else 0
        return None if status == 0 else Answer(b"", self._running.complaint, status)


class CommandFile:
    """See `backend.connection.connector.RemoteFile`."""

    def __init__(self, runner: Runner, path: bytes, stat: Callable[[bytes], Awaitable[Attributes]]) -> None:
        self._runner = runner
        self._path = path
        self._word = word(path)
        self._stat = stat
        self._reading = asyncio.Lock()
        self._stream: _Stream | None = None
        self._stack = AsyncExitStack()
        self._next_read = -1
        """Where a reader that goes on would go on; then one command serves all that follows."""
        self._writing = asyncio.Lock()
        self._pending: dict[int, bytes] = {}
        self._end: int | None = None
        """How long the file is, as far as this writer knows."""

    # --- reading -------------------------------------------------------------------------------------------------

    async def read(self, offset: int, size: int) -> bytes:
        async with self._reading:
            if self._stream is not None and self._stream.at != offset:
                await self._leave()
            if self._stream is None and offset != self._next_read:
                data = await self._piece(offset, size)
            else:
                data = await self._streamed(offset, size)
            self._next_read = offset + len(data)
        return data

    async def _piece(self, offset: int, size: int) -> bytes:
        first, skipped = divmod(offset, _SECTOR)
        count = (skipped + size + _SECTOR - 1) // _SECTOR
        text = b"exec dd if=%s bs=%d skip=%d count=%d" % (self._word, _SECTOR, first, count)
        return (await self._runner.run(text, self._path))[skipped : skipped + size]

    async def _streamed(self, offset: int, size: int) -> bytes:
        if self._stream is None:
            self._stream = await self._opened(offset)
        data = await self._stream.take(size)
        if len(data) < size:
            failure = await self._stream.failure()
            await self._leave()
            if failure is not None and not data:
                raise self._runner.failed(self._path, failure)
        return data

    async def _opened(self, offset: int) -> _Stream:
        first, skipped = divmod(offset, _SECTOR)
        text = b"exec dd if=%s bs=%d skip=%d" % (self._word, _SECTOR, first)
        running = await self._stack.enter_async_context(self._runner.started(text, self._path))
        output = await self._stack.enter_async_context(aclosing(running.output()))
        stream = _Stream(running, output, first * _SECTOR)
        await stream.take(skipped)
        return stream

    async def _leave(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stack, self._stack = self._stack, AsyncExitStack()
            await stack.aclose()

    # --- writing -------------------------------------------------------------------------------------------------

    async def write(self, offset: int, data: bytes) -> None:
        """Writes that follow each other, and wait while another is under way, go in one command."""
        if not data:
            return
        self._pending[offset] = data
        async with self._writing:
            while self._pending.get(offset) is data:
                start, joined = self._batch(offset)
                await self._put(start, joined)

    def _batch(self, offset: int) -> tuple[int, bytes]:
        """Where the lowest that waits begins, and all that follows it without a gap."""
        start = min(self._pending)
        parts, size = [], 0
        while (part := self._pending.get(start + size)) is not None and size < MOST_AT_ONCE:
            parts.append(self._pending.pop(start + size))
            size += len(part)
        return start, b"".join(parts)

    async def _put(self, start: int, data: bytes) -> None:
        if self._end is None:
            self._end = (await self.attributes()).size or 0
        if start > self._end:
            await self.truncate(start)
        known, self._end = self._end, None  # what comes of a command that fails is not known
        if start == known:
            text = b"exec cat >> %s" % self._word
        else:
            block = _largest_block(start)
            text = b"exec dd of=%s ibs=%d obs=%d seek=%d conv=notrunc" % (self._word, _SECTOR, block, start // block)
        await self._runner.run(text, self._path, data)
        self._end = max(known, start + len(data))

    async def truncate(self, size: int) -> None:
        await self._runner.run(b"exec dd if=/dev/null of=%s bs=1 count=0 seek=%d" % (self._word, size), self._path)
        self._end = size

    async def copy_from(self, source: RemoteFile, offset: int, size: int) -> bool:
        """No: a command that outlives its connection would go on writing."""
        return False

    async def sync(self) -> bool:
        return False

    async def attributes(self) -> Attributes:
        return await self._stat(self._path)

    async def finish(self) -> None:
        """Each write has been confirmed by the command that made it."""
        async with self._writing:
            await self.close()

    async def close(self) -> None:
        await self._leave()


def _largest_block(offset: int) -> int:
    """The largest power of two, up to 64 KiB, that `offset` is a multiple of: dd seeks by whole blocks."""
    return _SECTOR if offset == 0 else min(_SECTOR, offset & -offset)
