"""The beginning, the end and the growth of a file, without fetching the rest of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from backend.clock import Clock
from backend.connection.connector import Attributes
from backend.tasks import closing

BLOCK = 65536
"""Bytes of one look backwards."""
EVERY = 1.0
"""Seconds between two looks at whether a file has grown."""


class Reads(Protocol):
    """What is needed of a file system."""

    async def stat(self, path: bytes, *, follow: bool = True) -> Attributes: ...

    def read(self, path: bytes, *, start: int = 0, limit: int | None = None) -> AsyncIterator[bytes]: ...


async def first_lines(files: Reads, path: bytes, count: int) -> AsyncIterator[bytes]:
    """The first `count` lines, in pieces."""
    if count == 0:
        return
    async with closing(files.read(path)) as pieces:
        async for piece in pieces:
            found = piece.count(b"\n")
            if found >= count:
                yield piece[: _after_line(piece, count)]
                return
            count -= found
            yield piece


def _after_line(data: bytes, count: int) -> int:
    """The offset behind the `count`th newline."""
    at = -1
    for _ in range(count):
        at = data.index(b"\n", at + 1)
    return at + 1


async def last_lines_start(files: Reads, path: bytes, size: int, count: int) -> int:
    """The offset at which the last `count` lines of `size` bytes begin. A newline at the very end begins no line."""
    if count == 0:
        return size
    end, wanted = size, count + 1
    while end > 0:
        start = max(0, end - BLOCK)
        block = b"".join([piece async for piece in files.read(path, start=start, limit=end - start)])
        if end == size and not block.endswith(b"\n"):
            wanted -= 1
        at = len(block)
        while (at := block.rfind(b"\n", 0, at)) >= 0:
            wanted -= 1
            if wanted == 0:
                return start + at + 1
        end = start
    return 0


async def growth(files: Reads, path: bytes, start: int, clock: Clock) -> AsyncIterator[bytes | None]:
    """What is added behind `start`, as it comes, for ever; None when the file has become shorter and begins anew.

    Raises FileError, as when it is gone for good (after log rotation the name may be another file: that is followed).
    """
    at = start
    while True:
        size = (await files.stat(path)).size or 0
        if size < at:
            at = 0
            yield None
        if size > at:
            async with closing(files.read(path, start=at)) as pieces:
                async for piece in pieces:
                    at += len(piece)
                    yield piece
        await clock.sleep(EVERY)
