"""Carrying from a host to this machine."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import TypeVar

from backend.connection.connector import Attributes, Entry, OpenMode, RemoteFile
from backend.errors import Code, FileError, LinkLost
from backend.files.archive import packing
from backend.files.archive_get import ArchiveGet
from backend.files.carrier import Arrived, Ended, Pending
from backend.files.data_line import Line, Reaching
from backend.files.head_start import Command, HeadStart
from backend.files.host_tools import Tools
from backend.files.lane import Context, Item, changed, counted, moved
from backend.files.large_get import LargeGet
from backend.files.local_source import MOST_OF_UNKNOWN, endless
from backend.files.local_tree import LocalTree, Stored, Whole
from backend.files.remote import read_fully
from backend.files.walk import TreeSource
from backend.tasks import closing, task_group

T = TypeVar("T")


async def steadily(context: Reaching, work: Callable[[Line], Awaitable[T]]) -> T:
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
            context.data.lost(line, LinkLost(Code.CONNECTION_LOST, host=context.host))


class HostTree:
    """A tree on the host, as a source."""

    def __init__(self, context: Reaching) -> None:
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
        self._head_start = HeadStart(context.clock)

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
            content = await self.read(line, item)
            disk = self._context.disk
            (error,) = await disk.run(lambda: self._store([(item, content)]), undo=lambda _: self._drop([item]))
            if error is not None:
                raise error
            digest = hashlib.sha256(content).digest()
            done.add(len(content))
        return Pending(item, item.attributes, digest, len(content), item.source)

    def _store(self, contents: Sequence[tuple[Item, bytes]]) -> list[FileError | None]:
        """In a thread: each under its partial name."""
        errors: list[FileError | None] = []
        for tree, group in groupby(contents, lambda content: self._tree(content[0])):
            errors += tree.store([self._whole(item, content) for item, content in group])
        return errors

    def _whole(self, item: Item, content: bytes) -> Whole:
        found = item.attributes
        return Whole(item.parts, content, found.mode, found.modified, self._context.salt(item))

    async def read(self, line: Line, item: Item) -> bytes:
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

    async def archive_ahead(self, line: Line, tools: Tools) -> None:
        self._head_start.begin(tools.link, await self._packing(line, tools))

    async def _packing(self, line: Line, tools: Tools) -> Command:
        assert tools.tar is not None
        hashing = await line.digests.command() if self._context.request.verify else None
        return partial(packing, tools.tar, hashing=hashing, follow=self._context.request.follow_symlinks)

    async def archive(self, line: Line, tools: Tools, items: Sequence[Item], arrived: Arrived) -> Ended:
        assert tools.tar is not None
        try:
            compared = self._context.request.verify and await line.digests.available()
            # A file that says it is empty may have content all the same (as under /proc); comparing tells.
            some = [item for item in items if (item.size or compared) and b"\n" not in item.source]
            start = partial(self._head_start.started, tools.link, await self._packing(line, tools))
            lane = ArchiveGet(self._context, tools.tar, some, arrived, start=start, store=self._store, drop=self._drop)
            return await lane.run(None if compared else self.has_changed)
        except LinkLost as error:
            self._context.data.lost(line, error)
            return Ended(cut=True)

    async def digests(self, pending: Sequence[Pending]) -> dict[bytes, bytes] | str:
        return await digests_on_host(self._context, pending)

    async def has_changed(self, pending: Pending) -> bool:
        now = await self._source.stat(pending.item.source, follow=True)
        return (now.size, now.modified) != (pending.attributes.size, pending.attributes.modified)

    async def commit(self, pending: Sequence[Pending]) -> Sequence[FileError | None]:
        return await self._context.disk.run(lambda: self._name([one.item for one in pending]))

    def _name(self, items: Sequence[Item]) -> list[FileError | None]:
        errors: list[FileError | None] = []
        for tree, group in groupby(items, self._tree):
            errors += tree.name([Stored(item.parts, self._context.salt(item)) for item in group])
        return errors

    async def discard(self, pending: Pending) -> None:
        await self._context.disk.run(lambda: self._drop([pending.item]))

    def _drop(self, items: Sequence[Item]) -> None:
        """In a thread: remove what was stored."""
        for item in items:
            with suppress(FileError):
                self._tree(item).drop_stored(item.parts, self._context.salt(item))

    async def close(self) -> None:
        await self._head_start.close()
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
