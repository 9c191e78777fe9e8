"""The block lane upwards: one local file read in order, many writes to the host in flight."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from backend.connection.connector import RemoteFile
from backend.files.assembler import Acknowledged
from backend.files.flight import Flight
from backend.files.lane import Context
from backend.files.tasks import task_group

AHEAD = 8
"""Blocks that are read from the disk in one go."""

ReadBlocks = Callable[[int, int], Awaitable[list[bytes]]]
"""The next blocks of the source: how many, of how many bytes each; fewer and a shorter last one at the end."""


class BlockSend:
    """Writes a source, from where its reader stands, to a remote file at `start`."""

    def __init__(
        self,
        context: Context,
        file: RemoteFile,
        *,
        start: int,
        block: int,
        flight: Flight,
        landed: Callable[[int], None],
    ) -> None:
        """`landed` hears how many more bytes the server has acknowledged."""
        self._context = context
        self._file = file
        self._block = block
        self._flight = flight
        self._landed = landed
        self._offset = start
        self._acknowledged = Acknowledged(start)
        self._ready: deque[bytes] = deque()
        self._reading = asyncio.Lock()
        self._ended = False
        self._writers = 0

    @property
    def mark(self) -> int:
        """Everything before this offset is acknowledged."""
        return self._acknowledged.mark

    async def run(self, read: ReadBlocks) -> int:
        """Send all that `read` gives; the offset after the last byte. Raises LinkLost or FileError."""
        self._read = read
        async with task_group() as group:
            self._add_writers(group)
        return self._offset

    def _add_writers(self, group: asyncio.TaskGroup) -> None:
        while self._writers < self._flight.blocks and not self._ended:
            self._writers += 1
            group.create_task(self._write(group))

    async def _write(self, group: asyncio.TaskGroup) -> None:
        context, clock = self._context, self._context.clock
        try:
            while self._writers <= self._flight.blocks and (data := await self._take()):
                offset, size = self._offset, len(data)
                self._offset += size
                await context.may_go(size)
                context.meter.sent(size)
                await self._file.write(offset, data)
                self._flight.landed(size, clock.monotonic())
                self._acknowledged.add(offset, size)
                self._landed(size)
                self._add_writers(group)
        finally:
            self._writers -= 1

    async def _take(self) -> bytes:
        if not self._ready and not self._ended:
            async with self._reading:
                if not self._ready and not self._ended:
                    self._ready.extend(await self._read(AHEAD, self._block))
                    self._ended = not self._ready
        return self._ready.popleft() if self._ready else b""
