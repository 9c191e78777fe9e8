"""Hosts without SFTP, by the command line: OpenSSH without the subsystem, with GNU's tools and with busybox alone."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mocks.relay import Relay, RelayFaults
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program, Ran, ssh_config
from tests.support.transfer_world import mixed_tree, snapshot

pytestmark = pytest.mark.sshd

SIZE = 30_000_000
NOTICE = b"far: no SFTP: files over commands\n"
NO_SUBSYSTEM = ("PermitRootLogin yes", "PasswordAuthentication no", "MaxStartups 100", "LogLevel INFO")


@dataclass(frozen=True)
class Bench:
    """A server without SFTP behind a relay, as `far`; another one with it, as `near`."""

    relay: Relay
    program: Program
    config: Path
    there: Path
    """A directory of the first."""

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        return await self.program.start(*words, "-F", str(self.config), "--batch", "--json")

    async def run(self, *words: str) -> Ran:
        process = await self.start(*words)
        out, err = await process.communicate()
        return Ran(process.returncode or 0, out, err)


def busybox_alone(directory: Path) -> str:
    """A PATH with the tools of busybox and nothing else, and without `stat`: small systems leave it out."""
    program = shutil.which("busybox")
    if program is None:
        pytest.skip("no busybox")
    directory.mkdir()
    for name in subprocess.check_output([program, "--list"], text=True).split():
        if name != "stat":
            (directory / name).symlink_to(program)
    return str(directory)


@pytest.fixture(params=["gnu", "busybox"])
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sshd]:
    lines: tuple[str, ...] = NO_SUBSYSTEM
    if request.param == "busybox":
        lines += (f"SetEnv PATH={busybox_alone(tmp_path / 'busybox')}",)
    with sshd(tmp_path / "far", *lines, defaults=False) as running:
        yield running


@pytest.fixture
async def bench(far: Sshd, tmp_path: Path) -> AsyncIterator[Bench]:
    (tmp_path / "home").mkdir()
    (tmp_path / "there").mkdir()
    with sshd(tmp_path / "near", "LogLevel INFO") as near:
        async with Relay(far.address, far.port, RelayFaults(rate=20_000_000), seed=3) as relay:
            servers = {"far": replace(far, port=relay.port), "near": near}
            config = ssh_config(tmp_path / "ssh_config", servers, make_key(tmp_path / "key"))
            yield Bench(relay, Program(tmp_path / "home"), config, tmp_path / "there")


@pytest.mark.timeout(120)
async def test_a_tree_goes_there_and_comes_back_the_same(bench: Bench, tmp_path: Path) -> None:
    tree = mixed_tree(tmp_path / "tree", random.Random(1))
    there = await bench.run("put", str(tree), f"far:{bench.there}/")
    assert there.status == 0, there
    assert there.err.count(NOTICE) == 1
    assert snapshot(bench.there / "tree") == snapshot(tree)
    back = await bench.run("get", f"far:{bench.there}/tree", str(tmp_path / "back"))
    assert back.status == 0, back
    assert snapshot(tmp_path / "back") == snapshot(tree)
    assert back.json["verified"] == there.json["verified"] > 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("direction", ["get", "put"])
async def test_a_copy_that_is_killed_goes_on_when_it_is_given_again(
    bench: Bench, tmp_path: Path, direction: str
) -> None:
    data = random.Random(2).randbytes(SIZE)
    source, goal = (bench.there / "a", tmp_path / "b") if direction == "get" else (tmp_path / "a", bench.there / "b")
    source.write_bytes(data)
    ends = (f"far:{source}", str(goal)) if direction == "get" else (str(source), f"far:{goal}")
    process = await bench.start(direction, *ends)
    while bench.relay.counters.up + bench.relay.counters.down < SIZE * 0.6:
        assert process.returncode is None, await process.communicate()
        await asyncio.sleep(0.002)
    process.kill()
    await process.communicate()
    assert not goal.exists()
    ran = await bench.run(direction, *ends)
    assert ran.status == 0, ran
    assert goal.read_bytes() == data
    assert ran.json["resumed_bytes"] > SIZE * 0.3
    assert ran.json["verified"] == 1
    assert not list(goal.parent.glob(".*.fairlead-part"))


@pytest.mark.timeout(120)
async def test_a_link_that_is_cut_is_made_again_and_the_copy_goes_on(bench: Bench, tmp_path: Path) -> None:
    data = random.Random(2).randbytes(SIZE)
    (tmp_path / "a").write_bytes(data)
    process = await bench.start("put", str(tmp_path / "a"), f"far:{bench.there}/b")
    while bench.relay.counters.up < SIZE * 0.5:
        assert process.returncode is None, await process.communicate()
        await asyncio.sleep(0.002)
    bench.relay.cut()
    out, err = await process.communicate()
    assert process.returncode == 0, (out, err)
    assert (bench.there / "b").read_bytes() == data


@pytest.mark.timeout(120)
async def test_another_host_with_sftp_gets_it_from_there(bench: Bench, tmp_path: Path) -> None:
    tree = mixed_tree(bench.there / "tree", random.Random(1))
    ran = await bench.run("copy", f"far:{tree}", f"near:{tmp_path}/copy")
    assert ran.status == 0, ran
    assert snapshot(tmp_path / "copy") == snapshot(tree)
    assert ran.json["verified"] > 0


async def test_its_files_are_worked_on(bench: Bench) -> None:
    odd = os.fsdecode(b"-o'dd \xff")
    made = await bench.run("mkdir", "-p", f"far:{bench.there}/a/{odd}")
    assert made.status == 0, made
    assert [path.name for path in (bench.there / "a").iterdir()] == [odd]
    listed = await bench.run("ls", "-la", f"far:{bench.there}/a")
    assert listed.status == 0, listed
    assert (await bench.run("mv", f"far:{bench.there}/a", f"far:{bench.there}/b")).status == 0
    assert (await bench.run("rm", "-r", "--yes", f"far:{bench.there}/b")).status == 0
    assert list(bench.there.iterdir()) == []
    missing = await bench.run("ls", f"far:{bench.there}/b")
    assert missing.status == 4
    assert b"NOT_FOUND" in missing.out + missing.err
