"""Plans of whole trees: carried out, they make the goal the same, and what they said is what was done."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import gettempdir

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.connection.connector import FileKind
from backend.errors import Code
from backend.files.lane import Parts
from backend.files.partial import partial_name
from backend.files.paths import Location
from backend.files.sync.apply import Application, Applied
from backend.files.sync.compare import Comparison, Plan
from backend.files.sync.model import CARRIED, CHANGES, Action, Approval, Do, Options, Reason, SyncRequest
from backend.files.sync.patterns import Rule, Rules
from backend.files.sync.planner import seconds
from backend.files.sync.roots import find_roots
from backend.files.sync.selection import Selection
from backend.files.sync.service import select
from tests.support.memory_trees import MemorySide, Node, directory, names

FILE, LINK, SPECIAL = FileKind.FILE, FileKind.SYMLINK, FileKind.SPECIAL
SPOOLS = Path(gettempdir())


def file(content: bytes = b"x", mode: int = 0o644, modified: float = 1000.0) -> Node:
    return Node(FILE, content, mode, modified)


def link(points_to: bytes) -> Node:
    return Node(LINK, points_to)


@dataclass
class World:
    """A source below `/src`, a goal below `/dst`, and a look at both."""

    source: MemorySide
    goal: MemorySide
    request: SyncRequest

    @classmethod
    def of(cls, source: Node, goal: Node | None, options: Options = Options(), text: str = "/src/") -> World:  # noqa: B008
        below = {} if goal is None else {"dst": goal}
        request = SyncRequest(Location(text), Location("/dst"), options)
        return cls(MemorySide(directory(src=source)), MemorySide(directory(**below)), request)

    async def plan(self) -> Plan:
        roots = await find_roots(self.request, self.source, self.goal)
        return await Comparison(self.source, self.goal, self.request.options, spools=SPOOLS).run(roots)

    async def apply(self, plan: Plan, selection: Selection | None = None) -> Applied:
        applied = Applied()
        await Application(
            plan,
            selection or Selection(),
            self.goal,
            lambda itinerary: self.goal.put(self.source, itinerary),
            applied,
            lambda: None,
        ).run()
        return applied

    @property
    def there(self) -> dict[Parts, tuple[object, ...]]:
        return names(self.goal.root.below.get(b"dst", directory()))

    @property
    def here(self) -> dict[Parts, tuple[object, ...]]:
        return names(self.source.root.below[b"src"])


async def actions_of(plan: Plan) -> list[Action]:
    return [one for spool in (plan.changes, plan.deletions) async for batch in spool.batches() for one in batch]


def planned(world: World) -> dict[Parts, tuple[Do, Reason]]:
    """What is to be done to each name, in the order of the plan."""

    async def look() -> dict[Parts, tuple[Do, Reason]]:
        plan = await world.plan()
        try:
            return {one.parts: (one.do, one.reason) for one in await actions_of(plan) if one.reason is not Reason.SAME}
        finally:
            plan.close()

    return asyncio.run(look())


# --- one name ----------------------------------------------------------------------------------------------------


def test_what_is_new_is_made_copied_and_linked() -> None:
    world = World.of(directory(d=directory(f=file()), l=link(b"d")), directory())
    assert planned(world) == {
        (b"l",): (Do.LINK, Reason.NEW),
        (b"d",): (Do.MAKE, Reason.NEW),
        (b"d", b"f"): (Do.COPY, Reason.NEW),
    }


def test_what_is_the_same_is_left_alone() -> None:
    tree = directory(f=file(), d=directory(g=file()), l=link(b"f"))
    assert planned(World.of(tree, copy.deepcopy(tree))) == {}


def test_size_time_mode_and_target_are_told_apart() -> None:
    source = directory(size=file(b"xx"), time=file(modified=1.0), mode=file(mode=0o600), target=link(b"a"))
    goal = directory(size=file(), time=file(), mode=file(), target=link(b"b"))
    assert planned(World.of(source, goal)) == {
        (b"size",): (Do.REPLACE, Reason.SIZE),
        (b"time",): (Do.REPLACE, Reason.TIME),
        (b"mode",): (Do.ADJUST, Reason.MODE),
        (b"target",): (Do.LINK, Reason.TARGET),
    }


def test_times_are_the_same_within_their_second() -> None:
    source, goal = directory(f=file(modified=1000.9)), directory(f=file(modified=1000.0))
    assert planned(World.of(source, goal)) == {}


def test_set_id_bits_are_not_compared_for_they_are_not_carried() -> None:
    assert planned(World.of(directory(f=file(mode=0o4755)), directory(f=file(mode=0o755)))) == {}


def test_by_checksum_only_content_counts_and_the_time_is_put_right() -> None:
    source = directory(touched=file(modified=1.0), rotten=file(b"a"))
    goal = directory(touched=file(modified=2.0), rotten=file(b"b"))
    assert planned(World.of(source, goal, Options(checksum=True))) == {
        (b"touched",): (Do.ADJUST, Reason.TIME),
        (b"rotten",): (Do.REPLACE, Reason.CONTENT),
    }


def test_special_files_are_skipped_and_keep_their_counterparts() -> None:
    world = World.of(directory(s=Node(SPECIAL)), directory(s=file()), Options(delete=True))
    assert planned(world) == {(b"s",): (Do.SKIP, Reason.SPECIAL)}


def test_unfinished_copies_are_neither_synced_nor_deleted_nor_is_what_holds_them() -> None:
    partial = partial_name(b"big").decode()
    source = directory(**{partial: file()})
    goal = directory(old=directory(**{partial: file()}, gone=file()))
    assert planned(World.of(source, goal, Options(delete=True))) == {
        (partial.encode(),): (Do.SKIP, Reason.UNFINISHED),
        (b"old", partial.encode()): (Do.SKIP, Reason.UNFINISHED),
        (b"old",): (Do.EXTRA, Reason.HOLDS_KEPT),
        (b"old", b"gone"): (Do.DELETE, Reason.EXTRANEOUS),
    }


# --- deleting ----------------------------------------------------------------------------------------------------


def test_nothing_is_deleted_unless_asked() -> None:
    assert planned(World.of(directory(), directory(f=file(), d=directory(g=file())))) == {}


def test_a_directory_goes_after_all_that_it_holds() -> None:
    goal = directory(d=directory(e=directory(f=file()), g=link(b"/")))
    order = list(planned(World.of(directory(), goal, Options(delete=True))))
    assert order == [(b"d", b"g"), (b"d", b"e", b"f"), (b"d", b"e"), (b"d",)]


def test_the_excluded_stays_on_both_sides_and_so_does_what_holds_it() -> None:
    source = directory(keep=file(b"mine"), f=file())
    goal = directory(keep=file(b"theirs!"), old=directory(keep=file(), f=file()))
    options = Options(delete=True, rules=Rules((Rule(b"keep"),)))
    assert planned(World.of(source, goal, options)) == {
        (b"keep",): (Do.EXCLUDE, Reason.RULE),
        (b"f",): (Do.COPY, Reason.NEW),
        (b"old", b"keep"): (Do.EXCLUDE, Reason.RULE),
        (b"old", b"f"): (Do.DELETE, Reason.EXTRANEOUS),
        (b"old",): (Do.EXTRA, Reason.HOLDS_KEPT),
    }


def test_nothing_is_deleted_when_part_of_the_source_could_not_be_read() -> None:
    world = World.of(directory(locked=directory()), directory(f=file()), Options(delete=True))
    world.source.unreadable.add(b"/src/locked")

    async def run() -> None:
        plan = await world.plan()
        assert plan.failed == 1
        assert plan.problems[0].error is not None
        assert plan.problems[0].error.code is Code.PERMISSION
        await world.apply(plan, await select(plan, Approval()))
        plan.close()

    asyncio.run(run())
    assert (b"f",) in world.there


def test_what_has_changed_since_the_plan_is_not_deleted() -> None:
    world = World.of(directory(), directory(f=file()), Options(delete=True))

    async def run() -> Applied:
        plan = await world.plan()
        world.goal.at(b"/dst/f").content = b"somebody has written this since"
        applied = await world.apply(plan)
        plan.close()
        return applied

    applied = asyncio.run(run())
    assert applied.deleted == 0
    assert [note.path for note in applied.notes] == ["/dst/f"]
    assert (b"f",) in world.there


# --- another kind of file has the name ---------------------------------------------------------------------------


def test_another_kind_blocks_unless_it_may_be_removed() -> None:
    source, goal = directory(a=file(), b=directory(), c=link(b"x")), directory(a=directory(), b=link(b"x"), c=file())
    assert {do for do, _ in planned(World.of(source, goal)).values()} == {Do.BLOCK}
    for options in (Options(force=True), Options(delete=True)):
        world = World.of(source, copy.deepcopy(goal), options)
        assert carried_out(world)
        assert world.there == world.here


def test_a_directory_in_the_way_stays_when_it_holds_something_excluded() -> None:
    options = Options(delete=True, rules=Rules((Rule(b"keep"),)))
    world = World.of(directory(a=file()), directory(a=directory(keep=file(), other=file())), options)
    assert planned(world)[(b"a",)] == (Do.BLOCK, Reason.HOLDS_KEPT)
    carried_out(world)
    assert (b"a", b"other") in world.there


# --- where things go ---------------------------------------------------------------------------------------------


def test_without_a_slash_the_directory_itself_goes_in() -> None:
    world = World.of(directory(0o750, 77.0, f=file()), directory(other=file()), Options(delete=True), "/src")
    assert list(planned(world)) == [(b"src",), (b"src", b"f")]
    carried_out(world)
    assert set(world.there) == {(b"other",), (b"src",), (b"src", b"f")}
    assert world.there[b"src",] == (FileKind.DIRECTORY, 0o750, 77)


def test_a_goal_that_is_missing_is_made() -> None:
    for text, expected in (("/src/", {(b"f",)}), ("/src", {(b"src",), (b"src", b"f")})):
        world = World.of(directory(f=file()), None, text=text)
        carried_out(world)
        assert set(world.there) == expected


def test_the_goal_itself_keeps_its_mode_and_the_directories_in_it_get_theirs() -> None:
    world = World.of(directory(0o700, 5.0, d=directory(0o555, 6.0, f=file())), directory(0o1777, d=directory(0o555)))
    carried_out(world)
    assert world.goal.at(b"/dst").mode == 0o1777
    assert world.there[b"d",] == (FileKind.DIRECTORY, 0o555, 6)


# --- leaving out -------------------------------------------------------------------------------------------------


def test_what_is_left_out_takes_along_what_cannot_be_done_without_it() -> None:
    source = directory(new=directory(f=file()), g=file())
    goal = directory(old=directory(a=file(), b=file()))
    world = World.of(source, goal, Options(delete=True))
    left_out = frozenset({(b"new",), (b"old", b"a")})
    carried_out(world, lambda plan: select(plan, Approval(left_out=left_out)))
    assert set(world.there) == {(b"g",), (b"old",), (b"old", b"a")}


def test_a_plan_of_which_nothing_is_deleted_makes_nothing_in_the_place_of_what_stays() -> None:
    world = World.of(directory(a=directory(f=file()), g=file()), directory(a=file()), Options(delete=True))
    carried_out(world, lambda plan: select(plan, Approval(delete=False)))
    assert world.there[b"a",][0] is FILE
    assert (b"g",) in world.there


# --- properties --------------------------------------------------------------------------------------------------

_NAMES = st.sampled_from([b"a", b"b", b"-rf", b"new\nline", b"\xff", b"back\\slash", b"[x]"])
_MODES = st.sampled_from([0o644, 0o600, 0o755])
_TIMES = st.sampled_from([0.0, 1000.0, 1000.5, 2000.0])
_LEAVES = st.one_of(
    st.builds(Node, st.just(FILE), st.sampled_from([b"", b"x", b"y", b"xx"]), _MODES, _TIMES),
    st.builds(Node, st.just(LINK), st.sampled_from([b"a", b"../b", b"\xff"])),
)


def _directories(below: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.builds(
        lambda mode, modified, held: Node(FileKind.DIRECTORY, b"", mode, modified, held),
        st.sampled_from([0o755, 0o555, 0o700]),
        _TIMES,
        st.dictionaries(_NAMES, below, max_size=4),
    )


def _of_ours(top: Node) -> Node:
    """The person's own directory is theirs to open and to shut."""
    top.mode |= 0o700
    return top


