"""Trees of a host over one SFTP channel: making the directories to a place, counting, removing. No link is followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from backend.connection.connector import Attributes, FileChannel, FileKind
from backend.errors import Code, FileError
from backend.files.contract import TreeCount
from backend.files.paths import DEEPEST, join_inside, parent_of
from backend.tasks import closing, task_group
from backend.text import show_bytes

IN_FLIGHT = 16
"""Requests under way at once."""


async def make_directories(channel: FileChannel, path: bytes) -> None:
    """`mkdir -p`: what exists is fine. Raises FileError, NOT_DIRECTORY when a file is in the way."""
    try:
        await channel.mkdir(path)
    except FileError as error:
        if error.code is Code.NOT_FOUND and parent_of(path) != path:
            await make_directories(channel, parent_of(path))
            await make_directories(channel, path)
        elif error.code in (Code.EXISTS, Code.FILE_FAILED, Code.PERMISSION):
            await _must_be_directory(channel, path, error)
        else:
            raise


async def _must_be_directory(channel: FileChannel, path: bytes, error: FileError) -> None:
    try:
        found = await channel.stat(path)
    except FileError:
        raise error from None
    if found.kind is not FileKind.DIRECTORY:
        raise FileError(Code.NOT_DIRECTORY, evidence={"path": show_bytes(path)}) from error


def _added(one: TreeCount, other: TreeCount) -> TreeCount:
    return TreeCount(
        one.files + other.files,
        one.directories + other.directories,
        one.bytes + other.bytes,
        one.unreadable + other.unreadable,
    )


async def _entries(channel: FileChannel, path: bytes) -> AsyncIterator[tuple[bytes, Attributes]]:
    async with closing(channel.scan(path)) as batches:
        async for batch in batches:
            for entry in batch:
                below = join_inside(path, entry.name)
                known = entry.attributes.kind is not FileKind.UNKNOWN
                yield below, entry.attributes if known else await channel.lstat(below)


async def count_tree(channel: FileChannel, path: bytes, depth: int = 0) -> TreeCount:
    """What a directory holds, itself included; what cannot be read, or lies too deep, is counted."""
    total = TreeCount(0, 1, 0)
    if depth > DEEPEST:
        return replace(total, unreadable=1)
    below: list[bytes] = []
    try:
        async with closing(_entries(channel, path)) as entries:
            async for name, found in entries:
                if found.kind is FileKind.DIRECTORY:
                    below.append(name)
                else:
                    total = replace(total, files=total.files + 1, bytes=total.bytes + (found.size or 0))
    except FileError:
        return replace(total, unreadable=1)
    for name in below:
        total = _added(total, await count_tree(channel, name, depth + 1))
    return total


class Removal:
    """A recursive removal with many requests under way; links are removed, never followed."""

    def __init__(self, channel: FileChannel) -> None:
        self._channel = channel
        self._slots = asyncio.Semaphore(IN_FLIGHT)

    async def directory(self, path: bytes, depth: int = 0) -> TreeCount:
        """Remove all that is in it, then itself; what that was."""
        if depth > DEEPEST:
            reason = {"path": show_bytes(path[-200:]), "reason": "it lies too deep"}
            raise FileError(Code.NAME_INVALID, evidence=reason)
        total = TreeCount(0, 0, 0)
        below: list[bytes] = []
        async with closing(_entries(self._channel, path)) as entries:
            files = [(name, found) async for name, found in entries]
        async with task_group() as group:
            for name, found in files:
                if found.kind is FileKind.DIRECTORY:
                    below.append(name)
                else:
                    group.create_task(self._remove(name))
                    total = replace(total, files=total.files + 1, bytes=total.bytes + (found.size or 0))
        for name in below:
            total = _added(total, await self.directory(name, depth + 1))
        await self._channel.rmdir(path)
        return replace(total, directories=total.directories + 1)

    async def _remove(self, path: bytes) -> None:
        async with self._slots:
            await self._channel.remove(path)
