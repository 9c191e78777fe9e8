"""A host that asks for a code is logged in to once, whatever is reached through it, and whether it is worked on itself;
again only when it must be."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.connection.connector import PhaseEvent, PhasePassed
from backend.connection.race import Race
from backend.connection.ssh.connector import SshConnector
from backend.connection.streams import ByteStream
from backend.connection.target import Hop, Target
from backend.connection.vault import Vault
from backend.connection.ways import ProxyCommand
from backend.errors import AuthError, Code, LinkLost
from mocks.relay import Relay
from tests.support.asyncssh_server import Door, TestServer, ssh_server
from tests.support.person import Person
from tests.support.waiting import no_tasks_left, until
from tests.system.test_ssh_ways import RELAY

CODE = [("", "", [("Code: ", False)], ["123456"])]


class Hasty(SystemClock):
    """A clock on which nobody waits."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class Place:
    """A bastion that asks for a code, and two hosts behind it."""

    bastion: TestServer
    relay: Relay
    hosts: tuple[TestServer, ...]
    directory: Path

    def to(self, number: int) -> Target:
        known = self.directory / "relayed"
        known.write_text(f"[127.0.0.1]:{self.relay.port} {self.bastion.key.export_public_key().decode()}")
        jump = self.bastion.hop(self.directory, name="bastion")
        jump = Hop("bastion", "127.0.0.1", self.relay.port, "me", known_hosts=type(jump.known_hosts)(user=(known,)))
        return Target(f"host-{number}", (jump, self.hosts[number].hop(self.directory, name=f"host-{number}")))

    @property
    def bastion_itself(self) -> Target:
        return Target("gate", (replace(self.to(0).jumps[0], name="gate"),))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with (
        ssh_server(Door(rounds=CODE, forwards=True)) as bastion,
        ssh_server(Door(passwords=["right"])) as one,
        ssh_server(Door(passwords=["right"])) as two,
        Relay("127.0.0.1", bastion.port) as relay,
    ):
        yield Place(bastion, relay, (one, two), tmp_path)


@asynccontextmanager
async def connector(clock: SystemClock | None = None) -> AsyncIterator[SshConnector]:
    async with no_tasks_left():
        made = SshConnector(vault=Vault(), clock=clock or SystemClock())
        yield made
        await made.close()


def person(codes: int = 1, thinks: float = 0) -> Person:
    return Person(answers=[["123456"]] * codes, passwords=["right"] * 9, thinks=thinks)


async def test_the_code_is_asked_for_once_for_two_hosts_at_once(place: Place) -> None:
    somebody = person()
    async with connector() as ours:
        links = await asyncio.gather(*(ours.connect(place.to(number), somebody) for number in (0, 1)))
        assert len(somebody.challenges) == 1
        assert place.bastion.door.begun == 1
        await links[0].close()
        assert await links[1].ping() > 0
        await links[1].close()


async def test_over_two_ways_to_the_bastion_at_once_the_code_is_asked_for_once(place: Place, tmp_path: Path) -> None:
    script = tmp_path / "carry.py"
    script.write_text(RELAY)
    carry = f"sh -c 'sleep 0.2; exec {sys.executable} -S {script} 127.0.0.1 {place.relay.port}'"
    somebody, first = person(codes=2, thinks=1.0), place.to(0)
    ways = [ProxyCommand(carry), ProxyCommand(f"{carry}  # the other one")]
    targets = [
        replace(first, route=f"jump/{number}", hops=(replace(first.jumps[0], way=way), first.host))
        for number, way in enumerate(ways)
    ]
    async with connector() as ours:
        run = Race(targets, connector=ours, interaction=somebody, clock=SystemClock(), stagger=0.05)
        link, _ = await run.run()
        await run.finish()
        assert len(somebody.challenges) == 1
        assert sorted(outcome.status for outcome in run.outcomes) == ["lost", "won"]
        await link.close()


async def test_a_host_that_is_lost_is_reached_again_without_a_code(place: Place) -> None:
    somebody, seen = person(), list[PhaseEvent]()
    async with connector() as ours:
        link = await ours.connect(place.to(0), somebody)
        place.hosts[0].door.connections[-1].abort()
        await link.closed()
        await link.close()
        again = await ours.connect(place.to(0), somebody, seen.append)
        assert len(somebody.challenges) == 1
        reused = next(event for event in seen if event.hop.name == "bastion" and isinstance(event, PhasePassed))
        assert "shared" in reused.evidence
        await again.close()


async def test_a_jump_host_that_is_gone_is_logged_in_to_anew(place: Place) -> None:
    somebody = person(codes=2)
    async with connector() as ours:
        link = await ours.connect(place.to(0), somebody)
        place.relay.cut()
        assert await link.closed() is not None
        await link.close()
        again = await ours.connect(place.to(1), somebody)
        assert len(somebody.challenges) == 2
        await again.close()


