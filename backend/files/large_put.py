"""One large file to a host: resumed from a proven prefix, sent in blocks, verified there, then given its name."""

from __future__ import annotations

import asyncio
from functools import partial as bind

from backend.connection.connector import FileChannel, FileKind, OpenMode, RemoteFile
from backend.errors import Code, FileError, IntegrityError
from backend.files.block_send import BlockSend
from backend.files.data_line import Line
from backend.files.journal import journal_key
from backend.files.lane import Context, Item, ItemBytes, changed, counted
from backend.files.local_source import LocalSource
from backend.files.local_tree import PERMISSIONS
from backend.files.partial import partial_name
from backend.files.paths import join_inside
from backend.files.proof import proven_start, same_samples, verified
from backend.files.remote import lstat_or_none, read_fully, refuse_directory
from backend.files.resume import PartialRecord, plan_resume
from backend.files.tasks import background, task_group
from backend.text import show_bytes

MOST = 16
"""Blocks in flight at most: what is over the server's window (2 MiB with OpenSSH) waits in our own memory."""
MARK_EVERY = 0.05
"""Seconds between two marks in the journal at least."""


class LargePut:
    """One attempt over one line. What it leaves behind is enough for the next."""

    def __init__(self, context: Context, item: Item, line: Line) -> None:
        self._context = context
        self._item = item
        self._line = line
        self._final = join_inside(item.anchor, *item.parts)
        host = context.request.host.encode("utf-8", "surrogateescape")
        self._key = journal_key(b"put", host, item.source, self._final)
        salt = journal_key(context.state, self._key)
        self._partial = join_inside(item.anchor, *item.parts[:-1], partial_name(item.parts[-1], salt))

    async def run(self) -> bool:
        """Whether the file was verified. Raises LinkLost, FileError, IntegrityError."""
        disk = self._context.disk
        follow = self._item.named or self._context.request.follow_symlinks
        source = await disk.run(lambda: LocalSource(self._item.source, follow=follow))
        try:
            with counted(self._context.meter) as done:
                return await self._copy(source, done)
        finally:
            await disk.run(source.close)

    async def _copy(self, source: LocalSource, done: ItemBytes) -> bool:
        context, channel = self._context, self._line.channel
        looks = await context.disk.run(source.fingerprint)
        there = await self._look(channel)
        start = await self._start(source, there) if there else 0
        await context.disk.run(lambda: source.skip(start))
        await context.journal.begin(self._key, PartialRecord(looks, start))
        file = await channel.open(self._partial, OpenMode.UPDATE, 0o600)
        try:
            if there and there != start:
                await file.truncate(start)
            done.resume(start, context.earlier.setdefault(self._key, start))
            async with background(self._find_tools()):
                await self._send(file, source, start, done)
            await self._check_size(file, source)
            await file.sync()
        finally:
            await file.close()
        async with task_group() as group:
            proof = group.create_task(self._verify(source))
            group.create_task(self._dress(channel, source))
        await channel.replace(self._partial, self._final)
        await context.journal.forget(self._key)
        return proof.result()

    async def _look(self, channel: FileChannel) -> int | None:
        """The size of what an earlier attempt left. IS_DIRECTORY when a directory has the final name."""
        paths = (self._final, self._partial)
        final, partial = await asyncio.gather(*(lstat_or_none(channel, path) for path in paths))
        refuse_directory(final, self._final)
        if partial is not None and partial.kind is not FileKind.FILE:  # a link planted to lead the content astray
            raise FileError(Code.EXISTS, evidence={"path": show_bytes(self._partial)})
        return partial.size if partial is not None else None

    async def _start(self, source: LocalSource, there: int) -> int:
        context, line = self._context, self._line
        looks = await context.disk.run(source.fingerprint)
        record = await context.journal.partial(self._key)
        hashes = await line.digests.available()
        flight = MOST * context.block(line.channel.limits.write)
        plan = plan_resume(looks, record, there, in_order=hashes, flight=flight)
        start = await proven_start(
            plan,
            ours=lambda length: context.disk.run(lambda: source.skip(length)),
            theirs=bind(line.digests.prefix, self._partial),
            same=bind(self._same, source),
        )
        if start == 0:
            context.note(self._item.source, plan.why_from_start)
        return start

    async def _same(self, source: LocalSource, length: int) -> bool:
        disk = self._context.disk
        file = await self._line.channel.open(self._partial, OpenMode.READ)
        try:
            return await same_samples(
                self._context,
                length,
                ours=lambda offset, size: disk.run(lambda: source.read_at(offset, size)),
                theirs=bind(read_fully, file),
            )
        finally:
            await file.close()

    async def _send(self, file: RemoteFile, source: LocalSource, start: int, done: ItemBytes) -> None:
        context, line = self._context, self._line
        block = context.block(line.channel.limits.write)
        flight = context.flight(block, line.round_trip, MOST)
        send = BlockSend(context, file, start=start, block=block, flight=flight, landed=done.add)
        try:
            async with background(self._keep_marks(send, start)):
                await send.run(lambda count, size: context.disk.run(lambda: source.blocks(count, size)))
        except BaseException:
            await context.journal.advance(self._key, send.mark)
            raise

    async def _keep_marks(self, send: BlockSend, start: int) -> None:
        """Keep the journal's mark as fresh as the data."""
        known = start
        while True:
            await self._context.clock.sleep(MARK_EVERY)
            if send.mark != known:
                known = send.mark
                await self._context.journal.advance(self._key, known)

    async def _check_size(self, file: RemoteFile, source: LocalSource) -> None:
        if await self._context.disk.run(source.changed):
            raise changed(self._item.source)
        there = (await file.attributes()).size
        if there is not None and there != source.size:
            message = f"{show_bytes(self._final)}: the host has {there} bytes of {source.size} that it acknowledged."
            raise FileError(Code.FILE_FAILED, message, evidence={"path": show_bytes(self._final)})

    async def _find_tools(self) -> None:
        """Ask while the content travels how the host can hash it; on a long path that saves some round trips."""
        if self._context.request.verify:
            await self._line.digests.available()

    async def _verify(self, source: LocalSource) -> bool:
        if not self._context.request.verify:
            return False
        digests = self._line.digests
        try:
            return await verified(
                self._context,
                self._final,
                source.hasher.digest(),
                lambda: digests.file(self._partial, source.size),
            )
        except IntegrityError:
            await self._line.channel.remove(self._partial)
            await self._context.journal.forget(self._key)
            raise

    async def _dress(self, channel: FileChannel, source: LocalSource) -> None:
        found = source.attributes
        mode = None if found.mode is None else found.mode & PERMISSIONS
        await channel.set_attributes(self._partial, mode=mode, modified=found.modified)