TREES = _directories(st.recursive(_LEAVES, _directories, max_leaves=10)).map(_of_ours)
RULES = st.lists(
    st.builds(Rule, st.sampled_from([b"a", b"/b", b"a/", b"*", b"**/a", b"[x]", b"-*"]), st.booleans()), max_size=2
).map(lambda rules: Rules(tuple(rules)))
OPTIONS = st.builds(Options, st.booleans(), st.booleans(), st.booleans(), RULES)


async def _select_all(plan: Plan) -> Selection:
    return await select(plan, Approval())


def carried_out(world: World, choose: Callable[[Plan], object] = _select_all) -> list[Action]:
    """Plan it, do it, and see that what was planned is exactly what was done; the plan."""

    async def run() -> list[Action]:
        plan = await world.plan()
        try:
            selection = await choose(plan)  # type: ignore[misc]
            before = world.there
            applied = await world.apply(plan, selection)
            found = [one for one in await actions_of(plan) if selection.wants(one)]
            assert_exact(found, before, world.there)
            assert applied.failures == {}
            assert applied.deleted == sum(one.do is Do.DELETE for one in found)
            assert applied.adjusted == sum(one.do is Do.ADJUST for one in found)
            copied = [one for one in found if one.do in CARRIED]
            progress = None if applied.outcome is None else applied.outcome.progress
            assert (progress.files_done if progress else 0) == len(copied)
            assert (progress.bytes_done if progress else 0) == sum(one.size for one in copied)
            return await actions_of(plan)
        finally:
            plan.close()

    return asyncio.run(run())


