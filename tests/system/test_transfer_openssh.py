"""Transfers against OpenSSH's own server: a whole tree, cut links, full disks, accounts that serve files only."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Vault
from backend.errors import Code
from backend.files.transfer import Direction, TransferRequest, TransferState
from mocks.relay import Relay, RelayFaults
from tests.support.loop_monitor import loop_monitor
from tests.support.openssh import Sshd, make_key, sshd, target
from tests.support.tiers import need_program, need_root
from tests.support.transfer_world import Workbench, mixed_tree, small_disk, snapshot, workbench
from tests.support.waiting import until

pytestmark = pytest.mark.sshd

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    root = tmp_path_factory.mktemp("server")
    with sshd(root) as running:
        running.authorize(make_key(root / "key"))
        yield running


@pytest.fixture(scope="module")
def files_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An account that gets SFTP and nothing else, one session for each connection."""
    root = tmp_path_factory.mktemp("files-only")
    with sshd(root, "ForceCommand internal-sftp", "MaxSessions 1") as running:
        running.authorize(make_key(root / "key"))
        yield running


@asynccontextmanager
async def bench_at(server: Sshd, directory: Path, *, port: int | None = None) -> AsyncIterator[Workbench]:
    """Services that reach `server`, through `port` where that is another."""
    name = f"[{server.address}]:{port or server.port}"
    known = server.known_hosts(directory / f"known-{port}", name)
    hop = server.hop(keys=[server.root / "key"], known=known)
    hop = replace(hop, port=port or server.port)
    vault = Vault()
    connector = SshConnector(vault=vault, clock=SystemClock())
    async with workbench(connector, target(hop), directory / "state", vault=vault) as services:
        yield services


@pytest.fixture
async def bench(server: Sshd, tmp_path: Path) -> AsyncIterator[Workbench]:
    async with bench_at(server, tmp_path) as services:
        yield services


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """A source and a goal."""
    for name in ("source", "goal"):
        (tmp_path / name).mkdir()
    return tmp_path / "source", tmp_path / "goal"


@pytest.fixture(params=[Direction.GET, Direction.PUT], ids=["get", "put"])
def direction(request: pytest.FixtureRequest) -> Direction:
    value: Direction = request.param
    return value


def asked(direction: Direction, source: Path, goal: Path, **more: object) -> TransferRequest:
    request = TransferRequest(direction, "server", (str(source),), f"{goal}/")
    return replace(request, **more)  # type: ignore[arg-type]


def fill(path: Path, size: int) -> Path:
    path.write_bytes(random.Random(size).randbytes(size))
    return path


async def test_a_mixed_tree_arrives_the_same_verified_and_without_holding_the_loop(
    bench: Workbench, sides: tuple[Path, Path], direction: Direction
) -> None:
    source, goal = sides
    mixed_tree(source / "tree", random.Random(5))
    os.mkfifo(source / "tree/fifo")
    await bench.sessions.get("server").bulk()
    with loop_monitor() as report:
        outcome = await bench.transfers.submit(asked(direction, source / "tree", goal)).wait()
    assert outcome.error is None
    expected = snapshot(source / "tree")
    del expected[b"fifo"]
    assert snapshot(goal / "tree") == expected
    assert outcome.progress.verified == sum(1 for entry in expected.values() if len(entry) == 5)
    assert outcome.progress.skipped == 1
    assert report.worst < 0.05, report.culprit


async def test_a_tree_that_is_cut_off_several_times_arrives_the_same(
    server: Sshd, sides: tuple[Path, Path], direction: Direction, tmp_path: Path
) -> None:
    source, goal = sides
    mixed_tree(source / "tree", random.Random(6))
    for number in range(200):
        fill(source / f"tree/deep/s{number}", 5000 + number)
    fill(source / "tree/huge", 12 * MIB)
    async with Relay(server.address, server.port) as relay, bench_at(server, tmp_path, port=relay.port) as bench:
        relay.set(rate=20 * MIB)
        transfer = bench.transfers.submit(asked(direction, source / "tree", goal))
        for share in (0.15, 0.4, 0.7):
            while transfer.progress.bytes_done < share * 18 * MIB:
                assert transfer.outcome is None, transfer.outcome
                await asyncio.sleep(0.002)
            relay.cut()
        outcome = await transfer.wait()
    assert outcome.error is None
    assert snapshot(goal / "tree") == snapshot(source / "tree")
    assert outcome.progress.restarts >= 3
    assert outcome.progress.sent_bytes < outcome.progress.bytes_done + 3 * 8 * MIB


async def test_an_account_that_serves_files_only_resumes_and_claims_no_proof(
    files_only: Sshd, sides: tuple[Path, Path], direction: Direction, tmp_path: Path
) -> None:
    source, goal = sides
    fill(source / "big", 24 * MIB)
    async with bench_at(files_only, tmp_path) as bench:
        request = asked(direction, source / "big", goal)
        transfer = bench.transfers.submit(request)
        while transfer.progress.bytes_done < 12 * MIB:
            assert transfer.outcome is None, transfer.outcome
            await asyncio.sleep(0)
        await transfer.cancel()
        assert not (goal / "big").exists()
        outcome = await bench.transfers.submit(request).wait()
    assert outcome.error is None
    assert (goal / "big").read_bytes() == (source / "big").read_bytes()
    assert outcome.progress.resumed_bytes > 4 * MIB
    assert outcome.progress.verified == 0
    assert any("runs no commands" in note.note for note in outcome.notes)


