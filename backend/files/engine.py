"""One transfer from beginning to end: look, lock, walk, copy many things at once, verify, finish, account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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
from backend.files.listed import visit_listed
from backend.files.locks import DestinationLocks
from backend.files.model import ConflictPolicy, Direction, Lane, NameTaken, TransferState
from backend.files.narrowed import NarrowedTree, Wanted
from backend.files.partial import numbered_name
from backend.files.paths import join_inside, parent_of, to_bytes
from backend.files.placement import Placed
from backend.files.problems import ENDS_ALL, of_final
from backend.files.resume import RESUMABLE
from backend.files.small_files import STREAMS, SmallFiles
from backend.files.taken import NOT_ANSWERED
from backend.files.walk import Walk
from backend.tasks import task_group, together
from backend.text import show_bytes

Enter = Callable[[TransferState], None]

LARGE_AT_ONCE = 2
"""Large files under way at once; each fills the link by itself."""
QUEUED = 5_000
"""Items found and not yet begun, after which the tree is not read further."""
_NUMBERS = 10_000
_DIRECTORIES_AT_ONCE = 16
_PREPARED_AT_ONCE = 64


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
        self._alone: asyncio.Queue[Item] = asyncio.Queue()
        """Small files and links that go one by one."""
        self._small = SmallFiles(
            context,
            carrier,
            self._alone,
            prepare=self._prepare,
            finish=self._finisher.add,
            fail=self._item_failed,
        )
        self._room = asyncio.Semaphore(QUEUED)
        self._directories: list[Item] = []
        self._open = 0
        """Items that were queued and have not ended."""
        self._all_ended = asyncio.Event()
        self._retried: set[bytes] = set()
        self._spellings = Spellings()
        self._answers: dict[bytes, ConflictPolicy] = {}
        """By source: what the person said about a name that is taken."""
        self._aside: asyncio.TaskGroup
        """Runs what waits for an answer."""
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
            workers = [group.create_task(self._work(self._alone, Lane.FILE)) for _ in range(self._parallel)]
            workers += [group.create_task(self._work(self._large, Lane.BLOCK)) for _ in range(LARGE_AT_ONCE)]
            workers += [group.create_task(self._small.run()) for _ in range(STREAMS)]
            workers += [group.create_task(self._small.begin_ahead()), group.create_task(self._finisher.run())]
            self._aside = group
            await self._find(itinerary)
            self._small.complete()
            await self._wait_for_items()
            for worker in workers:
                worker.cancel()

    def _lock_key(self, placed: Placed) -> bytes:
        # A file here is the same file whichever host it comes from; what several hosts have may go into one directory.
        direction = self._context.request.direction
        direction = Direction.PUT if direction is Direction.BETWEEN else direction
        here = direction is Direction.GET and placed.source.kind is not FileKind.DIRECTORY
        return journal_key(direction.value.encode(), *(() if here else (self._host,)), placed.path)

    @property
    def _host(self) -> bytes:
        return self._context.host.encode("utf-8", "surrogateescape")

    @property
    def _parallel(self) -> int:
        return max(1, self._context.request.parallel)

    async def _find(self, itinerary: Itinerary) -> None:
        self._enter(TransferState.SCANNING)
        if itinerary.listed is not None:
            await visit_listed(itinerary.listed(), self)
        else:
            await self._visit_roots(itinerary)
        self._context.meter.scanned = True
        self._enter(TransferState.COPYING)

    async def _visit_roots(self, itinerary: Itinerary) -> None:
        wanted = Wanted.of([to_bytes(path) for path in self._context.request.only])
        for item in itinerary.roots():
            if not wanted.holds(item.source):
                continue
            await self._make_way(item)
            if item.attributes.kind is FileKind.DIRECTORY:
                source = NarrowedTree(self._carrier.source, wanted) if wanted.paths else self._carrier.source
                walk = Walk(source, self, follow=self._context.request.follow_symlinks)
                await walk.run(item, contents=not item.parts)
            else:
                await self.leaf(item)

    async def _make_way(self, item: Item) -> None:
        """A destination that is written with a slash and missing is made."""
        for depth in range(1, len(item.parts)):
            way = replace(item, parts=item.parts[:depth], attributes=Attributes(FileKind.DIRECTORY))
            await self._carrier.make_directory(way)

    async def _wait_for_items(self) -> None:
        if self._open:
            await self._all_ended.wait()

    async def _finish_directories(self) -> None:
        """Modes and times, when all is written, for that changes the times. What keeps its owner out comes last, the
        deepest first."""
        slots = asyncio.Semaphore(_DIRECTORIES_AT_ONCE)

        async def finish(item: Item) -> None:
            async with slots:
                try:
                    await self._carrier.finish_directory(item)
                except FileError as error:
                    self._ledger.failed(item, error)

        for turn in sorted({_turn(item) for item in self._directories}):
            async with task_group() as group:
                for item in self._directories:
                    if _turn(item) == turn:
                        group.create_task(finish(item))

    # --- what the walk finds -------------------------------------------------------------------------------------

    async def directory(self, item: Item) -> bool:
        """Make it; its mode and time come last."""
        await self._context.gate.passed()
        self._small.expect()
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
        if _is_large(item):
            self._large.put_nowait(item)
        else:
            self._small.put(item)

    def _alone_again(self, item: Item) -> None:
        """Back to the queue of those that go one by one."""
        (self._large if _is_large(item) else self._alone).put_nowait(item)

    def left_out(self, item: Item, reason: str) -> None:
        self._ledger.skipped(replace(item, attributes=Attributes(item.attributes.kind)), reason)  # never in the totals

    def problem(self, item: Item, error: FileError) -> None:
        self._ledger.failed(item, error)

    # --- one item ------------------------------------------------------------------------------------------------

    async def _work(self, queue: asyncio.Queue[Item], lane: Lane) -> None:
        while True:
            item = await queue.get()
            await self._context.gate.passed()
            self._context.meter.going(item.source, lane)
            try:
                await self._begin(item)
            except FileError as error:
                await self._item_failed(item, error)

    async def _prepare(self, items: Sequence[Item]) -> Sequence[Item]:
        """Those that are to be copied, with the names they get."""
        prepared: list[Item] = []
        others: list[Item] = []
        for item in items:
            (prepared if self._needs_nothing(item) else others).append(item)
        for start in range(0, len(others), _PREPARED_AT_ONCE):
            some = others[start : start + _PREPARED_AT_ONCE]
            prepared += [one for one in await together(self._prepared(item) for item in some) if one is not None]
        return prepared

    def _needs_nothing(self, item: Item) -> bool:
        """Whether it can be copied as it is, without a look at anything."""
        policy = self._policy(item)
        plain = not item.clashes and policy is not ConflictPolicy.RENAME and (item.fresh or not needs_look(policy))
        return plain and self._ledger.finished_before(item, verify=self._context.request.verify) is None

    async def _prepared(self, item: Item) -> Item | None:
        """The item with the name it gets; None when it is accounted for."""
        try:
            finished = await self._finished_before(item)
            if not finished and await self._put_aside(item):
                return None
            target = None if finished else await self._target(item)
        except FileError as error:
            await self._item_failed(item, error)
            return None
        if target is None:
            self._item_ended()
        return target

    async def _begin(self, item: Item) -> None:
        target = await self._prepared(item)
        if target is None:
            return
        if target.attributes.kind is FileKind.SYMLINK:
            await self._carrier.link(target)
            await self._ledger.finished(target, 0, verified=False)
            self._item_ended()
        elif target.size >= RESUMABLE:
            verified = await self._carrier.large(target)
            await self._ledger.finished(target, target.size, verified=verified)
            self._item_ended()
        else:
            await self._finisher.add([await self._carrier.small(target)])

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

    def _policy(self, item: Item) -> ConflictPolicy:
        return self._answers.get(item.source, self._context.request.on_conflict)

    async def _put_aside(self, item: Item) -> bool:
        """Whether the person is asked about it: it comes back with the answer, and the others go on meanwhile."""
        if self._policy(item) is not ConflictPolicy.ASK or item.fresh:
            return False
        there = await self._carrier.inspect(item)
        if there is None:
            return False
        self._aside.create_task(self._ask(item, there))
        return True

    async def _ask(self, item: Item, there: Attributes) -> None:
        policy = await self._context.questions.about(self._question(item, there))
        if policy is None:
            self._ledger.skipped(item, NOT_ANSWERED)
            self._item_ended()
        else:
            self._answers[item.source] = policy
            self._alone_again(item)

    def _question(self, item: Item, there: Attributes) -> NameTaken:
        request, place = self._context.request, show_bytes(item.path)
        return NameTaken(
            self._context.host,
            show_bytes(item.parts[-1]),
            place if request.direction is Direction.GET else f"{self._context.host}:{place}",
            size=item.attributes.size,
            modified=item.attributes.modified,
            there_size=there.size,
            there_modified=there.modified,
            there_kind=there.kind.value,
        )

    async def _target(self, item: Item) -> Item | None:
        """The item with the name it gets; None when it is skipped."""
        policy = self._policy(item)
        if item.clashes and await self._carrier.folds_names(item):
            return await self._clashing(item, policy)
        if policy is ConflictPolicy.RENAME and not self._claim(item):
            return await self._renamed(item)
        if item.fresh or policy is ConflictPolicy.ASK or not needs_look(policy):  # to be asked, it was looked at
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
        return self._claimed.setdefault(item.path, item.source) == item.source

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
            self._alone.put_nowait(pending.item)
        else:
            error = of_final(error, pending.item.path)
            self._ledger.pending_failed(pending, error)
            self._item_ended(error)

    async def _changed_meanwhile(self, pending: Pending) -> bool:
        """Whether a differing hash is the source's own doing; believed once. What tar has read is always read again."""
        if pending.item.source in self._retried:
            return False
        if not pending.archived and not await self._carrier.has_changed(pending):
            return False
        self._retried.add(pending.item.source)
        return True

    async def _item_failed(self, item: Item, error: FileError) -> None:
        if error.code is Code.SOURCE_CHANGED and item.source not in self._retried:
            self._retried.add(item.source)
            await self._again(item)
            return
        error = of_final(error, item.path)
        self._ledger.failed(item, error, item.size)
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
        self._alone_again(item)

    def _item_ended(self, error: FairleadError | None = None) -> None:
        self._open -= 1
        self._room.release()
        if not self._open:
            self._all_ended.set()
        if error is not None and error.code in ENDS_ALL:
            raise error


def _is_large(item: Item) -> bool:
    return item.attributes.kind is FileKind.FILE and item.size >= RESUMABLE


def _turn(item: Item) -> tuple[bool, int]:
    """When a directory gets its mode, against others: those that keep their owner out last, deepest first."""
    mode = item.attributes.mode
    shuts = mode is not None and mode & 0o700 != 0o700
    return shuts, -len(item.parts) if shuts else 0
