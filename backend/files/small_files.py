"""Small files on their way into a lane: gathered, and sent many in one tar stream where that pays, else one by one."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from backend.connection.connector import FileKind
from backend.errors import FileError, LinkLost
from backend.files.archive_plan import LARGEST, MOST_FILES, Way, most_bytes, pays
from backend.files.carrier import Carrier, Ended, Failed, Pending
from backend.files.data_line import Line
from backend.files.host_tools import Tools
from backend.files.lane import Context, Item
from backend.files.model import Direction, Lane

log = logging.getLogger(__name__)

STREAMS = 2
"""Streams at once: one carries while the other starts or waits for its last answer."""
_PATIENCE, _PATIENCE_TRIPS = 0.05, 2
"""Seconds, and round trips, that files are waited for to go together; longer for each stream that there was, since
another is under way then, and each costs the host a command."""
_MOST_PATIENCE = 1.0
_FAR = 0.01
"""Seconds of a round trip from which on a stream is begun on the host before there are files for it."""

Prepare = Callable[[Sequence[Item]], Awaitable[Sequence[Item]]]
"""The items that are to be copied, with the names they get; the others are accounted for."""
Finish = Callable[[Sequence[Pending]], Awaitable[None]]
Fail = Callable[[Item, FileError], Awaitable[None]]


class SmallFiles:
    """Takes items as they are found; hands those that go alone to `alone`."""

    def __init__(
        self,
        context: Context,
        carrier: Carrier,
        alone: asyncio.Queue[Item],
        *,
        prepare: Prepare,
        finish: Finish,
        fail: Fail,
    ) -> None:
        self._context = context
        self._carrier = carrier
        self._alone = alone
        self._prepare = prepare
        self._finish = finish
        self._fail = fail
        self._found: deque[Item] = deque()
        self._news = asyncio.Event()
        self._complete = False
        self._closed = context.request.direction is Direction.BETWEEN
        """Whether everything goes alone from now on. Between hosts it does: no stream leads from one to the other."""
        self._expected = asyncio.Event()
        self._gathering = asyncio.Lock()
        self._streams = 0

    def put(self, item: Item) -> None:
        """A file or link was found."""
        if self._closed or item.named or item.attributes.kind is not FileKind.FILE or item.size > LARGEST:
            self._alone.put_nowait(item)
            return
        self._found.append(item)
        self._news.set()

    def expect(self) -> None:
        """A directory was found: there may be many in it."""
        self._expected.set()

    async def begin_ahead(self) -> None:
        """Over a long path, have the first stream begun while directories are read. Not where the data link has no
        place for commands: the other link may have as few."""
        await self._expected.wait()
        line = await self._context.data.line()
        if self._closed or line.round_trip < _FAR:
            return
        with suppress(LinkLost):
            tools = await line.tools.found()
            if tools is not None and tools.tar is not None and tools.link is line.link:
                await self._carrier.archive_ahead(line, tools)

    def complete(self) -> None:
        """Nothing more will be found."""
        self._complete = True
        self._news.set()

    async def run(self) -> None:
        """Works until it is cancelled; several may."""
        while True:
            async with self._gathering:
                items = await self._gather(self._way(await self._context.data.line()))
            await self._context.gate.passed()
            line = await self._context.data.line()  # the one before may have been lost meanwhile
            if self._closed or not pays(len(items), self._way(line)):
                self._go_alone(items)
            else:
                await self._together(line, items)

    def _way(self, line: Line) -> Way:
        return Way(line.round_trip, self._context.request.parallel, self._context.request.rate_limit)

    async def _together(self, line: Line, items: Sequence[Item]) -> None:
        try:
            tools = await line.tools.found()
        except LinkLost as error:
            self._context.data.lost(line, error)
            self._next_way(items, Ended(cut=True), some=False)
            return
        if tools is None or tools.tar is None:
            self._next_way(items, Ended(said="the host has no tar to send them together"), some=False)
        else:
            await self._send(line, tools, items)

    async def _gather(self, way: Way) -> list[Item]:
        """At least one; more for as long as they keep coming soon."""
        while not self._found:
            await self._wait_for_news()
        with suppress(TimeoutError):
            patience = max(_PATIENCE, _PATIENCE_TRIPS * way.round_trip) * 2**self._streams
            async with asyncio.timeout(min(_MOST_PATIENCE, patience)):
                while not self._complete and len(self._found) < MOST_FILES:
                    await self._wait_for_news()
        return self._taken(most_bytes(way))

    async def _wait_for_news(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _taken(self, most: int) -> list[Item]:
        taken: list[Item] = []
        size = 0
        while self._found and len(taken) < MOST_FILES and (not taken or size + self._found[0].size <= most):
            taken.append(self._found.popleft())
            size += taken[-1].size
        return taken

    def _close(self, item: Item, why: str) -> None:
        """Once and for all: the lane is no use here."""
        self._closed = True
        log.info("small files of %s go one by one: %s", self._context.request.host, why)
        self._context.note(item.source, f"small files went one by one: {why}")

    def _go_alone(self, items: Sequence[Item]) -> None:
        for item in items:
            self._alone.put_nowait(item)

    async def _send(self, line: Line, tools: Tools, found: Sequence[Item]) -> None:
        items = await self._prepare(found)
        left = {id(item): item for item in items}

        async def arrived(results: Sequence[Pending | Failed]) -> None:
            for result in results:
                left.pop(id(result.item))
            await self._finish([result for result in results if isinstance(result, Pending)])
            for result in results:
                if isinstance(result, Failed):
                    await self._fail(result.item, result.error)

        if not items:
            return
        self._context.meter.going(items[0].source, Lane.ARCHIVE)
        self._streams += 1
        ended = await self._carrier.archive(line, tools, items, arrived)
        self._next_way(list(left.values()), ended, some=len(left) < len(items))

    def _next_way(self, left: Sequence[Item], ended: Ended, *, some: bool) -> None:
        """What has not arrived goes the same way again when the link was lost, else one by one, which tells why."""
        if ended.cut:
            self._found.extendleft(left)
            self._news.set()
            return
        if left and not some and not self._closed:
            self._close(left[0], ended.said or "the host's tar sent none of them")
        self._go_alone(left)
