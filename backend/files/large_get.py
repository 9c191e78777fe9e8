"""One large file from a host: resumed from a proven prefix, fetched in blocks, verified, then given its name."""

from __future__ import annotations

import asyncio
import hashlib
from functools import partial as bind

from backend.connection.connector import Attributes, OpenMode, RemoteFile
from backend.errors import Code, FileError, IntegrityError
from backend.files.block_fetch import BlockFetch
from backend.files.data_line import Line
from backend.files.flight import MOST
from backend.files.journal import journal_key
from backend.files.lane import Context, Item, ItemBytes, changed, counted, moved
from backend.files.local_tree import Hasher, LocalPartial, LocalTree
from backend.files.proof import proven_start, same_samples, verified
from backend.files.remote import read_fully
from backend.files.resume import END, Fingerprint, PartialRecord, plan_resume
from backend.tasks import background

SYNC_EVERY = 64 << 20
"""Bytes after which what was written is brought to the disk and the journal is told."""


class LargeGet:
    """One attempt over one line. What it leaves behind is enough for the next."""

    def __init__(self, context: Context, tree: LocalTree, item: Item, line: Line) -> None:
        self._context = context
        self._tree = tree
        self._item = item
        self._line = line
        host = context.request.host.encode("utf-8", "surrogateescape")
        self._key = journal_key(b"get", host, item.source, tree.path(item.parts))
        self._hasher: Hasher = hashlib.sha256()

    async def run(self) -> bool:
        """Whether the file was verified. Raises LinkLost, FileError, IntegrityError."""
        file = await self._line.channel.open(self._item.source, OpenMode.READ)
        try:
            found, source = await looked_at(file, self._item.size)
            partial = await self._context.disk.run(
                lambda: self._tree.open_partial(self._item.parts), undo=LocalPartial.close
            )
            try:
                with counted(self._context.meter, self._key, self._item) as done:
                    return await self._copy(file, source, partial, found, done)
            except FileError as error:
                if error.code is Code.SOURCE_CHANGED:  # nothing will go on from what was read of it
                    await self._discard(partial)
                raise
            finally:
                await self._context.disk.run(partial.close)
        finally:
            await file.close()

    async def _copy(
        self, file: RemoteFile, source: Fingerprint, partial: LocalPartial, found: Attributes, done: ItemBytes
    ) -> bool:
        context, item = self._context, self._item
        start = await self._start(file, source, partial)
        await context.disk.run(lambda: partial.keep(start))
        done.resume(start, context.earlier.setdefault(self._key, start))
        await context.journal.begin(self._key, PartialRecord(source, start))
        async with background(self._ask_digest(source.size)) as digest:
            await self._fetch(file, source.size, partial, done)
            if moved(await file.attributes(), found):
                raise changed(item.source)
            proven = await self._verify(partial, source.size, digest)
        await context.disk.run(lambda: partial.dress(found.mode, found.modified))
        await context.disk.run(partial.commit)
        await context.journal.forget(self._key)
        return proven

    async def _start(self, file: RemoteFile, source: Fingerprint, partial: LocalPartial) -> int:
        context, path = self._context, self._item.source
        if not partial.size:
            return 0
        plan = plan_resume(source, await context.journal.partial(self._key), partial.size)

        async def ours(length: int) -> bytes:
            self._hasher = await context.disk.run(lambda: partial.digest_prefix(length))
            return self._hasher.digest()

        start = await proven_start(
            plan,
            ours=ours,
            theirs=bind(self._line.digests.prefix, path),
            same=bind(
                same_samples,
                context,
                ours=lambda offset, size: context.disk.run(lambda: partial.read(offset, size)),
                theirs=bind(read_fully, file),
            ),
        )
        if start == 0:
            self._hasher = hashlib.sha256()
            context.note(path, plan.why_from_start)
        return start

    async def _fetch(self, file: RemoteFile, size: int, partial: LocalPartial, done: ItemBytes) -> None:
        context, line = self._context, self._line
        block = context.block(line.channel.limits.read)
        fetch = BlockFetch(
            context,
            file,
            path=self._item.source,
            start=partial.size,
            end=size,
            block=block,
            flight=context.flight(block, line.round_trip, MOST),
        )

        async def write(chunks: list[bytes]) -> None:
            await context.disk.run(lambda: partial.append(chunks, self._hasher))
            done.add(sum(map(len, chunks)))

        async with background(self._keep_marks(partial)):
            await fetch.run(write)

    async def _keep_marks(self, partial: LocalPartial) -> None:
        """Bring what was written to the disk now and then, and tell the journal; the fetch does not wait for it."""
        context, synced = self._context, partial.size
        while True:
            await context.clock.sleep(1.0)
            if partial.size - synced >= SYNC_EVERY:
                synced = partial.size
                await context.disk.run(partial.sync)
                await context.journal.advance(self._key, synced)

    async def _ask_digest(self, size: int) -> bytes | None:
        if not self._context.request.verify:
            return None
        return await self._line.digests.file(self._item.source, size)

    async def _verify(self, partial: LocalPartial, size: int, early: asyncio.Task[bytes | None]) -> bool:
        """The host hashed while it sent; when that differs, it is asked once more, now that nothing moves."""
        context, path = self._context, self._item.source
        ours = self._hasher.digest()
        if not context.request.verify:
            return False
        if await early == ours:
            return True
        try:
            digests = self._line.digests
            return await verified(context, path, ours, lambda: digests.file(path, size), lambda: digests.silence)
        except IntegrityError:
            await self._discard(partial)
            raise

    async def _discard(self, partial: LocalPartial) -> None:
        await self._context.disk.run(partial.discard)
        await self._context.journal.forget(self._key)


async def looked_at(file: RemoteFile, expected: int) -> tuple[Attributes, Fingerprint]:
    """What an open file on a host looks like, in one round trip where it has the `expected` size."""
    found, ends = await asyncio.gather(file.attributes(), _ends(file, expected))
    if (found.size or 0) != expected:
        return found, await fingerprint_of(file, found)
    return found, _fingerprint(found, ends)


async def fingerprint_of(file: RemoteFile, found: Attributes) -> Fingerprint:
    """What an open file on a host looks like, `found` being its attributes."""
    return _fingerprint(found, await _ends(file, found.size or 0))


async def _ends(file: RemoteFile, size: int) -> bytes:
    return b"".join(await asyncio.gather(read_fully(file, 0, END), read_fully(file, max(0, size - END), END)))


def _fingerprint(found: Attributes, ends: bytes) -> Fingerprint:
    return Fingerprint(found.size or 0, found.modified or 0.0, hashlib.sha256(ends).digest())
