"""Carrying from this machine to a host."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial as bind
from typing import TypeVar

from backend.connection.connector import Attributes, Entry, FileChannel, FileKind, RemoteFile
from backend.errors import Code, FairleadError, FileError, LinkLost
from backend.files.archive import unpacking
from backend.files.archive_put import ArchivePut
from backend.files.carrier import ABANDON_SECONDS, Arrived, Ended, Pending
from backend.files.carry_get import digests_on_host, steadily
from backend.files.case_clash import probe_names
from backend.files.data_line import Line
from backend.files.disk import Disk
from backend.files.head_start import Command, HeadStart, Started
from backend.files.host_reasons import why_not_written
from backend.files.host_tools import Tools
from backend.files.lane import Context, Item, counted
from backend.files.large_put import LargePut
from backend.files.large_source import DiskSource
from backend.files.local import LocalFileSystem
from backend.files.local_source import SmallContent, read_small
from backend.files.local_tree import PERMISSIONS, growing_mode
from backend.files.model import Direction
from backend.files.partial import partial_name
from backend.files.paths import join_inside
from backend.files.problems import link_in_the_way, local_attributes, told
from backend.files.remote import lstat_or_none, refuse_directory
from backend.files.remote_partial import create_new
from backend.files.walk import TreeSource
from backend.tasks import task_group, together

T = TypeVar("T")

_NAMING_AT_ONCE = 1024
"""Renames under way: a batch of the finisher is one round trip."""


class LocalTreeSource:
    """A tree on this machine, as a source."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._files = LocalFileSystem()

    def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        return self._files.list(path)

    async def stat(self, path: bytes, *, follow: bool) -> Attributes:
        return await self._files.stat(path, follow=follow)

    async def real(self, path: bytes) -> bytes:
        return await self._disk.run(lambda: os.path.realpath(path))


