"""Two names of an account on a simulated host: who is asked what, and what is remembered for whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from backend.connection.connector import Link
from backend.connection.interaction import HostKeyDecision
from backend.connection.session import Session
from backend.connection.sessions import Sessions
from backend.connection.state import SessionState
from backend.connection.vault import Vault
from backend.events import EventBus
from backend.hosts.book import HostBook
from backend.settings import HostSettings, Settings
from mocks.clock import VirtualClock
from mocks.connector import SimulatedConnector
from mocks.host import Question, SimulatedHost, User
from mocks.world import World
from tests.support.waiting import no_tasks_left, until
from tests.support.worlds import Person

S = SessionState
CODED = User("ada", 1000, challenge=((Question("Password: ", "right"), Question("Code: ", "246810")),))
ROOT = User("root", 0, password="toor")


@dataclass
class Place:
    host: SimulatedHost
    sessions: Sessions
    person: Person
    vault: Vault

    def __getitem__(self, name: str) -> Session:
        return self.sessions.get(name)

    async def links(self, *names: str) -> list[Link]:
        return await asyncio.gather(*(self[name].link() for name in names))


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    clock, vault = VirtualClock(grace=0.01), Vault()
    host = SimulatedHost("web-1", address="10.0.0.5", users=(CODED, ROOT), clock=clock)
    person = Person(decision=HostKeyDecision.ONCE)
    entries = {
        "web-1": HostSettings(address="10.0.0.5", user="ada"),
        "root": HostSettings(address="10.0.0.5", user="root"),
    }
    sessions = Sessions(
        connector=SimulatedConnector(World([host], clock=clock), vault=vault, clock=clock),
        book=HostBook.of_entries(Settings(hosts=entries)),
        interaction=person,
        bus=EventBus(),
        clock=clock,
        vault=vault,
    )
    async with no_tasks_left():
        yield Place(host, sessions, person, vault)
        await sessions.close()
        assert len(vault) == 0
        assert not host.wires


async def test_an_entry_and_what_is_typed_take_one_code_and_after_a_loss_one_more(place: Place) -> None:
    place.person.answers = [("right", "246810"), ("246810",)]
    await place.links("web-1", "ada@10.0.0.5")
    assert (len(place.person.challenges), len(place.host.wires)) == (1, 1)
    place.host.cut_links()
    await until(lambda: place["web-1"].state is not S.READY and place["ada@10.0.0.5"].state is not S.READY)
    await place.links("ada@10.0.0.5", "web-1")
    assert (len(place.person.challenges), len(place.host.wires)) == (2, 1)
    assert [prompt.text for prompt in place.person.challenges[1].prompts] == ["Code: "]


async def test_a_password_serves_who_is_left_and_nobody_else(place: Place) -> None:
    place.person.answers = [("right", "246810"), ("246810",)]
    place.person.secrets = ["toor"]
    await place.links("web-1", "ada@10.0.0.5")
    await place.links("root")
    assert [request.user for request in place.person.asked] == ["root"]
    await place["web-1"].disconnect()
    place.host.cut_links()
    await until(lambda: place["ada@10.0.0.5"].state is not S.READY)
    await place.links("ada@10.0.0.5", "root")
    assert [len(challenge.prompts) for challenge in place.person.challenges] == [2, 1]
    assert len(place.person.asked) == 1


async def test_what_the_person_will_not_answer_ends_both_attempts(place: Place) -> None:
    told = await asyncio.gather(*(place[name].link() for name in ("web-1", "ada@10.0.0.5")), return_exceptions=True)
    assert [getattr(error, "host", None) for error in told] == ["web-1", "ada@10.0.0.5"]
    assert len(place.person.challenges) == 1
