"""Looking for names, and summing up sizes, below a directory: by reading directories, on any file system.

A host's own find(1) and du(1) are quicker where commands are allowed (`backend.files.host_search`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from backend.connection.connector import Entry, FileKind
from backend.errors import FileError
from backend.files.contract import Hit, TreeSize
from backend.files.name_pattern import NamePattern
from backend.files.paths import DEEPEST, check_component, join_inside
from backend.tasks import closing

AT_ONCE = 8
"""Directories read at once."""


class Lists(Protocol):
    """What is needed of a file system."""

    def list(self, path: bytes) -> AsyncIterator[Sequence[Entry]]: ...


class TreeReader:
    """Every entry below a directory, several directories at once, in no order. Names that are none are passed over."""

    def __init__(self, files: Lists) -> None:
        self._files = files
        self.unreadable = 0
        """Directories that could not be read."""

    async def entries(self, root: bytes) -> AsyncIterator[list[tuple[bytes, Entry]]]:
        """Batches of paths and entries. Raises the FileError of `root` itself; LinkLost."""
        todo = [root]
        found: asyncio.Queue[list[tuple[bytes, Entry]]] = asyncio.Queue(AT_ONCE)
        reading: set[asyncio.Task[None]] = set()
        try:
            while todo or reading or not found.empty():
                while todo and len(reading) < AT_ONCE:
                    path = todo.pop()
                    if path.count(b"/") - root.count(b"/") > DEEPEST:
                        self.unreadable += 1
                        continue
                    reading.add(asyncio.create_task(self._read(path, found, is_root=path == root)))
                batch = await _next(found, reading)
                todo += [path for path, entry in batch if entry.attributes.kind is FileKind.DIRECTORY]
                if batch:
                    yield batch
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)

    async def _read(self, path: bytes, found: asyncio.Queue[list[tuple[bytes, Entry]]], *, is_root: bool) -> None:
        try:
            async with closing(self._files.list(path)) as batches:
                async for batch in batches:
                    await found.put([(join_inside(path, entry.name), entry) for entry in batch if _is_name(entry.name)])
        except FileError:
            if is_root:
                raise
            self.unreadable += 1


async def _next(
    found: asyncio.Queue[list[tuple[bytes, Entry]]], reading: set[asyncio.Task[None]]
) -> list[tuple[bytes, Entry]]:
    """The next batch; an empty one when a directory has ended."""
    if not found.empty():
        return found.get_nowait()
    getting = asyncio.create_task(found.get())
    try:
        await asyncio.wait({getting, *reading}, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in reading if task.done()]:
            reading.discard(task)
            task.result()
        return getting.result() if getting.done() else []
    finally:
        if not getting.done():
            getting.cancel()


def _is_name(name: bytes) -> bool:
    try:
        check_component(name)
    except FileError:
        return False
    return True


class WalkingSearch:
    """`backend.files.contract.Search` by reading directories."""

    def __init__(self, files: Lists, path: bytes, pattern: NamePattern) -> None:
        self._reader = TreeReader(files)
        self._path = path
        self._pattern = pattern

    @property
    def unreadable(self) -> int:
        return self._reader.unreadable

    @property
    def by(self) -> str:
        return "by reading directories"

    async def hits(self) -> AsyncIterator[Sequence[Hit]]:
        async with closing(self._reader.entries(self._path)) as batches:
            async for batch in batches:
                fits = [Hit(path, entry.attributes) for path, entry in batch if self._pattern.matches(entry.name)]
                if fits:
                    yield fits
                await asyncio.sleep(0)


async def size_by_reading(files: Lists, path: bytes) -> TreeSize:
    """The sum of all files' sizes."""
    reader, total = TreeReader(files), 0
    async with closing(reader.entries(path)) as batches:
        async for batch in batches:
            total += sum(
                entry.attributes.size or 0 for _, entry in batch if entry.attributes.kind is not FileKind.DIRECTORY
            )
    return TreeSize(total, reader.unreadable)
