"""One transfer from beginning to end: look, lock, walk, copy many things at once, verify, finish, account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from backend.connection.connector import Attributes, FileKind
from backend.errors import Code, FairleadError, FileError
from backend.files.carrier import Carrier, Pending
from backend.files.case_clash import CLASH, Spellings
from backend.files.conflicts import Decision, decide, needs_look
from backend.files.finisher import Finisher
from backend.files.itinerary import Itinerary
from backend.files.journal import journal_key
from backend.files.lane import Context, Item
from backend.files.ledger import Ledger
from backend.files.locks import DestinationLocks
from backend.files.model import ConflictPolicy, Direction, TransferState
from backend.files.partial import numbered_name
from backend.files.paths import join_inside, parent_of
from backend.files.placement import Placed
from backend.files.problems import ENDS_ALL
from backend.files.resume import RESUMABLE
from backend.files.tasks import task_group
from backend.files.walk import Walk
from backend.text import show_bytes

Enter = Callable[[TransferState], None]

LARGE_AT_ONCE = 2
"""Large files under way at once; each fills the link by itself."""
QUEUED = 10_000
"""Items found and not yet begun, after which the tree is not read further."""
_NUMBERS = 10_000
_DIRECTORIES_AT_ONCE = 16


class Engine:
    """Runs one transfer. Its visitor face (`directory`, `leaf`, `left_out`, `problem`) is for the walk."""

    def __init__(
        self, context: Context, carrier: Carrier, ledger: Ledger, enter: Callable[[TransferState], None]
    ) -> None:
        self._context = context
        self._carrier = carrier
        self._ledger = ledger
        self._enter = enter
        self._finisher = Finisher(context, carrier, self._ended)
        self._large: asyncio.Queue[Item] = asyncio.Queue()
        self._small: asyncio.Queue[Item] = asyncio.Queue()
        self._room = asyncio.Semaphore(QUEUED)
        self._directories: list[Item] = []
        self._open = 0
        """Items that were queued and have not ended."""
        self._all_ended = asyncio.Event()
        self._retried: set[bytes] = set()
        self._spellings = Spellings()
        self._claimed: dict[bytes, bytes] = {}
        """Final paths and the sources that get them, where no two may have the same."""

    async def run(self, itinerary: Itinerary, locks: DestinationLocks) -> None:
        """Copy everything. Raises what ends the whole transfer; what fails of single items is in the ledger."""
        with ExitStack() as held:
            # Sources whose contents go into one directory have one destination.
            for key, path in {self._lock_key(placed): placed.path for placed in itinerary.placed}.items():
                held.enter_context(locks.holding(key, path))
            try:
                await self._copy(itinerary)
            except BaseException:
                await self._finisher.abandon()
                raise
            await self._finish_directories()

    async def _copy(self, itinerary: Itinerary) -> None:
        async with task_group() as group:
            workers = [group.create_task(self._work(self._small)) for _ in range(self._parallel)]
            workers += [group.create_task(self._work(self._large)) for _ in range(LARGE_AT_ONCE)]
            workers.append(group.create_task(self._finisher.run()))
            await self._find(itinerary)
            await self._wait_for_items()
            for worker in workers:
                worker.cancel()

    def _lock_key(self, placed: Placed) -> bytes:
        # A file here is the same file whichever host it comes from; what several hosts have may go into one directory.
        direction = self._context.request.direction
        here = direction is Direction.GET and placed.source.kind is not FileKind.DIRECTORY
        return journal_key(direction.value.encode(), *(() if here else (self._host,)), placed.path)

    @property
    def _host(self) -> bytes:
        return self._context.request.host.encode("utf-8", "surrogateescape")

    @property
    def _parallel(self) -> int:
        return max(1, self._context.request.parallel)

    async def _find(self, itinerary: Itinerary) -> None:
        self._enter(TransferState.SCANNING)
        for item in itinerary.roots():
            await self._make_way(item)
            if item.attributes.kind is FileKind.DIRECTORY:
                walk = Walk(self._carrier.source, self, follow=self._context.request.follow_symlinks)
                await walk.run(item, contents=not item.parts)
            else:
                await self.leaf(item)
        self._context.meter.scanned = True
        self._enter(TransferState.COPYING)

    async def _make_way(self, item: Item) -> None:
        """A destination that is written with a slash and missing is made."""
        for depth in range(1, len(item.parts)):
            way = replace(item, parts=item.parts[:depth], attributes=Attributes(FileKind.DIRECTORY))
            await self._carrier.make_directory(way)

    async def _wait_for_items(self) -> None:
        if self._open:
            await self._all_ended.wait()

    async def _finish_directories(self) -> None:
        """Modes and times, deepest first, for whatever is written into a directory changes its time."""
        slots = asyncio.Semaphore(_DIRECTORIES_AT_ONCE)

        async def finish(item: Item) -> None:
            async with slots:
                try:
                    await self._carrier.finish_directory(item)
                except FileError as error:
                    self._ledger.failed(item.source, error)

        for depth in sorted({len(item.parts) for item in self._directories}, reverse=True):
            async with task_group() as group:
                for item in self._directories:
                    if len(item.parts) == depth:
                        group.create_task(finish(item))

    # --- what the walk finds -------------------------------------------------------------------------------------

    async def directory(self, item: Item) -> bool:
        """Make it; its mode and time come last."""
        await self._context.gate.passed()
        made = await self._carrier.make_directory(item)
        self._directories.append(item)
        return made

    async def leaf(self, item: Item) -> None:
        """Queue a file or a link; count what is neither."""
        if item.attributes.kind not in (FileKind.FILE, FileKind.SYMLINK):
            self._ledger.skipped(item, "it is a device, socket or FIFO")
            return
        if self._spellings.clash(item.anchor, item.parts):
            item = replace(item, clashes=True)
        meter = self._context.meter
        meter.files_found += 1
        if item.attributes.kind is FileKind.FILE:
            meter.bytes_found += item.size
        meter.touch()
        await self._room.acquire()
        self._open += 1
        self._all_ended.clear()
        large = item.attributes.kind is FileKind.FILE and item.size >= RESUMABLE
        (self._large if large else self._small).put_nowait(item)

    def left_out(self, item: Item, reason: str) -> None:
        self._ledger.skipped(replace(item, attributes=Attributes(item.attributes.kind)), reason)  # never in the totals

    def problem(self, item: Item, error: FileError) -> None:
        self._ledger.failed(item.source, error)

    # --- one item ------------------------------------------------------------------------------------------------

    async def _work(self, queue: asyncio.Queue[Item]) -> None:
        while True:
            item = await queue.get()
            await self._context.gate.passed()
            self._context.meter.current = show_bytes(item.source)
            try:
                await self._begin(item)
            except FileError as error:
                await self._item_failed(item, error)

    async def _begin(self, item: Item) -> None:
        if await self._finished_before(item):
            self._item_ended()
            return
        target = await self._target(item)
        if target is None:
            self._item_ended()
        elif target.attributes.kind is FileKind.SYMLINK:
            await self._carrier.link(target)
            await self._ledger.finished(target, 0, verified=False)
            self._item_ended()
        elif target.size >= RESUMABLE:
            verified = await self._carrier.large(target)
            await self._ledger.finished(target, target.size, verified=verified)
            self._item_ended()
        else:
            await self._finisher.add(await self._carrier.small(target))

    async def _finished_before(self, item: Item) -> bool:
        known = self._ledger.finished_before(item, verify=self._context.request.verify)
        if known is None:
            return False
        there = await self._carrier.inspect(replace(item, parts=(*item.parts[:-1], known.name)))
        if there is None or there.kind is not item.attributes.kind:
            return False
        if there.kind is FileKind.FILE and (there.size, int(there.modified or 0)) != (known.size, int(known.modified)):
            return False
        self._ledger.resumed(item, known)
        return True

    async def _target(self, item: Item) -> Item | None:
        """The item with the name it gets; None when it is skipped."""
        policy = self._context.request.on_conflict
        if item.clashes and await self._carrier.folds_names(item):
            return await self._clashing(item, policy)
        if policy is ConflictPolicy.RENAME and not self._claim(item):
            return await self._renamed(item)
        if item.fresh or not needs_look(policy):
            return item
        decision = decide(policy, item.attributes, await self._carrier.inspect(item), item.parts[-1])
        if decision is Decision.COPY:
            return item
        if decision is Decision.RENAME:
            return await self._renamed(item)
        self._ledger.skipped(item, decision.value)
        return None

    async def _clashing(self, item: Item, policy: ConflictPolicy) -> Item | None:
        """An item whose name another of this transfer has already, where case makes no difference: never over it."""
        if policy is ConflictPolicy.RENAME:
            return await self._renamed(item)
        if policy is ConflictPolicy.OVERWRITE:
            path = show_bytes(item.source)
            raise FileError(Code.EXISTS, f"{path}: {CLASH}.", evidence={"path": path})
        self._ledger.skipped(item, CLASH)
        return None

    async def _renamed(self, item: Item) -> Item:
        for number in range(1, _NUMBERS):
            name = item.parts[-1]
            other = replace(item, parts=(*item.parts[:-1], numbered_name(name, number)), renamed=name)
            if await self._beside(item, other.parts[-1]) or not self._claim(other):
                continue
            if await self._carrier.inspect(other) is None:
                return other
        raise FileError(Code.EXISTS, evidence={"path": show_bytes(item.parts[-1])})

    def _claim(self, item: Item) -> bool:
        """Take its final path for it; whether no other item of this transfer has it. Also good when repeated."""
        return self._claimed.setdefault(join_inside(item.anchor, *item.parts), item.source) == item.source

    async def _beside(self, item: Item, name: bytes) -> bool:
        """Whether the directory that `item` comes from has something called `name`, which will want that name too."""
        if item.named:
            return False
        try:
            await self._carrier.source.stat(join_inside(parent_of(item.source), name), follow=False)
        except FileError as error:
            if error.code is Code.NOT_FOUND:
                return False
            raise
        return True

    async def _ended(self, pending: Pending, error: FairleadError | None, verified: bool) -> None:
        """A small file has its name, or has failed."""
        if error is None:
            await self._ledger.finished(pending.item, pending.size, verified=verified)
            self._item_ended()
        elif error.code is Code.CHECKSUM_DIFFERS and await self._changed_meanwhile(pending):
            self._context.meter.bytes_done -= pending.size
            self._small.put_nowait(pending.item)
        else:
            self._ledger.pending_failed(pending, error)
            self._item_ended(error)

    async def _changed_meanwhile(self, pending: Pending) -> bool:
        """Whether a differing hash is the source's own doing; believed once."""
        if pending.item.source in self._retried or not await self._carrier.has_changed(pending):
            return False
        self._retried.add(pending.item.source)
        return True

    async def _item_failed(self, item: Item, error: FileError) -> None:
        if error.code is Code.SOURCE_CHANGED and item.source not in self._retried:
            self._retried.add(item.source)
            await self._again(item)
            return
        self._ledger.failed(item.source, error, item.size)
        self._item_ended(error)

    async def _again(self, item: Item) -> None:
        """A source that changed while it was read is looked at anew and copied once more."""
        try:
            now = await self._carrier.source.stat(item.source, follow=item.named)
        except FileError as error:
            await self._item_failed(item, error)
            return
        self._context.note(item.source, "it changed while it was copied: started again")
        self._context.meter.bytes_found += (now.size or 0) - item.size
        item = replace(item, attributes=now)
        (self._large if item.size >= RESUMABLE else self._small).put_nowait(item)

    def _item_ended(self, error: FairleadError | None = None) -> None:
        self._open -= 1
        self._room.release()
        if not self._open:
            self._all_ended.set()
        if error is not None and error.code in ENDS_ALL:
            raise error