class PutCarrier:
    """See `backend.files.carrier.Carrier`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._source = LocalTreeSource(context.disk)
        self._head_start = HeadStart(context.clock)
        self._explained = False
        """The host's commands were asked why nothing can be written."""

    @property
    def source(self) -> TreeSource:
        return self._source

    async def inspect(self, item: Item) -> Attributes | None:
        return await steadily(self._context, lambda line: lstat_or_none(line.channel, item.path))

    async def folds_names(self, item: Item) -> bool:
        holder = join_inside(item.anchor, *item.parts[:-1])
        return await steadily(self._context, lambda line: _folds_names(line.channel, holder))

    async def make_directory(self, item: Item) -> bool:
        follow = self._context.request.direction is Direction.PUT  # names that another host gives lead nowhere else
        return await self._writing(item, lambda line: _make_directory(line.channel, item, follow=follow))

    async def finish_directory(self, item: Item) -> None:
        found = item.attributes
        mode = None if found.mode is None else found.mode & PERMISSIONS
        await steadily(
            self._context,
            lambda line: line.channel.set_attributes(item.path, mode=mode, modified=found.modified),
        )

    async def link(self, item: Item) -> None:
        def read() -> bytes:
            with told(item.source):
                return os.readlink(item.source)

        await self.make_link(item, await self._context.disk.run(read))

    async def make_link(self, item: Item, points_to: bytes) -> None:
        """Make the link that `item` is to be."""
        growing = partial_of(self._context, item)
        await self._writing(item, lambda line: _link(line.channel, item, growing, points_to))

    async def large(self, item: Item) -> bool:
        return await self._writing(
            item, lambda line: LargePut(self._context, item, line, lambda: self._open(item)).run()
        )

    async def _open(self, item: Item) -> DiskSource:
        return await DiskSource.open(self._context.disk, item.source, follow=self._follows(item))

    def _follows(self, item: Item) -> bool:
        return item.named or self._context.request.follow_symlinks

    async def small(self, item: Item) -> Pending:
        return await self._writing(item, lambda line: self._send(line, item))

    async def _writing(self, item: Item, work: Callable[[Line], Awaitable[T]]) -> T:
        """`steadily`, with the cause of a failure where SFTP tells none: the host's own commands may, and are asked
        once."""
        try:
            return await steadily(self._context, work)
        except FileError as error:
            if error.code is not Code.FILE_FAILED or self._explained:
                raise
            self._explained = True
            code = await steadily(self._context, lambda line: why_not_written(line.link, item.path))
            if code is None:
                raise
            raise FileError(code, evidence=error.evidence, host=self._context.host) from error

    async def _send(self, line: Line, item: Item) -> Pending:
        follow = self._follows(item)
        return await self.store(
            line, item, await self._context.disk.run(lambda: read_small(item.source, follow=follow))
        )

    async def store(self, line: Line, item: Item, content: SmallContent) -> Pending:
        """Write `content` under the partial name of `item`."""
        context, channel = self._context, line.channel
        partial = partial_of(context, item)
        with counted(context.meter) as done:
            try:
                await self._pour(channel, await create_new(channel, partial), content)
            except (FileError, asyncio.CancelledError):
                with suppress(FairleadError, TimeoutError):
                    async with asyncio.timeout(ABANDON_SECONDS):
                        await channel.remove(partial)
                raise
            done.add(len(content.data))
        return Pending(item, content.attributes, content.digest, len(content.data), partial)

    async def _pour(self, channel: FileChannel, file: RemoteFile, content: SmallContent) -> None:
        """Everything is asked for before the first answer, where the server allows: one round trip for a small file."""
        data, block = content.data, self._context.block(channel.limits.write)
        try:
            async with task_group() as group:
                for at in range(0, len(data), block):
                    piece = data[at : at + block]
                    await self._context.may_go(len(piece))
                    self._context.meter.sent(len(piece))
                    group.create_task(file.write(at, piece))
                group.create_task(file.finish())
        finally:
            await file.close()

    async def archive_ahead(self, line: Line, tools: Tools) -> None:
        self._head_start.begin(tools.link, await self._unpacking(line, tools))

    async def _unpacking(self, line: Line, tools: Tools) -> Command:
        assert tools.tar is not None
        hashing = await line.digests.command() if self._context.request.verify else None
        return bind(unpacking, tools.tar, hashing=hashing)

    async def _start(self, line: Line, tools: Tools) -> Started:
        return await self._head_start.started(tools.link, await self._unpacking(line, tools))

    async def archive(self, line: Line, tools: Tools, items: Sequence[Item], arrived: Arrived) -> Ended:
        assert tools.tar is not None
        lane = ArchivePut(
            self._context,
            line,
            tools.tar,
            start=lambda: self._start(line, tools),
            partial_of=lambda item: partial_of(self._context, item),
        )
        try:
            ended = await self._stream(line, lane, [item for item in items if self._may_be_archived(item)])
            await together(self._remove(path) for path in lane.beside)
            whole = await lane.whole(self._look)
        except BaseException:
            await self._sweep(lane)
            raise
        finally:
            lane.bytes.take_back()
        self._context.meter.bytes_done += sum(one.size for one in whole)
        await arrived(whole)
        return ended

    async def _stream(self, line: Line, lane: ArchivePut, items: Sequence[Item]) -> Ended:
        try:
            return await lane.run(items) if items else Ended()
        except LinkLost as error:
            self._context.data.lost(line, error)
            return Ended(cut=True)
        except FileError as error:
            return Ended(said=error.message)

    def _may_be_archived(self, item: Item) -> bool:
        # tar gives the mode at once, and what its owner may not read cannot be hashed. Directories are told in lines.
        mode = item.attributes.mode
        readable = mode is None or mode & 0o400 or not self._context.request.verify
        return bool(readable) and b"\n" not in join_inside(item.anchor, *item.parts[:-1])

    async def _look(self, path: bytes) -> Attributes | None:
        return await steadily(self._context, lambda line: lstat_or_none(line.channel, path))

    async def _sweep(self, lane: ArchivePut) -> None:
        """Nobody waits for what was sent: it is removed, as far as that goes quickly."""
        with suppress(FairleadError, TimeoutError):
            async with asyncio.timeout(ABANDON_SECONDS):
                await together(self._remove(path) for path in (*lane.beside, *lane.partials))

    async def digests(self, pending: Sequence[Pending]) -> dict[bytes, bytes] | str:
        return await digests_on_host(self._context, pending)

    async def has_changed(self, pending: Pending) -> bool:
        follow = self._follows(pending.item)

        def look() -> Attributes:
            with told(pending.item.source):
                return local_attributes(os.stat(pending.item.source, follow_symlinks=follow))

        now = await self._context.disk.run(look)
        return (now.size, now.modified) != (pending.attributes.size, pending.attributes.modified)

    async def commit(self, pending: Sequence[Pending]) -> Sequence[FileError | None]:
        named: list[FileError | None] = []
        for start in range(0, len(pending), _NAMING_AT_ONCE):
            named += await together(self._name(one) for one in pending[start : start + _NAMING_AT_ONCE])
        return named

    async def _name(self, pending: Pending) -> FileError | None:
        naming = _Naming(pending)
        try:
            await steadily(self._context, lambda line: naming.attempt(line.channel))
        except FileError as error:
            return error
        return None

    async def discard(self, pending: Pending) -> None:
        await self._remove(pending.on_host)

    async def _remove(self, path: bytes) -> None:
        with suppress(FileError):
            await steadily(self._context, lambda line: line.channel.remove(path))

    async def close(self) -> None:
        await self._head_start.close()


