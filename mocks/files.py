"""The files of a simulated host as they are seen over SFTP: each request takes a trip over the wire."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import count, islice
from typing import Any, Final

from backend.connection.connector import Attributes, Entry, FileLimits, OpenMode, RemoteFile, Space
from backend.errors import Code, FileError, SessionError
from mocks.host import SimulatedHost, User
from mocks.nodes import Device, Directory, File, Node, attributes_of
from mocks.wire import Wire

_REQUEST: Final = 60
"""Bytes of a request or an answer without data, about."""
_NAMES_AT_ONCE: Final = 100
_BATCHES_A_TRIP: Final = 16
"""Directory requests that are under way at once."""
_SHORT_READ: Final = 0.05
"""How often the server gives less than was asked for."""


class SimulatedFiles:
    """`backend.connection.connector.FileChannel`."""

    def __init__(self, host: SimulatedHost, user: User, wire: Wire, *, gone: Callable[[Any], None]) -> None:
        self._host = host
        self._tree = host.tree
        self._home = host.home_of(user.name)
        self._actor = user.actor
        self._wire = wire
        self._gone = gone
        self._closed = False
        self._random = random.Random(host.name)
        self.open_files = 0

    @property
    def limits(self) -> FileLimits:
        return FileLimits(read=261120, write=261120, open_files=1019)

    @property
    def ended(self) -> bool:
        return self._closed

    async def resolve(self, path: bytes) -> bytes:
        await self._trip()
        return self._tree.find(self._absolute(path), self._actor).path

    async def stat(self, path: bytes) -> Attributes:
        await self._trip()
        return self._describe(self._tree.get(self._absolute(path), self._actor))

    async def lstat(self, path: bytes) -> Attributes:
        await self._trip()
        return self._describe(self._tree.get(self._absolute(path), self._actor, follow=False))

    async def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        await self._trip()
        directory = self._tree.directory(self._absolute(path), self._actor)
        names, entries = iter(directory.names()), directory.entries
        for number in count():
            batch = [self._entry(directory, name) for name in islice(names, _NAMES_AT_ONCE) if name in entries]
            if not batch:
                return
            await (self._trip(down=len(batch) * _REQUEST) if number % _BATCHES_A_TRIP == 0 else asyncio.sleep(0))
            self._wire.check()
            yield batch

    async def open(self, path: bytes, mode: OpenMode, permissions: int | None = None) -> SimulatedFile:
        await self._trip()
        if self.open_files >= self.limits.open_files:
            raise self._tree.failure(Code.FILE_FAILED, path, "Failure")
        absolute = self._absolute(path)
        if mode is OpenMode.READ:
            node = self._tree.open_reading(absolute, self._actor)
        elif mode is OpenMode.UPDATE:
            self._tree.open_reading(absolute, self._actor)
            node = self._tree.open_writing(absolute, self._actor)
        else:
            exclusive = mode is OpenMode.EXCLUSIVE
            node = self._tree.open_writing(absolute, self._actor, exclusive=exclusive, mode=permissions)
            if mode is OpenMode.CREATE:
                self._tree.truncate(node, 0, absolute)
        return SimulatedFile(self, node, absolute, writable=mode is not OpenMode.READ)

    async def mkdir(self, path: bytes, permissions: int | None = None) -> None:
        await self._trip()
        self._tree.mkdir(self._absolute(path), self._actor, permissions)

    async def rmdir(self, path: bytes) -> None:
        await self._trip()
        self._tree.rmdir(self._absolute(path), self._actor)

    async def remove(self, path: bytes) -> None:
        await self._trip()
        self._tree.remove(self._absolute(path), self._actor)

    async def rename(self, old: bytes, new: bytes) -> None:
        await self._trip()
        self._tree.rename(self._absolute(old), self._absolute(new), self._actor)

    async def replace(self, old: bytes, new: bytes) -> None:
        await self._trip()
        self._tree.replace(self._absolute(old), self._absolute(new), self._actor)

    async def readlink(self, path: bytes) -> bytes:
        await self._trip()
        return self._tree.readlink(self._absolute(path), self._actor)

    async def symlink(self, link: bytes, points_to: bytes) -> None:
        await self._trip()
        self._tree.symlink(self._absolute(link), points_to, self._actor)

    async def hardlink(self, path: bytes, existing: bytes) -> None:
        await self._trip()
        self._tree.hardlink(self._absolute(path), self._absolute(existing), self._actor)

    async def set_attributes(
        self,
        path: bytes,
        *,
        mode: int | None = None,
        modified: float | None = None,
        owner: tuple[int, int] | None = None,
        follow: bool = True,
    ) -> None:
        await self._trip()
        self._tree.set_attributes(
            self._absolute(path), self._actor, mode=mode, modified=modified, owner=owner, follow=follow
        )

    async def account_names(
        self, users: Sequence[int], groups: Sequence[int]
    ) -> tuple[Mapping[int, str], Mapping[int, str]]:
        await self._trip()
        return {uid: self._host.user_name(uid) for uid in users}, {gid: self._host.group_name(gid) for gid in groups}

    async def space(self, path: bytes) -> Space | None:
        await self._trip()
        self._tree.get(self._absolute(path), self._actor)
        return self._tree.space()

    async def close(self) -> None:
        self._closed = True
        self._gone(self)

    # --- for open files --------------------------------------------------------------------------------------

    async def read(self, node: File | Device, offset: int, size: int) -> bytes:
        size = min(size, self.limits.read)
        if size > 1 and self._random.random() < _SHORT_READ:
            size = self._random.randrange(1, size)
        if isinstance(node, File):
            data = node.content.read(offset, size)
        else:
            data = node.fill(offset, size) if node.fill else b""
        await self._trip(down=len(data))
        return data

    async def write(self, node: File | Device, offset: int, data: bytes, path: bytes) -> None:
        await self._trip(up=len(data))
        self._tree.write(node, offset, data, path)

    async def copy(self, source: File | Device, node: File | Device, offset: int, size: int, path: bytes) -> None:
        """Within the host: nothing of it passes the wire."""
        await self._trip()
        if isinstance(source, File):
            self._tree.write(node, offset, source.content.read(offset, size), path)

    async def change(self, node: File | Device, size: int, path: bytes) -> None:
        await self._trip()
        self._tree.truncate(node, size, path)

    async def attributes(self, node: Node) -> Attributes:
        await self._trip()
        return self._describe(node)

    def failure(self, code: Code, path: bytes, reason: str = "") -> FileError:
        """A FileError about `path` on this host."""
        return self._tree.failure(code, path, reason)

    async def _trip(self, up: int = 0, down: int = 0) -> None:
        if self._closed:
            self._wire.check()
            raise SessionError(Code.SFTP_UNAVAILABLE, "The file channel was closed.", host=self._host.name)
        await self._wire.trip(_REQUEST + up, _REQUEST + down)

    def _absolute(self, path: bytes) -> bytes:
        return path if path.startswith(b"/") else self._home.rstrip(b"/") + b"/" + path

    def _entry(self, directory: Directory, name: bytes) -> Entry:
        return Entry(name, self._describe(directory.peek(name)))

    def _describe(self, node: Node) -> Attributes:
        return attributes_of(node, self._host.user_name(node.uid), self._host.group_name(node.gid))


class SimulatedFile:
    """`backend.connection.connector.RemoteFile`."""

    def __init__(self, files: SimulatedFiles, node: File | Device, path: bytes, *, writable: bool) -> None:
        self._files = files
        self._node = node
        self._path = path
        self._writable = writable
        self._closed = False
        files.open_files += 1

    async def read(self, offset: int, size: int) -> bytes:
        self._check()
        return await self._files.read(self._node, offset, size)

    async def write(self, offset: int, data: bytes) -> None:
        self._check(writing=True)
        limit = self._files.limits.write
        for start in range(0, len(data), limit):
            await self._files.write(self._node, offset + start, data[start : start + limit], self._path)

    async def attributes(self) -> Attributes:
        self._check()
        return await self._files.attributes(self._node)

    async def truncate(self, size: int) -> None:
        self._check(writing=True)
        await self._files.change(self._node, size, self._path)

    async def copy_from(self, source: RemoteFile, offset: int, size: int) -> bool:
        if not isinstance(source, SimulatedFile) or source._files is not self._files:
            return False
        self._check(writing=True)
        await self._files.copy(source._node, self._node, offset, size, self._path)
        return True

    async def sync(self) -> bool:
        self._check()
        await self._files.attributes(self._node)
        return True

    async def finish(self) -> None:
        await self.sync()
        await self.close()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._files.open_files -= 1

    def _check(self, *, writing: bool = False) -> None:
        if self._closed:
            raise self._files.failure(Code.FILE_FAILED, self._path, "the file is closed")
        if writing and not self._writable:
            raise self._files.failure(Code.PERMISSION, self._path)
