"""The block lane downwards: many reads of one remote file in flight, its content handed over in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from backend.connection.connector import RemoteFile
from backend.files.assembler import InOrder
from backend.files.flight import Flight
from backend.files.lane import Context, changed
from backend.files.remote import read_fully
from backend.tasks import task_group

UNWRITTEN = 6
"""Blocks over the flight that may be asked for and not be on the disk yet: what a sudden end costs. A disk that is held
up does not hold up the path at once, and is given several at a time."""


class BlockFetch:
    """Reads `start` to `end` of a remote file."""

    def __init__(
        self, context: Context, file: RemoteFile, *, path: bytes, start: int, end: int, block: int, flight: Flight
    ) -> None:
        self._context = context
        self._file = file
        self._path = path
        self._end = end
        self._block = block
        self._flight = flight
        self._next = start
        self._assembler = InOrder(start)
        self._arrived = asyncio.Event()
        self._written = start
        self._room = asyncio.Event()
        self._readers = 0

    async def run(self, write: Callable[[list[bytes]], Awaitable[None]]) -> None:
        """Hand everything to `write`, in order; what has arrived without a gap is handed over even when this fails.

        Raises LinkLost, or FileError: SOURCE_CHANGED when the file ends before `end`.
        """
        try:
            async with task_group() as group:
                self._add_readers(group)
                await self._write_out(write)
        except asyncio.CancelledError:
            raise
        except BaseException:
            await self._flush(write)
            raise

    def _add_readers(self, group: asyncio.TaskGroup) -> None:
        while self._readers < self._flight.blocks and self._next < self._end:
            self._readers += 1
            group.create_task(self._read(group))

    async def _read(self, group: asyncio.TaskGroup) -> None:
        context, clock = self._context, self._context.clock
        try:
            while self._next < self._end and self._readers <= self._flight.blocks:
                if self._next - self._written >= self._window:
                    self._room.clear()
                    await self._room.wait()
                    continue
                offset, size = self._next, min(self._block, self._end - self._next)
                self._next += size
                await context.may_go(size)
                data = await read_fully(self._file, offset, size)
                if len(data) != size:
                    raise changed(self._path)
                context.meter.sent(size)
                self._flight.landed(size, clock.monotonic())
                self._assembler.add(offset, data)
                self._arrived.set()
                self._add_readers(group)
        finally:
            self._readers -= 1

    async def _write_out(self, write: Callable[[list[bytes]], Awaitable[None]]) -> None:
        while self._assembler.position < self._end:
            await self._arrived.wait()
            self._arrived.clear()
            await self._flush(write)

    async def _flush(self, write: Callable[[list[bytes]], Awaitable[None]]) -> None:
        while chunks := self._assembler.take(self._window // 2):
            await write(chunks)
            self._written = self._assembler.position
            self._room.set()

    @property
    def _window(self) -> int:
        return (self._flight.blocks + UNWRITTEN) * self._block