@pytest.mark.parametrize("commands", [True, False])
async def test_an_unfinished_copy_that_somebody_else_has_put_there_is_not_gone_on_with(
    server: Sshd, files_only: Sshd, sides: tuple[Path, Path], tmp_path: Path, commands: bool
) -> None:
    need_root("files of another user")
    source, goal = sides
    fill(source / "big", 40 * MIB)
    async with bench_at(server if commands else files_only, tmp_path) as bench:
        request = asked(Direction.PUT, source / "big", goal)
        transfer = bench.transfers.submit(request)
        await until(lambda: transfer.progress.bytes_done > 20 * MIB)
        await transfer.cancel()
        (partial,) = goal.glob(".big*")
        os.chown(partial, 54321, -1)
        outcome = await bench.transfers.submit(request).wait()
    assert outcome.error is None
    assert outcome.progress.resumed_bytes == 0
    assert (goal / "big").read_bytes() == (source / "big").read_bytes()
    assert [(path.name, path.stat().st_uid) for path in goal.iterdir()] == [("big", os.geteuid())]


@contextmanager
def own_sftp_processes(root: Path) -> Iterator[tuple[Sshd, Callable[[], list[int]]]]:
    """A server with a process of its own for each SFTP channel, and what they are so far."""
    program = need_program("/usr/lib/openssh/sftp-server")
    starter = root / "sftp-starter"
    starter.write_text(f'#!/bin/sh\necho $$ >> {root}/pids\nexec {program} "$@"\n')
    starter.chmod(0o755)
    (root / "pids").touch()
    lines = ("PermitRootLogin yes", "PasswordAuthentication no", "UseDNS no", f"Subsystem sftp {starter}")
    with sshd(root / "server", *lines, defaults=False) as running:
        running.authorize(make_key(root / "server/key"))
        yield running, lambda: [int(pid) for pid in (root / "pids").read_text().split()]


async def test_a_server_that_loses_its_sftp_process_gets_a_new_one(
    tmp_path: Path, sides: tuple[Path, Path], direction: Direction
) -> None:
    source, goal = sides
    fill(source / "big", 40 * MIB)
    with own_sftp_processes(tmp_path) as (running, started):
        async with bench_at(running, tmp_path) as bench:
            transfer = bench.transfers.submit(asked(direction, source / "big", goal))
            while transfer.progress.bytes_done < 8 * MIB:
                assert transfer.outcome is None, transfer.outcome
                await asyncio.sleep(0)
            os.kill(started()[0], 9)
            outcome = await transfer.wait()
    assert outcome.error is None, outcome.error
    assert outcome.progress.restarts >= 1
    assert (goal / "big").read_bytes() == (source / "big").read_bytes()


async def test_an_upload_does_without_a_further_channel_that_ends(tmp_path: Path, sides: tuple[Path, Path]) -> None:
    source, goal = sides
    fill(source / "big", 40 * MIB)
    with own_sftp_processes(tmp_path) as (running, started):
        async with (
            Relay(running.address, running.port, RelayFaults(delay=0.02)) as relay,
            bench_at(running, tmp_path, port=relay.port) as bench,
        ):
            transfer = bench.transfers.submit(asked(Direction.PUT, source / "big", goal))
            while len(started()) < 2:
                assert transfer.outcome is None, "the path was long enough for further channels"
                await asyncio.sleep(0.001)
            os.kill(started()[-1], 9)
            outcome = await transfer.wait()
    assert outcome.error is None, outcome.error
    assert outcome.progress.restarts == 0
    assert (goal / "big").read_bytes() == (source / "big").read_bytes()


async def test_a_full_disk_is_named_and_the_transfer_goes_on_when_there_is_room(
    bench: Workbench, sides: tuple[Path, Path], direction: Direction, tmp_path: Path
) -> None:
    source, _ = sides
    fill(source / "big", 12 * MIB)
    with small_disk(tmp_path / "small", 16 * MIB) as goal:
        fill(goal / "ballast", 8 * MIB)
        outcome = await bench.transfers.submit(asked(direction, source / "big", goal)).wait()
        assert outcome.error is not None
        assert outcome.error.code is Code.DISK_FULL
        assert outcome.error.advice
        assert not (goal / "big").exists()
        (goal / "ballast").unlink()
        outcome = await bench.transfers.submit(asked(direction, source / "big", goal)).wait()
        assert outcome.error is None
        assert outcome.progress.resumed_bytes > 6 * MIB
        assert (goal / "big").read_bytes() == (source / "big").read_bytes()