class _Naming:
    """Gives a partial its name; an attempt whose link was lost may have succeeded, and the next one finds out."""

    def __init__(self, pending: Pending) -> None:
        self._pending = pending
        self._uncertain = False

    async def attempt(self, channel: FileChannel) -> None:
        pending, final = self._pending, self._pending.item.path
        found = pending.attributes
        mode = None if found.mode is None else found.mode & PERMISSIONS
        try:
            if not pending.archived:
                await channel.set_attributes(pending.on_host, mode=mode, modified=found.modified)
            await channel.replace(pending.on_host, final)
        except LinkLost:
            self._uncertain = True
            raise
        except FileError as error:
            there = await lstat_or_none(channel, final)
            refuse_directory(there, final)
            if not (self._uncertain and error.code is Code.NOT_FOUND and self._is_it(there)):
                raise

    def _is_it(self, there: Attributes | None) -> bool:
        ours = self._pending
        looks = (ours.size, int(ours.attributes.modified or 0))
        return there is not None and (there.size, int(there.modified or 0)) == looks


def partial_of(context: Context, item: Item) -> bytes:
    """Where a small file or a link grows on the host."""
    return join_inside(item.anchor, *item.parts[:-1], partial_name(item.parts[-1], context.salt(item)))


async def _folds_names(channel: FileChannel, directory: bytes) -> bool:
    name, other = (join_inside(directory, name) for name in probe_names(secrets.token_bytes(8)))
    await (await create_new(channel, name)).close()
    try:
        return await lstat_or_none(channel, other) is not None
    finally:
        await channel.remove(name)


async def _make_directory(channel: FileChannel, item: Item, *, follow: bool) -> bool:
    """Whether it was made now. `follow`: a link to a directory is as good; else it is OUTSIDE_ROOT."""
    path = item.path
    try:
        await channel.mkdir(path, growing_mode(item.attributes.mode))
    except FileError:
        found = await lstat_or_none(channel, path)
        if found is not None and found.kind is FileKind.SYMLINK:
            if not follow:
                raise link_in_the_way(path) from None
            found = await channel.stat(path)
        if found is None or found.kind is not FileKind.DIRECTORY:
            raise
        return False
    return True


async def _link(channel: FileChannel, item: Item, growing: bytes, points_to: bytes) -> None:
    final = item.path
    refuse_directory(await lstat_or_none(channel, final), final)
    with suppress(FileError):
        await channel.remove(growing)
    await channel.symlink(growing, points_to)
    await channel.replace(growing, final)
