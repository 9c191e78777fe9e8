"""Transfers that are killed and links that are cut, again and again, at seeded random moments.

Each campaign ends with the same SHA-256 on both ends, never shows anything incomplete under the final name, and sends
less than 5 % twice, counted on the wire by the relay, protocol overhead included.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mocks.relay import Relay, RelayFaults
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program, Ran

pytestmark = pytest.mark.sshd

MB = 1_000_000
RATE = 80 * MB
"""Bytes a second: slow enough for the moments to fall inside the transfer on any machine."""
MOST_TWICE = 0.05


@dataclass(frozen=True)
class Campaign:
    """How much, how often."""

    size: int
    interruptions: int

    def shares(self, chance: random.Random) -> list[int]:
        """Bytes between one interruption and the next; together they stay inside the file."""
        return [
            int(chance.uniform(0.25, 0.95) * self.size / (self.interruptions + 1)) for _ in range(self.interruptions)
        ]


SHORT = Campaign(120 * MB, 3)
"""A few interruptions cost a flight each: with less content between them the share would say little."""
LONG = Campaign(300 * MB, 10)
CAMPAIGNS = [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=[pytest.mark.slow])]


@dataclass(frozen=True)
class Bench:
    """A server behind a relay, a file on the one side and a name on the other, and the program."""

    relay: Relay
    program: Program
    direction: str
    here: Path
    there: Path
    arguments: tuple[str, ...]

    @property
    def source(self) -> Path:
        return self.here if self.direction == "put" else self.there

    @property
    def final(self) -> Path:
        return self.there if self.direction == "put" else self.here

    @property
    def carried(self) -> int:
        """Bytes on the wire so far, in the direction of the content."""
        counters = self.relay.counters
        return counters.up if self.direction == "put" else counters.down

    def fill(self, size: int) -> None:
        with self.source.open("wb") as file:
            chance = random.Random(size)
            for start in range(0, size, MB):
                file.write(chance.randbytes(min(MB, size - start)))

    async def start(self) -> asyncio.subprocess.Process:
        return await self.program.start(*self.arguments)

    def nothing_incomplete(self, size: int) -> bool:
        return not self.final.exists() or self.final.stat().st_size == size

    def same(self) -> bool:
        return digest(self.source) == digest(self.final)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    async with Relay(server.address, server.port, RelayFaults(rate=RATE), seed=7) as relay:
        known = server.known_hosts(tmp_path / "known", f"[127.0.0.1]:{relay.port}")
        here, there = home / "model.bin", far / "model.bin"
        remote = f"{server.user}@127.0.0.1:{there}"
        places = (str(here), remote) if request.param == "put" else (remote, str(here))
        reach = ("-p", str(relay.port), "-i", str(key), "--known-hosts", str(known), "--batch", "--json", "-F", "none")
        yield Bench(relay, Program(home), request.param, here, there, (request.param, *places, *reach))


async def carry(bench: Bench, process: asyncio.subprocess.Process, until: int, size: int) -> bool:
    """Let the wire carry until `until` bytes; False when the program ended first."""
    while bench.carried < until:
        assert bench.nothing_incomplete(size)
        if process.returncode is not None:
            return False
        await asyncio.sleep(0.002)
    return True


async def ended(process: asyncio.subprocess.Process) -> Ran:
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, out, err)


def twice(bench: Bench, size: int) -> float:
    """The share of the content that went over the wire more than once, overhead included."""
    return (bench.carried - size) / size


@pytest.mark.timeout(600)
@pytest.mark.parametrize("campaign", CAMPAIGNS)
async def test_a_transfer_that_is_killed_goes_on_when_it_is_given_again(bench: Bench, campaign: Campaign) -> None:
    bench.fill(campaign.size)
    kills = 0
    for share in campaign.shares(random.Random(11)):
        process = await bench.start()
        assert await carry(bench, process, bench.carried + share, campaign.size), await ended(process)
        process.kill()
        await ended(process)
        kills += 1
        assert not bench.final.exists()
    ran = await ended(await bench.start())
    assert ran.status == 0, ran
    assert bench.same()
    assert (kills, ran.json["verified"]) == (campaign.interruptions, 1)
    assert ran.json["sent_bytes"] + ran.json["resumed_bytes"] == campaign.size
    assert ran.json["resumed_bytes"] > 0
    assert twice(bench, campaign.size) < MOST_TWICE
    assert not list(bench.final.parent.glob(".*fairlead-part"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("campaign", CAMPAIGNS)
async def test_a_transfer_whose_link_is_cut_goes_on_by_itself(bench: Bench, campaign: Campaign) -> None:
    bench.fill(campaign.size)
    process = await bench.start()
    for share in campaign.shares(random.Random(13)):
        assert await carry(bench, process, bench.carried + share, campaign.size), await ended(process)
        bench.relay.cut()
    ran = await ended(process)
    assert ran.status == 0, ran
    assert bench.same()
    assert ran.json["verified"] == 1
    assert twice(bench, campaign.size) < MOST_TWICE
    assert not list(bench.final.parent.glob(".*fairlead-part"))


async def test_a_transfer_that_gave_up_goes_on_when_it_is_given_again(bench: Bench) -> None:
    size = 40 * MB
    bench.fill(size)
    process = await bench.program.start(*bench.arguments, "--give-up", "1")
    assert await carry(bench, process, size // 2, size), await ended(process)
    bench.relay.refuse()
    bench.relay.cut()
    gave_up = await ended(process)
    assert gave_up.status == 255
    assert gave_up.json["error"]["category"] in {"link", "network"}  # the loss, or why it could not be mended
    assert not bench.final.exists()
    bench.relay.listen()
    ran = await ended(await bench.start())
    assert ran.status == 0, ran
    assert bench.same()
    assert ran.json["verified"] == 1
    assert ran.json["resumed_bytes"] > size // 4
    assert ran.json["sent_bytes"] + ran.json["resumed_bytes"] == size
    assert twice(bench, size) < MOST_TWICE