async def test_a_transfer_may_be_cancelled_while_the_network_is_silent(
    server: Sshd, sides: tuple[Path, Path], direction: Direction, tmp_path: Path
) -> None:
    source, goal = sides
    fill(source / "big", 20 * MIB)
    async with Relay(server.address, server.port) as relay, bench_at(server, tmp_path, port=relay.port) as bench:
        relay.set(rate=20 * MIB)
        transfer = bench.transfers.submit(asked(direction, source / "big", goal))
        while transfer.progress.bytes_done < 2 * MIB:
            assert transfer.outcome is None, transfer.outcome
            await asyncio.sleep(0.002)
        relay.black_hole()
        async with asyncio.timeout(15):
            await transfer.cancel()
        assert transfer.state is TransferState.CANCELLED
        assert not (goal / "big").exists()


async def test_content_of_unknown_length_becomes_a_file_in_one_step(bench: Workbench, sides: tuple[Path, Path]) -> None:
    _, goal = sides
    files = bench.files.on("server")
    data = random.Random(1).randbytes(3 * MIB + 5)

    async def stream() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 70_001):
            assert not (goal / "out").exists()
            yield data[at : at + 70_001]

    assert await files.write(bytes(goal / "out"), stream(), mode=0o640) == len(data)
    assert (goal / "out").read_bytes() == data
    assert (goal / "out").stat().st_mode & 0o777 == 0o640
    assert os.listdir(goal) == ["out"]
    parts = [part async for part in files.read(bytes(goal / "out"))]
    assert b"".join(parts) == data
    assert b"".join([part async for part in files.read(bytes(goal / "out"), start=100, limit=5000)]) == data[100:5100]


async def test_the_files_of_a_host_behind_the_contract(bench: Workbench, sides: tuple[Path, Path]) -> None:
    _, goal = sides
    files = bench.files.on("server")
    top = bytes(goal)
    await files.mkdir(top + b"/a/b/c", parents=True)
    await files.mkdir(top + b"/a/b/c", parents=True)
    (goal / "a/link").symlink_to("/etc")
    (goal / "a/b/file").write_bytes(b"12345")
    assert (await files.stat(top + b"/a/link", follow=False)).kind == "symlink"
    assert await files.readlink(top + b"/a/link") == b"/etc"
    counted = await files.count(top + b"/a")
    assert (counted.files, counted.directories) == (2, 3)
    assert await files.remove(top + b"/a", recursive=True) == counted
    assert Path("/etc/passwd").exists()
    assert os.listdir(goal) == []
    assert await files.resolve("~") == await files.home()
    assert await files.resolve("~root/x") == os.fsencode(Path("~root").expanduser() / "x")
    (goal / "real/sub").mkdir(parents=True)
    (goal / "alias").symlink_to("real/sub")
    assert await files.resolve("alias/../x", top) == os.path.realpath(top) + b"/real/x"


async def test_an_upload_over_a_long_path_uses_several_channels_and_resumes(
    server: Sshd, sides: tuple[Path, Path], tmp_path: Path
) -> None:
    source, goal = sides
    (source / "big").write_bytes(random.Random(5).randbytes(48 * MIB))
    async with (
        Relay(server.address, server.port, RelayFaults(delay=0.02)) as relay,
        bench_at(server, tmp_path, port=relay.port) as bench,
    ):
        transfer = bench.transfers.submit(bench.putting(source / "big", to=f"{goal}/"))
        async with asyncio.timeout(20):
            while not any(server.holders(path) >= 3 for path in goal.glob(".big*")):
                assert transfer.outcome is None
                await asyncio.sleep(0.02)
        relay.cut()
        outcome = await transfer.wait()
    assert outcome.error is None
    assert outcome.progress.verified == 1
    assert outcome.progress.restarts >= 1
    assert (goal / "big").read_bytes() == (source / "big").read_bytes()
    assert [path.name for path in goal.iterdir()] == ["big"]


async def test_a_quota_is_told_apart_from_a_failure(sides: tuple[Path, Path], tmp_path: Path) -> None:
    """SFTP says only "Failure"; the host's shell, which may write no more either, says why."""
    source, goal = sides
    (source / "big").write_bytes(bytes(range(256)) * 4000)
    program = Path("/usr/lib/openssh/sftp-server")
    if not program.exists():
        pytest.skip("no separate sftp-server on this machine")
    limited = tmp_path / "limited"
    limited.write_text(
        '#!/bin/sh\ntrap "" XFSZ\nulimit -f 100\n'
        f'case "$SSH_ORIGINAL_COMMAND" in internal-sftp*) exec {program};; esac\n'
        'exec sh -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    limited.chmod(0o755)
    with sshd(tmp_path / "server", f"ForceCommand {limited}") as running:
        running.authorize(make_key(tmp_path / "server/key"))
        async with bench_at(running, tmp_path) as bench:
            outcome = await bench.transfers.submit(bench.putting(source / "big", to=f"{goal}/")).wait()
    assert outcome.error is not None
    assert outcome.error.code is Code.QUOTA
    assert outcome.error.host == "server"
    assert not (goal / "big").exists()
