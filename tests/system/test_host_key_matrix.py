"""Every state of a host key, at every place of a route, under every policy: who gets in, who is asked, what is kept.

The servers' own records are the proof that a server whose key was not accepted learns nothing at all: not the password
that lies ready for it in the vault, and not even the user's name.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import asyncssh
import pytest
import pytest_asyncio

from backend.connection.connector import Phase
from backend.connection.logins import HopPassword
from backend.connection.target import Hop, HostKeyPolicy, KnownHostsFiles, Target
from backend.connection.vault import Secret, Vault
from backend.errors import FairleadError
from tests.support.asyncssh_server import Door, TestServer, ssh_server
from tests.support.connecting import connected
from tests.support.host_key_cells import KNOWN, Keys, Known, Meaning, Outcome, Shown, Way, certificate_of, outcome
from tests.support.openssh import target
from tests.support.person import Person, Phases
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEFORE, BEHIND = "before", "behind"


class Place(StrEnum):
    """Where the server in question stands."""

    DIRECT = "direct"
    JUMP = "jump"
    TARGET = "target"


@dataclass
class World:
    """The servers that all cells share: one of each kind, and the ones before and behind it on a route."""

    asked_about: dict[Shown, TestServer] = field(default_factory=dict)
    others: dict[str, TestServer] = field(default_factory=dict)
    authority: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    stranger: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))

    @property
    def servers(self) -> list[TestServer]:
        return [*self.asked_about.values(), *self.others.values()]

    async def settled(self) -> None:
        """Until every server has seen the end of every connection: nothing more can reach it."""
        await until(lambda: all(server.door.ended == len(server.door.connections) for server in self.servers))

    def forget(self) -> None:
        for server in self.servers:
            door = server.door
            door.begun = door.ended = 0
            door.secrets.clear()
            door.connections.clear()

    def keys(self, shown: Shown) -> Keys:
        server = self.asked_about[shown]
        return Keys(server.port, line(server.key), line(self.stranger), line(self.authority))


def line(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world() -> AsyncIterator[World]:
    made = World()
    async with AsyncExitStack() as stack:
        for shown in Shown:
            key = asyncssh.generate_private_key("ssh-ed25519")
            door = Door(passwords=["password of the host in question"], forwards=True)
            server = ssh_server(door, key=key, certificate=certificate_of(key, made.authority, shown))
            made.asked_about[shown] = await stack.enter_async_context(server)
        for name in (BEFORE, BEHIND):
            door = Door(passwords=[f"password of the host {name}"], forwards=True)
            made.others[name] = await stack.enter_async_context(ssh_server(door))
        yield made
        await made.settled()


@dataclass(frozen=True, slots=True)
class Cell:
    """One attempt: the route, the hop in question on it, and what is known about it."""

    world: World
    row: Known
    place: Place
    hops: tuple[Hop, ...]
    known: Path

    @property
    def server(self) -> TestServer:
        return self.world.asked_about[self.row.shown]

    @property
    def index(self) -> int:
        return 1 if self.place is Place.TARGET else 0

    def under(self, policy: HostKeyPolicy) -> Target:
        hops = list(self.hops)
        hops[self.index] = replace(hops[self.index], host_key_policy=policy)
        return target(*hops, name="journey")

    def vault(self) -> Vault:
        """Every hop's password lies ready, under its place in the route."""
        vault, owners = Vault(), {server.port: server.door.passwords[0] for server in self.world.servers}
        for number, hop in enumerate(self.hops):
            before = tuple(each.identity for each in self.hops[:number])
            vault.put("journey", HopPassword(hop.identity, before), Secret(owners[hop.port]))
        return vault

    async def connect(
        self, policy: HostKeyPolicy, person: Person, observer: Phases | None = None
    ) -> FairleadError | None:
        """Why it failed; None where it did not."""
        try:
            async with connected(self.under(policy), person, vault=self.vault(), observer=observer):
                return None
        except FairleadError as error:
            return error
        finally:
            await self.world.settled()