async def test_a_jump_host_that_no_longer_answers_is_not_gone_through(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.connection.ssh.shared_hops.ANSWERS", 0.2)
    somebody = person(codes=2)
    async with connector() as ours:
        link = await ours.connect(place.to(0), somebody)
        place.relay.black_hole()
        connecting = asyncio.create_task(ours.connect(place.to(1), somebody))
        await asyncio.sleep(0.3)
        place.relay.heal()
        again = await connecting
        assert len(somebody.challenges) == 2
        await again.close()
        await link.close()


async def test_one_that_nobody_uses_is_closed_after_a_while(place: Place) -> None:
    async with connector(Hasty()) as ours:
        link = await ours.connect(place.to(0), person())
        await link.close()
        await until(lambda: place.bastion.door.ended == 1)


async def test_a_refused_host_leaves_the_jump_host_up_for_another_try(place: Place) -> None:
    somebody = Person(answers=[["123456"]], passwords=["wrong", "wrong", "wrong", "right"])
    async with connector() as ours:
        with pytest.raises(AuthError):
            await ours.connect(place.to(0), somebody)
        link = await ours.connect(place.to(0), somebody)
        assert len(somebody.challenges) == 1
        await link.close()


async def test_who_stops_connecting_keeps_nobody_else_from_it(place: Place) -> None:
    slow, somebody = Person(answers=[["123456"]], thinks=1000), person()
    async with connector() as ours:
        stopped = asyncio.create_task(ours.connect(place.to(0), slow))
        await until(lambda: len(slow.challenges) == 1)
        waiting = asyncio.create_task(ours.connect(place.to(1), somebody))
        stopped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopped
        link = await waiting
        assert len(somebody.challenges) == 1
        await link.close()


async def test_a_jump_host_with_a_key_is_connected_to_for_each(tmp_path: Path) -> None:
    bastion = Door(passwords=["jump"], forwards=True)
    async with ssh_server(bastion) as jump, ssh_server(Door(passwords=["right"])) as host, connector() as ours:
        to = Target("host", (jump.hop(tmp_path, name="bastion"), host.hop(tmp_path, name="host")))
        somebody = Person(passwords=["jump", "right"])
        links = [await ours.connect(to, somebody) for _ in range(2)]
        assert bastion.begun == 2
        for link in links:
            await link.close()


# --- a jump host that is a host itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("itself_first", [True, False])
async def test_a_jump_host_that_is_worked_on_itself_is_logged_in_to_once(place: Place, itself_first: bool) -> None:
    somebody, targets = person(), [place.bastion_itself, place.to(0)]
    async with connector() as ours:
        links = [await ours.connect(target, somebody) for target in (targets if itself_first else targets[::-1])]
        assert (len(somebody.challenges), place.bastion.door.begun) == (1, 1)
        gate = links[0 if itself_first else 1]
        assert (gate.facts.host, gate.facts.first) == ("gate", "" if itself_first else "host-0")
        assert gate.others == ("host-0",)
        await gate.close()
        assert await links[1 if itself_first else 0].ping() > 0
        again = await ours.connect(place.bastion_itself, somebody)
        assert again.facts.first == ("" if itself_first else "host-0")
        assert len(somebody.challenges) == 1
        for link in (*links, again):
            await link.close()


async def test_both_at_once_ask_for_one_code(place: Place) -> None:
    somebody = person(thinks=0.05)
    async with connector() as ours:
        targets = [place.to(0), place.bastion_itself, place.to(1)]
        links = await asyncio.gather(*(ours.connect(target, somebody) for target in targets))
        assert (len(somebody.challenges), place.bastion.door.begun) == (1, 1)
        assert set(links[1].others) == {"host-0", "host-1"}
        for link in links:
            await link.close()


async def test_a_host_that_is_disconnected_is_closed_at_once_where_nothing_is_reached_through_it(place: Place) -> None:
    async with connector() as ours:
        link = await ours.connect(place.bastion_itself, person())
        await link.close()
        await until(lambda: place.relay.live == 0)


async def test_what_is_open_on_a_host_that_stays_as_a_jump_host_ends_with_its_link(place: Place) -> None:
    somebody = person()
    async with connector() as ours:
        gate, behind = [await ours.connect(target, somebody) for target in (place.bastion_itself, place.to(0))]
        stream = await gate.open_stream("127.0.0.1", place.hosts[1].port)
        assert (await stream.read(4)) == b"SSH-"
        reading = asyncio.create_task(_all_of(stream))
        await gate.close()
        with pytest.raises(LinkLost):
            await reading
        assert await behind.ping() > 0
        await behind.close()


async def _all_of(stream: ByteStream) -> None:
    while await stream.read():
        pass


async def test_a_host_that_no_longer_answers_is_given_up_and_nothing_new_goes_through_it(place: Place) -> None:
    somebody = person(codes=2)
    async with connector() as ours:
        gate, behind = [await ours.connect(target, somebody) for target in (place.bastion_itself, place.to(0))]
        await gate.close(LinkLost(Code.KEEPALIVE_LOST, evidence={"seconds": "30"}))
        assert gate.lost is not None
        other = await ours.connect(place.to(1), somebody)
        assert len(somebody.challenges) == 2
        assert await behind.ping() > 0
        await behind.close()
        await other.close()


async def test_a_loss_is_told_to_the_host_and_to_what_is_behind_it(place: Place) -> None:
    somebody = person(codes=2)
    async with connector() as ours:
        targets = (place.bastion_itself, place.to(0))
        links = [await ours.connect(target, somebody) for target in targets]
        place.relay.cut()
        assert [reason is not None for reason in await asyncio.gather(*(link.closed() for link in links))] == [True] * 2
        again = await asyncio.gather(*(ours.connect(target, somebody) for target in targets))
        assert len(somebody.challenges) == 2
        for link in (*links, *again):
            await link.close()


async def test_who_is_to_see_the_login_itself_gets_one_of_its_own(place: Place) -> None:
    somebody = person(codes=2)
    async with connector() as ours:
        first = await ours.connect(place.bastion_itself, somebody)
        own = await ours.connect(replace(place.bastion_itself, anew=True), somebody)
        assert (len(somebody.challenges), own.others, own.facts.first) == (2, (), "")
        await own.close()
        behind = await ours.connect(place.to(0), somebody)
        assert len(somebody.challenges) == 2
        assert first.others == ("host-0",)
        for link in (first, behind):
            await link.close()
