"""Copies from one host to another, and within one, on hosts that do as they are told, wrongs included."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.errors import Code, IntegrityError
from backend.files.model import ConflictPolicy, Direction, TransferOutcome, TransferRequest
from tests.support.memory_files import TARGET, DirectoryHost, DirectoryHosts, QuickClock
from tests.support.transfer_world import HostsApart, Workbench, mixed_tree, snapshot, workbench

MIB = 1 << 20
CHANCE = random.Random(5)


@pytest.fixture
def first(tmp_path: Path) -> DirectoryHost:
    (tmp_path / "first").mkdir()
    return DirectoryHost(tmp_path / "first")


@pytest.fixture
def second(tmp_path: Path) -> DirectoryHost:
    (tmp_path / "second").mkdir()
    return DirectoryHost(tmp_path / "second")


@pytest.fixture
async def bench(first: DirectoryHost, second: DirectoryHost, tmp_path: Path) -> AsyncIterator[Workbench]:
    hosts = DirectoryHosts({"first": first, "second": second})
    async with workbench(hosts, TARGET, tmp_path / "state", clock=QuickClock(), book=HostsApart) as services:
        yield services


def on(host: DirectoryHost, name: str = "") -> Path:
    return Path(os.fsdecode(host.home)) / name


def leftovers(*hosts: DirectoryHost) -> list[str]:
    return [str(path) for host in hosts for path in on(host).rglob("*.fairlead-part")]


async def within(bench: Workbench, *sources: str, to: str, **more: object) -> TransferOutcome:
    """On the first host alone."""
    return await bench.between(*sources, to=to, to_host="first", **more)


# --- from one host to another ---------------------------------------------------------------------------------------


async def test_a_mixed_tree_arrives_the_same_and_is_verified_by_both(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost, tmp_path: Path
) -> None:
    mixed_tree(on(first, "tree"), random.Random(1))
    os.mkfifo(on(first, "tree/fifo"))
    outcome = await bench.between("tree", to=".")
    assert outcome.error is None
    expected = snapshot(on(first, "tree"))
    del expected[b"fifo"]
    assert snapshot(on(second, "tree")) == expected
    assert outcome.progress.skipped == 1
    assert outcome.progress.verified == sum(1 for entry in expected.values() if len(entry) == 5)
    assert outcome.progress.bytes_done == outcome.progress.bytes_total
    assert outcome.progress.sent_bytes <= outcome.progress.bytes_done
    assert leftovers(first, second) == []
    assert not any(path.suffix == ".fairlead-part" for path in tmp_path.rglob("*"))


async def test_holes_of_a_file_arrive_as_holes(bench: Workbench, first: DirectoryHost, second: DirectoryHost) -> None:
    with on(first, "disk.img").open("wb") as file:
        file.write(CHANCE.randbytes(MIB))
        file.truncate(40 * MIB)
    assert (await bench.between("disk.img", to="disk.img")).error is None
    assert on(second, "disk.img").stat().st_size == 40 * MIB
    assert on(second, "disk.img").stat().st_blocks * 512 <= 3 * MIB


@pytest.mark.parametrize("loser", ["first", "second"])
async def test_a_link_that_is_lost_on_either_side_costs_what_was_in_flight(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost, loser: str
) -> None:
    data = CHANCE.randbytes(24 * MIB)
    on(first, "model").write_bytes(data)
    host = first if loser == "first" else second
    host.faults.lose_after = [7 * MIB, 6 * MIB]
    outcome = await bench.between("model", to="model")
    assert outcome.error is None
    assert on(second, "model").read_bytes() == data
    assert outcome.progress.verified == 1
    assert outcome.progress.restarts == 2
    assert outcome.progress.sent_bytes < 32 * MIB
    assert leftovers(second) == []


async def test_a_link_lost_among_small_files_loses_none(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost
) -> None:
    on(first, "tree").mkdir()
    for number in range(200):
        on(first, f"tree/{number}").write_bytes(CHANCE.randbytes(10_000))
    first.faults.lose_after, second.faults.lose_after = [300_000, 200_000], [500_000]
    outcome = await bench.between("tree", to="copy")
    assert outcome.error is None
    assert snapshot(on(second, "copy")) == snapshot(on(first, "tree"))
    assert outcome.progress.verified == 200
    assert leftovers(second) == []


async def test_a_link_that_one_copy_has_made_is_not_written_through_by_the_next(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost
) -> None:
    """A host may show a link today and a directory of the same name tomorrow."""
    outside = on(second, "outside")
    outside.mkdir()
    on(first, "tree").mkdir()
    on(first, "tree/sub").symlink_to(outside)
    assert (await bench.between("tree", to="copy")).error is None
    on(first, "tree/sub").unlink()
    on(first, "tree/sub").mkdir()
    on(first, "tree/sub/authorized_keys").write_bytes(b"evil")
    outcome = await bench.between("tree/.", to="copy")
    assert [problem.error.code for problem in outcome.problems if problem.error] == [Code.OUTSIDE_ROOT]
    assert list(outside.iterdir()) == []


async def test_what_was_stopped_goes_on_from_where_it_was(
    first: DirectoryHost, second: DirectoryHost, tmp_path: Path
) -> None:
    data = CHANCE.randbytes(24 * MIB)
    on(first, "model").write_bytes(data)
    hosts = DirectoryHosts({"first": first, "second": second})
    request = TransferRequest(Direction.BETWEEN, "first", ("model",), "model", to_host="second")

    async with workbench(hosts, TARGET, tmp_path / "state", clock=QuickClock(), book=HostsApart) as bench:
        transfer = bench.transfers.submit(request)
        stopping: list[asyncio.Task[TransferOutcome]] = []
        second.faults.on_write = lambda _, offset: (
            stopping.append(asyncio.create_task(transfer.cancel())) if offset > 12 * MIB else None
        )
        assert (await transfer.wait()).error is not None
    assert not on(second, "model").exists()
    second.faults.on_write = None
    before = second.received
    async with workbench(hosts, TARGET, tmp_path / "state", clock=QuickClock(), book=HostsApart) as bench:
        outcome = await bench.transfers.submit(request).wait()
    assert outcome.error is None
    assert outcome.progress.resumed_bytes >= 8 * MIB
    assert second.received - before < 16 * MIB
    assert on(second, "model").read_bytes() == data


async def test_a_source_that_changed_since_is_sent_anew(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost
) -> None:
    on(first, "model").write_bytes(CHANCE.randbytes(8 * MIB))
    second.faults.refuse_writes = Code.DISK_FULL
    assert (await bench.between("model", to="model")).error is not None
    second.faults.refuse_writes = None
    data = CHANCE.randbytes(8 * MIB)
    on(first, "model").write_bytes(data)
    assert (await bench.between("model", to="model")).error is None
    assert on(second, "model").read_bytes() == data


@pytest.mark.parametrize("size", [5_000, 3 * MIB], ids=["small", "large"])
@pytest.mark.parametrize("liar", ["first", "second"])
async def test_hashes_that_differ_are_never_taken_for_a_copy(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost, liar: str, size: int
) -> None:
    on(first, "file").write_bytes(CHANCE.randbytes(size))
    (first if liar == "first" else second).faults.wrong_hash = True
    outcome = await bench.between("file", to="file")
    assert isinstance(outcome.error, IntegrityError)
    assert not on(second, "file").exists()
    assert leftovers(second) == []


@pytest.mark.parametrize("size", [5_000, 3 * MIB], ids=["small", "large"])
@pytest.mark.parametrize("mute", ["first", "second"])
async def test_where_one_host_cannot_hash_nothing_is_called_verified(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost, mute: str, size: int
) -> None:
    on(first, "file").write_bytes(CHANCE.randbytes(size))
    (first if mute == "first" else second).faults.no_commands = True
    outcome = await bench.between("file", to="file")
    assert outcome.error is None
    assert on(second, "file").read_bytes() == on(first, "file").read_bytes()
    assert outcome.progress.verified == 0
    assert [note.note for note in outcome.notes] == [
        f"on {mute}, the host runs no commands that could hash files: what was copied is complete, and not compared"
    ]


@pytest.mark.parametrize("size", [5_000, 3 * MIB], ids=["small", "large"])
async def test_a_copy_that_differs_from_what_was_read_is_refused_though_the_source_cannot_hash(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost, size: int
) -> None:
    on(first, "file").write_bytes(CHANCE.randbytes(size))
    first.faults.no_commands = second.faults.wrong_hash = True
    outcome = await bench.between("file", to="file")
    assert isinstance(outcome.error, IntegrityError)
    assert not on(second, "file").exists()


async def test_an_interrupted_copy_goes_on_though_neither_host_runs_commands(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost
) -> None:
    data = CHANCE.randbytes(24 * MIB)
    on(first, "model").write_bytes(data)
    first.faults.no_commands = second.faults.no_commands = True
    second.faults.lose_after = [14 * MIB]
    outcome = await bench.between("model", to="model")
    assert outcome.error is None
    assert on(second, "model").read_bytes() == data
    assert outcome.progress.sent_bytes < 36 * MIB


async def test_names_that_would_leave_the_destination_are_refused(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost
) -> None:
    on(first, "tree").mkdir()
    on(first, "tree/good").write_bytes(b"good")
    first.faults.extra_names = [b"../evil", b"a/b", b"..", b"nul\0"]
    outcome = await bench.between("tree", to="copy")
    assert outcome.error is not None
    assert outcome.progress.failed >= 3
    assert sorted(os.listdir(on(second))) == ["copy"]
    assert os.listdir(on(second, "copy")) == ["good"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [(ConflictPolicy.SKIP, ["old"]), (ConflictPolicy.OVERWRITE, ["new"]), (ConflictPolicy.RENAME, ["new", "old"])],
)
async def test_names_that_are_taken(
    bench: Workbench, first: DirectoryHost, second: DirectoryHost, policy: ConflictPolicy, expected: list[str]
) -> None:
    on(first, "file").write_text("new")
    on(second, "file").write_text("old")
    assert (await bench.between("file", to=".", on_conflict=policy)).error is None
    assert sorted(path.read_text() for path in on(second).iterdir()) == expected


async def test_a_missing_source_is_told(bench: Workbench) -> None:
    outcome = await bench.between("nothing", to=".")
    assert outcome.error is not None
    assert outcome.error.code is Code.NOT_FOUND


# --- within one host --------------------------------------------------------------------------------------------------


async def test_a_host_copies_a_tree_by_itself(bench: Workbench, first: DirectoryHost) -> None:
    mixed_tree(on(first, "tree"), random.Random(1))
    outcome = await within(bench, "tree", to="copy")
    assert outcome.error is None
    assert snapshot(on(first, "copy")) == snapshot(on(first, "tree"))
    assert outcome.progress.verified == sum(1 for entry in snapshot(on(first, "tree")).values() if len(entry) == 5)
    assert outcome.progress.sent_bytes == 0
    assert first.received == 0
    assert outcome.progress.bytes_done == outcome.progress.bytes_total
    assert leftovers(first) == []


async def test_a_sparse_file_stays_sparse_on_one_host(bench: Workbench, first: DirectoryHost) -> None:
    with on(first, "disk.img").open("wb") as file:
        file.write(CHANCE.randbytes(MIB))
        file.truncate(40 * MIB)
    assert (await within(bench, "disk.img", to="copy.img")).error is None
    assert on(first, "copy.img").stat().st_size == 40 * MIB
    assert on(first, "copy.img").stat().st_blocks * 512 <= 3 * MIB


@pytest.mark.parametrize("size", [5_000, 3 * MIB], ids=["small", "large"])
async def test_a_host_without_commands_copies_by_its_sftp_server(
    bench: Workbench, first: DirectoryHost, size: int
) -> None:
    first.faults.no_commands = True
    on(first, "file").write_bytes(CHANCE.randbytes(size))
    outcome = await within(bench, "file", to="copy")
    assert outcome.error is None
    assert on(first, "copy").read_bytes() == on(first, "file").read_bytes()
    assert first.copied == size
    assert first.received == 0


@pytest.mark.parametrize("size", [5_000, 3 * MIB], ids=["small", "large"])
async def test_a_host_that_copies_nothing_by_itself_gets_it_through_this_machine(
    bench: Workbench, first: DirectoryHost, size: int
) -> None:
    first.faults.no_commands = first.faults.no_copies = True
    on(first, "file").write_bytes(CHANCE.randbytes(size))
    outcome = await within(bench, "file", to="copy")
    assert outcome.error is None
    assert on(first, "copy").read_bytes() == on(first, "file").read_bytes()
    assert first.received == size


async def test_a_copy_of_the_host_itself_goes_on_after_a_lost_link(bench: Workbench, first: DirectoryHost) -> None:
    first.faults.no_commands = True
    data = CHANCE.randbytes(80 * MIB)
    on(first, "model").write_bytes(data)
    first.faults.lose_after = [40 * MIB]
    outcome = await within(bench, "model", to="copy")
    assert outcome.error is None
    assert outcome.progress.restarts == 1
    assert first.copied <= 130 * MIB
    assert on(first, "copy").read_bytes() == data


@pytest.mark.parametrize(
    ("source", "to"), [("tree", "tree/sub/"), ("tree", "."), ("tree/file", "tree/file"), ("tree/file", "link")]
)
async def test_nothing_is_copied_over_or_into_itself(
    bench: Workbench, first: DirectoryHost, source: str, to: str
) -> None:
    on(first, "tree/sub").mkdir(parents=True)
    on(first, "tree/file").write_text("content")
    on(first, "link").symlink_to("tree/file")
    before = snapshot(on(first))
    outcome = await within(bench, source, to=to)
    assert outcome.error is not None
    assert outcome.error.code is Code.EXISTS
    assert "itself" in outcome.error.message
    assert snapshot(on(first)) == before
