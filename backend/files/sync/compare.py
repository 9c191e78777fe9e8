"""Two trees, compared: directory by directory in a fixed order, several looked at ahead, and written down as a plan.

Only the directories that are being looked at are in memory. The source is never changed here, nor is the goal.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from backend.connection.connector import Attributes, Entry, FileKind
from backend.dataclass import dataclass
from backend.errors import Code, FileError
from backend.files.lane import Parts
from backend.files.ledger import MOST_LISTED
from backend.files.model import ItemProblem
from backend.files.partial import is_partial
from backend.files.paths import DEEPEST, join_inside
from backend.files.sync.model import Action, Counts, Do, Options, Reason
from backend.files.sync.planner import (
    DirectoryPlan,
    Facts,
    Listing,
    Questions,
    deletion,
    plan_directory,
    questions,
)
from backend.files.sync.roots import Roots
from backend.files.sync.sides import Side
from backend.files.sync.spool import Spool
from backend.tasks import cancel_all, closing, task_group
from backend.text import show_bytes

P = ParamSpec("P")
T = TypeVar("T")

AHEAD = 16
"""Directories that are looked at before their turn."""
_INLINE = 200
"""Names that are compared without leaving the event loop."""
_PORTION = 1000
"""Actions that are counted and written down before others have their turn."""
_LINKS_AT_ONCE = 16


@dataclass(slots=True)
class Plan:
    """What is to be done, all of it. `close` when it is not needed any more."""

    roots: Roots
    options: Options
    changes: Spool
    """In order: a directory before what is in it. Directories in which something changes are there too, kept or not."""
    deletions: Spool
    """In order: what a directory holds before the directory."""
    counts: Counts = field(default_factory=Counts)
    problems: list[ItemProblem] = field(default_factory=list)
    """What could not be read; the first thousand."""
    failed: int = 0
    source_failed: bool = False
    """Part of the source could not be read: what seems extraneous may not be, and nothing is deleted."""
    production: bool = False
    """The goal is a host whose changes are to be confirmed."""
    seen: int = 0
    """Names that were looked at."""
    remarks: list[str] = field(default_factory=list)

    @property
    def nothing_to_do(self) -> bool:
        return not (self.counts.changes or self.counts.deletions)

    def trouble(self, path: bytes, error: FileError) -> None:
        """Something could not be read."""
        self.failed += 1
        if len(self.problems) < MOST_LISTED:
            self.problems.append(ItemProblem(show_bytes(path), error, error.message))

    def close(self) -> None:
        self.changes.close()
        self.deletions.close()


@dataclass(slots=True)
class _Node:
    """A directory of the source whose turn will come."""

    action: Action
    """What is done to the directory itself."""
    task: asyncio.Task[_Looked] | None = None

    @property
    def parts(self) -> Parts:
        return self.action.parts

    @property
    def new(self) -> bool:
        return self.action.do is Do.MAKE


@dataclass(slots=True)
class _Looked:
    """What a directory turned out to be."""

    plan: DirectoryPlan | None
    """None when the goal's side of it could not be read."""
    seen: int = 0


