"""Whole transfers against a host that does as it is told, wrongs included."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from backend.errors import Code, IntegrityError
from backend.files.model import Lane
from backend.files.transfer import (
    ConflictPolicy,
    Direction,
    TransferChanged,
    TransferProgressed,
    TransferRequest,
    TransferState,
)
from tests.support.memory_files import TARGET, DirectoryHost, QuickClock
from tests.support.transfer_world import Workbench, mixed_tree, snapshot, workbench

MIB = 1 << 20
CHANCE = random.Random(7)


@pytest.fixture
def host(tmp_path: Path) -> DirectoryHost:
    (tmp_path / "host").mkdir()
    return DirectoryHost(tmp_path / "host")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.fixture(params=[Lane.FILE, Lane.ARCHIVE], ids=["alone", "together"], autouse=True)
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Lane:
    """Small files go one by one, or however few they are in one stream."""
    value: Lane = request.param
    monkeypatch.setattr("backend.files.small_files.pays", lambda files, way: value is Lane.ARCHIVE)
    return value


@pytest.fixture
async def bench(host: DirectoryHost, tmp_path: Path) -> AsyncIterator[Workbench]:
    async with workbench(host, TARGET, tmp_path / "state", clock=QuickClock()) as services:
        yield services


def content(size: int) -> bytes:
    return CHANCE.randbytes(size)


def there(host: DirectoryHost, name: str) -> Path:
    return Path(os.fsdecode(host.home)) / name


def leftovers(*roots: Path) -> list[str]:
    return [str(path) for root in roots for path in root.rglob("*.fairlead-part")]


@pytest.fixture(params=[Direction.GET, Direction.PUT], ids=["get", "put"])
def direction(request: pytest.FixtureRequest) -> Direction:
    value: Direction = request.param
    return value


class Ends:
    """The two sides of a transfer, whichever way it goes."""

    def __init__(self, direction: Direction, host: DirectoryHost, here: Path) -> None:
        remote = Path(os.fsdecode(host.home))
        self.direction = direction
        self.source, self.goal = (remote, here) if direction is Direction.GET else (here, remote)

    def request(self, name: str = "", to: str = "", **more: object) -> TransferRequest:
        source, goal = self.source / name, f"{self.goal}/{to}"
        return TransferRequest(self.direction, "server", (str(source),), goal, **more)  # type: ignore[arg-type]


@pytest.fixture
def ends(direction: Direction, host: DirectoryHost, here: Path) -> Ends:
    return Ends(direction, host, here)


# --- trees and files ----------------------------------------------------------------------------------------------


async def test_a_mixed_tree_arrives_the_same_and_verified(bench: Workbench, ends: Ends) -> None:
    mixed_tree(ends.source / "tree", random.Random(1))
    os.mkfifo(ends.source / "tree/fifo")
    outcome = await bench.transfers.submit(ends.request("tree")).wait()
    assert outcome.error is None
    expected = snapshot(ends.source / "tree")
    del expected[b"fifo"]
    assert snapshot(ends.goal / "tree") == expected
    assert outcome.progress.skipped == 1
    assert outcome.problems[0].path.endswith("fifo")
    files = sum(1 for entry in expected.values() if len(entry) == 5)
    assert outcome.progress.verified == files
    assert outcome.progress.bytes_done == outcome.progress.bytes_total
    assert outcome.progress.sent_bytes <= outcome.progress.bytes_done  # a hole of the source is not sent
    assert leftovers(ends.goal) == []


async def test_copying_a_tree_again_replaces_it(bench: Workbench, ends: Ends) -> None:
    mixed_tree(ends.source / "tree", random.Random(1))
    await bench.transfers.submit(ends.request("tree")).wait()
    (ends.source / "tree/large").write_bytes(content(2 * MIB))
    outcome = await bench.transfers.submit(ends.request("tree")).wait()
    assert outcome.error is None
    assert outcome.progress.resumed_bytes == 0
    assert snapshot(ends.goal / "tree") == snapshot(ends.source / "tree")


async def test_a_missing_destination_becomes_the_copy(bench: Workbench, ends: Ends) -> None:
    mixed_tree(ends.source / "tree", random.Random(1))
    assert (await bench.transfers.submit(ends.request("tree", "copy")).wait()).error is None
    assert snapshot(ends.goal / "copy") == snapshot(ends.source / "tree")


async def test_a_slash_makes_the_directory_that_is_missing(bench: Workbench, ends: Ends) -> None:
    (ends.source / "a").write_bytes(b"x")
    assert (await bench.transfers.submit(ends.request("a", "new/")).wait()).error is None
    assert (ends.goal / "new/a").read_bytes() == b"x"


async def test_what_looks_like_an_unfinished_copy_is_left_out_and_counted(bench: Workbench, ends: Ends) -> None:
    (ends.source / "tree").mkdir()
    (ends.source / "tree/.mine.fairlead-part").write_bytes(b"mine")
    (ends.source / "tree/a").write_bytes(b"x")
    outcome = await bench.transfers.submit(ends.request("tree")).wait()
    assert outcome.error is None
    assert os.listdir(ends.goal / "tree") == ["a"]
    assert outcome.progress.skipped == 1
    assert outcome.progress.bytes_total == 1
    assert outcome.problems[0].path.endswith(".mine.fairlead-part")
    assert "unfinished" in outcome.problems[0].note


async def test_links_inside_a_tree_are_followed_on_request_and_loops_are_told(bench: Workbench, ends: Ends) -> None:
    tree = ends.source / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub/file").write_bytes(b"once")
    (tree / "alias").symlink_to("sub")
    (tree / "sub/loop").symlink_to("..")
    outcome = await bench.transfers.submit(ends.request("tree", follow_symlinks=True)).wait()
    assert (ends.goal / "tree/alias/file").read_bytes() == b"once"
    assert not (ends.goal / "tree/alias").is_symlink()
    assert outcome.progress.failed == 2
    assert all("leads back" in problem.note for problem in outcome.problems)


async def test_a_named_link_means_the_file_it_points_to(bench: Workbench, ends: Ends) -> None:
    (ends.source / "current.log").write_bytes(b"today")
    (ends.source / "log").symlink_to("current.log")
    assert (await bench.transfers.submit(ends.request("log")).wait()).error is None
    assert (ends.goal / "log").read_bytes() == b"today"
    assert not (ends.goal / "log").is_symlink()


async def test_one_missing_source_does_not_keep_the_others(bench: Workbench, ends: Ends) -> None:
    (ends.source / "a").write_bytes(b"x")
    sources = (str(ends.source / "gone"), str(ends.source / "a"))
    request = TransferRequest(ends.direction, "server", sources, f"{ends.goal}/")
    outcome = await bench.transfers.submit(request).wait()
    assert outcome.error is not None
    assert outcome.error.code is Code.SOME_FAILED
    assert (outcome.progress.failed, outcome.progress.files_done) == (1, 1)
    assert outcome.problems[0].error is not None
    assert outcome.problems[0].error.code is Code.NOT_FOUND


async def test_the_only_source_that_is_missing_is_the_error(bench: Workbench, ends: Ends) -> None:
    outcome = await bench.transfers.submit(ends.request("gone")).wait()
    assert outcome.error is not None
    assert outcome.error.code is Code.NOT_FOUND
    assert bench.transfers.all()[0].state is TransferState.FAILED


async def test_a_directory_where_a_file_should_go_is_told(bench: Workbench, ends: Ends) -> None:
    for size in (10, 2 * MIB):
        (ends.source / "a").write_bytes(content(size))
        (ends.goal / "a/kept").mkdir(parents=True, exist_ok=True)
        outcome = await bench.transfers.submit(ends.request("a")).wait()
        assert outcome.error is not None
        assert outcome.error.code is Code.IS_DIRECTORY
        assert outcome.error.message == f"{ends.goal}/a is a directory, and a file is to be there."
        assert (ends.goal / "a/kept").is_dir()
        assert outcome.progress.bytes_done == 0


async def test_a_file_where_a_directory_should_go_is_told(bench: Workbench, ends: Ends) -> None:
    (ends.source / "tree").mkdir()
    (ends.source / "tree/a").write_bytes(b"x")
    (ends.goal / "tree").write_bytes(b"kept")
    outcome = await bench.transfers.submit(ends.request("tree")).wait()
    assert outcome.error is not None
    assert outcome.error.code is Code.NOT_DIRECTORY
    assert outcome.error.message == f"{ends.goal}/tree is no directory, and a directory is to be there."
    assert (ends.goal / "tree").read_bytes() == b"kept"


async def test_a_missing_directory_of_the_destination_is_named_before_anything_is_copied(
    bench: Workbench, ends: Ends
) -> None:
    (ends.source / "a").write_bytes(b"x")
    outcome = await bench.transfers.submit(ends.request("a", "none/deeper/b")).wait()
    assert outcome.error is not None
    assert outcome.error.code is Code.NOT_FOUND
    assert outcome.error.message == f"There is no directory {ends.goal}/none."
    assert outcome.problems == ()


async def test_one_unreadable_file_does_not_stop_the_others(bench: Workbench, host: DirectoryHost, here: Path) -> None:
    there(host, "t").mkdir()
    for name in ("a", "b", "c"):
        there(host, f"t/{name}").write_bytes(b"x")

    def vanish(path: bytes, offset: int) -> None:
        if path.endswith(b"/a"):
            there(host, "t/b").unlink(missing_ok=True)

    host.faults.on_read = vanish
    host.faults.on_command = lambda command: vanish(b"/a", 0) if b"tar -" in command else None
    outcome = await bench.get("t", to=here, parallel=1)
    assert outcome.error is not None
    assert outcome.error.code is Code.SOME_FAILED
    assert sorted(os.listdir(here / "t")) == ["a", "c"]
    assert (outcome.progress.files_done, outcome.progress.failed) == (2, 1)


# --- resume -------------------------------------------------------------------------------------------------------


async def test_a_lost_link_costs_one_flight_at_most(bench: Workbench, ends: Ends, host: DirectoryHost) -> None:
    (ends.source / "big").write_bytes(content(8 * MIB))
    host.faults.lose_after = [MIB, 2 * MIB, 3 * MIB // 2]
    outcome = await bench.transfers.submit(ends.request("big")).wait()
    assert outcome.error is None
    assert (ends.goal / "big").read_bytes() == (ends.source / "big").read_bytes()
    assert outcome.progress.restarts == 3
    assert outcome.progress.verified == 1
    assert outcome.progress.resumed_bytes == 0
    flight = 6 * 65536
    assert 8 * MIB <= host.sent + host.received <= 8 * MIB + 3 * flight + (host.links + 1) * 131072
    assert outcome.progress.sent_bytes >= 8 * MIB


async def test_a_stopped_transfer_goes_on_where_it_was(bench: Workbench, ends: Ends, host: DirectoryHost) -> None:
    (ends.source / "big").write_bytes(content(6 * MIB))
    await stop_after(bench, ends.request("big"), 2 * MIB)
    assert not (ends.goal / "big").exists()
    host.sent = host.received = 0
    outcome = await bench.transfers.submit(ends.request("big")).wait()
    assert outcome.error is None
    assert outcome.progress.resumed_bytes >= 3 * MIB // 2
    assert outcome.progress.resumed_bytes + outcome.progress.sent_bytes == 6 * MIB
    assert (ends.goal / "big").read_bytes() == (ends.source / "big").read_bytes()
    assert leftovers(ends.goal) == []


async def stop_after(bench: Workbench, request: TransferRequest, size: int) -> None:
    transfer = bench.transfers.submit(request)
    while transfer.progress.bytes_done < size:
        assert transfer.outcome is None, transfer.outcome
        await asyncio.sleep(0)
    outcome = await transfer.cancel()
    assert transfer.state is TransferState.CANCELLED
    assert outcome.error is not None
    assert outcome.error.code is Code.INTERRUPTED


async def test_a_changed_source_starts_again_and_says_so(bench: Workbench, ends: Ends) -> None:
    (ends.source / "big").write_bytes(content(6 * MIB))
    await stop_after(bench, ends.request("big"), 2 * MIB)
    (ends.source / "big").write_bytes(content(6 * MIB + 1))
    outcome = await bench.transfers.submit(ends.request("big")).wait()
    assert outcome.error is None
    assert outcome.progress.resumed_bytes == 0
    assert "source has changed" in outcome.notes[0].note
    assert (ends.goal / "big").read_bytes() == (ends.source / "big").read_bytes()


async def test_a_partial_that_was_tampered_with_is_not_trusted(bench: Workbench, ends: Ends) -> None:
    (ends.source / "big").write_bytes(content(6 * MIB))
    await stop_after(bench, ends.request("big"), 2 * MIB)
    (partial,) = leftovers(ends.goal)
    with open(partial, "r+b") as file:
        file.seek(1000)
        file.write(b"tampered")
    outcome = await bench.transfers.submit(ends.request("big")).wait()
    assert outcome.error is None
    assert outcome.progress.resumed_bytes == 0
    assert "proven" in outcome.notes[0].note
    assert (ends.goal / "big").read_bytes() == (ends.source / "big").read_bytes()


async def test_where_only_files_are_served_it_resumes_by_reading_again(
    bench: Workbench, ends: Ends, host: DirectoryHost
) -> None:
    host.faults.no_commands = True
    (ends.source / "big").write_bytes(content(9 * MIB))
    await stop_after(bench, ends.request("big"), 5 * MIB)
    outcome = await bench.transfers.submit(ends.request("big")).wait()
    assert outcome.error is None
    assert outcome.progress.resumed_bytes >= 3 * MIB
    assert outcome.progress.verified == 0
    assert "runs no commands" in outcome.notes[-1].note
    assert (ends.goal / "big").read_bytes() == (ends.source / "big").read_bytes()


async def test_reading_again_finds_a_tampered_end(bench: Workbench, ends: Ends, host: DirectoryHost) -> None:
    host.faults.no_commands = True
    (ends.source / "big").write_bytes(content(9 * MIB))
    await stop_after(bench, ends.request("big"), 5 * MIB)
    (partial,) = leftovers(ends.goal)
    with open(partial, "r+b") as file:
        file.write(b"\0" * os.path.getsize(partial))
    outcome = await bench.transfers.submit(ends.request("big")).wait()
    assert outcome.error is None
    assert outcome.progress.resumed_bytes == 0
    assert (ends.goal / "big").read_bytes() == (ends.source / "big").read_bytes()


async def test_an_interrupted_tree_does_not_send_again_what_is_there(
    bench: Workbench, ends: Ends, host: DirectoryHost
) -> None:
    tree = ends.source / "tree"
    tree.mkdir()
    for number in range(300):
        (tree / f"f{number}").write_bytes(content(2000))
    transfer = bench.transfers.submit(ends.request("tree", parallel=4))
    while transfer.progress.files_done < 100:
        await asyncio.sleep(0)
    await transfer.cancel()
    done = transfer.progress.files_done
    outcome = await bench.transfers.submit(ends.request("tree", parallel=4)).wait()
    assert outcome.error is None
    assert outcome.progress.files_done == 300
    assert outcome.progress.resumed_bytes == done * 2000
    assert outcome.progress.sent_bytes == (300 - done) * 2000
    assert snapshot(ends.goal / "tree") == snapshot(tree)
    assert leftovers(ends.goal) == []


async def test_what_was_removed_meanwhile_is_sent_again(bench: Workbench, ends: Ends) -> None:
    tree = ends.source / "tree"
    tree.mkdir()
    for number in range(200):
        (tree / f"f{number}").write_bytes(content(2000))
    transfer = bench.transfers.submit(ends.request("tree", parallel=4))
    while transfer.progress.files_done < 80:
        await asyncio.sleep(0)
    await transfer.cancel()
    for path in (ends.goal / "tree").iterdir():
        path.unlink()
    outcome = await bench.transfers.submit(ends.request("tree", parallel=4)).wait()
    assert outcome.error is None
    assert snapshot(ends.goal / "tree") == snapshot(tree)


async def test_a_tree_survives_lost_links(bench: Workbench, ends: Ends, host: DirectoryHost) -> None:
    mixed_tree(ends.source / "tree", random.Random(3))
    host.faults.lose_after = [1000, 300_000, MIB]
    outcome = await bench.transfers.submit(ends.request("tree")).wait()
    assert outcome.error is None
    assert snapshot(ends.goal / "tree") == snapshot(ends.source / "tree")
    assert outcome.progress.restarts == 3


async def test_a_link_that_is_lost_over_and_over_ends_it(bench: Workbench, ends: Ends, host: DirectoryHost) -> None:
    (ends.source / "big").write_bytes(content(2 * MIB))
    host.faults.lose_after = [1] * 100
    outcome = await bench.transfers.submit(ends.request("big")).wait()
    assert outcome.error is not None
    assert outcome.error.code is Code.CONNECTION_LOST
    assert not (ends.goal / "big").exists()


# --- truth --------------------------------------------------------------------------------------------------------


async def test_a_hash_that_differs_is_an_integrity_error(bench: Workbench, ends: Ends, host: DirectoryHost) -> None:
    host.faults.wrong_hash = True
    for size in (1000, 2 * MIB):
        (ends.source / "a").write_bytes(content(size))
        outcome = await bench.transfers.submit(ends.request("a")).wait()
        assert isinstance(outcome.error, IntegrityError)
        assert outcome.error.code is Code.CHECKSUM_DIFFERS
        assert outcome.progress.verified == 0
        assert outcome.progress.bytes_done == 0
        assert os.listdir(ends.goal) == []


async def test_without_verification_nothing_is_claimed(bench: Workbench, ends: Ends, host: DirectoryHost) -> None:
    host.faults.wrong_hash = True
    (ends.source / "a").write_bytes(content(1000))
    (ends.source / "b").write_bytes(content(2 * MIB))
    for name in ("a", "b"):
        outcome = await bench.transfers.submit(ends.request(name, verify=False)).wait()
        assert outcome.error is None
        assert outcome.progress.verified == 0
    assert host.commands == []


async def test_a_thousand_files_cost_few_commands(bench: Workbench, ends: Ends, host: DirectoryHost) -> None:
    tree = ends.source / "tree"
    tree.mkdir()
    for number in range(1000):
        (tree / f"f{number}").write_bytes(b"%d" % number)
    outcome = await bench.transfers.submit(ends.request("tree")).wait()
    assert outcome.progress.verified == 1000
    assert len(host.commands) < 100


async def test_short_reads_lose_nothing(bench: Workbench, host: DirectoryHost, here: Path) -> None:
    host.faults.longest_read = 10_000
    for name, size in (("small", 70_000), ("big", 2 * MIB)):
        there(host, name).write_bytes(content(size))
        assert (await bench.get(name, to=here)).error is None
        assert (here / name).read_bytes() == there(host, name).read_bytes()


# A small file on its way up is read in one go: what is sent is what it was.
@pytest.mark.parametrize(
    ("direction", "size"),
    [(Direction.GET, 100_000), (Direction.GET, 3 * MIB), (Direction.PUT, 3 * MIB)],
    indirect=["direction"],
)
@pytest.mark.parametrize("change", ["grows", "shrinks", "is rewritten"])
async def test_a_source_that_changes_while_it_is_copied_is_copied_once_more(
    bench: Workbench, ends: Ends, host: DirectoryHost, size: int, change: str
) -> None:
    source = ends.source / "a"
    source.write_bytes(content(size))
    os.utime(source, (10, 10))
    left = [1]

    def alter(path: bytes, offset: int) -> None:
        if offset >= size // 2 and left and not path.endswith(b"x"):
            left.pop()
            with open(source, "r+b") as file:
                file.seek(0)
                file.write(b"new")
                file.seek(0, os.SEEK_END)
                if change == "grows":
                    file.write(b"more")
                elif change == "shrinks":
                    file.truncate(size // 4)

    host.faults.on_read = host.faults.on_write = alter
    outcome = await bench.transfers.submit(ends.request("a")).wait()
    assert outcome.error is None, outcome.error
    assert left == []
    assert (ends.goal / "a").read_bytes() == source.read_bytes()


async def test_where_only_files_are_served_a_small_source_that_changes_is_noticed_too(
    bench: Workbench, host: DirectoryHost, here: Path
) -> None:
    host.faults.no_commands = True
    source = there(host, "a")
    source.write_bytes(content(200_000))
    os.utime(source, (10, 10))

    def rewrite(path: bytes, offset: int) -> None:
        if offset:
            host.faults.on_read = None
            source.write_bytes(content(200_000))

    host.faults.on_read = rewrite
    outcome = await bench.get("a", to=here)
    assert outcome.error is None
    assert (here / "a").read_bytes() == source.read_bytes()
    assert "changed while it was copied" in outcome.notes[0].note


async def test_a_source_that_never_rests_fails_and_leaves_nothing(
    bench: Workbench, host: DirectoryHost, here: Path
) -> None:
    source = there(host, "log")
    source.write_bytes(content(2 * MIB))

    def write_more(path: bytes, offset: int) -> None:
        with source.open("ab") as file:
            file.write(b"line\n")

    host.faults.on_read = write_more
    outcome = await bench.get("log", to=here)
    assert outcome.error is not None
    assert outcome.error.code is Code.SOURCE_CHANGED
    assert not (here / "log").exists()


async def test_a_server_that_lies_about_sizes_is_found_out(bench: Workbench, host: DirectoryHost, here: Path) -> None:
    there(host, "t").mkdir()
    there(host, "t/a").write_bytes(b"12345")
    host.faults.size_lie = 7
    outcome = await bench.get("t", to=here)
    assert outcome.error is not None or (here / "t/a").read_bytes() == b"12345"


# --- hostile servers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"../evil", b"..", b"/tmp/evil", b"a/b", b"", b".", b"nul\0byte"])
async def test_hostile_names_are_refused_and_the_rest_arrives(
    bench: Workbench, host: DirectoryHost, here: Path, name: bytes
) -> None:
    there(host, "t").mkdir()
    there(host, "t/good").write_bytes(b"x")
    host.faults.extra_names = [name]
    outcome = await bench.get("t", to=here)
    assert outcome.progress.failed == 1
    assert outcome.problems[0].error is not None
    assert outcome.problems[0].error.code in (Code.OUTSIDE_ROOT, Code.NAME_INVALID)
    assert [path for path in here.parent.rglob("*") if "evil" in path.name] == []
    assert os.listdir(here) == ["t"]
    assert os.listdir(here / "t") == ["good"]


async def test_a_link_in_the_destination_is_not_written_through(
    bench: Workbench, host: DirectoryHost, here: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    there(host, "t/sub").mkdir(parents=True)
    there(host, "t/sub/file").write_bytes(b"x")
    (here / "t").mkdir()
    (here / "t/sub").symlink_to(outside)
    outcome = await bench.get("t", to=here)
    assert outcome.progress.failed >= 1
    assert outcome.problems[0].error is not None
    assert outcome.problems[0].error.code is Code.OUTSIDE_ROOT
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("size", [10, 2 * MIB])
async def test_a_link_under_the_final_name_is_replaced_not_followed(
    bench: Workbench, host: DirectoryHost, here: Path, size: int
) -> None:
    victim = here / "victim"
    victim.write_bytes(b"precious")
    (here / "a").symlink_to(victim)
    there(host, "a").write_bytes(content(size))
    assert (await bench.get("a", to=f"{here}/")).error is None
    assert victim.read_bytes() == b"precious"
    assert not (here / "a").is_symlink()
    assert (here / "a").stat().st_size == size


@pytest.mark.parametrize("size", [10, 2 * MIB])
async def test_a_link_under_the_partial_name_is_never_followed(
    bench: Workbench, ends: Ends, here: Path, tmp_path: Path, size: int
) -> None:
    from backend.files.partial import partial_name

    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    os.symlink(victim, ends.goal / os.fsdecode(partial_name(b"a")))
    (ends.source / "a").write_bytes(content(size))
    await bench.transfers.submit(ends.request("a")).wait()
    assert victim.read_bytes() == b"precious"


# --- conflicts, limits, control -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "names", "kept"),
    [
        (ConflictPolicy.OVERWRITE, ["a"], b"new"),
        (ConflictPolicy.SKIP, ["a"], b"old"),
        (ConflictPolicy.NEWER, ["a"], b"old"),
        (ConflictPolicy.RENAME, ["a", "a (1)"], b"old"),
    ],
)
async def test_conflict_policies(
    bench: Workbench, ends: Ends, policy: ConflictPolicy, names: list[str], kept: bytes
) -> None:
    (ends.source / "a").write_bytes(b"new")
    os.utime(ends.source / "a", (1000, 1000))
    (ends.goal / "a").write_bytes(b"old")
    outcome = await bench.transfers.submit(ends.request("a", on_conflict=policy)).wait()
    assert outcome.error is None
    assert sorted(os.listdir(ends.goal)) == names
    assert (ends.goal / "a").read_bytes() == kept
    assert (ends.goal / names[-1]).read_bytes() == (b"new" if policy in ("overwrite", "rename") else b"old")
    assert outcome.progress.skipped == (policy in (ConflictPolicy.SKIP, ConflictPolicy.NEWER))


async def test_new_names_are_given_to_one_item_each(bench: Workbench, ends: Ends) -> None:
    names = ("a", "a (1)", "a (2)", "a (4)")
    (ends.source / "tree").mkdir()
    (ends.goal / "tree").mkdir()
    for name in names:
        (ends.source / "tree" / name).write_text(f"new {name}")
    for name in ("a", "a (2)"):
        (ends.goal / "tree" / name).write_text(f"old {name}")
    outcome = await bench.transfers.submit(ends.request("tree", on_conflict=ConflictPolicy.RENAME)).wait()
    assert outcome.error is None
    assert {path.name: path.read_text() for path in (ends.goal / "tree").iterdir()} == {
        "a": "old a",
        "a (2)": "old a (2)",
        "a (1)": "new a (1)",
        "a (4)": "new a (4)",
        "a (3)": "new a",
        "a (2) (1)": "new a (2)",
    }


async def test_two_of_one_name_from_two_directories_are_both_kept(bench: Workbench, ends: Ends) -> None:
    for name in ("one", "two"):
        (ends.source / name).mkdir()
        (ends.source / name / "a").write_text(name)
    sources = tuple(f"{ends.source}/{name}/." for name in ("one", "two"))
    request = TransferRequest(ends.direction, "server", sources, f"{ends.goal}/", on_conflict=ConflictPolicy.RENAME)
    outcome = await bench.transfers.submit(request).wait()
    assert outcome.error is None
    assert {path.name for path in ends.goal.iterdir()} == {"a", "a (1)"}
    assert {path.read_text() for path in ends.goal.iterdir()} == {"one", "two"}


async def test_a_rate_limit_holds(bench: Workbench, ends: Ends) -> None:
    (ends.source / "a").write_bytes(content(2 * MIB))
    outcome = await bench.transfers.submit(ends.request("a", rate_limit=200_000)).wait()
    assert outcome.error is None
    assert outcome.seconds >= 2 * MIB / 200_000 - 0.5


async def test_a_paused_transfer_stands_still_and_goes_on(bench: Workbench, ends: Ends, host: DirectoryHost) -> None:
    (ends.source / "big").write_bytes(content(8 * MIB))
    states: list[TransferState] = []
    bench.bus.subscribe(TransferChanged, lambda event: states.append(event.state))
    transfer = bench.transfers.submit(ends.request("big"))
    while transfer.progress.bytes_done < MIB:
        await asyncio.sleep(0)
    transfer.pause()
    assert transfer.state is TransferState.PAUSED
    for _ in range(300):
        await asyncio.sleep(0)
    moved = host.sent + host.received
    for _ in range(300):
        await asyncio.sleep(0)
    assert host.sent + host.received == moved
    assert transfer.outcome is None
    transfer.resume()
    outcome = await transfer.wait()
    assert outcome.error is None
    assert (ends.goal / "big").read_bytes() == (ends.source / "big").read_bytes()
    assert states[-1] is TransferState.DONE
    assert TransferState.PAUSED in states


async def test_a_transfer_that_is_cancelled_at_once_has_an_outcome(bench: Workbench, ends: Ends) -> None:
    transfer = bench.transfers.submit(ends.request("x"))
    outcome = await transfer.cancel()
    assert outcome.error is not None
    assert outcome.error.code is Code.INTERRUPTED
    assert transfer.state is TransferState.CANCELLED


async def test_two_transfers_to_one_place_do_not_mix(bench: Workbench, ends: Ends, host: DirectoryHost) -> None:
    (ends.source / "big").write_bytes(content(4 * MIB))
    first = bench.transfers.submit(ends.request("big"))
    while first.progress.bytes_done < MIB:
        await asyncio.sleep(0)
    second = await bench.transfers.submit(ends.request("big")).wait()
    assert second.error is not None
    assert second.error.code is Code.IN_USE
    assert (await first.wait()).error is None
    assert (ends.goal / "big").read_bytes() == (ends.source / "big").read_bytes()


@pytest.mark.parametrize("size", [10, 4 * MIB])
async def test_files_of_two_hosts_do_not_mix_in_one_place(
    bench: Workbench, host: DirectoryHost, here: Path, size: int
) -> None:
    there(host, "big").write_bytes(content(4 * MIB))
    there(host, "other").write_bytes(content(size))
    first = bench.transfers.submit(TransferRequest(Direction.GET, "server", ("big",), str(here / "a")))
    while first.progress.bytes_done < MIB:
        await asyncio.sleep(0)
    second = await bench.transfers.submit(TransferRequest(Direction.GET, "server2", ("other",), str(here / "a"))).wait()
    assert second.error is not None
    assert second.error.code is Code.IN_USE
    assert (await first.wait()).error is None
    assert (here / "a").read_bytes() == there(host, "big").read_bytes()


async def test_contents_of_two_hosts_go_into_one_directory(bench: Workbench, host: DirectoryHost, here: Path) -> None:
    requests = []
    for name in ("server", "server2"):
        there(host, name).mkdir()
        there(host, f"{name}/{name}").write_bytes(content(2 * MIB))
        requests.append(TransferRequest(Direction.GET, name, (f"{name}/.",), str(here)))
    for transfer in [bench.transfers.submit(request) for request in requests]:
        assert (await transfer.wait()).error is None
    assert sorted(os.listdir(here)) == ["server", "server2"]


def hold_the_rest(host: DirectoryHost, until: asyncio.Event) -> Callable[[bytes, int], None]:
    """A hook for what is passed: once the second MiB is reached, everything waits."""

    def hook(path: bytes, offset: int) -> None:
        if MIB <= offset < 2 * MIB:
            host.faults.held = until

    return hook


async def test_writers_with_other_state_directories_do_not_mix(
    bench: Workbench, ends: Ends, host: DirectoryHost, tmp_path: Path
) -> None:
    contents = [content(4 * MIB), content(4 * MIB)]
    for name, data in zip("ab", contents, strict=True):
        (ends.source / name).mkdir()
        (ends.source / name / "x").write_bytes(data)
    same_host = DirectoryHost(Path(os.fsdecode(host.home)))
    async with workbench(same_host, TARGET, tmp_path / "elsewhere", clock=QuickClock()) as other:
        host.faults.on_read = host.faults.on_write = hold_the_rest(host, go_on := asyncio.Event())
        first = bench.transfers.submit(ends.request("a/x", "x"))
        while not first.progress.bytes_done:
            await asyncio.sleep(0)
        second = await other.transfers.submit(ends.request("b/x", "x")).wait()
        go_on.set()
    assert (await first.wait()).error is None
    if ends.direction is Direction.GET:
        assert second.error is not None
        assert second.error.code is Code.IN_USE
        assert (ends.goal / "x").read_bytes() == contents[0]
    else:
        assert second.error is None
        assert (ends.goal / "x").read_bytes() in contents
    assert leftovers(ends.goal) == []


async def test_the_same_file_sent_with_another_state_directory_has_a_partial_of_its_own(
    bench: Workbench, host: DirectoryHost, here: Path, tmp_path: Path
) -> None:
    (here / "big").write_bytes(content(4 * MIB))
    request = TransferRequest(Direction.PUT, "server", (str(here / "big"),), "./")
    await stop_after(bench, request, MIB)
    async with workbench(host, TARGET, tmp_path / "elsewhere", clock=QuickClock()) as other:
        await stop_after(other, request, MIB)
        assert len(leftovers(Path(os.fsdecode(host.home)))) == 2


async def test_contents_of_two_directories_go_into_one(bench: Workbench, ends: Ends) -> None:
    for name in ("a", "b"):
        (ends.source / name).mkdir()
        (ends.source / name / f"of {name}").write_bytes(b"x")
    sources = tuple(f"{ends.source}/{name}/." for name in ("a", "b"))
    outcome = await bench.transfers.submit(TransferRequest(ends.direction, "server", sources, f"{ends.goal}/m/")).wait()
    assert outcome.error is None
    assert sorted(os.listdir(ends.goal / "m")) == ["of a", "of b"]


async def test_a_full_disk_on_the_host_stops_it_and_keeps_what_arrived(
    bench: Workbench, host: DirectoryHost, here: Path
) -> None:
    (here / "big").write_bytes(content(4 * MIB))

    def fill(path: bytes, offset: int) -> None:
        if offset > 2 * MIB:
            host.faults.refuse_writes = Code.DISK_FULL

    host.faults.on_write = fill
    outcome = await bench.put(here / "big", to="./")
    assert outcome.error is not None
    assert outcome.error.code is Code.DISK_FULL
    assert outcome.error.evidence["path"] == str(there(host, "big")), "not the name under which it grew"
    assert not there(host, "big").exists()
    host.faults.refuse_writes, host.faults.on_write = None, None
    outcome = await bench.put(here / "big", to="./")
    assert outcome.error is None
    assert outcome.progress.resumed_bytes > MIB
    assert there(host, "big").read_bytes() == (here / "big").read_bytes()


async def test_progress_is_told_at_most_ten_times_a_second(bench: Workbench, ends: Ends) -> None:
    (ends.source / "big").write_bytes(content(4 * MIB))
    clock, told = QuickClock(), []
    bench.bus.subscribe(TransferProgressed, lambda event: told.append(clock.monotonic()))
    await bench.transfers.submit(ends.request("big")).wait()
    assert told
    assert all(later - earlier > 0.05 for earlier, later in pairwise(told))


async def test_files_of_proc_are_read_to_their_end(bench: Workbench, host: DirectoryHost, here: Path) -> None:
    outcome = await bench.get("/proc/self/status", to=here)
    assert outcome.error is None
    assert b"Name:" in (here / "status").read_bytes()
    assert outcome.progress.verified == 0
    assert outcome.notes
