"""The last step of small files: verified by the host many at a time, then given their names.

While one question is under way the next batch collects, so a thousand files cost a few commands on the host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from backend.errors import FairleadError, FileError
from backend.files.carrier import Carrier, Pending
from backend.files.lane import Context
from backend.files.proof import UNSTEADY, differs, not_compared
from backend.files.tasks import task_group

MOST_WAITING = 1000
"""Files that may wait for the host; then no more are copied until it has answered."""
MOST_AT_ONCE = 500
GATHER_SECONDS = 0.02
ABANDON_SECONDS = 2.0
_NAMING_AT_ONCE = 32

Ended = Callable[[Pending, FairleadError | None, bool], Awaitable[None]]
"""How a file ended: an error or None, and whether it was verified."""


class Finisher:
    """Takes files that have arrived whole; reports each of them once."""

    def __init__(self, context: Context, carrier: Carrier, ended: Ended) -> None:
        self._context = context
        self._carrier = carrier
        self._ended = ended
        self._waiting: list[Pending] = []
        self._unnamed: dict[bytes, Pending] = {}
        self._arrived = asyncio.Event()
        self._room = asyncio.Semaphore(MOST_WAITING)
        self._naming = asyncio.Semaphore(_NAMING_AT_ONCE)

    async def add(self, pending: Pending) -> None:
        """Verify and name it, sooner or later; waits while too many wait."""
        self._unnamed[pending.on_host] = pending
        if not self._context.request.verify:
            await self._name(pending, verified=False)
            return
        await self._room.acquire()
        self._waiting.append(pending)
        self._arrived.set()

    async def run(self) -> None:
        """Works until it is cancelled."""
        while True:
            await self._arrived.wait()
            if len(self._waiting) < MOST_AT_ONCE:
                await self._context.clock.sleep(GATHER_SECONDS)
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            if not self._waiting:
                self._arrived.clear()
            await self._finish(batch)
            for _ in batch:
                self._room.release()

    async def abandon(self) -> None:
        """The transfer ends early: what has no name yet is removed, as far as that goes quickly."""
        unnamed = list(self._unnamed.values())
        with suppress(FairleadError, TimeoutError):
            async with asyncio.timeout(ABANDON_SECONDS):
                await asyncio.gather(*(self._carrier.discard(pending) for pending in unnamed))

    async def _finish(self, batch: Sequence[Pending]) -> None:
        digests = await self._carrier.digests(batch)
        async with task_group() as group:
            for pending in batch:
                group.create_task(self._judge(pending, digests))

    async def _judge(self, pending: Pending, digests: dict[bytes, bytes] | str) -> None:
        if isinstance(digests, str):
            self._context.cannot_verify(pending.item.source, not_compared(digests))
            await self._name(pending, verified=False)
            return
        theirs = digests.get(pending.on_host)
        if pending.unsteady:
            self._context.note(pending.item.source, UNSTEADY)
            await self._name(pending, verified=False)
        elif theirs is None:
            self._context.note(pending.item.source, "the host could not read it to compare: not verified")
            await self._name(pending, verified=False)
        elif theirs == pending.digest:
            await self._name(pending, verified=True)
        else:
            await self._refuse(pending, differs(pending.item.source, pending.digest, theirs))

    async def _name(self, pending: Pending, *, verified: bool) -> None:
        try:
            async with self._naming:
                await self._carrier.commit(pending)
        except FileError as error:
            await self._refuse(pending, error)
        else:
            self._unnamed.pop(pending.on_host, None)
            await self._ended(pending, None, verified)

    async def _refuse(self, pending: Pending, error: FileError) -> None:
        self._unnamed.pop(pending.on_host, None)
        await self._carrier.discard(pending)
        await self._ended(pending, error, False)
