"""Carrying from this machine to a host."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from backend.connection.connector import Attributes, Entry, FileChannel, FileKind, RemoteFile
from backend.errors import Code, FileError, LinkLost
from backend.files.carrier import Pending
from backend.files.carry_get import digests_on_host, steadily
from backend.files.case_clash import probe_names
from backend.files.data_line import Line
from backend.files.disk import Disk
from backend.files.lane import Context, Item, counted
from backend.files.large_put import LargePut
from backend.files.local import LocalFileSystem
from backend.files.local_source import SmallContent, read_small
from backend.files.local_tree import PERMISSIONS, growing_mode
from backend.files.partial import partial_name
from backend.files.paths import join_inside
from backend.files.problems import local_attributes, told
from backend.files.remote import lstat_or_none, refuse_directory
from backend.files.remote_partial import create_new
from backend.files.tasks import task_group
from backend.files.walk import TreeSource


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

    @property
    def source(self) -> TreeSource:
        return self._source

    async def inspect(self, item: Item) -> Attributes | None:
        return await steadily(self._context, lambda line: lstat_or_none(line.channel, _final(item)))

    async def folds_names(self, item: Item) -> bool:
        holder = join_inside(item.anchor, *item.parts[:-1])
        return await steadily(self._context, lambda line: _folds_names(line.channel, holder))

    async def make_directory(self, item: Item) -> bool:
        return await steadily(self._context, lambda line: _make_directory(line.channel, item))

    async def finish_directory(self, item: Item) -> None:
        found = item.attributes
        mode = None if found.mode is None else found.mode & PERMISSIONS
        await steadily(
            self._context,
            lambda line: line.channel.set_attributes(_final(item), mode=mode, modified=found.modified),
        )

    async def link(self, item: Item) -> None:
        def read() -> bytes:
            with told(item.source):
                return os.readlink(item.source)

        points_to = await self._context.disk.run(read)
        growing = _partial(self._context, item)
        await steadily(self._context, lambda line: _link(line.channel, item, growing, points_to))

    async def large(self, item: Item) -> bool:
        return await steadily(self._context, lambda line: LargePut(self._context, item, line).run())

    async def small(self, item: Item) -> Pending:
        return await steadily(self._context, lambda line: self._send(line, item))

    async def _send(self, line: Line, item: Item) -> Pending:
        context, channel = self._context, line.channel
        follow = item.named or context.request.follow_symlinks
        content = await context.disk.run(lambda: read_small(item.source, follow=follow))
        partial = _partial(context, item)
        with counted(context.meter) as done:
            try:
                await self._pour(channel, await create_new(channel, partial), content)
            except FileError:
                with suppress(FileError):
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

    async def digests(self, pending: Sequence[Pending]) -> dict[bytes, bytes] | str:
        return await digests_on_host(self._context, pending)

    async def has_changed(self, pending: Pending) -> bool:
        follow = pending.item.named or self._context.request.follow_symlinks

        def look() -> Attributes:
            with told(pending.item.source):
                return local_attributes(os.stat(pending.item.source, follow_symlinks=follow))

        now = await self._context.disk.run(look)
        return (now.size, now.modified) != (pending.attributes.size, pending.attributes.modified)

    async def commit(self, pending: Pending) -> None:
        naming = _Naming(pending)
        await steadily(self._context, lambda line: naming.attempt(line.channel))

    async def discard(self, pending: Pending) -> None:
        with suppress(FileError):
            await steadily(self._context, lambda line: line.channel.remove(pending.on_host))

    async def close(self) -> None:
        return None


class _Naming:
    """Gives a partial its name; an attempt whose link was lost may have succeeded, and the next one finds out."""

    def __init__(self, pending: Pending) -> None:
        self._pending = pending
        self._uncertain = False

    async def attempt(self, channel: FileChannel) -> None:
        pending, final = self._pending, _final(self._pending.item)
        found = pending.attributes
        mode = None if found.mode is None else found.mode & PERMISSIONS
        try:
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


def _final(item: Item) -> bytes:
    return join_inside(item.anchor, *item.parts)


def _partial(context: Context, item: Item) -> bytes:
    return join_inside(item.anchor, *item.parts[:-1], partial_name(item.parts[-1], context.salt(item)))


async def _folds_names(channel: FileChannel, directory: bytes) -> bool:
    name, other = (join_inside(directory, name) for name in probe_names(secrets.token_bytes(8)))
    await (await create_new(channel, name)).close()
    try:
        return await lstat_or_none(channel, other) is not None
    finally:
        await channel.remove(name)


async def _make_directory(channel: FileChannel, item: Item) -> bool:
    path = _final(item)
    try:
        await channel.mkdir(path, growing_mode(item.attributes.mode))
    except FileError:
        found = await channel.stat(path) if await lstat_or_none(channel, path) is not None else None
        if found is None or found.kind is not FileKind.DIRECTORY:
            raise
        return False
    return True


async def _link(channel: FileChannel, item: Item, growing: bytes, points_to: bytes) -> None:
    final = _final(item)
    refuse_directory(await lstat_or_none(channel, final), final)
    with suppress(FileError):
        await channel.remove(growing)
    await channel.symlink(growing, points_to)
    await channel.replace(growing, final)