@pytest.fixture
def cell(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Cell:
    name, place = request.param
    return make_cell(world, KNOWN[name], place, tmp_path)


def make_cell(world: World, row: Known, place: Place, directory: Path, *, hash_names: bool = False) -> Cell:
    world.forget()
    known = directory / "ssh" / "known_hosts"
    known.parent.mkdir()
    if row.lines is not None:
        known.write_text(row.lines(world.keys(row.shown)))
    if not row.readable:
        known.mkdir()  # even root cannot read a directory as a file
    hop = world.asked_about[row.shown].hop(directory, name="asked-about")
    hop = replace(hop, known_hosts=KnownHostsFiles(user=(known,), hash_names=hash_names))
    before, behind = (world.others[name].hop(directory, name=name) for name in (BEFORE, BEHIND))
    hops = {Place.DIRECT: (hop,), Place.JUMP: (hop, behind), Place.TARGET: (before, hop)}
    return Cell(world, row, place, hops[place], known)


CELLS = list(itertools.product(KNOWN, Place))


@pytest.mark.parametrize("way", Way, ids=lambda way: way.name.lower())
@pytest.mark.parametrize("cell", CELLS, indirect=True, ids=lambda cell: "-".join(cell))
async def test_a_host_key(cell: Cell, way: Way) -> None:
    wanted, person, text = outcome(cell.row.meaning, way), Person(host_keys=[way.decision]), content(cell.known)
    phases = Phases()
    error = await cell.connect(way.policy, person, phases)
    assert (error.code if error else None) is wanted.code, error
    if error is not None:
        assert (error.host, error.hop) == ("journey", "asked-about")
        check_where_it_failed(cell, phases)
    check_who_was_asked(cell, person, wanted)
    check_what_servers_learned(cell, wanted)
    if wanted.remembered:
        await check_it_is_remembered(cell)
    else:
        assert content(cell.known) == text


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def check_where_it_failed(cell: Cell, phases: Phases) -> None:
    """At the host key, after the algorithms were agreed; before anything where the file cannot be read."""
    assert phases.failed is not None
    if cell.row.meaning is not Meaning.UNREADABLE:
        assert phases.failed.phase is Phase.HOST_KEY
        assert phases.evidence(Phase.KEX, "asked-about")["cipher"]


def check_who_was_asked(cell: Cell, person: Person, wanted: Outcome) -> None:
    """About this key, with what it means, and for no password: what is needed lies ready."""
    states = [(question.host, question.state.value) for question in person.questions]
    assert states == ([("asked-about", cell.row.meaning.value)] if wanted.asked else [])
    assert person.secrets == []


def check_what_servers_learned(cell: Cell, wanted: Outcome) -> None:
    """A password goes to its own server only, and to nobody before the key was accepted."""
    accepted = wanted.code is None
    for server, on_route in ((cell.server, True), *behind_and_before(cell)):
        door = server.door
        reached = (accepted or server is cell.world.others[BEFORE]) if on_route else False
        assert door.secrets == (list(door.passwords) if reached else [])
        assert door.begun == (1 if reached else 0), "even the user's name is for those whose key was accepted"
    if not accepted:
        assert cell.world.others[BEHIND].door.connections == []
    if cell.row.meaning is Meaning.UNREADABLE:
        assert cell.server.door.connections == []


def behind_and_before(cell: Cell) -> list[tuple[TestServer, bool]]:
    others = cell.world.others
    return [(others[BEFORE], cell.place is Place.TARGET), (others[BEHIND], cell.place is Place.JUMP)]


async def check_it_is_remembered(cell: Cell) -> None:
    """From now on the strictest policy lets it in, and nobody is asked."""
    cell.world.forget()
    person = Person()
    assert await cell.connect(HostKeyPolicy.STRICT, person) is None
    assert person.questions == []
    assert cell.known.stat().st_mode & 0o777 in (0o600, 0o644)


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("name", ["unknown", "missing-file", "changed", "hashed-changed"])
async def test_a_name_is_written_down_hashed_where_names_are_hashed(
    world: World, tmp_path: Path, name: str, place: Place
) -> None:
    cell = make_cell(world, KNOWN[name], place, tmp_path, hash_names=True)
    assert await cell.connect(HostKeyPolicy.ASK, Person(host_keys=[Way.REMEMBER.decision])) is None
    kept = cell.known.read_text()
    assert world.keys(Shown.KEY).name not in kept
    assert kept.splitlines()[-1].startswith("|1|")
    assert kept.splitlines()[-1].endswith(line(cell.server.key))
    await check_it_is_remembered(cell)


async def test_a_certificate_that_does_not_hold_is_told_as_such(world: World, tmp_path: Path) -> None:
    """Not as a key that nobody has seen: whoever reads it must look at the certificate."""
    cell = make_cell(world, KNOWN["certificate-expired"], Place.DIRECT, tmp_path)
    error = await cell.connect(HostKeyPolicy.ASK, Person())
    assert error is not None
    assert "certificate" in error.message.lower()
    assert "expired" in error.message.lower()
