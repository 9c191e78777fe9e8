"""Carrying a plan out: make way, copy, dress, delete last, and give directories their times when all is in them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import field, replace

from backend.connection.connector import Attributes, FileKind
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError, FileError
from backend.files.itinerary import Itinerary
from backend.files.lane import Item, Parts
from backend.files.ledger import MOST_LISTED
from backend.files.model import ItemNote, TransferOutcome
from backend.files.placement import Placed, SourcePath
from backend.files.problems import ENDS_ALL
from backend.files.sync.compare import Plan
from backend.files.sync.model import CARRIED, Action, Do, Reason
from backend.files.sync.planner import seconds
from backend.files.sync.selection import Selection
from backend.files.sync.sides import Side
from backend.files.sync.spool import Spool
from backend.tasks import closing, task_group
from backend.text import show_bytes

AT_ONCE = 16
"""Names that are changed at once."""

Carry = Callable[[Itinerary], Awaitable[TransferOutcome]]
"""Copies what an itinerary lists."""


@dataclass(slots=True)
class Applied:
    """What has been done."""

    outcome: TransferOutcome | None = None
    deleted: int = 0
    deleted_bytes: int = 0
    adjusted: int = 0
    complete: bool = False
    """Whether everything was tried."""
    failures: dict[Parts, FairleadError] = field(default_factory=dict)
    """What could not be done, apart from copies; the first thousand."""
    notes: list[ItemNote] = field(default_factory=list)

    def failed(self, parts: Parts, error: FairleadError) -> None:
        if len(self.failures) < MOST_LISTED:
            self.failures[parts] = error


class Application:
    """Carries one plan out."""

    def __init__(
        self, plan: Plan, selection: Selection, goal: Side, carry: Carry, applied: Applied, report: Callable[[], None]
    ) -> None:
        """`applied` is filled as things are done, also when this ends early; `report` is called then."""
        self._plan = plan
        self._selection = selection
        self._goal = goal
        self._carry = carry
        self._applied = applied
        self._report = report

    async def run(self) -> None:
        """Raises what ends it early: then nothing more is changed, and nothing is deleted."""
        for spool in (self._plan.changes, self._plan.deletions):
            await self._by_depth(spool, self._is_opened, self._open)
        await self._delete(in_the_way=True)
        await self._copy()
        await self._each(self._plan.changes, self._is_adjusted, self._adjust)
        await self._delete(in_the_way=False)
        await self._finish_directories()
        self._applied.complete = True

    # --- copying ---------------------------------------------------------------------------------------------------

    async def _copy(self) -> None:
        async with closing(self._items()) as items:
            async for _ in items:
                break
            else:
                return
        outcome = self._applied.outcome = await self._carry(self._itinerary())
        if outcome.error is not None and _ended_early(outcome):
            raise outcome.error

    def _itinerary(self) -> Itinerary:
        roots = self._plan.roots
        source = SourcePath(roots.source_path(roots.prefix), FileKind.DIRECTORY, not roots.prefix)
        placed = Placed(source, roots.anchor, (*roots.base, *roots.prefix))
        return Itinerary((placed,), (roots.found,), several=False, listed=self._items)

    async def _items(self) -> AsyncIterator[Item]:
        """Directories first: they are made many at a time."""
        wants = self._selection.wants
        async for action in self._chosen(self._plan.changes, lambda one: one.do is Do.MAKE and wants(one)):
            yield self._item(action)
        async for action in self._chosen(self._plan.changes, lambda one: one.do in CARRIED and wants(one)):
            yield self._item(action)

    def _item(self, action: Action) -> Item:
        roots = self._plan.roots
        return Item(
            roots.source_path(action.parts),
            roots.anchor,
            (*roots.base, *action.parts),
            Attributes(action.kind, size=action.size, mode=action.mode, modified=action.modified),
        )

    # --- modes and times -------------------------------------------------------------------------------------------

    def _is_adjusted(self, action: Action) -> bool:
        return action.do is Do.ADJUST and action.kind is FileKind.FILE and self._selection.wants(action)

    async def _adjust(self, action: Action) -> None:
        await self._dress(action)
        self._applied.adjusted += 1

    async def _dress(self, action: Action) -> None:
        roots = self._plan.roots
        await self._goal.adjust(roots.anchor, (*roots.base, *action.parts), mode=action.mode, modified=action.modified)

    def _is_opened(self, action: Action) -> bool:
        if action.opens is None:
            return False
        return action.do is Do.KEEP or self._is_entered(action) or self._selection.wants(action)

    def _is_entered(self, action: Action) -> bool:
        """Whether it is a directory of the goal alone, and had to be opened to delete what is in it."""
        return action.opens is not None and action.do in (Do.DELETE, Do.EXTRA) and self._selection.deletes_in(action)

    async def _open(self, action: Action) -> None:
        """A directory that could not be written in can, until everything is in it."""
        await self._dress(replace(action, mode=action.opens, modified=None))

    async def _finish_directories(self) -> None:
        """Deepest first, for whatever changes in a directory changes its time."""
        await self._by_depth(self._plan.changes, _is_finished, self._finish, deepest_first=True)
        for spool in (self._plan.changes, self._plan.deletions):
            await self._by_depth(spool, self._is_shut, self._shut, deepest_first=True)

    def _is_shut(self, action: Action) -> bool:
        return self._is_entered(action) and not self._selection.wants(action)

    async def _shut(self, action: Action) -> None:
        """A directory that stays, after all that was to be deleted in it, gets its own mode again."""
        await self._dress(replace(action, modified=None))

    async def _finish(self, action: Action) -> None:
        if action.do is Do.KEEP or self._selection.wants(action):
            await self._dress(action)
            self._applied.adjusted += action.do is Do.ADJUST

    # --- deleting --------------------------------------------------------------------------------------------------

    async def _delete(self, *, in_the_way: bool) -> None:
        """Files and links first, many at once, then the directories, deepest first."""

        def meant(action: Action) -> bool:
            return self._selection.wants(action) and (action.reason is Reason.IN_THE_WAY) is in_the_way

        def is_directory(action: Action) -> bool:
            return action.kind is FileKind.DIRECTORY and meant(action)

        deletions = self._plan.deletions
        await self._each(deletions, lambda one: one.kind is not FileKind.DIRECTORY and meant(one), self._remove)
        await self._by_depth(deletions, is_directory, self._remove, deepest_first=True)

    async def _remove(self, action: Action) -> None:
        roots = self._plan.roots
        removed = await self._goal.remove(
            roots.anchor, (*roots.base, *action.parts), lambda found: still_the_same(action, found)
        )
        if removed:
            self._applied.deleted += 1
            self._applied.deleted_bytes += action.size
        elif len(self._applied.notes) < MOST_LISTED:
            path = show_bytes(roots.goal_path(action.parts))
            self._applied.notes.append(ItemNote(path, "it has changed since it was to be deleted: left as it is"))

    # --- many at once ----------------------------------------------------------------------------------------------

    async def _chosen(self, spool: Spool, which: Callable[[Action], bool]) -> AsyncIterator[Action]:
        async for batch in spool.batches():
            for action in filter(which, batch):
                yield action

    async def _each(
        self, spool: Spool, which: Callable[[Action], bool], work: Callable[[Action], Awaitable[None]]
    ) -> None:
        async for batch in spool.batches():
            await self._at_once([one for one in batch if which(one)], work)

    async def _by_depth(
        self,
        spool: Spool,
        which: Callable[[Action], bool],
        work: Callable[[Action], Awaitable[None]],
        *,
        deepest_first: bool = False,
    ) -> None:
        levels: dict[int, list[Action]] = {}
        async for action in self._chosen(spool, which):
            levels.setdefault(len(action.parts), []).append(action)
        for depth in sorted(levels, reverse=deepest_first):
            await self._at_once(levels[depth], work)

    async def _at_once(self, actions: Sequence[Action], work: Callable[[Action], Awaitable[None]]) -> None:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(action: Action) -> None:
            async with slots:
                try:
                    await work(action)
                except FileError as error:
                    self._applied.failed(action.parts, error)
                self._report()

        async with task_group() as group:
            for action in actions:
                group.create_task(one(action))


def _is_finished(action: Action) -> bool:
    return action.kind is FileKind.DIRECTORY and action.do in (Do.KEEP, Do.ADJUST) and action.mode is not None


def still_the_same(action: Action, found: Attributes) -> bool:
    """Whether what is there is what the plan means to delete."""
    if found.kind is not action.kind:
        return False
    if action.kind is not FileKind.FILE:
        return True
    return (found.size or 0, seconds(found.modified)) == (action.size, seconds(action.modified))


def _ended_early(outcome: TransferOutcome) -> bool:
    """Whether the copy as a whole came to an end, rather than that some items of it failed."""
    error = outcome.error
    assert error is not None
    if error.code in ENDS_ALL:
        return True
    return error.code is not Code.SOME_FAILED and not any(one.error is error for one in outcome.problems)
