"""A jump host that asks for a code is logged in to once, whatever is reached through it; again only when it must be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.connection.connector import PhaseEvent, PhasePassed
from backend.connection.ssh.connector import SshConnector
from backend.connection.target import Hop, Target
from backend.connection.vault import Vault
from backend.errors import AuthError
from mocks.relay import Relay
from tests.support.asyncssh_server import Door, TestServer, ssh_server
from tests.support.person import Person
from tests.support.waiting import no_tasks_left, until

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


def person(codes: int = 1) -> Person:
    return Person(answers=[["123456"]] * codes, passwords=["right"] * 9)


async def test_the_code_is_asked_for_once_for_two_hosts_at_once(place: Place) -> None:
    somebody = person()
    async with connector() as ours:
        links = await asyncio.gather(*(ours.connect(place.to(number), somebody) for number in (0, 1)))
        assert len(somebody.challenges) == 1
        assert place.bastion.door.begun == 1
        await links[0].close()
        assert await links[1].ping() > 0
        await links[1].close()


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
    monkeypatch.setattr("backend.connection.ssh.jumps.ANSWERS", 0.2)
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
