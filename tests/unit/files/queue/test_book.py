"""The queue on disk: who owns what, what becomes of a process that died, and wishes across processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import Code, FileError
from backend.files.model import (
    Direction,
    ItemProblem,
    TransferOutcome,
    TransferProgress,
    TransferRequest,
    TransferState,
)
from backend.files.queue.book import Granted, Snapshot, TransferBook
from backend.files.queue.record import TransferRecord, in_order
from backend.files.queue.rules import Move, Wish
from backend.leases import Holder
from backend.priority import Priority
from backend.store import Store
from mocks.clock import VirtualClock

S = TransferState
PUT = TransferRequest(Direction.PUT, "web-1", ("/home/ann/model.bin",), "/srv/")


class Process:
    """One of the processes that share a state directory."""

    def __init__(self, root: Path, clock: VirtualClock) -> None:
        self.store = Store(root / "fairlead.db")
        self.holder = Holder(root / "holders")
        self.book = TransferBook(self.store, clock, self.holder)

    async def add(
        self, id_: str, request: TransferRequest = PUT, priority: Priority = Priority.NORMAL
    ) -> TransferRecord:
        named = replace(request, sources=(f"/home/ann/{id_}",)) if request is PUT else request
        return await self.book.add(id_, named, priority=priority, by_itself=True, state=S.WAITING)

    async def become(self, id_: str, state: TransferState, *, ended: bool = False) -> None:
        progress = TransferProgress(bytes_done=7, failed=1)
        outcome = _outcome(progress) if ended else None
        record = await self.record(id_)
        await self.book.save([Snapshot(id_, record.request, state, progress, outcome)])

    async def record(self, id_: str) -> TransferRecord:
        return next(one for one in (await self.book.all({}))[1] if one.id == id_)

    async def states(self) -> dict[str, TransferState]:
        return {one.id: one.state for one in in_order((await self.book.all({}))[1])}

    def die(self) -> None:
        """As by SIGKILL: the lock ends, nothing is written."""
        self.holder.close()


def _outcome(progress: TransferProgress) -> TransferOutcome:
    error = FileError(Code.PERMISSION, evidence={"path": "/srv/x"})
    return TransferOutcome(progress, 1.0, problems=(ItemProblem("/srv/x", error, "", "/srv/x"),), error=error)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def two(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[tuple[Process, Process]]:
    processes = Process(tmp_path, clock), Process(tmp_path, clock)
    yield processes
    for process in processes:
        process.holder.close()
        await process.store.close()


Two = tuple[Process, Process]


async def test_what_one_process_asks_for_the_other_sees_as_held(two: Two) -> None:
    one, other = two
    await one.add("a")
    seen = await other.record("a")
    assert (seen.state, seen.held, seen.ours) == (S.WAITING, True, False)
    assert (await one.record("a")).ours


@pytest.mark.parametrize("state", [S.WAITING, S.SCANNING, S.COPYING, S.RECONNECTING])
async def test_what_a_killed_process_was_at_is_interrupted_at_once(two: Two, state: TransferState) -> None:
    one, other = two
    await one.add("a")
    await one.become("a", state)
    one.die()
    seen = await other.record("a")
    assert (seen.state, seen.held) == (S.INTERRUPTED, False)
    assert seen.progress.bytes_done == 7, "how far it was is known"


async def test_what_was_paused_stays_paused_when_its_process_dies(two: Two) -> None:
    one, other = two
    await one.add("a")
    await one.become("a", S.PAUSED)
    one.die()
    assert (await other.record("a")).state is S.PAUSED


async def test_a_process_that_lives_keeps_what_it_has_however_long_it_slept(two: Two, clock: VirtualClock) -> None:
    one, other = two
    await one.add("a")
    await clock.advance(86_400)
    assert (await other.record("a")).held


async def test_each_is_taken_up_by_one_process_only(two: Two) -> None:
    one, other = two
    await one.add("a")
    await one.become("a", S.INTERRUPTED, ended=True)
    assert [record.id for record in await other.book.claim(["a"])] == ["a"]
    assert await one.book.claim(["a"]) == []
    assert (await one.record("a")).outcome is None


async def test_only_what_was_interrupted_goes_on_by_itself(two: Two) -> None:
    one, _ = two
    for id_, state in {"a": S.INTERRUPTED, "b": S.PAUSED, "c": S.FAILED, "d": S.DONE}.items():
        await one.add(id_)
        await one.become(id_, state, ended=True)
    await one.add("e", replace(PUT, host="db-2"))
    await one.become("e", S.INTERRUPTED, ended=True)
    assert [record.id for record in await one.book.claim_interrupted("web-1")] == ["a"]


async def test_a_wish_for_what_another_process_does_is_left_with_it_and_handed_out_once(two: Two) -> None:
    one, other = two
    await one.add("a")
    await one.become("a", S.COPYING)
    assert await other.book.wish("a", Wish.PAUSE) is Granted.ASKED
    assert (await other.record("a")).wish is Wish.PAUSE
    assert await other.book.wishes() == {}
    assert await one.book.wishes() == {"a": Wish.PAUSE}
    assert await one.book.wishes() == {}


@pytest.mark.parametrize(("wish", "state"), [(Wish.PAUSE, S.PAUSED), (Wish.CANCEL, S.CANCELLED)])
async def test_a_wish_that_its_process_died_with_is_granted(two: Two, wish: Wish, state: TransferState) -> None:
    one, other = two
    await one.add("a")
    await one.become("a", S.COPYING)
    await other.book.wish("a", wish)
    one.die()
    assert (await other.record("a")).state is state


async def test_what_is_nobody_s_is_changed_directly(two: Two) -> None:
    one, other = two
    await one.add("a")
    await one.become("a", S.INTERRUPTED, ended=True)
    assert await other.book.wish("a", Wish.PAUSE) is Granted.DONE
    assert await other.book.wish("a", Wish.CANCEL) is Granted.DONE
    assert await other.book.wish("a", Wish.CANCEL) is Granted.NOT_NOW
    assert await other.book.wish("nobody", Wish.CANCEL) is Granted.UNKNOWN
    assert (await one.record("a")).state is S.CANCELLED


async def test_the_same_copy_asked_for_again_goes_on_as_the_new_one(two: Two) -> None:
    one, _ = two
    await one.add("a", replace(PUT, as_copy=True))
    await one.become("a", S.INTERRUPTED, ended=True)
    again = await one.add("b", replace(PUT, verify=False))
    assert again.request.as_copy, "the destination was not there when it began"
    assert await one.states() == {"b": S.WAITING}


async def test_what_is_done_and_what_somebody_does_is_not_taken_over(two: Two) -> None:
    one, other = two
    await one.add("a", replace(PUT, as_copy=True))
    assert not (await other.add("b", replace(PUT))).request.as_copy
    await one.become("a", S.DONE, ended=True)
    assert not (await one.add("c", replace(PUT))).request.as_copy
    assert set(await one.states()) == {"a", "b", "c"}


async def test_items_are_kept_beside_the_list(two: Two) -> None:
    one, other = two
    await one.add("a")
    await one.become("a", S.FAILED, ended=True)
    record = await other.record("a")
    assert record.outcome is not None
    assert (record.outcome.problems, record.outcome.problems_dropped) == ((), 1)
    assert [problem.source for problem in (await other.book.items("a")).problems] == ["/srv/x"]
    assert (await other.book.items("nobody")).problems == ()


async def test_the_list_is_in_the_order_in_which_they_will_go(two: Two, clock: VirtualClock) -> None:
    one, _ = two
    for id_ in ("old", "new"):
        await one.add(id_)
        await one.become(id_, S.DONE, ended=True)
        await clock.advance(5)
    await one.add("a")
    await one.add("b")
    await one.add("urgent", priority=Priority.HIGH)
    await one.add("moves")
    await one.become("moves", S.COPYING)
    assert list(await one.states()) == ["moves", "urgent", "a", "b", "new", "old"]
    assert await one.book.move("b", Move.EARLIER)
    assert list(await one.states()) == ["moves", "urgent", "b", "a", "new", "old"]
    assert await one.book.move("a", Move.FIRST)
    assert list(await one.states()) == ["moves", "a", "urgent", "b", "new", "old"]
    assert not await one.book.move("a", Move.EARLIER)
    assert not await one.book.move("old", Move.FIRST)
    assert await one.book.prefer("b", Priority.HIGH)
    assert list(await one.states()) == ["moves", "a", "urgent", "b", "new", "old"]


async def test_a_thousand_places_between_two_are_found(two: Two) -> None:
    one, _ = two
    for id_ in ("a", "b", "c"):
        await one.add(id_)
    for _ in range(200):
        assert await one.book.move("c", Move.EARLIER)
        assert await one.book.move("c", Move.LATER)
    assert list(await one.states()) == ["a", "b", "c"]


async def test_only_what_has_changed_is_read_again(two: Two) -> None:
    one, other = two
    await one.add("a")
    await one.add("b")
    ids, records = await other.book.all({})
    known = {record.id: record.revision for record in records}
    await one.become("b", S.COPYING)
    ids, changed = await other.book.all(known)
    assert (ids, [record.id for record in changed]) == ({"a", "b"}, ["b"])
    assert await other.store.version() == await other.store.version()


async def test_clearing_forgets_what_has_ended_and_nothing_else(two: Two) -> None:
    one, _ = two
    for id_, state in {"a": S.DONE, "b": S.FAILED, "c": S.CANCELLED, "d": S.INTERRUPTED, "e": S.PAUSED}.items():
        await one.add(id_)
        await one.become(id_, state, ended=True)
    await one.add("f")
    assert await one.book.clear() == 3
    assert set(await one.states()) == {"d", "e", "f"}


async def test_of_those_that_have_ended_the_last_are_kept(
    two: Two, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.files.queue.book.KEPT_ENDED", 2)
    one, _ = two
    for id_ in ("a", "b", "c", "d"):
        await one.add(id_)
        await one.become(id_, S.DONE, ended=True)
        await clock.advance(1)
    assert list(await one.states()) == ["d", "c"]
