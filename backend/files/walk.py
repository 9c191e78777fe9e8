"""Reading a tree, on either side, several directories at once; what is found is checked and handed on in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from backend.connection.connector import Attributes, Entry, FileKind
from backend.dataclass import dataclass
from backend.errors import Code, FileError
from backend.files.lane import Item
from backend.files.partial import is_partial
from backend.files.paths import DEEPEST, join_inside
from backend.tasks import closing, task_group
from backend.text import show_bytes

AT_ONCE = 16
"""Directories read at once."""

UNFINISHED = "its name is that of an unfinished copy"


class TreeSource(Protocol):
    """The side that a tree comes from. Every method raises FileError only; lost links are mended inside."""

    def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]: ...

    async def stat(self, path: bytes, *, follow: bool) -> Attributes: ...

    async def real(self, path: bytes) -> bytes:
        """The path without links."""
        ...


class Visitor(Protocol):
    """Hears of everything in a tree: a directory before what is in it."""

    async def directory(self, item: Item) -> bool:
        """Whether it was made just now. Raises FileError when there can be none; then what is in it is left out."""
        ...

    async def leaf(self, item: Item) -> None:
        """A file, a link, or something special."""
        ...

    def left_out(self, item: Item, reason: str) -> None:
        """Something is there that is not copied."""
        ...

    def problem(self, item: Item, error: FileError) -> None:
        """Something could not be read; the rest goes on."""
        ...


@dataclass(frozen=True, slots=True)
class _Directory:
    item: Item
    above: frozenset[bytes] = frozenset()
    """Real paths on the way here, while links are followed."""
    silent: bool = False
    """The root whose contents alone are copied."""


class Walk:
    """One pass over one tree."""

    def __init__(self, source: TreeSource, visitor: Visitor, *, follow: bool) -> None:
        """`follow`: links inside the tree count as what they point to."""
        self._source = source
        self._visitor = visitor
        self._follow = follow
        self._todo: list[_Directory] = []
        self._busy = 0
        self._changed = asyncio.Condition()

    async def run(self, root: Item, *, contents: bool) -> None:
        """Visit `root`, a directory, and everything below; with `contents` only what is below."""
        self._todo.append(_Directory(root, silent=contents))
        async with task_group() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        while (directory := await self._next()) is not None:
            try:
                await self._enter(directory)
            except FileError as error:
                self._visitor.problem(directory.item, error)
            finally:
                async with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    async def _next(self) -> _Directory | None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._todo or not self._busy)
            if not self._todo:
                return None
            self._busy += 1
            return self._todo.pop()

    async def _enter(self, directory: _Directory) -> None:
        item = directory.item
        if len(item.parts) > DEEPEST:
            raise FileError(
                Code.NAME_INVALID, evidence={"path": show_bytes(item.source[-200:]), "reason": "it lies too deep"}
            )
        above = await self._above(directory)
        fresh = False if directory.silent else await self._visitor.directory(item)
        async with closing(self._source.scan(item.source)) as batches:
            async for batch in batches:
                for entry in batch:
                    await self._entry(item, entry, above, fresh=fresh)

    async def _above(self, directory: _Directory) -> frozenset[bytes]:
        if not self._follow:
            return directory.above
        real = await self._source.real(directory.item.source)
        if real in directory.above:
            path = show_bytes(directory.item.source)
            raise FileError(Code.NAME_INVALID, evidence={"path": path, "reason": "the link leads back to itself"})
        return directory.above | {real}

    async def _entry(self, holder: Item, entry: Entry, above: frozenset[bytes], *, fresh: bool) -> None:
        source, parts = holder.source, (*holder.parts, entry.name)
        item = Item(source, holder.anchor, parts, entry.attributes, fresh=fresh)
        try:
            source = join_inside(source, entry.name)
            item = Item(source, holder.anchor, parts, entry.attributes, fresh=fresh)
            if is_partial(entry.name):
                self._visitor.left_out(item, UNFINISHED)
                return
            found = await self._attributes(item)
            if found is not entry.attributes:
                item = replace(item, attributes=found)
            if item.attributes.kind is FileKind.DIRECTORY:
                async with self._changed:
                    self._todo.append(_Directory(item, above))
                    self._changed.notify_all()
            else:
                await self._visitor.leaf(item)
        except FileError as error:
            self._visitor.problem(item, error)

    async def _attributes(self, item: Item) -> Attributes:
        found = item.attributes
        if found.kind is FileKind.SYMLINK and self._follow:
            with suppress(FileError):  # one that leads nowhere is kept as the link it is
                return await self._source.stat(item.source, follow=True)
        if found.kind is FileKind.UNKNOWN:
            return await self._source.stat(item.source, follow=False)
        return found
