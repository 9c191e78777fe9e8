"""The queue at work: turns, restarts, wishes of other processes, questions, and what failed asked for again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from backend.errors import Code, FileError
from backend.files.model import ConflictPolicy, Direction, TakenAnswer
from backend.files.transfer import (
    Granted,
    Limits,
    Move,
    Transfer,
    TransferChanged,
    TransferRequest,
    TransferState,
    Wish,
)
from tests.support.memory_files import TARGET, DirectoryHost, QuickClock
from tests.support.person import Person
from tests.support.transfer_world import Workbench, mixed_tree, snapshot, workbench

MIB = 1 << 20
S = TransferState
Open = Callable[..., AbstractAsyncContextManager[Workbench]]


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "host").mkdir()
    return tmp_path / "host"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.fixture
def host(there: Path) -> DirectoryHost:
    return DirectoryHost(there)


@pytest.fixture
def process(host: DirectoryHost, tmp_path: Path) -> Open:
    """Opens the services once more over the same state, as another process or after a restart."""

    def open_one(**more: object) -> AbstractAsyncContextManager[Workbench]:
        return workbench(host, TARGET, tmp_path / "state", clock=QuickClock(), **more)  # type: ignore[arg-type]

    return open_one


@pytest.fixture
async def bench(process: Open) -> AsyncIterator[Workbench]:
    async with process() as services:
        yield services


def file(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(size).randbytes(size))
    return path


async def moved(transfer: Transfer, size: int) -> None:
    while transfer.progress.bytes_done < size:
        assert transfer.outcome is None, transfer.outcome
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


def state_of(transfer: Transfer) -> TransferState:
    return transfer.state


async def states(bench: Workbench) -> dict[str, TransferState]:
    return {record.id: record.state for record in await bench.transfers.records()}


# --- turns --------------------------------------------------------------------------------------------------------


async def test_no_more_run_at_once_than_may_and_each_comes_to_its_turn(process: Open, here: Path, there: Path) -> None:
    async with process(limits=Limits(2, 1)) as bench:
        running: set[str] = set()
        most: list[int] = []

        def changed(event: TransferChanged) -> None:
            (running.add if event.state in {S.SCANNING, S.COPYING} else running.discard)(event.transfer_id)
            most.append(len(running))

        bench.bus.subscribe(TransferChanged, changed)
        transfers = [bench.transfers.submit(bench.putting(file(here / f"f{n}", MIB), to="./")) for n in range(4)]
        elsewhere = [
            bench.transfers.submit(TransferRequest(Direction.PUT, name, (str(here / "f0"),), f"{name}"))
            for name in ("server2", "server3")
        ]
        assert {one.state for one in transfers} == {S.WAITING}
        for transfer in (*transfers, *elsewhere):
            assert (await transfer.wait()).error is None
        assert max(most) == 2
        assert sorted(path.name for path in there.iterdir()) == ["f0", "f1", "f2", "f3", "server2", "server3"]


async def test_a_paused_one_makes_room_and_waits_for_its_turn_again(process: Open, here: Path) -> None:
    async with process(limits=Limits(1, 1)) as bench:
        first = bench.transfers.submit(bench.putting(file(here / "a", 6 * MIB), to="./", rate_limit=20 * MIB))
        second = bench.transfers.submit(bench.putting(file(here / "b", 6 * MIB), to="./", rate_limit=20 * MIB))
        await moved(first, MIB)
        assert (state_of(first), state_of(second)) == (S.COPYING, S.WAITING)
        first.pause()
        await moved(second, MIB)
        assert state_of(first) is S.PAUSED
        first.resume()
        assert state_of(first) is S.WAITING, "the other one has the only place"
        assert (await second.wait()).error is None
        assert (await first.wait()).error is None


async def test_what_waits_goes_in_the_order_it_was_given(process: Open, here: Path) -> None:
    async with process(limits=Limits(1, 1)) as bench:
        done: list[str] = []
        first = bench.transfers.submit(bench.putting(file(here / "first", 2 * MIB), to="./", rate_limit=MIB))
        others = {
            name: bench.transfers.submit(bench.putting(file(here / name, 1000), to="./")) for name in ("a", "b", "c")
        }
        names = {transfer.id: name for name, transfer in others.items()}
        bench.bus.subscribe(
            TransferChanged,
            lambda event: done.append(names.get(event.transfer_id, "first")) if event.outcome else None,
        )
        await moved(first, 1)
        await bench.transfers.records()
        assert await bench.transfers.move(others["c"].id, Move.FIRST)
        assert await bench.transfers.move(others["a"].id, Move.LATER)
        first.limit(None)
        for transfer in (first, *others.values()):
            await transfer.wait()
        assert done == ["first", "c", "b", "a"]


async def test_a_limit_that_is_set_while_it_is_written_down_holds(bench: Workbench, here: Path) -> None:
    transfer = bench.transfers.submit(bench.putting(file(here / "a", 1000), to="./"))
    transfer.limit(5000)
    await transfer.wait()
    assert (await bench.transfers.records())[0].request.rate_limit == 5000


async def test_the_rate_limit_can_be_changed_while_it_runs(bench: Workbench, here: Path) -> None:
    transfer = bench.transfers.submit(bench.putting(file(here / "a", 8 * MIB), to="./", rate_limit=100_000))
    await moved(transfer, 1)
    transfer.limit(None)
    async with asyncio.timeout(20):
        assert (await transfer.wait()).error is None
    assert (await bench.transfers.records())[0].request.rate_limit is None


# --- over restarts ------------------------------------------------------------------------------------------------


async def test_what_runs_when_the_program_ends_goes_on_after_a_restart(
    process: Open, host: DirectoryHost, here: Path, there: Path
) -> None:
    file(here / "big", 8 * MIB)
    async with process() as bench:
        transfer = bench.transfers.submit(bench.putting(here / "big", to="./", rate_limit=200_000))
        await moved(transfer, 3 * MIB)
    assert state_of(transfer) is S.INTERRUPTED
    host.received = 0
    async with process() as bench:
        (record,) = await bench.transfers.records()
        assert (record.id, record.state) == (transfer.id, S.INTERRUPTED)
        assert record.progress.bytes_done >= 3 * MIB
        (again,) = await bench.transfers.resume([record.id])
        assert again.progress.bytes_done >= 3 * MIB, "known before it has begun"
        again.limit(None)
        outcome = await again.wait()
        assert outcome.error is None
        assert outcome.progress.resumed_bytes > 2 * MIB
        assert outcome.progress.restarts == 1
    assert (there / "big").read_bytes() == (here / "big").read_bytes()
    async with process() as bench:
        assert await states(bench) == {transfer.id: S.DONE}


async def test_what_a_person_has_stopped_does_not_count_as_cut_off(process: Open, here: Path) -> None:
    file(here / "big", 8 * MIB)
    async with process() as bench:
        transfer = bench.transfers.submit(bench.putting(here / "big", to="./", rate_limit=200_000))
        await moved(transfer, 3 * MIB)
        await transfer.cancel()
        (again,) = await bench.transfers.resume([transfer.id])
        again.limit(None)
        outcome = await again.wait()
        assert outcome.error is None
        assert outcome.progress.resumed_bytes > 2 * MIB
        assert outcome.progress.restarts == 0


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("how", ["resumed", "asked for again"])
async def test_a_tree_whose_copy_was_cut_off_is_not_put_into_itself(
    process: Open, here: Path, there: Path, direction: Direction, how: str
) -> None:
    source, goal = (here, there) if direction is Direction.PUT else (there, here)
    mixed_tree(source / "tree", random.Random(3))
    request = TransferRequest(direction, "server", (str(source / "tree"),), str(goal / "copy"), rate_limit=100_000)
    async with process() as bench:
        transfer = bench.transfers.submit(request)
        await moved(transfer, MIB)
    assert state_of(transfer) is S.INTERRUPTED
    assert (goal / "copy").is_dir()
    async with process() as bench:
        if how == "resumed":
            (again,) = await bench.transfers.resume([transfer.id])
        else:
            again = bench.transfers.submit(request)
        again.limit(None)
        assert (await again.wait()).error is None
        assert set((await states(bench)).values()) == {S.DONE}
    assert snapshot(goal / "copy") == snapshot(source / "tree")


async def test_a_restarted_workbench_goes_on_when_the_host_is_connected(process: Open, here: Path, there: Path) -> None:
    file(here / "big", 6 * MIB)
    async with process() as bench:
        transfer = bench.transfers.submit(bench.putting(here / "big", to="./", rate_limit=MIB // 2))
        await moved(transfer, MIB)
        paused = bench.transfers.submit(bench.putting(file(here / "other", 2 * MIB), to="./", rate_limit=MIB))
        await moved(paused, 1)
        paused.pause()
    async with process() as bench:
        waiting = await bench.transfers.serve()
        assert [record.id for record in waiting] == [transfer.id]
        assert bench.transfers.all() == ()
        await bench.sessions.get("server").link()
        await until(lambda: bool(bench.transfers.all()))
        (again,) = bench.transfers.all()
        assert again.id == transfer.id
        assert (await again.wait()).error is None
        assert (await states(bench))[paused.id] is S.PAUSED, "a person held it up"
    assert (there / "big").read_bytes() == (here / "big").read_bytes()


async def test_a_transfer_whose_link_is_gone_for_good_is_interrupted_not_failed(
    bench: Workbench, host: DirectoryHost, here: Path
) -> None:
    file(here / "big", 4 * MIB)
    host.faults.lose_after = [0] * 60
    transfer = bench.transfers.submit(bench.putting(here / "big", to="./"))
    outcome = await transfer.wait()
    assert outcome.error is not None
    assert state_of(transfer) is S.INTERRUPTED
    host.faults.lose_after = []
    assert await bench.transfers.wish(transfer.id, Wish.RESUME) is Granted.DONE
    again = bench.transfers.find(transfer.id)
    assert again is not None
    assert (await again.wait()).error is None


async def test_a_failed_one_is_asked_for_again_under_its_own_name(bench: Workbench, here: Path, there: Path) -> None:
    outcome = await bench.put(here / "late", to="./")
    assert outcome.error is not None
    (record,) = await bench.transfers.records()
    assert (record.state, record.outcome is not None) == (S.FAILED, True)
    file(here / "late", 10)
    (again,) = await bench.transfers.resume([record.id])
    assert (await again.wait()).error is None
    assert (there / "late").exists()


async def test_a_state_directory_that_cannot_be_written_fails_the_transfer(
    bench: Workbench, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> object:
        raise FileError(Code.DISK_FULL, evidence={"path": "fairlead.db"})

    monkeypatch.setattr(bench.store, "run", full)
    outcome = await bench.put(file(here / "a", 10), to="./")
    assert outcome.error is not None
    assert outcome.error.code is Code.DISK_FULL


# --- two processes ------------------------------------------------------------------------------------------------


async def test_another_process_pauses_resumes_and_cancels(process: Open, here: Path) -> None:
    file(here / "big", 8 * MIB)
    async with process() as owner, process() as other:
        transfer = owner.transfers.submit(owner.putting(here / "big", to="./", rate_limit=200_000))
        await moved(transfer, 1)
        for wish, after in ((Wish.PAUSE, S.PAUSED), (Wish.RESUME, S.COPYING), (Wish.CANCEL, S.CANCELLED)):
            assert await other.transfers.wish(transfer.id, wish) is Granted.ASKED
            assert await other.transfers.confirmed(transfer.id, wish, 500) is after
            assert state_of(transfer) is after
        assert await other.transfers.wish(transfer.id, Wish.PAUSE) is Granted.NOT_NOW


async def test_a_process_that_does_not_react_is_not_said_to_have(process: Open, here: Path) -> None:
    async with process() as owner, process() as other:
        transfer = owner.transfers.submit(owner.putting(file(here / "big", 8 * MIB), to="./", rate_limit=50_000))
        await moved(transfer, 1)
        await other.transfers.records()
        owner.transfers._keeper._wished = lambda id_, wish: None  # it hears and does nothing
        assert await other.transfers.wish(transfer.id, Wish.PAUSE) is Granted.ASKED
        assert await other.transfers.confirmed(transfer.id, Wish.PAUSE, 100) is None
        assert state_of(transfer) is not S.PAUSED


async def test_a_watching_process_hears_of_what_others_do(process: Open, here: Path) -> None:
    async with process() as owner, process() as watcher:
        await watcher.transfers.serve()
        transfer = owner.transfers.submit(owner.putting(file(here / "a", MIB), to="./"))
        await transfer.wait()
        await until(lambda: [one.state for one in watcher.transfers.listed] == [S.DONE])
        assert await watcher.transfers.clear() == 1
        assert watcher.transfers.listed == []


# --- questions ----------------------------------------------------------------------------------------------------


class Slow(Person):
    """Answers when told to."""

    def __init__(self, *names: TakenAnswer) -> None:
        super().__init__(names=names)
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()

    async def name_taken(self, question: object) -> TakenAnswer | None:
        self.asked.set()
        await self.answers.wait()
        return await super().name_taken(question)  # type: ignore[arg-type]


def _tree(root: Path, count: int, size: int = 10) -> Path:
    for number in range(count):
        file(root / "tree" / f"f{number}", size + number)
    return root / "tree"


async def test_while_a_question_is_open_the_others_go_on(process: Open, here: Path, there: Path) -> None:
    person = Slow(TakenAnswer(ConflictPolicy.OVERWRITE))
    tree = _tree(here, 40)
    file(there / "tree/f7", 3)
    async with process(person=person) as bench:
        transfer = bench.transfers.submit(bench.putting(tree, to="./", on_conflict=ConflictPolicy.ASK, parallel=2))
        await until(lambda: transfer.progress.files_done == 39)
        assert person.asked.is_set()
        assert state_of(transfer) is S.COPYING
        person.answers.set()
        assert (await transfer.wait()).error is None
    (question,) = person.taken
    assert (question.size, question.there_size, question.name) == (17, 3, "f7")
    assert question.place == f"server:{there}/tree/f7"
    assert (there / "tree/f7").read_bytes() == (tree / "f7").read_bytes()


async def test_an_answer_for_all_is_asked_for_once_and_kept(process: Open, here: Path, there: Path) -> None:
    person = Person(names=[TakenAnswer(ConflictPolicy.RENAME, for_all=True)])
    tree = _tree(here, 5)
    for number in range(5):
        file(there / f"tree/f{number}", 3)
    async with process(person=person) as bench:
        outcome = await bench.put(tree, to="./", on_conflict=ConflictPolicy.ASK)
        assert outcome.error is None
        assert (await bench.transfers.records())[0].request.on_conflict is ConflictPolicy.RENAME
    assert len(person.taken) == 1
    assert len(list((there / "tree").iterdir())) == 10


@pytest.mark.parametrize("size", [10, 3 * MIB])
async def test_each_answer_goes_for_its_name(process: Open, here: Path, there: Path, size: int) -> None:
    policies = (ConflictPolicy.SKIP, ConflictPolicy.OVERWRITE, ConflictPolicy.RENAME)
    person = Person(names=[TakenAnswer(policy) for policy in policies])
    tree = _tree(here, 3, size)
    for number in range(3):
        file(there / f"tree/f{number}", 3)
    async with process(person=person) as bench:
        outcome = await bench.put(tree, to="./", on_conflict=ConflictPolicy.ASK, parallel=1)
    assert outcome.error is None
    assert (outcome.progress.skipped, outcome.progress.files_done) == (1, 2)
    assert len(person.taken) == 3


async def test_where_nobody_answers_it_is_left_out_and_says_so(bench: Workbench, here: Path, there: Path) -> None:
    file(there / "a", 3)
    outcome = await bench.put(file(here / "a", 10), to="./", on_conflict=ConflictPolicy.ASK)
    assert outcome.error is None
    assert outcome.progress.skipped == 1
    assert "nobody has said" in outcome.problems[0].note
    assert (there / "a").stat().st_size == 3


async def test_stopping_takes_the_question_back(process: Open, here: Path, there: Path) -> None:
    person = Slow()
    file(there / "a", 3)
    async with process(person=person) as bench:
        transfer = bench.transfers.submit(bench.putting(file(here / "a", 10), to="./", on_conflict=ConflictPolicy.ASK))
        await person.asked.wait()
        await transfer.cancel()
        assert state_of(transfer) is S.CANCELLED


# --- what failed --------------------------------------------------------------------------------------------------


async def test_only_what_failed_is_asked_for_again(
    bench: Workbench, host: DirectoryHost, here: Path, there: Path
) -> None:
    tree = _tree(here, 6)
    file(tree / "deep/er/last", 5)
    for name in ("f2", "deep/er/last"):
        (there / "tree" / name).mkdir(parents=True)
    outcome = await bench.put(tree, to="./")
    assert outcome.error is not None
    assert outcome.progress.failed == 2
    (record,) = await bench.transfers.records()
    for name in ("f2", "deep/er/last"):
        (there / "tree" / name).rmdir()
    host.received = 0
    again = await bench.transfers.retry_failed(record.id)
    assert again is not None
    outcome = await again.wait()
    assert outcome.error is None
    assert (outcome.progress.files_done, outcome.progress.files_total) == (2, 2)
    assert host.received == 12 + 5
    assert snapshot(there / "tree") == snapshot(tree)
    assert await bench.transfers.retry_failed(again.id) is None