class Comparison:
    """One look at two trees."""

    def __init__(
        self,
        source: Side,
        goal: Side,
        options: Options,
        *,
        spools: Path,
        young: float | None = None,
        report: Callable[[int], None] = lambda seen: None,
    ) -> None:
        """`young`: files changed since then (seconds since 1970) are compared by content. `report`: names seen."""
        self._source = source
        self._goal = goal
        self._options = options
        self._spools = spools
        self._young = young
        self._report = report
        self._plan: Plan

    async def run(self, roots: Roots) -> Plan:
        """The whole plan. Raises FileError when one of the two directories themselves cannot be looked at."""
        plan = self._plan = Plan(roots, self._options, Spool(self._spools), Spool(self._spools))
        try:
            await self._compare(roots)
        except BaseException:
            plan.close()
            raise
        if self._goal.unhashed or self._source.unhashed:
            reason = self._goal.unhashed or self._source.unhashed
            plan.remarks.append(f"{reason}: files were read over the link to compare their contents")
        return plan

    async def _compare(self, roots: Roots) -> None:
        first = await self._top(roots)
        waiting = deque(first)
        try:
            while waiting:
                self._look_ahead(waiting)
                node = waiting.popleft()
                assert node.task is not None
                looked = await node.task
                self._plan.seen += looked.seen
                self._report(self._plan.seen)
                waiting.extendleft(reversed(await self._write(node.action, looked.plan)))
        finally:
            await cancel_all(node.task for node in waiting if node.task is not None)

    def _look_ahead(self, waiting: deque[_Node]) -> None:
        for number in range(min(AHEAD, len(waiting))):
            node = waiting[number]
            if node.task is None:
                node.task = asyncio.create_task(self._look(node))

    async def _top(self, roots: Roots) -> list[_Node]:
        """What is done to the top, and the directory that the comparison begins with."""
        made = roots.goal_found is None
        top = Action(Do.MAKE if made else Do.KEEP, (), FileKind.DIRECTORY, Reason.NEW if made else Reason.SAME)
        if not roots.prefix:
            # A directory that is there already keeps its mode and time: it is the person's own, and may be `/tmp`.
            return [_Node(replace(top, mode=roots.found.mode, modified=roots.found.modified) if made else top)]
        name = roots.prefix[-1]
        there = {} if made else await self._one(roots.goal_path(roots.prefix), name)
        plan = plan_directory((), {name: roots.found}, there, self._options)
        return await self._write(top, plan)

    async def _one(self, path: bytes, name: bytes) -> Listing:
        try:
            return {name: await self._goal.stat(path, follow=False)}
        except FileError as error:
            if error.code is Code.NOT_FOUND:
                return {}
            raise

    # --- looking ---------------------------------------------------------------------------------------------------

    async def _look(self, node: _Node) -> _Looked:
        """List both sides of a directory, find out what else is needed, plan it. What fails is noted."""
        roots = self._plan.roots
        source_path, goal_path = roots.source_path(node.parts), roots.goal_path(node.parts)
        async with task_group() as group:
            mine = group.create_task(self._listing(self._source, source_path, of_source=True))
            other = None if node.new else group.create_task(self._listing(self._goal, goal_path))
        source, goal = mine.result(), {} if other is None else other.result()
        if source is None or goal is None:
            return _Looked(None)
        think = _at_once if len(source) + len(goal) <= _INLINE else asyncio.to_thread
        wanted = await think(questions, node.parts, source, goal, self._options, young=self._young)
        facts = await self._facts(wanted, source_path, goal_path, source)
        plan = await think(plan_directory, node.parts, source, goal, self._options, facts)
        return _Looked(plan, plan.seen)

    async def _listing(self, side: Side, path: bytes, *, of_source: bool = False) -> Listing | None:
        """A directory, every name checked; None when it cannot be read, which is noted."""
        found: dict[bytes, Attributes] = {}
        try:
            if path.count(b"/") > DEEPEST:
                reason = {"path": show_bytes(path[-200:]), "reason": "it lies too deep"}
                raise FileError(Code.NAME_INVALID, evidence=reason)
            async with closing(side.scan(path)) as batches:
                async for batch in batches:
                    for entry in batch:
                        await self._entry(side, path, entry, found, of_source=of_source)
                    await asyncio.sleep(0)  # many batches may be here already: others have their turn all the same
        except FileError as error:
            self._trouble(path, error, of_source=of_source)
            return None
        return found

    async def _entry(
        self, side: Side, path: bytes, entry: Entry, found: dict[bytes, Attributes], *, of_source: bool
    ) -> None:
        try:
            below = join_inside(path, entry.name)
            attributes = entry.attributes
            if attributes.kind is FileKind.UNKNOWN:
                attributes = await side.stat(below, follow=False)
            found[entry.name] = replace(attributes, owner="", group="") if attributes.owner else attributes
        except FileError as error:
            if error.code is not Code.NOT_FOUND:  # gone since it was listed
                self._trouble(path, error, of_source=of_source)

    def _trouble(self, path: bytes, error: FileError, *, of_source: bool) -> None:
        self._plan.source_failed = self._plan.source_failed or of_source
        self._plan.trouble(path, error)

    async def _facts(self, wanted: Questions, source_path: bytes, goal_path: bytes, source: Listing) -> Facts:
        async with task_group() as group:
            mine = group.create_task(_links(self._source, source_path, wanted.source_links))
            theirs = group.create_task(_links(self._goal, goal_path, wanted.goal_links))
            same = group.create_task(self._same(wanted.contents, source_path, goal_path, source))
        return Facts(mine.result(), theirs.result(), same.result())

    async def _same(
        self, names: Sequence[bytes], source_path: bytes, goal_path: bytes, source: Listing
    ) -> Mapping[bytes, bool]:
        async def same(name: bytes) -> bool:
            size = source[name].size or 0
            async with task_group() as group:
                mine = group.create_task(self._source.digest(join_inside(source_path, name), size))
                other = group.create_task(self._goal.digest(join_inside(goal_path, name), size))
            return mine.result() is not None and mine.result() == other.result()

        return await _each(names, same, at_once=500)

    # --- writing it down -------------------------------------------------------------------------------------------

    async def _write(self, action: Action, plan: DirectoryPlan | None) -> list[_Node]:
        """A directory's own line, then what is in it; the directories to be looked at next."""
        if plan is None:
            await self._change([action])
            return []
        cleared, blocked = await self._clear(plan)
        await self._header(action, changes=plan.changes)
        for portion in _portions(plan.actions):
            await self._change([one for one in portion if one.do is not Do.DELETE])
        await self._change(blocked)
        for portion in _portions(plan.actions):
            await self._delete([one for one in portion if one.do is Do.DELETE])
        enter = [one for one in cleared if one.kind is FileKind.DIRECTORY]
        await self._change([one for one in cleared if one.kind is not FileKind.DIRECTORY])
        for doomed in plan.remove:
            async for actions in self._doomed(doomed):
                await self._delete_or_leave(actions)
        return [_Node(one) for one in sorted([*plan.enter, *enter], key=lambda one: one.parts)]

    async def _header(self, action: Action, *, changes: bool) -> None:
        if not changes and action.opens is not None:
            action = replace(action, opens=None)
        self._plan.counts.add([action])
        if changes or action.do is not Do.KEEP:
            await self._plan.changes.add([action])

    async def _change(self, actions: list[Action]) -> None:
        self._plan.counts.add(actions)
        await self._plan.changes.add([one for one in actions if one.reason not in (Reason.SAME, Reason.EXTRANEOUS)])
        await asyncio.sleep(0)

    async def _delete(self, actions: list[Action]) -> None:
        self._plan.counts.add(actions)
        await self._plan.deletions.add(actions)
        await asyncio.sleep(0)

    async def _delete_or_leave(self, actions: list[Action]) -> None:
        await self._delete([one for one in actions if one.do is Do.DELETE])
        await self._change([one for one in actions if one.do is not Do.DELETE])

    async def _clear(self, plan: DirectoryPlan) -> tuple[list[Action], list[Action]]:
        """Directories in the way: what takes their place, and what cannot, for they hold something that is kept."""
        made: list[Action] = []
        blocked: list[Action] = []
        for doomed, instead in plan.clear:
            found = [one async for actions in self._doomed(doomed) for one in actions]
            if all(one.do is Do.DELETE for one in found):
                await self._delete([replace(one, reason=Reason.IN_THE_WAY) for one in found])
                made.append(instead)
            else:
                await self._change(
                    [one for one in found if one.do is not Do.DELETE and one.reason is not Reason.HOLDS_KEPT]
                )
                blocked.append(replace(instead, do=Do.BLOCK, reason=Reason.HOLDS_KEPT))
        return made, blocked

    async def _doomed(self, doomed: Action) -> AsyncIterator[list[Action]]:
        """Everything in a directory of the goal that is to go, what it holds before itself."""
        listing = await self._listing(self._goal, self._plan.roots.goal_path(doomed.parts))
        below: list[Action] = []
        here: list[Action] = []
        for name in sorted(listing or {}):
            one = self._doom((*doomed.parts, name), (listing or {})[name])
            (below if one.do is Do.DELETE and one.kind is FileKind.DIRECTORY else here).append(one)
        self._plan.seen += len(here) + len(below)
        self._report(self._plan.seen)
        holds_kept = listing is None or any(one.do is not Do.DELETE for one in here)
        yield here
        for one in below:
            async for actions in self._doomed(one):
                holds_kept = holds_kept or any(one.do is not Do.DELETE for one in actions)
                yield actions
        yield [doomed if not holds_kept else replace(doomed, do=Do.EXTRA, reason=Reason.HOLDS_KEPT)]

    def _doom(self, parts: Parts, found: Attributes) -> Action:
        if is_partial(parts[-1]):
            return Action(Do.SKIP, parts, found.kind, Reason.UNFINISHED)
        if self._options.rules.excluding(parts, directory=found.kind is FileKind.DIRECTORY) is not None:
            return Action(Do.EXCLUDE, parts, found.kind, Reason.RULE)
        return deletion(parts, found, Reason.EXTRANEOUS)


async def _at_once(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """`work` here and now, for what is too little to be worth a thread."""
    return work(*args, **kwargs)


def _portions(actions: Sequence[Action]) -> Iterator[Sequence[Action]]:
    return (actions[start : start + _PORTION] for start in range(0, len(actions), _PORTION))


async def _links(side: Side, path: bytes, names: Sequence[bytes]) -> Mapping[bytes, bytes]:
    """Where links point to; those that cannot be read are left out."""
    found: dict[bytes, bytes] = {}

    async def read(name: bytes) -> None:
        with suppress(FileError):
            found[name] = await side.readlink(join_inside(path, name))

    await _each(names, read, at_once=_LINKS_AT_ONCE)
    return found


async def _each(names: Sequence[bytes], work: Callable[[bytes], Awaitable[T]], *, at_once: int) -> dict[bytes, T]:
    """What `work` says to each name, so many at once."""
    results: dict[bytes, T] = {}
    waiting = iter(names)

    async def worker() -> None:
        for name in waiting:
            results[name] = await work(name)

    async with task_group() as group:
        for _ in names[:at_once]:
            group.create_task(worker())
    return results
