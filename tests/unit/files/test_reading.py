"""Reading a host's file in order, also while somebody writes to it."""

from __future__ import annotations

import asyncio
import random
from typing import cast

from backend.connection.connector import FileChannel, FileLimits, OpenMode, RemoteFile
from backend.connection.session import Session
from backend.files.remote import RemoteFileSystem

BLOCK = 1000
WHOLE = random.Random(3).randbytes(5 * BLOCK)


class GrowingFile:
    """Ends at `end` until that end was met; then all of it is there, before anything later is answered."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._met = asyncio.Event()

    async def read(self, offset: int, size: int) -> bytes:
        if offset > self._end:
            await self._met.wait()
        data = WHOLE[offset : min(offset + size, self._end)]
        if offset == self._end:
            self._met.set()
            self._end = len(WHOLE)
        return data

    async def close(self) -> None: ...


class OneFile:
    """A channel that has one file."""

    limits = FileLimits(read=BLOCK, write=BLOCK)

    def __init__(self, end: int) -> None:
        self._end = end

    async def open(self, path: bytes, mode: OpenMode) -> RemoteFile:
        return cast(RemoteFile, GrowingFile(self._end))


async def read(end: int, **span: int) -> bytes:
    async def channel() -> FileChannel:
        return cast(FileChannel, OneFile(end))

    files = RemoteFileSystem(cast(Session, None), channel)
    async with asyncio.timeout(5):
        return b"".join([data async for data in files.read(b"/log", **span)])


async def test_a_file_that_grows_while_it_is_read_has_no_gap() -> None:
    for end in (BLOCK // 2, BLOCK * 3 // 2, BLOCK * 5 // 2):
        assert await read(end) == WHOLE


async def test_a_part_of_a_growing_file_has_no_gap_and_is_not_longer_than_asked() -> None:
    assert await read(BLOCK * 3 // 2, start=100, limit=3 * BLOCK) == WHOLE[100 : 100 + 3 * BLOCK]


async def test_a_file_that_stays_is_read_to_its_end() -> None:
    assert await read(len(WHOLE)) == WHOLE
