"""Keeps the book and this process's transfers in step: writes how far they are, and hears what others want of them.

One task, which runs while there is something to keep or somebody who looks. The loop never waits for the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

from backend.clock import Clock
from backend.errors import FairleadError
from backend.files.model import TransferOutcome, TransferProgress, TransferRequest, TransferState
from backend.files.queue.book import Snapshot, TransferBook
from backend.files.queue.record import TransferRecord, rank
from backend.files.queue.rules import Wish
from backend.leases import RENEW_EVERY
from backend.store import Store
from backend.tasks import cancel_all

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks, and between two times that progress is written."""


Rank = tuple[int, float, float, str]


def _rank_of(pair: tuple[Rank, TransferRecord]) -> Rank:
    return pair[0]


class Kept(Protocol):
    """What the keeper must know of a transfer."""

    id: str
    request: TransferRequest
    outcome: TransferOutcome | None

    @property
    def state(self) -> TransferState: ...

    @property
    def progress(self) -> TransferProgress: ...


class Keeper:
    """Writes transfers of this process down, and knows all that there are."""

    def __init__(
        self,
        book: TransferBook,
        store: Store,
        clock: Clock,
        *,
        changed: Callable[[], None],
        wished: Callable[[str, Wish], None],
        by_itself: Callable[[Kept], bool],
    ) -> None:
        """`changed`: others have changed the list. `wished`: somebody else wants this of one of ours. `by_itself`:
        whether one that was interrupted goes on without being asked to."""
        self._book = book
        self._store = store
        self._clock = clock
        self._changed = changed
        self._wished = wished
        self._by_itself = by_itself
        self._kept: dict[str, Kept] = {}
        """Ours, from when they are in the book until their end is."""
        self._written: dict[str, tuple[TransferState, TransferProgress, TransferRequest]] = {}
        self._renewed = 0.0
        self._records: dict[str, TransferRecord] = {}
        self._ranked: list[tuple[Rank, TransferRecord]] = []
        """The same in order."""
        self._version: int | None = None
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._watching = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def with_ours(self, ours: Iterable[TransferRecord]) -> list[TransferRecord]:
        """All transfers as they were read last, in order, with these in the place of what was read of them.

        Called for each picture: those that were read are not sorted again.
        """
        mine = {record.id: record for record in ours}
        others = [pair for pair in self._ranked if pair[1].id not in mine]
        pairs = sorted([*((rank(record), record) for record in mine.values()), *others], key=_rank_of)
        return [record for _, record in pairs]

    @property
    def records(self) -> list[TransferRecord]:
        """All transfers as they were read last, in order."""
        return [record for _, record in self._ranked]

    def keep(self, transfer: Kept) -> None:
        """From now on write this down; it is in the book."""
        self._kept[transfer.id] = transfer
        self.nudge()

    def watch(self) -> None:
        """Keep the list of all transfers up to date from now on."""
        self._watching = True
        self.nudge()

    def nudge(self) -> None:
        """Something has changed that should be written soon."""
        self._wake.set()
        if not self._closed and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._keep(), name="queue of transfers")

    async def look(self) -> list[TransferRecord]:
        """Read the list anew: all transfers, in order. Raises what the store raises."""
        known = {id_: record.revision for id_, record in self._records.items()}
        ids, changed = await self._book.all(known)
        self._records = {id_: record for id_, record in self._records.items() if id_ in ids}
        self._records |= {record.id: record for record in changed}
        if changed or len(self._ranked) != len(self._records):
            pairs = ((rank(record), record) for record in self._records.values())
            self._ranked = sorted(pairs, key=_rank_of)
        return self.records

    async def flush(self, only: Iterable[str] | None = None) -> None:
        """Write what has changed. Raises what the store raises."""
        async with self._writing:
            wanted = set(self._kept if only is None else only)
            snapshots = [self._snapshot(one) for one in list(self._kept.values()) if one.id in wanted]
            if changed := [one for one in snapshots if self._is_news(one)]:
                await self._book.save(changed)
                self._renewed = self._clock.monotonic()
            for snapshot in changed:
                self._written[snapshot.id] = (snapshot.state, snapshot.progress, snapshot.request)
                if snapshot.outcome is not None:
                    self._version = None  # what has ended is looked at like any other
                    self._kept.pop(snapshot.id, None)
                    self._written.pop(snapshot.id, None)

    async def close(self) -> None:
        """Write the last things down; nothing is written after that. Never raises."""
        self._closed = True
        if self._task is not None:
            await cancel_all((self._task,))
        with suppress(FairleadError):
            await self.flush()

    def _snapshot(self, transfer: Kept) -> Snapshot:
        return Snapshot(
            transfer.id,
            transfer.request,
            transfer.state,
            transfer.progress,
            transfer.outcome,
            by_itself=self._by_itself(transfer),
        )

    def _is_news(self, snapshot: Snapshot) -> bool:
        renew = self._clock.monotonic() - self._renewed >= RENEW_EVERY
        seen = (snapshot.state, snapshot.progress, snapshot.request)
        return renew or snapshot.outcome is not None or self._written.get(snapshot.id) != seen

    async def _keep(self) -> None:
        while self._kept or self._watching:
            self._wake.clear()
            try:
                await self._tick()
            except FairleadError as error:
                log.warning("the queue of transfers cannot be kept: %s", error)
            except Exception:
                log.exception("the queue of transfers could not be kept")
            await self._rest()

    async def _tick(self) -> None:
        await self.flush()
        version = await self._store.version()
        if version != self._version:
            self._version = version
            if self._kept:
                for id_, wish in (await self._book.wishes()).items():
                    self._wished(id_, wish)
            await self.look()
            self._changed()

    async def _rest(self) -> None:
        """Until something changes here, else a second."""
        pause = asyncio.ensure_future(self._clock.sleep(EVERY))
        woken = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((pause, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_all((pause, woken))
