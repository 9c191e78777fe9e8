"""The two ends of a sync behind one contract: nobody above knows which of them is this machine.

Every method raises FileError only, or what ended the session for good; lost links are mended inside.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from backend.clock import Clock
from backend.connection.connector import Attributes, Entry, FileChannel, FileKind, OpenMode
from backend.connection.session import Session
from backend.errors import Code, FileError
from backend.files.carry_get import HostTree, steadily
from backend.files.contract import FileSystem
from backend.files.data_line import DataConnection, Line
from backend.files.disk import Disk
from backend.files.lane import Parts
from backend.files.local import LocalFileSystem
from backend.files.local_tree import PERMISSIONS, LocalTree
from backend.files.paths import join_inside
from backend.files.problems import local_attributes, told
from backend.files.remote import RemoteFileSystem, lstat_or_none, read_fully
from backend.files.sync.batches import Batches
from backend.tasks import closing, task_group

T = TypeVar("T")

_PIECE = 16 << 20
_AHEAD = 8
"""Blocks of one file under way at once, where a host's files have to be read to be compared."""

Check = Callable[[Attributes], bool]
"""Whether what is there is still what a plan saw."""


class Side(Protocol):
    """One end. Paths are absolute; what is changed is named by a directory that nothing leaves, and names below it."""

    @property
    def host(self) -> str | None:
        """None for this machine."""
        ...

    @property
    def unhashed(self) -> str:
        """Why contents are read over the link to compare them, for people; empty where they are not."""
        ...

    async def look(self, work: Callable[[FileSystem], Awaitable[T]]) -> T:
        """What `work`, which may be done twice, finds out of the files there."""
        ...

    def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]: ...

    async def stat(self, path: bytes, *, follow: bool) -> Attributes: ...

    async def readlink(self, path: bytes) -> bytes: ...

    async def digest(self, path: bytes, size: int) -> bytes | None:
        """SHA-256 of a file of about `size` bytes; None when it cannot be read."""
        ...

    async def remove(self, anchor: bytes, parts: Parts, check: Check) -> bool:
        """Remove a file, link or empty directory. False when what is there does not pass `check`; it stays then.

        What is gone already counts as removed.
        """
        ...

    async def adjust(self, anchor: bytes, parts: Parts, *, mode: int | None, modified: float | None) -> None:
        """Give a file or directory its mode and time; links are not followed."""
        ...

    async def rest(self) -> None:
        """Others need the host's sessions for a while; the next call begins anew."""
        ...

    async def close(self) -> None: ...


class LocalSide:
    """This machine."""

    host: str | None = None
    unhashed = ""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._files = LocalFileSystem()
        self._trees: dict[bytes, LocalTree] = {}
        self._slots = asyncio.Semaphore(2)

    async def look(self, work: Callable[[FileSystem], Awaitable[T]]) -> T:
        return await work(self._files)

    def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        return self._files.list(path)

    async def stat(self, path: bytes, *, follow: bool) -> Attributes:
        return await self._files.stat(path, follow=follow)

    async def readlink(self, path: bytes) -> bytes:
        return await self._files.readlink(path)

    async def digest(self, path: bytes, size: int) -> bytes | None:
        async with self._slots:
            try:
                return await self._digest(path)
            except FileError:
                return None

    async def _digest(self, path: bytes) -> bytes:
        hasher, offset = hashlib.sha256(), 0

        def begin() -> int:
            with told(path):
                return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)

        def go_on() -> int:
            with told(path):
                data = os.pread(descriptor, _PIECE, offset)
            hasher.update(data)
            return len(data)

        descriptor = await self._disk.run(begin, os.close)
        try:
            while size := await self._disk.run(go_on):
                offset += size
        finally:
            os.close(descriptor)
        return hasher.digest()

    async def remove(self, anchor: bytes, parts: Parts, check: Check) -> bool:
        return await self._disk.run(lambda: _remove_here(self._tree(anchor), parts, check))

    async def adjust(self, anchor: bytes, parts: Parts, *, mode: int | None, modified: float | None) -> None:
        await self._disk.run(lambda: self._tree(anchor).dress(parts, mode, modified))

    def _tree(self, anchor: bytes) -> LocalTree:
        return self._trees.setdefault(anchor, LocalTree(anchor))

    async def rest(self) -> None:
        return None

    async def close(self) -> None:
        for tree in self._trees.values():
            await self._disk.run(tree.close)


