"""One large file to a host: resumed from a proven prefix, sent in blocks, verified there, then given its name."""

from __future__ import annotations

import asyncio
import stat
from functools import partial as bind

from backend.connection.connector import Attributes, FileKind, OpenMode, RemoteFile
from backend.errors import Code, FileError, IntegrityError
from backend.files.block_send import BlockSend
from backend.files.data_line import Line
from backend.files.journal import journal_key
from backend.files.lane import Context, Item, ItemBytes, changed, counted
from backend.files.local_source import LocalSource
from backend.files.local_tree import PERMISSIONS
from backend.files.partial import partial_name
from backend.files.paths import join_inside
from backend.files.proof import not_compared, proven_start, same_samples, verified
from backend.files.remote import lstat_or_none, read_fully, refuse_directory
from backend.files.remote_partial import create_new, is_ours, reopen
from backend.files.resume import Fingerprint, PartialRecord, Restart, plan_resume
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
            with counted(self._context.meter, self._key) as done:
                return await self._copy(source, done)
        finally:
            await disk.run(source.close)

    async def _copy(self, source: LocalSource, done: ItemBytes) -> bool:
        context = self._context
        looks = await context.disk.run(source.fingerprint)
        record = await context.journal.partial(self._key)
        final, partial = await self._look()
        if partial is None and record == PartialRecord(looks, source.size):
            verified = await self._in_place(source, final)
            if verified is not None:
                self._count(done, source.size)
                await context.journal.forget(self._key)
                return verified
        start = await self._start(source, looks, record, partial) if partial is not None else 0
        await context.journal.begin(self._key, PartialRecord(looks, start))
        self._count(done, start)
        if partial is None or start != source.size or _may_grow(partial):
            await self._fill(source, start, partial if start else None, done)
        verified = await self._prove(source)
        await context.journal.advance(self._key, source.size)  # should the answer to the next be lost: `_in_place`
        await self._line.channel.replace(self._partial, self._final)
        await context.journal.forget(self._key)
        return verified

    def _count(self, done: ItemBytes, start: int) -> None:
        done.resume(start, self._context.earlier.setdefault(self._key, start))

    async def _look(self) -> tuple[Attributes | None, Attributes | None]:
        """What has the final name, and what an earlier attempt left. IS_DIRECTORY when a directory has the final."""
        channel, paths = self._line.channel, (self._final, self._partial)
        final, partial = await asyncio.gather(*(lstat_or_none(channel, path) for path in paths))
        refuse_directory(final, self._final)
        return final, partial

    async def _in_place(self, source: LocalSource, final: Attributes | None) -> bool | None:
        """Whether the copy that was complete has its name, verified or not; None when it has not.

        An attempt whose link was lost while it gave the name cannot know; the content tells.
        """
        if final is None or final.kind is not FileKind.FILE or final.size != source.size:
            return None
        context = self._context
        theirs = await self._line.digests.file(self._final, source.size)
        if theirs is not None:
            same = theirs == await context.disk.run(lambda: source.skip(source.size))
            return context.request.verify if same else None
        dressed = int(final.modified or 0) == int(source.attributes.modified or 0)
        if not dressed or not await self._same(source, self._final, source.size):
            return None
        context.cannot_verify(self._final, not_compared(self._line.digests.silence))
        return False

    async def _fill(self, source: LocalSource, start: int, partial: Attributes | None, done: ItemBytes) -> None:
        """Bring the partial, new or the one found, from `start` to its end and onto the server's disk."""
        channel = self._line.channel
        if partial is None:
            await self._context.disk.run(lambda: source.skip(0))
            file = await create_new(channel, self._partial)
        else:  # the source was read up to `start` when that was proven
            file = await reopen(channel, self._partial, partial)
        try:
            if partial is not None and partial.size != start:
                await file.truncate(start)
            async with background(self._find_tools()):
                await self._send(file, source, start, done)
            await self._check_size(file, source)
            await file.finish()
        finally:
            await file.close()

    async def _prove(self, source: LocalSource) -> bool:
        if await self._context.disk.run(source.changed):
            raise changed(self._item.source)
        async with task_group() as group:
            proof = group.create_task(self._verify(source))
            group.create_task(self._dress(source))
        return proof.result()

    async def _start(
        self, source: LocalSource, looks: Fingerprint, record: PartialRecord | None, partial: Attributes
    ) -> int:
        context, line = self._context, self._line
        whole = partial.size == source.size
        if not await is_ours(line, self._partial, partial, dressed=self._mode(source) if whole else None):
            context.note(self._item.source, Restart.NOT_OURS.value)
            return 0
        flight = MOST * context.block(line.channel.limits.write)
        hashes = await line.digests.available()
        plan = plan_resume(looks, record, partial.size, in_order=hashes, flight=flight)
        start = await proven_start(
            plan,
            ours=lambda length: context.disk.run(lambda: source.skip(length)),
            theirs=bind(line.digests.prefix, self._partial),
            same=bind(self._same, source, self._partial),
        )
        if start == 0 and partial.size:
            context.note(self._item.source, plan.why_from_start)
        return start

    async def _same(self, source: LocalSource, path: bytes, length: int) -> bool:
        disk = self._context.disk
        file = await self._line.channel.open(path, OpenMode.READ)
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
                lambda: digests.silence,
            )
        except IntegrityError:
            await self._line.channel.remove(self._partial)
            await self._context.journal.forget(self._key)
            raise

    def _mode(self, source: LocalSource) -> int | None:
        mode = source.attributes.mode
        return None if mode is None else mode & PERMISSIONS

    async def _dress(self, source: LocalSource) -> None:
        modified = source.attributes.modified
        await self._line.channel.set_attributes(self._partial, mode=self._mode(source), modified=modified)


def _may_grow(partial: Attributes) -> bool:
    """Whether it can be opened for writing; one that cannot was complete, on the disk and dressed."""
    return partial.mode is None or bool(partial.mode & stat.S_IWUSR)
