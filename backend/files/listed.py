"""Visiting what is listed, rather than what a tree holds. Directories that follow each other are made at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from backend.connection.connector import FileKind
from backend.errors import FileError
from backend.files.lane import Item, Parts
from backend.files.walk import Visitor
from backend.tasks import cancel_all, closing

AT_ONCE = 16
"""Directories that are made at once."""


async def visit_listed(items: AsyncIterator[Item], visitor: Visitor) -> None:
    """Hand `items` to `visitor`, a directory before what is in it; what lies in one that failed is left out."""
    making = _Making(visitor)
    try:
        async with closing(items) as listed:
            async for item in listed:
                if item.attributes.kind is FileKind.DIRECTORY:
                    await making.begin(item)
                else:
                    await making.settled()
                    if not making.failed_above(item):
                        await _told(visitor, item)
        await making.settled()
    finally:
        await making.close()


async def _told(visitor: Visitor, item: Item) -> None:
    try:
        await visitor.leaf(item)
    except FileError as error:
        visitor.problem(item, error)


class _Making:
    """Directories on their way."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._tasks: dict[Parts, asyncio.Task[None]] = {}
        self._failed: set[Parts] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def begin(self, item: Item) -> None:
        if len(self._tasks) >= 4 * AT_ONCE:
            await self.settled()
        self._tasks[item.parts] = asyncio.create_task(self._make(item, self._tasks.get(item.parts[:-1])))

    async def _make(self, item: Item, above: asyncio.Task[None] | None) -> None:
        if above is not None:
            await asyncio.wait([above])
        if self.failed_above(item):
            self._failed.add(item.parts)
            return
        async with self._slots:
            try:
                await self._visitor.directory(item)
            except FileError as error:
                self._failed.add(item.parts)
                self._visitor.problem(item, error)

    def failed_above(self, item: Item) -> bool:
        """Whether the directory that holds it could not be made."""
        return item.parts[:-1] in self._failed

    async def settled(self) -> None:
        """Wait until all of them are there, or have failed. Raises what ends the whole transfer."""
        if self._tasks:
            await asyncio.gather(*self._tasks.values())
            self._tasks.clear()

    async def close(self) -> None:
        await cancel_all(self._tasks.values())