def assert_exact(
    plan: list[Action], before: dict[Parts, tuple[object, ...]], after: dict[Parts, tuple[object, ...]]
) -> None:
    """What is gone was to be deleted, what has changed was to be changed, and nothing else."""
    removed = {one.parts for one in plan if one.do is Do.DELETE}
    changed = {one.parts for one in plan if one.do in CHANGES and one.parts}
    assert before.keys() - after.keys() == removed - changed
    different = {parts for parts, found in after.items() if before.get(parts) != found}
    # Directories that the goal alone has get a new time when something in them goes; the others keep the source's.
    assert different - {parts[:-1] for parts in removed} <= changed
    assert {parts for parts in changed if parts not in before} == after.keys() - before.keys()


@settings(max_examples=120, deadline=None)
@given(TREES, TREES, OPTIONS)
def test_a_plan_does_what_it_says_and_says_all_that_it_does(source: Node, goal: Node, options: Options) -> None:
    world = World.of(source, goal, options)
    carried_out(world)
    again = planned(world)
    assert {do for do, _ in again.values()} <= {Do.BLOCK, Do.EXCLUDE, Do.SKIP, Do.EXTRA}


@settings(max_examples=120, deadline=None)
@given(TREES, TREES, st.booleans())
def test_with_delete_and_checksum_the_goal_becomes_the_source(source: Node, goal: Node, itself: bool) -> None:
    world = World.of(source, goal, Options(delete=True, checksum=True), "/src" if itself else "/src/")
    carried_out(world)
    there = {parts[1:]: found for parts, found in world.there.items() if parts[0] == b"src"} if itself else world.there
    there.pop((), None)
    assert there == world.here