def _remove_here(tree: LocalTree, parts: Parts, check: Check) -> bool:
    try:
        holder = tree.directory(parts[:-1])
        try:
            with told(tree.path(parts)):
                return _remove_from(holder, tree, parts, check)
        finally:
            os.close(holder)
    except FileError as error:
        if error.code is not Code.NOT_FOUND:
            raise
    return True


def _remove_from(holder: int, tree: LocalTree, parts: Parts, check: Check) -> bool:
    name = parts[-1]
    found = local_attributes(os.stat(name, dir_fd=holder, follow_symlinks=False))
    if not check(found):
        return False
    if found.kind is FileKind.DIRECTORY:
        tree.forget(parts)
        os.rmdir(name, dir_fd=holder)
    else:
        os.unlink(name, dir_fd=holder)
    return True


class HostSide:
    """A host."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.host: str = session.host
        self.data = DataConnection(session, clock, progress=lambda: self._answers, on_state=lambda loss: None)
        self.unhashed = ""
        self._answers = 0
        """How much has been heard: as long as it grows, a lossy link is worth going on with."""
        self._session = session
        self._tree = HostTree(self)
        self._batches = Batches(self._ask)
        self._slots = asyncio.Semaphore(4)

    async def look(self, work: Callable[[FileSystem], Awaitable[T]]) -> T:
        return await self._steadily(lambda line: work(RemoteFileSystem(self._session, line.give_channel)))

    async def _steadily(self, work: Callable[[Line], Awaitable[T]]) -> T:
        answer = await steadily(self, work)
        self._answers += 1
        return answer

    async def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        async with closing(self._tree.scan(path)) as batches:
            async for batch in batches:
                self._answers += 1
                yield batch

    async def stat(self, path: bytes, *, follow: bool) -> Attributes:
        return await self._tree.stat(path, follow=follow)

    async def readlink(self, path: bytes) -> bytes:
        return await self._steadily(lambda line: line.channel.readlink(path))

    async def digest(self, path: bytes, size: int) -> bytes | None:
        answer = await self._batches.ask(path, size)
        if not isinstance(answer, str):
            return answer
        self.unhashed = answer
        async with self._slots:
            try:
                return await self._steadily(lambda line: _read_to_hash(line.channel, path))
            except FileError:
                return None

    async def _ask(self, sizes: Mapping[bytes, int]) -> Mapping[bytes, bytes] | str:
        async def ask(line: Line) -> Mapping[bytes, bytes] | str:
            digests = line.digests
            found = await digests.files(list(sizes), sum(sizes.values()))
            return digests.silence if found is None else found

        return await self._steadily(ask)

    async def remove(self, anchor: bytes, parts: Parts, check: Check) -> bool:
        return await self._steadily(lambda line: _remove_there(line.channel, join_inside(anchor, *parts), check))

    async def adjust(self, anchor: bytes, parts: Parts, *, mode: int | None, modified: float | None) -> None:
        path = join_inside(anchor, *parts)
        kept = None if mode is None else mode & PERMISSIONS
        await self._steadily(lambda line: line.channel.set_attributes(path, mode=kept, modified=modified, follow=False))

    async def rest(self) -> None:
        await self.data.close()

    async def close(self) -> None:
        await self._batches.close()
        await self.data.close()


async def _remove_there(channel: FileChannel, path: bytes, check: Check) -> bool:
    found = await lstat_or_none(channel, path)
    if found is None:
        return True
    if not check(found):
        return False
    try:
        await (channel.rmdir(path) if found.kind is FileKind.DIRECTORY else channel.remove(path))
    except FileError as error:
        if error.code is not Code.NOT_FOUND:
            raise
    return True


async def _read_to_hash(channel: FileChannel, path: bytes) -> bytes:
    """SHA-256 of a file, by reading it."""
    hasher, block = hashlib.sha256(), max(1, channel.limits.read)
    file = await channel.open(path, OpenMode.READ)
    try:
        offset = 0
        while True:
            async with task_group() as group:
                tasks = [
                    group.create_task(read_fully(file, offset + number * block, block)) for number in range(_AHEAD)
                ]
            for task in tasks:
                data = task.result()
                await asyncio.to_thread(hasher.update, data)
                if len(data) < block:
                    return hasher.digest()
            offset += _AHEAD * block
    finally:
        await file.close()
