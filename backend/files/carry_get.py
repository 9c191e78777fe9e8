"""Carrying from a host to this machine."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from backend.connection.connector import Attributes, Entry, OpenMode, RemoteFile
from backend.errors import Code, FileError, LinkLost
from backend.files.carrier import Pending
from backend.files.data_line import Line
from backend.files.lane import Context, Item, changed, counted, moved
from backend.files.large_get import LargeGet
from backend.files.local_source import MOST_OF_UNKNOWN, endless
from backend.files.local_tree import LocalTree
from backend.files.remote import read_fully
from backend.files.tasks import closing, task_group
from backend.files.walk import TreeSource

T = TypeVar("T")


async def steadily(context: Context, work: Callable[[Line], Awaitable[T]]) -> T:
    """`work` on the live line, again from its start on the next one when the link is lost."""
    while True:
        line = await context.data.line()
        try:
            return await work(line)
        except LinkLost as error:
            context.data.lost(line, error)
        except FileError as error:
            if error.code is not Code.FILE_FAILED or await line.answers():
                raise
            context.data.lost(line, LinkLost(Code.CONNECTION_LOST, host=context.request.host))


class HostTree:
    """A tree on the host, as a source."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        seen: set[bytes] = set()
        while True:
            line = await self._context.data.line()
            try:
                async with closing(line.channel.scan(path)) as batches:
                    async for batch in batches:
                        fresh = [entry for entry in batch if entry.name not in seen]
                        seen.update(entry.name for entry in fresh)
                        yield fresh
                return
            except LinkLost as error:  # the directory is read again; what was told once is not told twice
                self._context.data.lost(line, error)

    async def stat(self, path: bytes, *, follow: bool) -> Attributes:
        return await steadily(
            self._context, lambda line: line.channel.stat(path) if follow else line.channel.lstat(path)
        )

    async def real(self, path: bytes) -> bytes:
        return await steadily(self._context, lambda line: line.channel.resolve(path))


