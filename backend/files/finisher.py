"""The last step of small files: verified by the host many at a time, then given their names.

While one question is under way the next batch collects, so a thousand files cost a few commands on the host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from backend.errors import FairleadError
from backend.files.carrier import ABANDON_SECONDS, Carrier, Pending
from backend.files.lane import Context
from backend.files.proof import UNSTEADY, differs, not_compared
from backend.tasks import together

MOST_WAITING = 2000
"""Files that may wait for the host; then no more are copied until it has answered."""
MOST_AT_ONCE = 1000
GATHER_SECONDS = 0.02
"""As long as more files arrive within this time, a batch grows."""
_MOST_GATHERINGS = 25

Ended = Callable[[Pending, FairleadError | None, bool], Awaitable[None]]
"""How a file ended: an error or None, and whether it was verified."""


class Finisher:
    """Takes files that have arrived whole; reports each of them once."""

    def __init__(self, context: Context, carrier: Carrier, ended: Ended) -> None:
        self._context = context
        self._carrier = carrier
        self._ended = ended
        self._waiting: list[Pending] = []
        self._unnamed: dict[int, Pending] = {}
        self._arrived = asyncio.Event()
        self._room = asyncio.Semaphore(MOST_WAITING)

    async def add(self, pending: Sequence[Pending]) -> None:
        """Verify and name them, sooner or later; waits while too many wait."""
        for one in pending:
            self._unnamed[id(one)] = one
        if not self._context.request.verify:
            await self._name(pending, verified=False)
            return
        for one in pending:
            await self._room.acquire()
            self._waiting.append(one)
            self._arrived.set()

    async def run(self) -> None:
        """Works until it is cancelled."""
        while True:
            await self._arrived.wait()
            await self._gather()
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            if not self._waiting:
                self._arrived.clear()
            await self._finish(batch)
            for _ in batch:
                self._room.release()

    async def _gather(self) -> None:
        for _ in range(_MOST_GATHERINGS):
            before = len(self._waiting)
            if before < MOST_AT_ONCE:
                await self._context.clock.sleep(GATHER_SECONDS)
            if len(self._waiting) == before:
                return

    async def abandon(self) -> None:
        """The transfer ends early: what has no name yet is removed, as far as that goes quickly."""
        unnamed = list(self._unnamed.values())
        with suppress(FairleadError, TimeoutError):
            async with asyncio.timeout(ABANDON_SECONDS):
                await together(self._carrier.discard(pending) for pending in unnamed)

    async def _finish(self, batch: Sequence[Pending]) -> None:
        unasked = [pending for pending in batch if pending.theirs is None]
        digests = await self._carrier.digests(unasked) if unasked else {}
        if isinstance(digests, str):
            self._context.cannot_verify(unasked[0].item.source, not_compared(digests))
            await self._name(unasked, verified=False)
            batch, digests = [pending for pending in batch if pending.theirs is not None], {}
        same, unknown = [], []
        for pending in batch:
            theirs = pending.theirs or digests.get(pending.on_host)
            if (why := _cannot_be_judged(pending, theirs)) is not None:
                self._context.note(pending.item.source, why)
                unknown.append(pending)
            elif theirs is not None and theirs != pending.digest:
                await self._refuse(pending, differs(pending.item.source, pending.digest, theirs))
            else:
                same.append(pending)
        await self._name(same, verified=True)
        await self._name(unknown, verified=False)

    async def _name(self, batch: Sequence[Pending], *, verified: bool) -> None:
        outcomes = list(zip(batch, await self._carrier.commit(batch), strict=True))
        for pending, error in outcomes:
            if error is None:
                self._unnamed.pop(id(pending), None)
                await self._ended(pending, None, verified)
        for pending, error in outcomes:  # last, as the first may end the whole transfer
            if error is not None:
                await self._refuse(pending, error)

    async def _refuse(self, pending: Pending, error: FairleadError) -> None:
        self._unnamed.pop(id(pending), None)
        await self._carrier.discard(pending)
        await self._ended(pending, error, False)


def _cannot_be_judged(pending: Pending, theirs: bytes | None) -> str | None:
    if pending.unsteady:
        return UNSTEADY
    return "the host could not read it to compare: not verified" if theirs is None else None
