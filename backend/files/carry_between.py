"""Carrying from one host to another, through this machine but not onto its disk; or from a host to itself."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial as bind
from typing import TypeVar

from backend.connection.connector import Attributes, OpenMode, RemoteFile
from backend.errors import Code, FileError, IntegrityError, LinkLost
from backend.files.carrier import Arrived, Ended, Pending
from backend.files.carry_get import GetCarrier, digests_on_host, steadily
from backend.files.carry_put import PutCarrier, partial_of
from backend.files.data_line import DataConnection, Line
from backend.files.host_source import HostSource
from backend.files.host_tools import Tools
from backend.files.lane import Context, Item, changed, counted
from backend.files.large_put import LargePut
from backend.files.local_source import SmallContent
from backend.files.meter import Meter
from backend.files.pace import Pace
from backend.files.proof import differs
from backend.files.remote_partial import create_new
from backend.files.walk import TreeSource
from backend.tasks import task_group

T = TypeVar("T")

BY_ITSELF = b""
"""The digest of what a host has copied by itself: nobody here has read it."""


class BetweenCarrier:
    """See `backend.files.carrier.Carrier`. Writes as a PutCarrier does, and reads as a GetCarrier does."""

    def __init__(self, context: Context, data: DataConnection) -> None:
        """`context` is that of the host which is written to, `data` leads to the one which is read."""
        request = context.request
        # What is read is counted and held back where it is written.
        silent, free = Meter(context.clock, lambda: None), Pace(None, context.clock)
        self._goal = context
        self._origin = replace(context, request=replace(request, to_host=None), data=data, meter=silent, pace=free)
        self._reader = GetCarrier(self._origin)
        self._writer = PutCarrier(context)
        self._there = context.data is data
        self._refused: dict[bytes, IntegrityError] = {}
        """By partial: what differs from what was read, where the source cannot be asked for more."""

    @property
    def source(self) -> TreeSource:
        return self._reader.source

    async def steadily(self, work: Callable[[Line, Line], Awaitable[T]]) -> T:
        """`work` on the live lines of both hosts, again from its start when one is lost and restored."""
        while True:
            origin, goal = await self._origin.data.line(), await self._goal.data.line()
            try:
                return await work(origin, goal)
            except LinkLost as error:
                await self._lost(origin, goal, error, else_both=True)
            except FileError as error:
                if error.code is not Code.FILE_FAILED or not await self._lost(origin, goal, None):
                    raise

    async def _lost(self, origin: Line, goal: Line, error: LinkLost | None, *, else_both: bool = False) -> bool:
        """Let go of the lines that do not answer; whether there are any."""
        ends = ((self._origin, origin), (self._goal, goal))
        silent = [(end, line) for end, line in ends if not await line.answers()]
        for end, line in silent or (ends if else_both else ()):
            end.data.lost(line, error or LinkLost(Code.CONNECTION_LOST, host=end.host))
        return bool(silent)

    # --- where it goes -------------------------------------------------------------------------------------------

    async def inspect(self, item: Item) -> Attributes | None:
        return await self._writer.inspect(item)

    async def folds_names(self, item: Item) -> bool:
        return await self._writer.folds_names(item)

    async def make_directory(self, item: Item) -> bool:
        return await self._writer.make_directory(item)

    async def finish_directory(self, item: Item) -> None:
        await self._writer.finish_directory(item)

    async def discard(self, pending: Pending) -> None:
        await self._writer.discard(pending)

    async def commit(self, pending: Sequence[Pending]) -> Sequence[FileError | None]:
        refused = [self._refused.pop(one.on_host, None) for one in pending]
        fine = [one for one, error in zip(pending, refused, strict=True) if error is None]
        named = iter(await self._writer.commit(fine))
        return [next(named) if error is None else error for error in refused]

    async def archive_ahead(self, line: Line, tools: Tools) -> None:
        return None

    async def archive(self, line: Line, tools: Tools, items: Sequence[Item], arrived: Arrived) -> Ended:
        """None: the engine asks for no stream between hosts."""
        return Ended()

    # --- the content ---------------------------------------------------------------------------------------------

    async def link(self, item: Item) -> None:
        points_to = await steadily(self._origin, lambda line: line.channel.readlink(item.source))
        await self._writer.make_link(item, points_to)

    async def large(self, item: Item) -> bool:
        def attempt(origin: Line, goal: Line) -> Awaitable[bool]:
            source = bind(HostSource.open, self._origin, origin, item.source, there=self._there)
            return LargePut(self._goal, item, goal, source).run()

        return await self.steadily(attempt)

    async def small(self, item: Item) -> Pending:
        return await self.steadily(lambda origin, goal: self._carry(origin, goal, item))

    async def _carry(self, origin: Line, goal: Line, item: Item) -> Pending:
        if self._there and item.size and (pending := await self._by_itself(goal, item)) is not None:
            return pending
        content = await self._reader.read(origin, item)
        digest = hashlib.sha256(content).digest()
        return await self._writer.store(goal, item, SmallContent(content, digest, item.attributes))

    async def _by_itself(self, line: Line, item: Item) -> Pending | None:
        """A small file that its own host has copied; None where it cannot."""
        channel, partial = line.channel, partial_of(self._goal, item)
        source = await channel.open(item.source, OpenMode.READ)
        try:
            file = await create_new(channel, partial)
            try:
                copied = await self._whole(source, file, item)
            except FileError:
                with suppress(FileError):
                    await channel.remove(partial)
                raise
            finally:
                await file.close()
        finally:
            await source.close()
        return Pending(item, item.attributes, BY_ITSELF, item.size, partial) if copied else None

    async def _whole(self, source: RemoteFile, file: RemoteFile, item: Item) -> bool:
        with counted(self._goal.meter) as done:
            await self._goal.gate.passed()
            if not await file.copy_from(source, 0, item.size + 1):  # a file that has grown shows it
                return False
            if (await file.attributes()).size != item.size:
                raise changed(item.source)
            await file.finish()
            self._goal.meter.copied(item.size)
            done.add(item.size)
        return True

    # --- proof ---------------------------------------------------------------------------------------------------

    async def digests(self, pending: Sequence[Pending]) -> dict[bytes, bytes] | str:
        """Both hosts are asked at once, and have to agree."""
        sources = [replace(one, on_host=one.item.source) for one in pending]
        async with task_group() as group:
            asked = group.create_task(digests_on_host(self._origin, sources))
            copies = await digests_on_host(self._goal, pending)
        originals = asked.result()
        if isinstance(copies, str):
            return f"on {self._goal.host}, {copies}"
        if isinstance(originals, str):
            self._refuse_what_differs(pending, copies)
            return f"on {self._origin.host}, {originals}"
        return _compared(pending, originals, copies)

    def _refuse_what_differs(self, pending: Sequence[Pending], copies: dict[bytes, bytes]) -> None:
        for one in pending:
            copy = copies.get(one.on_host, one.digest)
            if copy != one.digest and not one.unsteady:
                self._refused[one.on_host] = differs(one.item.source, one.digest, copy)

    async def has_changed(self, pending: Pending) -> bool:
        return await self._reader.has_changed(pending)

    async def close(self) -> None:
        if not self._there:
            await self._origin.data.close()


def _compared(
    pending: Sequence[Pending], originals: dict[bytes, bytes], copies: dict[bytes, bytes]
) -> dict[bytes, bytes]:
    """What the finisher compares with `Pending.digest`: that itself where both hosts agree, else what does not."""
    compared: dict[bytes, bytes] = {}
    for one in pending:
        original, copy = originals.get(one.item.source), copies.get(one.on_host)
        if original is not None and copy is not None:
            compared[one.on_host] = one.digest if original == copy else original if copy == one.digest else copy
    return compared
