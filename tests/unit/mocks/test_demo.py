"""The demo world: every host is reached with the demo's own files and says what it is there for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from backend.connection.interaction import HostKeyDecision, HostKeyState
from backend.connection.outcomes import RouteStatus
from backend.connection.race import Race
from backend.connection.sessions import Sessions
from backend.connection.target import Target
from backend.connection.vault import Vault
from backend.errors import Code, HostKeyError
from backend.events import EventBus
from backend.hosts.book import HostBook, Overrides
from backend.production.guard import never_asks
from backend.settings.loader import load_settings
from backend.settings.reading import check_settings
from mocks.clock import VirtualClock
from mocks.connector import SimulatedConnector
from mocks.demo.listing import CODE, PASSWORD
from mocks.demo.local import ProjectFiles, demo_local_tree
from mocks.demo.setup import DemoFiles, write_demo_files
from mocks.link import SimulatedLink
from mocks.world import World, demo_world
from tests.support.worlds import Person

NAMES = ("web-1", "db-2", "bastion", "edge-3", "gpu-7", "mirror-au", "cluster")


@dataclass
class Demo:
    """The demo as the program opens it."""

    world: World
    files: DemoFiles
    book: HostBook
    clock: VirtualClock

    async def target(self, name: str) -> Target:
        return await self.book.resolve(name)

    async def connect(self, name: str, person: Person) -> SimulatedLink:
        connector = SimulatedConnector(self.world, vault=Vault(), clock=self.clock)
        return await connector.connect(await self.target(name), person)


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    clock = VirtualClock(grace=0.01)
    world = demo_world(clock)
    files = write_demo_files(world, tmp_path / "demo")
    settings = load_settings(files.config, environ={})
    yield Demo(world, files, HostBook.of_entries(settings, Overrides()), clock)


def test_its_configuration_has_no_mistakes(tmp_path: Path) -> None:
    files = write_demo_files(demo_world(), tmp_path)
    assert check_settings(files.config, environ={}) == ()


async def test_the_host_list_has_every_host_with_a_note(demo: Demo) -> None:
    entries = await demo.book.list()
    assert tuple(entry.name for entry in entries) == NAMES
    assert all(entry.note for entry in entries)
    assert {entry.name for entry in entries if entry.production} == {"web-1", "db-2", "edge-3"}


@pytest.mark.parametrize("name", ["web-1", "db-2", "bastion"])
async def test_hosts_that_take_the_demo_key_ask_nothing(demo: Demo, name: str) -> None:
    person = Person()
    link = await demo.connect(name, person)
    assert link.facts.auth_method == "publickey"
    assert not person.asked and not person.questions and not person.challenges
    await link.close()


async def test_the_way_to_the_database_is_the_bastion(demo: Demo) -> None:
    link = await demo.connect("db-2", Person())
    assert link.facts.route == ("bastion",)
    await link.close()


async def test_the_rented_machine_is_refused_directly_and_over_the_tailnet_and_reached_through_the_bastion(
    demo: Demo,
) -> None:
    connector = SimulatedConnector(demo.world, vault=Vault(), clock=demo.clock)
    race = Race(await demo.book.routes("gpu-7"), connector=connector, interaction=Person(), clock=demo.clock)
    link, target = await race.run()
    assert target.route == "jump:bastion"
    assert [(outcome.status, outcome.error and outcome.error.code) for outcome in race.outcomes] == [
        (RouteStatus.FAILED, Code.TCP_REFUSED),
        (RouteStatus.FAILED, Code.TAILSCALE_DOWN),
        (RouteStatus.WON, None),
    ]
    await link.close()


async def test_where_the_tailnet_is_up_it_carries_to_the_rented_machine(demo: Demo) -> None:
    demo.world.tailscale_runs = True
    targets = {target.route: target for target in await demo.book.routes("gpu-7")}
    connector = SimulatedConnector(demo.world, vault=Vault(), clock=demo.clock)
    await (await connector.connect(targets["tailscale"], Person())).close()


async def test_the_passwords_and_codes_are_those_of_the_notes(demo: Demo) -> None:
    notes = {listing.host.name: listing.note for listing in demo.world.listings}
    assert PASSWORD in notes["mirror-au"] and PASSWORD in notes["cluster"] and CODE in notes["cluster"]
    person = Person(secrets=[PASSWORD], answers=[(PASSWORD, CODE)])
    await (await demo.connect("mirror-au", person)).close()
    await (await demo.connect("cluster", person)).close()
    assert len(person.asked) == len(person.challenges) == 1


async def test_the_reinstalled_host_shows_another_key_than_is_known(demo: Demo) -> None:
    person = Person(secrets=[PASSWORD])
    with pytest.raises(HostKeyError) as caught:
        await demo.connect("edge-3", person)
    assert caught.value.code is Code.HOST_KEY_CHANGED
    assert person.questions[0].state is HostKeyState.CHANGED
    person.decision = HostKeyDecision.REMEMBER
    await (await demo.connect("edge-3", person)).close()
    await (await demo.connect("edge-3", Person(secrets=[PASSWORD]))).close()


async def test_nothing_of_it_touches_a_persons_own_files(demo: Demo, own_home: Path) -> None:
    for name in NAMES:
        target = await demo.target(name)
        for hop in target.hops:
            assert hop.known_hosts.user == (demo.files.known_hosts,)
            assert hop.agent_socket is None
    assert list(own_home.iterdir()) == []


async def test_a_big_directory_and_a_big_file_are_there_and_cost_nothing(demo: Demo) -> None:
    person = Person(secrets=[PASSWORD])
    mirror = await demo.connect("mirror-au", person)
    files = await mirror.open_files()
    assert sum([len(batch) async for batch in files.scan(b"pool")]) == 100_000
    web = await demo.connect("web-1", Person())
    attributes = await (await web.open_files()).stat(b"/srv/app/model.bin")
    assert attributes.size == 4_200_000_000
    await mirror.close()
    await web.close()


def test_it_is_the_same_every_time() -> None:
    first, second = demo_world(VirtualClock()), demo_world(VirtualClock())
    for host in first:
        twin = second[host.name]
        assert host.host_key == twin.host_key
        assert host.tree.space() == twin.tree.space()
        assert sorted(host.tree.root.entries) == sorted(twin.tree.root.entries)
    one, two = (world["web-1"].tree.open_reading(b"/srv/app/app.log") for world in (first, second))
    assert one.modified == two.modified


def test_the_files_may_be_written_again(tmp_path: Path) -> None:
    world = demo_world()
    first = write_demo_files(world, tmp_path).config.read_text()
    assert write_demo_files(world, tmp_path).config.read_text() == first
    assert (tmp_path / "demo_ed25519").stat().st_mode & 0o777 == 0o600


def test_the_local_tree_keeps_what_is_there(tmp_path: Path) -> None:
    clock = VirtualClock()
    demo_local_tree(tmp_path / "work", clock)
    (tmp_path / "work/notes.md").write_text("mine")
    demo_local_tree(tmp_path / "work", clock)
    assert (tmp_path / "work/notes.md").read_text() == "mine"
    stamp = (tmp_path / "work/site.tar").stat().st_mtime
    assert stamp < (clock.now() - timedelta(hours=1)).timestamp()


async def test_the_local_side_begins_in_a_project_of_the_demo_s_own(tmp_path: Path, demo: Demo) -> None:
    sessions = Sessions(
        connector=SimulatedConnector(demo.world, vault=Vault(), clock=demo.clock),
        book=demo.book,
        interaction=Person(),
        bus=EventBus(),
        clock=demo.clock,
        vault=Vault(),
    )
    local = ProjectFiles(sessions=sessions, permit=never_asks, project=tmp_path / "project").local
    assert await local.start() == bytes(tmp_path / "project")
    names = {entry.name async for batch in local.list(await local.start()) for entry in batch}
    assert {b"notes.md", b"photos"} <= names
