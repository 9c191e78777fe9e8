"""What one large file is read from while it is sent to a host: a file of this machine here, one of another host in
`host_source`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from backend.connection.connector import Attributes, RemoteFile
from backend.files.disk import Disk
from backend.files.local_source import LocalSource
from backend.files.resume import Fingerprint


class LargeSource(Protocol):
    """An open file and how far it was read. Raises FileError, or LinkLost where it is on a host."""

    @property
    def attributes(self) -> Attributes:
        """When it was opened."""
        ...

    @property
    def size(self) -> int: ...

    @property
    def sparse(self) -> bool:
        """Whether zeros of it may be holes."""
        ...

    @property
    def silence(self) -> str:
        """Why `digest` is not its own machine's word, for people; empty where it is."""
        ...

    async def hashes(self) -> bool:
        """Whether `skip` tells digests."""
        ...

    async def fingerprint(self) -> Fingerprint: ...

    async def skip(self, length: int) -> bytes | None:
        """Go on from `length`; SHA-256 of what is before, None where that cannot be told."""
        ...

    async def read_at(self, offset: int, size: int) -> bytes: ...

    async def blocks(self, count: int, block: int) -> list[bytes]:
        """The next blocks up to the size it had at first; empty at its end. Only the last may be short."""
        ...

    def copies(self, file: RemoteFile, path: bytes, start: int) -> AsyncIterator[int]:
        """Have its host copy it to `file`, which is open there as `path`, from `start` on.

        Yields how far that is. `blocks` gives the rest: everything, where it is on another machine or its host cannot.
        """
        ...

    async def changed(self) -> bool:
        """Whether size or time are no longer what they were."""
        ...

    async def digest(self) -> bytes | None:
        """SHA-256 of the whole, when all was read or copied; None where nobody can tell."""
        ...

    async def close(self) -> None: ...


class DiskSource:
    """See `LargeSource`."""

    silence = ""

    def __init__(self, disk: Disk, source: LocalSource) -> None:
        self._disk = disk
        self._source = source

    @classmethod
    async def open(cls, disk: Disk, path: bytes, *, follow: bool) -> DiskSource:
        """As `LocalSource`."""
        return cls(disk, await disk.run(lambda: LocalSource(path, follow=follow), undo=LocalSource.close))

    @property
    def attributes(self) -> Attributes:
        return self._source.attributes

    @property
    def size(self) -> int:
        return self._source.size

    @property
    def sparse(self) -> bool:
        return self._source.sparse

    async def hashes(self) -> bool:
        return True

    async def fingerprint(self) -> Fingerprint:
        return await self._disk.run(self._source.fingerprint)

    async def skip(self, length: int) -> bytes:
        return await self._disk.run(lambda: self._source.skip(length))

    async def read_at(self, offset: int, size: int) -> bytes:
        return await self._disk.run(lambda: self._source.read_at(offset, size))

    async def blocks(self, count: int, block: int) -> list[bytes]:
        return await self._disk.run(lambda: self._source.blocks(count, block))

    async def copies(self, file: RemoteFile, path: bytes, start: int) -> AsyncIterator[int]:
        nothing: tuple[int, ...] = ()
        for end in nothing:
            yield end

    async def changed(self) -> bool:
        return await self._disk.run(self._source.changed)

    async def digest(self) -> bytes:
        return self._source.hasher.digest()

    async def close(self) -> None:
        await self._disk.run(self._source.close)
