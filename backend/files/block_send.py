"""The block lane upwards: one local file read in order, many writes to the host in flight, over as many channels as
the path asks for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from backend.files.assembler import Acknowledged
from backend.files.flight import Flight
from backend.files.lane import Context
from backend.files.local_tree import is_zeros
from backend.files.upload_lanes import UploadLanes
from backend.tasks import task_group

AHEAD = 8
"""Blocks that are read from the disk in one go."""

ReadBlocks = Callable[[int, int], Awaitable[list[bytes]]]
"""The next blocks of the source: how many, of how many bytes each; fewer and a shorter last one at the end."""


class BlockSend:
    """Writes a source, from where its reader stands, to a remote file at `start`."""

    def __init__(
        self,
        context: Context,
        lanes: UploadLanes,
        *,
        start: int,
        block: int,
        flight: Flight,
        landed: Callable[[int], None],
        holes_before: int = 0,
    ) -> None:
        """`landed` hears how many more bytes the server has acknowledged.

        Blocks of zeros that end before `holes_before` are not sent: nothing was ever written there.
        """
        self._context = context
        self._lanes = lanes
        self._block = block
        self._flight = flight
        self._landed = landed
        self._holes_before = holes_before
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
        try:
            while self._writers <= self._flight.blocks and (data := await self._take()):
                offset, size = self._offset, len(data)
                self._offset += size
                await self._context.gate.passed()
                if not self._is_hole(offset + size, data):
                    await self._put(offset, data)
                self._acknowledged.add(offset, size)
                self._landed(size)
                self._add_writers(group)
        finally:
            self._writers -= 1

    def _is_hole(self, end: int, data: bytes) -> bool:
        return end < self._holes_before and is_zeros(data)

    async def _put(self, offset: int, data: bytes) -> None:
        context = self._context
        await context.may_go(len(data))
        context.meter.sent(len(data))
        await self._lanes.write(offset, data)
        self._flight.landed(len(data), context.clock.monotonic())
        self._widen()

    def _widen(self) -> None:
        """More channels where all that the present ones may carry is under way and the path would take more."""
        if self._flight.is_full and not self._ended:
            self._lanes.widen()
        self._flight.allow(self._lanes.flight)

    async def _take(self) -> bytes:
        if not self._ready and not self._ended:
            async with self._reading:
                if not self._ready and not self._ended:
                    self._ready.extend(await self._read(AHEAD, self._block))
                    self._ended = not self._ready
        return self._ready.popleft() if self._ready else b""