class GetCarrier:
    """See `backend.files.carrier.Carrier`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._trees: dict[bytes, LocalTree] = {}
        self._source = HostTree(context)

    @property
    def source(self) -> TreeSource:
        return self._source

    def _tree(self, item: Item) -> LocalTree:
        if item.anchor not in self._trees:
            self._trees[item.anchor] = LocalTree(item.anchor)
        return self._trees[item.anchor]

    async def inspect(self, item: Item) -> Attributes | None:
        return await self._context.disk.run(lambda: self._tree(item).inspect(item.parts))

    async def folds_names(self, item: Item) -> bool:
        return await self._context.disk.run(lambda: self._tree(item).folds_names(item.parts[:-1]))

    async def make_directory(self, item: Item) -> bool:
        return await self._context.disk.run(lambda: self._tree(item).make_directory(item.parts, item.attributes.mode))

    async def finish_directory(self, item: Item) -> None:
        found = item.attributes
        await self._context.disk.run(lambda: self._tree(item).finish_directory(item.parts, found.mode, found.modified))

    async def link(self, item: Item) -> None:
        points_to = await steadily(self._context, lambda line: line.channel.readlink(item.source))
        salt = self._context.salt(item)
        await self._context.disk.run(lambda: self._tree(item).link(item.parts, points_to, salt))

    async def large(self, item: Item) -> bool:
        return await steadily(self._context, lambda line: LargeGet(self._context, self._tree(item), item, line).run())

    async def small(self, item: Item) -> Pending:
        return await steadily(self._context, lambda line: self._fetch(line, item))

    async def _fetch(self, line: Line, item: Item) -> Pending:
        with counted(self._context.meter) as done:
            content = await self._read(line, item)
            digest = await self._context.disk.run(lambda: self._store(item, content))
            done.add(len(content))
        return Pending(item, item.attributes, digest, len(content), item.source)

    def _store(self, item: Item, content: bytes) -> bytes:
        found, salt = item.attributes, self._context.salt(item)
        self._tree(item).store(item.parts, content, mode=found.mode, modified=found.modified, salt=salt)
        return hashlib.sha256(content).digest()

    async def _read(self, line: Line, item: Item) -> bytes:
        """The whole content. Raises SOURCE_CHANGED when it is not as long as it was listed, or changed meanwhile."""
        block = self._context.block(line.channel.limits.read)
        file = await line.channel.open(item.source, OpenMode.READ)
        try:
            if self._context.request.verify and await line.digests.available():
                content = await self._content(file, item, block)  # a hash that differs will show a change
            else:
                content = await self._steady(file, item, block)
        finally:
            await file.close()
        return content

    async def _steady(self, file: RemoteFile, item: Item, block: int) -> bytes:
        async with task_group() as group:
            before = group.create_task(file.attributes())
            content = await self._content(file, item, block)
        if item.size and moved(await _closing_attributes(file), before.result()):
            raise changed(item.source)
        return content

    async def _content(self, file: RemoteFile, item: Item, block: int) -> bytes:
        # One byte more than is expected: a file that has grown shows it without another round trip.
        content = await self._range(file, 0, item.size + 1, block)
        if item.size == 0 and content:
            return content + await self._rest(file, len(content), block, item.source)
        if len(content) != item.size:
            raise changed(item.source)
        return content

    async def _range(self, file: RemoteFile, start: int, end: int, block: int) -> bytes:
        if end - start <= block:
            return await self._block(file, start, end - start)
        async with task_group() as group:
            blocks = [group.create_task(self._block(file, at, min(block, end - at))) for at in range(start, end, block)]
        return b"".join(task.result() for task in blocks)

    async def _block(self, file: RemoteFile, offset: int, size: int) -> bytes:
        await self._context.may_go(size)
        data = await read_fully(file, offset, size)
        self._context.meter.sent(len(data))
        return data

    async def _rest(self, file: RemoteFile, start: int, block: int, path: bytes) -> bytes:
        """What follows in a file that says it is empty and is not (as under /proc)."""
        parts: list[bytes] = []
        offset = start
        while data := await self._block(file, offset, block):
            parts.append(data)
            offset += len(data)
            if offset > MOST_OF_UNKNOWN:
                raise endless(path)
        return b"".join(parts)

    async def digests(self, pending: Sequence[Pending]) -> dict[bytes, bytes] | str:
        return await digests_on_host(self._context, pending)

    async def has_changed(self, pending: Pending) -> bool:
        now = await self._source.stat(pending.item.source, follow=True)
        return (now.size, now.modified) != (pending.attributes.size, pending.attributes.modified)

    async def commit(self, pending: Pending) -> None:
        item, salt = pending.item, self._context.salt(pending.item)
        await self._context.disk.run(lambda: self._tree(item).name_stored(item.parts, salt))

    async def discard(self, pending: Pending) -> None:
        item, salt = pending.item, self._context.salt(pending.item)
        with suppress(FileError):
            await self._context.disk.run(lambda: self._tree(item).drop_stored(item.parts, salt))

    async def close(self) -> None:
        for tree in self._trees.values():
            await self._context.disk.run(tree.close)


async def digests_on_host(context: Context, pending: Sequence[Pending]) -> dict[bytes, bytes] | str:
    """What the host says about small files, in one question; else why it does not say."""

    async def ask(line: Line) -> dict[bytes, bytes] | str:
        digests = line.digests
        found = await digests.files([one.on_host for one in pending], sum(one.size for one in pending))
        return digests.silence if found is None else found

    return await steadily(context, ask)


async def _closing_attributes(file: RemoteFile) -> Attributes:
    """What an open file looks like now; it is closed in the same round trip."""
    async with task_group() as group:
        now = group.create_task(file.attributes())
        group.create_task(file.close())
    return now.result()
