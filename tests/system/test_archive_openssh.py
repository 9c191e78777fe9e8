"""Thousands of small files to and from OpenSSH, killed and cut at seeded random moments, in the archive lane."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.files.partial import is_partial
from mocks.relay import Relay, RelayFaults
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program, Ran
from tests.support.transfer_world import snapshot

pytestmark = [pytest.mark.sshd, pytest.mark.timeout(300)]

FILES, SIZE = 3000, 4096
RATE = 8_000_000
"""Bytes a second: slow enough for the moments to fall inside the streams."""
MOST_AGAIN = 6_000_000
"""Bytes that an interruption may cost: what was under way, and what was not yet in the journal."""


@dataclass(frozen=True)
class Bench:
    relay: Relay
    program: Program
    source: Path
    final: Path
    arguments: tuple[str, ...]

    @property
    def carried(self) -> int:
        counters = self.relay.counters
        return counters.up if self.arguments[0] == "put" else counters.down

    async def start(self) -> asyncio.subprocess.Process:
        return await self.program.start(*self.arguments)

    def shown_is_whole(self) -> bool:
        """Whether every file that is there under its own name is complete."""
        return all(
            path.read_bytes() == (self.source / path.relative_to(self.final)).read_bytes()
            for path in self.final.rglob("*")
            if path.is_file() and not is_partial(path.name.encode())
        )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "sshd", "LogLevel INFO") as running:
        yield running


@pytest.fixture(params=["get", "put"])
async def bench(request: pytest.FixtureRequest, server: Sshd, tmp_path: Path) -> AsyncIterator[Bench]:
    home, far = tmp_path / "home", tmp_path / "far"
    home.mkdir()
    far.mkdir()
    key = make_key(tmp_path / "key")
    server.authorize(key)
    here, there = home / "tree", far / "tree"
    source, final = (here, there) if request.param == "put" else (there, here)
    chance = random.Random(5)
    for number in range(FILES):
        folder = source / f"d{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}").write_bytes(chance.randbytes(SIZE))
    async with Relay(server.address, server.port, RelayFaults(rate=RATE), seed=7) as relay:
        known = server.known_hosts(tmp_path / "known", f"[127.0.0.1]:{relay.port}")
        at = f"{server.user}@127.0.0.1:"
        places = (str(here), f"{at}{far}/") if request.param == "put" else (f"{at}{there}", f"{home}/")
        reach = ("-p", str(relay.port), "-i", str(key), "--known-hosts", str(known), "--batch", "--json", "-F", "none")
        yield Bench(relay, Program(home), source, final, (request.param, *places, *reach))


async def carry(bench: Bench, process: asyncio.subprocess.Process, size: int) -> None:
    """Let the wire carry `size` bytes more."""
    until = bench.carried + size
    while bench.carried < until:
        assert process.returncode is None, await process.communicate()
        await asyncio.sleep(0.002)


async def ended(process: asyncio.subprocess.Process) -> Ran:
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, out, err)


def is_all_there(bench: Bench, ran: Ran) -> None:
    assert ran.status == 0, ran
    assert snapshot(bench.final) == snapshot(bench.source)
    assert (ran.json["files"], ran.json["failed"], ran.json["verified"]) == (FILES, 0, FILES)
    assert ran.json["bytes"] == FILES * SIZE


async def test_a_tree_that_is_killed_again_and_again_goes_on(bench: Bench) -> None:
    chance, kills = random.Random(17), 3
    for _ in range(kills):
        process = await bench.start()
        await carry(bench, process, int(chance.uniform(0.5, 3.0) * 1_000_000))
        process.kill()
        await ended(process)
        assert bench.shown_is_whole()
    ran = await ended(await bench.start())
    is_all_there(bench, ran)
    assert bench.carried < FILES * SIZE * 1.4 + kills * MOST_AGAIN


async def test_a_tree_whose_link_is_cut_again_and_again_goes_on_by_itself(bench: Bench) -> None:
    chance, cuts = random.Random(19), 3
    process = await bench.start()
    for _ in range(cuts):
        await carry(bench, process, int(chance.uniform(1.0, 3.0) * 1_000_000))
        bench.relay.cut()
        assert bench.shown_is_whole()
    ran = await ended(process)
    is_all_there(bench, ran)
    assert bench.carried < FILES * SIZE * 1.4 + cuts * MOST_AGAIN
    assert not [path for path in bench.final.rglob("*") if is_partial(path.name.encode())]
