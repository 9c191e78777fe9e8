"""One large file of a host as what is sent to another one, or copied by the host itself where both are the same."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

from backend.connection.connector import Attributes, OpenMode, RemoteFile
from backend.errors import FairleadError
from backend.files.block_fetch import BlockFetch
from backend.files.data_line import Line
from backend.files.flight import MOST
from backend.files.host_copy import copy_there
from backend.files.lane import Context, moved
from backend.files.large_get import fingerprint_of
from backend.files.local_tree import Hasher
from backend.files.remote import read_fully
from backend.files.resume import Fingerprint
from backend.tasks import closing

PIECE = 32 << 20
"""Bytes that the host is asked to copy at once: between two pieces it is told how far it is, and can be stopped."""


class HostSource:
    """See `backend.files.large_source.LargeSource`."""

    sparse = True
    """SFTP does not tell: zeros may always be holes."""

    def __init__(
        self, context: Context, line: Line, path: bytes, file: RemoteFile, found: Attributes, *, there: bool
    ) -> None:
        self._there = there
        self._context = context
        self._line = line
        self._path = path
        self._file = file
        self._at = 0
        self._read: Hasher | None = hashlib.sha256()
        """Of what was read, as long as that is everything from the start."""
        self._chunks: asyncio.Queue[list[bytes] | FairleadError] = asyncio.Queue()
        self._fetching: asyncio.Task[None] | None = None
        self.attributes = found
        self.silence = ""

    @classmethod
    async def open(cls, context: Context, line: Line, path: bytes, *, there: bool) -> HostSource:
        """`context` and `line` are those of the host that it is on; `there`: where it goes to as well."""
        file = await line.channel.open(path, OpenMode.READ)
        try:
            return cls(context, line, path, file, await file.attributes(), there=there)
        except BaseException:
            await file.close()
            raise

    @property
    def size(self) -> int:
        return self.attributes.size or 0

    async def hashes(self) -> bool:
        return await self._line.digests.available()

    async def fingerprint(self) -> Fingerprint:
        return await fingerprint_of(self._file, self.attributes)

    async def skip(self, length: int) -> bytes | None:
        self._at = length
        self._read = None if length else hashlib.sha256()
        return self._heard(await self._line.digests.prefix(self._path, length)) if length else hashlib.sha256().digest()

    async def read_at(self, offset: int, size: int) -> bytes:
        return await read_fully(self._file, offset, size)

    # --- through this machine ------------------------------------------------------------------------------------

    async def blocks(self, count: int, block: int) -> list[bytes]:
        if self._at >= self.size:
            return []
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(block))
        chunks = await self._chunks.get()
        self._chunks.task_done()
        if isinstance(chunks, FairleadError):
            raise chunks
        self._at += sum(map(len, chunks))
        if (hasher := self._read) is not None:
            await self._context.disk.run(lambda: hasher.update(b"".join(chunks)))
        return chunks

    async def _fetch(self, block: int) -> None:
        fetch = BlockFetch(
            self._context,
            self._file,
            path=self._path,
            start=self._at,
            end=self.size,
            block=block,
            flight=self._context.flight(block, self._line.round_trip, MOST),
        )
        try:
            await fetch.run(self._deliver)
        except FairleadError as error:  # after what had arrived
            self._chunks.put_nowait(error)

    async def _deliver(self, chunks: list[bytes]) -> None:
        """Returns when they are taken; whoever stops waiting for that has delivered them all the same."""
        self._chunks.put_nowait(chunks)
        await self._chunks.join()

    # --- within the host -----------------------------------------------------------------------------------------

    async def copies(self, file: RemoteFile, path: bytes, start: int) -> AsyncIterator[int]:
        if not self._there:
            return
        if start == 0:
            async with closing(copy_there(self._line.link, self._context.clock, self._path, path, file)) as copied:
                async for end in copied:
                    yield self._copied(end)
        async with closing(self._pieces(file)) as pieces:
            async for end in pieces:
                yield self._copied(end)

    async def _pieces(self, file: RemoteFile) -> AsyncIterator[int]:
        while self._at < self.size:
            await self._context.gate.passed()
            size = min(PIECE, self.size - self._at)
            if not await file.copy_from(self._file, self._at, size):
                return
            yield self._at + size

    def _copied(self, end: int) -> int:
        self._at, self._read = min(end, self.size), None
        return self._at

    # --- the end -------------------------------------------------------------------------------------------------

    async def changed(self) -> bool:
        return moved(await self._file.attributes(), self.attributes)

    async def digest(self) -> bytes | None:
        told = self._heard(await self._line.digests.file(self._path, self.size))
        return self._read.digest() if told is None and self._read is not None else told

    def _heard(self, digest: bytes | None) -> bytes | None:
        self.silence = "" if digest is not None else f"on {self._context.host}, {self._line.digests.silence}"
        return digest

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])
        await self._file.close()
