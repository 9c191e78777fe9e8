"""Whole syncs, both ways, with a host that does as it is told, wrongs included."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.connection.connector import FileKind
from backend.errors import Code, ConfigError
from backend.files.paths import Location
from backend.files.sync.model import Approval, Do, Options, Reason, SyncState
from backend.files.sync.patterns import Rule, Rules
from backend.files.transfer import Direction, TransferChanged, TransferState
from tests.support.memory_files import TARGET, DirectoryHost, QuickClock
from tests.support.syncing import Approver, Syncs, syncing
from tests.support.transfer_world import Workbench, mixed_tree, snapshot, workbench

DELETE = Options(delete=True)


@pytest.fixture
def host(tmp_path: Path) -> DirectoryHost:
    (tmp_path / "host").mkdir()
    return DirectoryHost(tmp_path / "host")


@pytest.fixture
async def bench(host: DirectoryHost, tmp_path: Path) -> AsyncIterator[Workbench]:
    async with workbench(host, TARGET, tmp_path / "state", clock=QuickClock()) as services:
        yield services


@pytest.fixture(params=[Direction.GET, Direction.PUT], ids=["get", "put"])
async def syncs(request: pytest.FixtureRequest, bench: Workbench, tmp_path: Path) -> AsyncIterator[Syncs]:
    (tmp_path / "here").mkdir()
    remote, local = tmp_path / "host", tmp_path / "here"
    source, goal = (remote, local) if request.param is Direction.GET else (local, remote)
    (source / "src").mkdir()
    async with syncing(bench, request.param, source / "src", goal / "dst", QuickClock()) as ready:
        yield ready


def age(*paths: Path, seconds: int = 1000) -> None:
    """Set times back, so that no file is so young that it might change again unseen."""
    for path in paths:
        os.utime(path, (1_700_000_000 - seconds, 1_700_000_000 - seconds))


async def test_a_mixed_tree_becomes_the_same_and_then_nothing_differs(syncs: Syncs) -> None:
    mixed_tree(syncs.source / "tree", random.Random(1))
    os.mkfifo(syncs.source / "fifo")
    outcome = await syncs.run()
    assert outcome.error is None
    expected = snapshot(syncs.source)
    del expected[b"fifo"]
    assert snapshot(syncs.goal) == expected
    assert outcome.done.of[Do.SKIP] == 1
    assert outcome.verified == sum(1 for entry in expected.values() if len(entry) == 5)
    again = await syncs.run()
    assert (again.files, again.rounds, again.error) == (0, 0, None)
    assert again.done.of[Do.KEEP] >= len(expected)


async def test_what_the_dry_run_says_is_what_is_done_and_it_does_nothing(syncs: Syncs) -> None:
    mixed_tree(syncs.source / "tree", random.Random(2))
    await syncs.run()
    (syncs.goal / "extra/deep").mkdir(parents=True)
    (syncs.goal / "extra/deep/file").write_bytes(b"old")
    (syncs.source / "tree/large").write_bytes(b"smaller now")
    (syncs.source / "tree/empty").chmod(0o600)
    (syncs.source / "tree/new").write_bytes(b"12345")
    before = snapshot(syncs.goal)
    plan = await syncs.plan(DELETE)
    assert snapshot(syncs.goal) == before
    outcome = await syncs.run(DELETE)
    after = snapshot(syncs.goal)
    told = {b"/".join(one.parts) for one in plan if one.do is not Do.KEEP}
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == told
    assert outcome.files == sum(one.do in (Do.COPY, Do.REPLACE, Do.LINK) for one in plan) == 2
    assert outcome.bytes == sum(one.size for one in plan if one.do in (Do.COPY, Do.REPLACE)) == 16
    assert outcome.done.deletions == sum(one.do is Do.DELETE for one in plan) == 3
    assert outcome.done.deleted_bytes == 3
    assert outcome.done.of[Do.ADJUST] == sum(one.do is Do.ADJUST for one in plan)
    assert after == snapshot(syncs.source)


async def test_a_mode_alone_is_changed_without_sending_anything(syncs: Syncs) -> None:
    (syncs.source / "tool").write_bytes(b"x" * 1000)
    await syncs.run()
    (syncs.source / "tool").chmod(0o750)
    outcome = await syncs.run()
    assert (outcome.sent_bytes, outcome.done.of[Do.ADJUST], outcome.error) == (0, 1, None)
    assert (syncs.goal / "tool").stat().st_mode & 0o777 == 0o750


async def test_links_are_never_followed_when_deleting(syncs: Syncs, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"keep me")
    syncs.goal.mkdir()
    (syncs.goal / "link").symlink_to(outside)
    (syncs.goal / "old").mkdir()
    (syncs.goal / "old/link").symlink_to(outside)
    outcome = await syncs.run(DELETE)
    assert outcome.done.deletions == 3
    assert list(syncs.goal.iterdir()) == []
    assert (outside / "precious").read_bytes() == b"keep me"


async def test_a_link_in_place_of_a_directory_is_replaced_and_not_followed(syncs: Syncs, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (syncs.source / "d").mkdir()
    (syncs.source / "d/f").write_bytes(b"x")
    syncs.goal.mkdir()
    (syncs.goal / "d").symlink_to(outside)
    blocked = await syncs.run()
    assert blocked.error is not None
    assert (blocked.error.code, blocked.failed) == (Code.SOME_FAILED, 1)
    assert "a symbolic link has the name of a directory" in blocked.problems[0].note
    assert (await syncs.run(DELETE)).error is None
    assert list(outside.iterdir()) == []
    assert (syncs.goal / "d/f").read_bytes() == b"x"


# --- by checksum -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("no_commands", [False, True], ids=["hashed there", "read to be compared"])
async def test_by_checksum_the_same_size_and_time_deceive_nobody(
    syncs: Syncs, host: DirectoryHost, no_commands: bool
) -> None:
    host.faults.no_commands = no_commands
    for name in ("rotten", "touched", "odd\nname"):
        (syncs.source / name).write_bytes(b"content of " + name.encode())
        age(syncs.source / name)
    await syncs.run()
    for name in ("rotten", "odd\nname"):
        (syncs.goal / name).write_bytes(b"Content of " + name.encode())
        age(syncs.goal / name)
    age(syncs.goal / "touched", seconds=5)
    assert (await syncs.run()).files == 1  # by size and time, the one that was touched
    outcome = await syncs.run(Options(checksum=True))
    assert (outcome.files, outcome.error) == (2, None)
    assert snapshot(syncs.goal) == snapshot(syncs.source)
    assert any("read over the link" in note.note for note in outcome.notes) is no_commands


async def test_by_checksum_a_file_that_was_touched_is_not_sent(syncs: Syncs) -> None:
    (syncs.source / "f").write_bytes(b"x" * 5000)
    await syncs.run()
    age(syncs.source / "f")
    outcome = await syncs.run(Options(checksum=True))
    assert (outcome.sent_bytes, outcome.done.of[Do.ADJUST]) == (0, 1)
    assert snapshot(syncs.goal) == snapshot(syncs.source)


# --- deletions ---------------------------------------------------------------------------------------------------


async def test_more_deletions_than_allowed_are_refused_all_of_them_and_the_rest_is_done(syncs: Syncs) -> None:
    syncs.goal.mkdir()
    for number in range(5):
        (syncs.goal / f"old{number}").touch()
    (syncs.source / "new").write_bytes(b"x")
    outcome = await syncs.run(DELETE, max_delete=4)
    assert outcome.error is not None
    assert outcome.error.code is Code.DELETE_LIMIT
    assert outcome.done.deletions == 0
    assert sorted(path.name for path in syncs.goal.iterdir()) == ["new", *(f"old{number}" for number in range(5))]
    assert (await syncs.run(DELETE, max_delete=5)).error is None
    assert [path.name for path in syncs.goal.iterdir()] == ["new"]


async def test_a_person_who_declines_changes_nothing(syncs: Syncs) -> None:
    (syncs.source / "new").touch()
    outcome = await syncs.service.submit(syncs.request(), Approver(answer=None)).wait()
    assert outcome.error is not None
    assert outcome.error.code is Code.INTERRUPTED
    assert not syncs.goal.exists()


async def test_what_a_person_left_out_is_left_alone_and_does_not_count_as_failed(syncs: Syncs) -> None:
    for name in ("a", "b"):
        (syncs.source / name).touch()
    syncs.goal.mkdir()
    (syncs.goal / "old").touch()
    approver = Approver(Approval(left_out=frozenset({(b"a",), (b"old",)})))
    outcome = await syncs.service.submit(syncs.request(DELETE), approver).wait()
    assert (outcome.error, outcome.files, len(approver.plans)) == (None, 1, 1)
    assert sorted(path.name for path in syncs.goal.iterdir()) == ["b", "old"]


async def test_unfinished_copies_of_somebody_are_neither_synced_nor_deleted(syncs: Syncs) -> None:
    syncs.goal.mkdir()
    for place in (syncs.source, syncs.goal):
        (place / ".big.0123abcd.fairlead-part").write_bytes(b"half")
    outcome = await syncs.run(DELETE)
    assert (outcome.files, outcome.done.deletions, outcome.error) == (0, 0, None)
    assert len(list(syncs.goal.iterdir())) == 1


async def test_the_excluded_is_neither_sent_nor_deleted(syncs: Syncs) -> None:
    for name in ("a.py", "a.pyc", "b.pyc"):
        (syncs.source / name).touch()
    syncs.goal.mkdir()
    (syncs.goal / "old.pyc").touch()
    rules = Rules((Rule(b"b.pyc", include=True), Rule(b"*.pyc")))
    assert (await syncs.run(Options(delete=True, rules=rules))).error is None
    assert sorted(path.name for path in syncs.goal.iterdir()) == ["a.py", "b.pyc", "old.pyc"]


async def test_hostile_names_of_a_host_stop_deletions_and_leave_nothing_outside(
    syncs: Syncs, host: DirectoryHost, tmp_path: Path
) -> None:
    if syncs.direction is Direction.PUT:
        pytest.skip("the source is this machine")
    (syncs.source / "fine").write_bytes(b"x")
    syncs.goal.mkdir()
    (syncs.goal / "old").touch()
    host.faults.extra_names = [b"../evil", b"/etc/evil", b"..", b"nul\0"]
    outcome = await syncs.run(DELETE)
    assert outcome.error is not None
    assert outcome.failed == 4
    assert sorted(path.name for path in syncs.goal.iterdir()) == ["fine", "old"]
    assert not (tmp_path / "here/evil").exists()
    assert any("nothing was deleted" in note.note for note in outcome.notes)


# --- what changes meanwhile --------------------------------------------------------------------------------------


async def test_what_changes_while_it_is_synced_is_synced_again(syncs: Syncs, host: DirectoryHost) -> None:
    names = [f"f{number}" for number in range(5)]
    for name in names:
        (syncs.source / name).write_bytes(b"first")
    changed: list[bytes] = []

    def meddle(path: bytes, offset: int) -> None:
        if not changed:
            changed.append(path)
            for name in names:
                (syncs.source / name).write_bytes(b"second one")
            (syncs.source / "late").write_bytes(b"came late")

    host.faults.on_read = host.faults.on_write = meddle
    outcome = await syncs.run()
    assert outcome.error is None
    assert outcome.rounds >= 2
    assert snapshot(syncs.goal) == snapshot(syncs.source)


async def test_a_change_within_the_same_second_and_of_the_same_size_is_found(syncs: Syncs, host: DirectoryHost) -> None:
    path = syncs.source / "f"
    path.write_bytes(b"first")
    seen = path.stat().st_mtime
    approver = Approver()
    sync = syncs.service.submit(syncs.request(), approver)
    while sync.transfer is None:
        await asyncio.sleep(0)
    transfer = sync.transfer
    await transfer.wait()
    path.write_bytes(b"other")  # as large, and no later as far as SFTP can tell
    os.utime(path, (seen, seen))
    outcome = await sync.wait()
    assert (outcome.error, outcome.rounds) == (None, 2)
    assert (syncs.goal / "f").read_bytes() == b"other"
    assert [one.reason for one in approver.plans[1] if one.do is Do.REPLACE] == [Reason.CONTENT]


async def test_what_never_rests_is_told_after_some_rounds(syncs: Syncs, bench: Workbench) -> None:
    path = syncs.source / "log"
    path.write_bytes(b"x")

    def write_on(event: TransferChanged) -> None:
        if event.state is TransferState.DONE:
            with path.open("ab") as log:
                log.write(b"more")

    bench.bus.subscribe(TransferChanged, write_on)
    outcome = await syncs.run()
    assert outcome.error is not None
    assert (outcome.error.code, outcome.rounds, outcome.failed) == (Code.STILL_DIFFERS, 3, 1)


async def test_a_file_that_vanishes_meanwhile_is_no_failure_in_the_end(syncs: Syncs) -> None:
    (syncs.source / "there").write_bytes(b"x")
    (syncs.source / "gone").write_bytes(b"x")

    async def vanish(plan: object) -> Approval:
        (syncs.source / "gone").unlink(missing_ok=True)
        return Approval()

    outcome = await syncs.service.submit(syncs.request(), vanish).wait()
    assert (outcome.error, outcome.failed, outcome.files) == (None, 0, 1)


async def test_what_cannot_be_copied_fails_once_with_its_own_reason(syncs: Syncs, host: DirectoryHost) -> None:
    if syncs.direction is Direction.GET:
        pytest.skip("the host is the goal")
    (syncs.source / "f").write_bytes(b"x")
    host.faults.refuse_writes = Code.PERMISSION
    outcome = await syncs.run()
    assert outcome.error is not None
    assert (outcome.error.code, outcome.failed, outcome.rounds) == (Code.SOME_FAILED, 1, 1)
    assert outcome.problems[0].error is not None
    assert outcome.problems[0].error.code is Code.PERMISSION


async def test_a_full_disk_ends_it_and_nothing_is_deleted(syncs: Syncs, host: DirectoryHost) -> None:
    if syncs.direction is Direction.GET:
        pytest.skip("the host is the goal")
    (syncs.source / "f").write_bytes(b"x")
    syncs.goal.mkdir()
    (syncs.goal / "old").touch()
    host.faults.refuse_writes = Code.DISK_FULL
    outcome = await syncs.run(DELETE)
    assert outcome.error is not None
    assert outcome.error.code is Code.DISK_FULL
    assert (syncs.goal / "old").exists()


# --- lost links, and being stopped -------------------------------------------------------------------------------


async def test_a_link_that_is_lost_again_and_again_is_survived(syncs: Syncs, host: DirectoryHost) -> None:
    mixed_tree(syncs.source / "tree", random.Random(3))
    host.faults.lose_after = [1000, 300_000, 1 << 20, 1 << 20]
    outcome = await syncs.run()
    assert outcome.error is None
    assert snapshot(syncs.goal) == snapshot(syncs.source)
    assert host.links > 3


async def test_a_sync_that_is_stopped_deletes_nothing_and_goes_on_the_next_time(
    syncs: Syncs, host: DirectoryHost
) -> None:
    mixed_tree(syncs.source / "tree", random.Random(4))
    syncs.goal.mkdir()
    (syncs.goal / "old").touch()
    sync = syncs.service.submit(syncs.request(DELETE), Approver())
    while sync.transfer is None or sync.transfer.state is not TransferState.COPYING:
        await asyncio.sleep(0)
    outcome = await sync.cancel()
    assert sync.progress.state is SyncState.CANCELLED
    assert outcome.error is not None
    assert outcome.error.code is Code.INTERRUPTED
    assert (syncs.goal / "old").exists()
    assert (await syncs.run(DELETE)).error is None
    assert snapshot(syncs.goal) == snapshot(syncs.source)


async def test_a_single_file_is_sent_to_get_and_put(syncs: Syncs) -> None:
    (syncs.source / "f").touch()
    request = syncs.request()
    request = replace(request, source=replace(request.source, path=str(syncs.source / "f")))
    outcome = await syncs.service.submit(request, Approver()).wait()
    assert outcome.error is not None
    assert outcome.error.code is Code.NOT_DIRECTORY


async def test_a_goal_whose_parent_is_missing_is_told_before_anything_is_asked(syncs: Syncs) -> None:
    request = syncs.request()
    request = replace(request, goal=replace(request.goal, path=str(syncs.goal / "not/there")))
    approver = Approver()
    outcome = await syncs.service.submit(request, approver).wait()
    assert outcome.error is not None
    assert (outcome.error.code, approver.plans) == (Code.NOT_FOUND, [])


async def test_one_side_is_here_and_the_other_on_a_host(syncs: Syncs) -> None:
    for source, goal in ((None, None), ("a", "b")):
        request = replace(syncs.request(), source=Location("x", source), goal=Location("y", goal))
        with pytest.raises(ConfigError):
            syncs.service.submit(request, Approver())


async def test_the_goal_may_be_named_through_a_link(syncs: Syncs, tmp_path: Path) -> None:
    (syncs.source / "f").touch()
    (tmp_path / "real").mkdir()
    syncs.goal.symlink_to(tmp_path / "real")
    assert (await syncs.run()).error is None
    assert (tmp_path / "real/f").exists()
    assert syncs.goal.is_symlink()


async def test_a_plan_says_where_links_point(syncs: Syncs) -> None:
    (syncs.source / "l").symlink_to("../somewhere")
    plan = await syncs.plan()
    assert [(one.points_to, one.kind) for one in plan if one.do is Do.LINK] == [(b"../somewhere", FileKind.SYMLINK)]
