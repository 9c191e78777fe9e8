"""One large file to a host: resumed from a proven prefix, sent in blocks, verified there, then given its name."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial as bind

from backend.connection.connector import Attributes, FileKind, OpenMode, RemoteFile
from backend.errors import Code, FileError, IntegrityError
from backend.files.block_send import BlockSend
from backend.files.data_line import Line
from backend.files.journal import journal_key
from backend.files.lane import Context, Item, ItemBytes, changed, counted
from backend.files.large_source import LargeSource
from backend.files.local_tree import PERMISSIONS
from backend.files.partial import partial_name
from backend.files.paths import join_inside
from backend.files.proof import not_compared, proven_start, same_samples, verified
from backend.files.remote import lstat_or_none, read_fully, refuse_directory
from backend.files.remote_partial import create_new, is_ours, reopen
from backend.files.resume import Fingerprint, PartialRecord, Restart, plan_resume
from backend.files.upload_lanes import PER_LANE, upload_lanes
from backend.tasks import background, closing, task_group
from backend.text import show_bytes

MARK_EVERY = 0.05
"""Seconds between two marks in the journal at least."""


class LargePut:
    """One attempt over one line. What it leaves behind is enough for the next."""

    def __init__(
        self, context: Context, item: Item, line: Line, open_source: Callable[[], Awaitable[LargeSource]]
    ) -> None:
        self._context = context
        self._open_source = open_source
        self._item = item
        self._line = line
        self._final = item.path
        self._key = journal_key(*context.way, item.source, self._final)
        salt = journal_key(context.state, self._key)
        self._partial = join_inside(item.anchor, *item.parts[:-1], partial_name(item.parts[-1], salt))

    async def run(self) -> bool:
        """Whether the file was verified. Raises LinkLost, FileError, IntegrityError."""
        source = await self._open_source()
        try:
            with counted(self._context.meter, self._key, self._item) as done:
                return await self._copy(source, done)
        except FileError as error:
            if error.code is Code.SOURCE_CHANGED:  # nothing will go on from what was sent of it
                await self._discard()
            raise
        finally:
            await source.close()

    async def _copy(self, source: LargeSource, done: ItemBytes) -> bool:
        context = self._context
        looks = await source.fingerprint()
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

    async def _in_place(self, source: LargeSource, final: Attributes | None) -> bool | None:
        """Whether the copy that was complete has its name, verified or not; None when it has not.

        An attempt whose link was lost while it gave the name cannot know; the content tells.
        """
        if final is None or final.kind is not FileKind.FILE or final.size != source.size:
            return None
        context = self._context
        theirs = await self._line.digests.file(self._final, source.size)
        ours = None if theirs is None else await source.skip(source.size)
        if ours is not None:
            return context.request.verify if ours == theirs else None
        dressed = int(final.modified or 0) == int(source.attributes.modified or 0)
        if not dressed or not await self._same(source, self._final, source.size):
            return None
        context.cannot_verify(self._final, not_compared(source.silence or self._silence()))
        return False

    async def _fill(self, source: LargeSource, start: int, partial: Attributes | None, done: ItemBytes) -> None:
        """Bring the partial, new or the one found, from `start` to its end and onto the server's disk."""
        channel = self._line.channel
        if partial is None:
            await source.skip(0)
            file = await create_new(channel, self._partial)
        else:  # the source was read up to `start` when that was proven
            file = await reopen(channel, self._partial, partial)
        try:
            if partial is not None and partial.size != start:
                await file.truncate(start)
            async with background(self._find_tools()):
                await self._send(file, source, start, done)
            await self._finish(file, source)
        finally:
            await file.close()

    async def _prove(self, source: LargeSource) -> bool:
        if await source.changed():
            raise changed(self._item.source)
        async with task_group() as group:
            proof = group.create_task(self._verify(source))
            group.create_task(self._dress(source))
        return proof.result()

    async def _start(
        self, source: LargeSource, looks: Fingerprint, record: PartialRecord | None, partial: Attributes
    ) -> int:
        context, line = self._context, self._line
        whole = partial.size == source.size
        if not await is_ours(line, self._partial, partial, dressed=self._mode(source) if whole else None):
            context.note(self._item.source, Restart.NOT_OURS.value)
            return 0
        flight = PER_LANE * context.block(line.channel.limits.write)
        hashes = await line.digests.available() and await source.hashes()
        plan = plan_resume(looks, record, partial.size, in_order=hashes, flight=flight)
        start = await proven_start(
            plan,
            ours=source.skip,
            theirs=bind(line.digests.prefix, self._partial),
            same=bind(self._same, source, self._partial),
        )
        if start == 0 and partial.size:
            context.note(self._item.source, plan.why_from_start)
        return start

    async def _same(self, source: LargeSource, path: bytes, length: int) -> bool:
        file = await self._line.channel.open(path, OpenMode.READ)
        try:
            return await same_samples(
                self._context,
                length,
                ours=source.read_at,
                theirs=bind(read_fully, file),
            )
        finally:
            await file.close()

    async def _send(self, file: RemoteFile, source: LargeSource, start: int, done: ItemBytes) -> None:
        start = await self._copied_there(file, source, start, done)
        if start == source.size:
            return
        context, line = self._context, self._line
        block = context.block(line.channel.limits.write)
        flight = context.flight(block, line.round_trip, PER_LANE)
        more = source.size - start
        async with upload_lanes(
            file, line.link.open_files, self._partial, size=more, round_trip=line.round_trip
        ) as lanes:
            # The last block is written in any case: it makes the file as long as it is.
            holes = source.size if source.sparse else 0
            send = BlockSend(
                context, lanes, start=start, block=block, flight=flight, landed=done.add, holes_before=holes
            )
            try:
                async with background(self._keep_marks(send, start)):
                    await send.run(source.blocks)
            except BaseException:
                await context.journal.advance(self._key, send.mark)
                raise

    async def _copied_there(self, file: RemoteFile, source: LargeSource, at: int, done: ItemBytes) -> int:
        """How far the host, having it, has copied it by itself."""
        async with closing(source.copies(file, self._partial, at)) as copied:
            async for end in copied:
                done.add(end - at)
                self._context.meter.copied(end - at)
                at = end
                await self._context.journal.advance(self._key, at)
        return at

    async def _keep_marks(self, send: BlockSend, start: int) -> None:
        """Keep the journal's mark as fresh as the data."""
        known = start
        while True:
            await self._context.clock.sleep(MARK_EVERY)
            if send.mark != known:
                known = send.mark
                await self._context.journal.advance(self._key, known)

    async def _finish(self, file: RemoteFile, source: LargeSource) -> None:
        """Bring it to the server's disk, and see that all of it is there."""
        if await source.changed():
            raise changed(self._item.source)
        async with task_group() as group:
            looking = group.create_task(file.attributes())  # first: it is closed in the same round trip
            group.create_task(file.finish())
        there = looking.result().size
        if there is not None and there != source.size:
            message = f"{show_bytes(self._final)}: the host has {there} bytes of {source.size} that it acknowledged."
            raise FileError(Code.FILE_FAILED, message, evidence={"path": show_bytes(self._final)})

    async def _find_tools(self) -> None:
        """Ask while the content travels how the host can hash it; on a long path that saves some round trips."""
        if self._context.request.verify:
            await self._line.digests.available()

    async def _verify(self, source: LargeSource) -> bool:
        if not self._context.request.verify:
            return False
        context, digests = self._context, self._line.digests
        try:
            async with background(digests.file(self._partial, source.size)) as theirs:
                ours = await source.digest()
                same = ours is not None and await verified(context, self._final, ours, lambda: theirs, self._silence)
            if source.silence:
                context.cannot_verify(self._final, not_compared(source.silence))
            return same and not source.silence
        except IntegrityError:
            await self._discard()
            raise

    async def _discard(self) -> None:
        with suppress(FileError):  # it may not have been made yet
            await self._line.channel.remove(self._partial)
        await self._context.journal.forget(self._key)

    def _silence(self) -> str:
        """Why the host that is written to does not say what it has; which one, where there are two."""
        silence = self._line.digests.silence
        return silence if self._context.request.to_host is None else f"on {self._context.host}, {silence}"

    def _mode(self, source: LargeSource) -> int | None:
        mode = source.attributes.mode
        return None if mode is None else mode & PERMISSIONS

    async def _dress(self, source: LargeSource) -> None:
        modified = source.attributes.modified
        await self._line.channel.set_attributes(self._partial, mode=self._mode(source), modified=modified)


def _may_grow(partial: Attributes) -> bool:
    """Whether it can be opened for writing; one that cannot was complete, on the disk and dressed."""
    return partial.mode is None or bool(partial.mode & stat.S_IWUSR)