@settings(max_examples=60, deadline=None)
@given(TREES, TREES, OPTIONS)
def test_the_source_is_never_changed_and_planning_changes_nothing(source: Node, goal: Node, options: Options) -> None:
    world = World.of(source, goal, options)
    here, there = copy.deepcopy(world.source.root), copy.deepcopy(world.goal.root)
    planned(world)
    assert world.goal.root == there
    carried_out(world)
    assert world.source.root == here


@settings(max_examples=60, deadline=None)
@given(TREES, TREES, st.sets(st.lists(_NAMES, min_size=1, max_size=3).map(tuple), max_size=3))
def test_what_is_left_out_is_not_touched(source: Node, goal: Node, left_out: set[Parts]) -> None:
    world = World.of(source, goal, Options(delete=True))
    before = world.there
    carried_out(world, lambda plan: select(plan, Approval(left_out=frozenset(left_out))))
    for parts, found in world.there.items():
        if any(parts[:depth] in left_out for depth in range(1, len(parts) + 1)) and found[0] is not FileKind.DIRECTORY:
            assert before[parts] == found


@given(st.none() | st.floats(-1e12, 1e12))
def test_times_are_whole_seconds_that_fit_in_32_bits(modified: float | None) -> None:
    told = seconds(modified)
    assert told is None if modified is None else told is not None and 0 <= told <= 0xFFFFFFFF


def test_an_action_survives_the_spool() -> None:
    action = Action(Do.LINK, (b"\xff", b"a\nb"), LINK, Reason.NEW, 3, 0o777, 1.5, FileKind.SPECIAL, 0o700, b"\x80/..")

    async def run() -> list[Action]:
        world = World.of(directory(), directory())
        plan = await world.plan()
        await plan.changes.add([replace(action, size=number) for number in range(1000)])
        found = await actions_of(plan)
        plan.close()
        return found

    assert asyncio.run(run())[-1000:] == [replace(action, size=number) for number in range(1000)]
