"""Copies between two OpenSSH servers, and within one, by the command line; one of them behind a link that is cut."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mocks.relay import Relay, RelayFaults
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program, Ran, ssh_config
from tests.support.transfer_world import mixed_tree, snapshot

pytestmark = pytest.mark.sshd

MB = 1_000_000
SIZE = 60 * MB
RATE = 40 * MB
"""Bytes a second over the relay: slow enough for the moments to fall inside the transfer."""


@dataclass(frozen=True)
class Bench:
    """Two servers, `first` and `second`; one of them behind a relay."""

    relay: Relay
    program: Program
    flags: tuple[str, ...]
    first: Path
    second: Path

    def ends(self, name: str) -> tuple[str, str]:
        return f"first:{self.first / name}", f"second:{self.second}/"

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        return await self.program.start(*words, *self.flags, "--batch", "--json")

    async def copy(self, *words: str) -> Ran:
        return await ended(await self.start("copy", *words))

    @property
    def carried(self) -> int:
        """Bytes over the relay, both ways."""
        return self.relay.counters.up + self.relay.counters.down


async def ended(process: asyncio.subprocess.Process) -> Ran:
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, out, err)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[dict[str, Sshd]]:
    with sshd(tmp_path / "sshd1", "LogLevel INFO") as first, sshd(tmp_path / "sshd2", "LogLevel INFO") as second:
        yield {"first": first, "second": second}


async def bench_of(servers: dict[str, Sshd], relayed: str, tmp_path: Path) -> AsyncIterator[Bench]:
    for name in ("home", "one", "two"):
        (tmp_path / name).mkdir()
    key, server = make_key(tmp_path / "key"), servers[relayed]
    async with Relay(server.address, server.port, RelayFaults(rate=RATE), seed=3) as relay:
        reached = {**servers, relayed: replace(server, port=relay.port)}
        config = ssh_config(tmp_path / "ssh_config", reached, key)
        yield Bench(relay, Program(tmp_path / "home"), ("-F", str(config)), tmp_path / "one", tmp_path / "two")


@pytest.fixture(params=["first", "second"])
async def bench(request: pytest.FixtureRequest, servers: dict[str, Sshd], tmp_path: Path) -> AsyncIterator[Bench]:
    async for one in bench_of(servers, request.param, tmp_path):
        yield one


@pytest.fixture
async def near(servers: dict[str, Sshd], tmp_path: Path) -> AsyncIterator[Bench]:
    """The first behind the relay."""
    async for one in bench_of(servers, "first", tmp_path):
        yield one


@pytest.fixture
async def files_only(tmp_path: Path) -> AsyncIterator[Bench]:
    """The same, where the first runs no commands."""
    with sshd(tmp_path / "sshd1", "ForceCommand internal-sftp") as first, sshd(tmp_path / "sshd2") as second:
        async for one in bench_of({"first": first, "second": second}, "first", tmp_path):
            yield one


def fill(path: Path, size: int) -> bytes:
    data = random.Random(size).randbytes(size)
    path.write_bytes(data)
    return data


async def until(bench: Bench, process: asyncio.subprocess.Process, carried: int) -> None:
    while bench.carried < carried:
        assert process.returncode is None, await ended(process)
        await asyncio.sleep(0.002)


async def test_a_tree_goes_from_host_to_host_and_not_over_this_disk(near: Bench) -> None:
    mixed_tree(near.first / "tree", random.Random(1))
    ran = await near.copy(*near.ends("tree"))
    assert ran.status == 0, ran
    assert snapshot(near.second / "tree") == snapshot(near.first / "tree")
    assert ran.json["verified"] == ran.json["files"] - 3  # the links
    names = [name for _, _, files in os.walk(near.program.home) for name in files]
    assert not any("large" in name or "part" in name for name in names)


@pytest.mark.timeout(180)
async def test_a_copy_that_is_killed_goes_on_when_it_is_given_again(bench: Bench) -> None:
    data = fill(bench.first / "model", SIZE)
    for share in (0.25, 0.6):
        process = await bench.start("copy", *bench.ends("model"))
        await until(bench, process, int(share * SIZE))
        process.kill()
        await ended(process)
        assert not (bench.second / "model").exists()
    ran = await bench.copy(*bench.ends("model"))
    assert ran.status == 0, ran
    assert (bench.second / "model").read_bytes() == data
    assert ran.json["verified"] == 1
    assert ran.json["resumed_bytes"] > 0.4 * SIZE
    assert bench.carried < 1.4 * SIZE
    assert [path.name for path in bench.second.iterdir()] == ["model"]


@pytest.mark.timeout(180)
async def test_a_link_that_is_cut_is_made_again_and_the_copy_goes_on(bench: Bench) -> None:
    data = fill(bench.first / "model", SIZE)
    process = await bench.start("copy", *bench.ends("model"))
    for share in (0.3, 0.7):
        await until(bench, process, int(share * SIZE))
        bench.relay.cut()
    ran = await ended(process)
    assert ran.status == 0, ran
    assert (bench.second / "model").read_bytes() == data
    assert ran.json["verified"] == 1
    assert bench.carried < 1.4 * SIZE


async def test_a_host_copies_to_itself_without_sending_anything(near: Bench) -> None:
    mixed_tree(near.first / "tree", random.Random(1))
    fill(near.first / "tree/model", SIZE)
    ran = await near.copy(f"first:{near.first}/tree", f"first:{near.first}/copy")
    assert ran.status == 0, ran
    assert snapshot(near.first / "copy") == snapshot(near.first / "tree")
    assert ran.json["sent_bytes"] == 0
    assert near.carried < 2 * MB


async def test_an_account_for_files_only_copies_by_its_sftp_server(files_only: Bench) -> None:
    mixed_tree(files_only.first / "tree", random.Random(1))
    fill(files_only.first / "tree/model", SIZE)
    ran = await files_only.copy(f"first:{files_only.first}/tree", f"first:{files_only.first}/copy")
    assert ran.status == 0, ran
    assert snapshot(files_only.first / "copy") == snapshot(files_only.first / "tree")
    assert ran.json["sent_bytes"] == 0
    assert ran.json["verified"] == 0
    assert files_only.carried < 2 * MB


@pytest.mark.parametrize("command", ["get", "put"])
async def test_a_copy_with_two_hosts_is_pointed_to_the_command_for_it(near: Bench, command: str) -> None:
    ran = await ended(await near.start(command, "first:a b", "second:c"))
    assert ran.status == 2
    error = json.loads(ran.err.splitlines()[-1] if ran.err else ran.out.splitlines()[-1])["error"]
    assert error["advice"][0]["command"] == "fairlead copy 'first:a b' second:c"
