"""Two names of one account on one machine, over real connections: one login, one loss, one return, two ends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.commands.values import CommandSpec
from backend.connection.session import Session
from backend.connection.state import SessionChanged, SessionState
from backend.container import Container
from backend.diagnostics.ladder import RungId, RungStatus
from backend.errors import LinkLost
from mocks.relay import Relay
from tests.support.asyncssh_server import Door, TestServer, ssh_server
from tests.support.connecting import stdout
from tests.support.desk import desk_at
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.person import Person
from tests.support.waiting import until

S = SessionState


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    root = tmp_path_factory.mktemp("server")
    with sshd(root) as running:
        running.authorize(make_key(root / "key"))
        yield running


@dataclass
class Pair:
    """Services that know one account as `web-1` and as `alias`, behind a relay."""

    services: Container
    relay: Relay
    server: Sshd
    logins_before: int

    @property
    def one(self) -> Session:
        return self.services.sessions.get("web-1")

    @property
    def other(self) -> Session:
        return self.services.sessions.get("alias")

    @property
    def logins(self) -> int:
        """As the server has written them down."""
        return _accepted(self.server) - self.logins_before


def _accepted(server: Sshd) -> int:
    return len(re.findall(r"^Accepted \S+ for ", server.log, re.MULTILINE))


def config(tmp_path: Path, port: int, user: str, *lines: str) -> Path:
    """Two `Host` of one account; what is a name's own differs."""
    same = ["HostName 127.0.0.1", f"Port {port}", f"User {user}", "IdentityAgent none", *lines]
    path = tmp_path / "config"
    blocks = [["Host web-1", *same, "ConnectTimeout 5"], ["Host alias", *same, "ServerAliveInterval 7"]]
    path.write_text("".join("\n  ".join(block) + "\n" for block in blocks))
    return path


@pytest.fixture
async def pair(server: Sshd, tmp_path: Path) -> AsyncIterator[Pair]:
    async with Relay("127.0.0.1", server.port) as relay:
        known = server.known_hosts(tmp_path / "known", f"[127.0.0.1]:{relay.port}")
        keys = f"IdentityFile {server.root / 'key'}", f"UserKnownHostsFile {known}"
        path = config(tmp_path, relay.port, server.user, *keys)
        before = _accepted(server)
        async with desk_at("web-1", path, tmp_path / "state", Person()) as desk:
            yield Pair(desk.services, relay, server, before)
        await until(lambda: relay.live == 0)


async def port_of(session: Session) -> bytes:
    """This end's port of the connection that a command of the session runs over."""
    return (await stdout(await session.link(), b"echo $SSH_CONNECTION")).split()[1]  # type: ignore[arg-type]


@pytest.mark.sshd
async def test_two_names_log_in_once_and_run_over_one_connection(pair: Pair) -> None:
    ports = await asyncio.gather(port_of(pair.one), port_of(pair.other))
    assert ports[0] == ports[1]
    assert pair.logins == 1
    bulk = await asyncio.gather(pair.one.bulk(), pair.other.bulk())
    assert pair.logins == 2
    assert pair.relay.live == 2
    assert bulk[0].others == ("alias",)


@pytest.mark.sshd
async def test_disconnecting_one_name_ends_its_work_and_not_the_other_s(pair: Pair) -> None:
    await asyncio.gather(pair.one.link(), pair.other.link())
    ends = await (await pair.one.link()).open_process(b"cat")
    goes_on = await (await pair.other.link()).open_process(b"read line; echo got $line")
    await pair.one.disconnect()
    assert pair.one.last_change is not None
    assert pair.one.last_change.reason == "disconnected; the connection stays up for alias"
    with pytest.raises(LinkLost):
        await ends.wait()
    await goes_on.write(b"it\n")
    assert b"".join([chunk.data async for chunk in goes_on.output()]) == b"got it\n"
    assert pair.other.state is S.READY
    await pair.other.disconnect()
    await until(lambda: pair.relay.live == 0)
    assert pair.logins == 1


@pytest.mark.sshd
async def test_a_loss_is_seen_under_both_names_and_one_login_brings_both_back(pair: Pair) -> None:
    await asyncio.gather(pair.one.link(), pair.other.link())
    lost: list[str] = []
    pair.services.bus.subscribe(
        SessionChanged, lambda change: lost.append(change.host) if change.new is S.RECONNECTING else None
    )
    pair.relay.cut()
    await until(lambda: sorted(lost) == ["alias", "web-1"])
    pair.one.retry_now()
    ports = await asyncio.gather(port_of(pair.one), port_of(pair.other))
    assert ports[0] == ports[1]
    assert pair.logins == 2
    outcome = await pair.services.commands.run("alias", CommandSpec(b"true"), lambda chunk: None)
    assert outcome.error is None


# --- where a person has to help -----------------------------------------------------------------------------------

CODES = [("", "", [("Password: ", False), ("Code: ", False)], ["pw", "123456"])]


@asynccontextmanager
async def at(server: TestServer, tmp_path: Path, person: Person) -> AsyncIterator[tuple[Session, Session, Container]]:
    known = server.hop(tmp_path).known_hosts.user[0]
    path = config(tmp_path, server.port, "me", "IdentityFile none", f"UserKnownHostsFile {known}")
    async with desk_at("web-1", path, tmp_path / "state", person) as desk:
        yield desk.session, desk.services.sessions.get("alias"), desk.services


async def test_a_one_time_code_is_asked_for_once_and_after_a_loss_once_more(tmp_path: Path) -> None:
    person = Person(answers=[["pw", "123456"], ["123456"]], thinks=0.05)
    async with ssh_server(Door(rounds=CODES)) as server, at(server, tmp_path, person) as (one, other, _):
        await asyncio.gather(one.link(), other.link())
        assert (server.door.begun, len(person.challenges)) == (1, 1)
        server.door.connections[0].abort()
        await until(lambda: {one.state, other.state} & {S.READY} == set())
        one.retry_now()
        await asyncio.gather(one.link(), other.link())
        assert (server.door.begun, len(person.challenges)) == (2, 2)
        assert [prompt.text for prompt in person.challenges[1].prompts] == ["Code: "]


async def test_a_password_that_was_given_under_one_name_brings_the_other_back(tmp_path: Path) -> None:
    person = Person(passwords=["pw"])
    async with ssh_server(Door(passwords=["pw"])) as server, at(server, tmp_path, person) as (one, other, _):
        await one.link()
        first = await other.link()
        await one.disconnect()
        server.door.connections[0].abort()
        await until(lambda: other.state is not S.READY)
        assert await other.link() is not first
        assert (server.door.begun, len(person.secrets)) == (2, 1)


async def test_a_code_that_is_not_given_is_not_asked_for_again_under_the_other_name(tmp_path: Path) -> None:
    person = Person(thinks=0.05)
    async with ssh_server(Door(rounds=CODES)) as server, at(server, tmp_path, person) as (one, other, _):
        told = await asyncio.gather(one.link(), other.link(), return_exceptions=True)
        assert [getattr(error, "host", None) for error in told] == ["web-1", "alias"]
        assert (one.state, other.state) == (S.FAILED, S.FAILED)
        assert len(person.challenges) == 1


@pytest.mark.parametrize("first", ["gate", "app"])
async def test_a_login_node_and_what_is_behind_it_take_one_code_and_after_a_loss_one_more(
    tmp_path: Path, first: str
) -> None:
    person = Person(answers=[["pw", "123456"], ["123456"]], passwords=["right"], thinks=0.05)
    async with (
        ssh_server(Door(rounds=CODES, forwards=True)) as gate,
        ssh_server(Door(passwords=["right"])) as app,
        Relay("127.0.0.1", gate.port) as relay,
    ):
        known = tmp_path / "known"
        keys = [(relay.port, gate.key), (app.port, app.key)]
        known.write_text("".join(f"[127.0.0.1]:{port} {key.export_public_key().decode()}" for port, key in keys))
        always = f"  HostName 127.0.0.1\n  User me\n  IdentityFile none\n  UserKnownHostsFile {known}\n"
        path = tmp_path / "config"
        path.write_text(
            f"Host gate\n{always}  Port {relay.port}\nHost app\n{always}  Port {app.port}\n  ProxyJump gate\n"
        )
        async with desk_at("gate", path, tmp_path / "state", person) as desk:
            sessions = desk.session, desk.services.sessions.get("app")
            await asyncio.gather(*(session.link() for session in sessions))
            assert (gate.door.begun, len(person.challenges)) == (1, 1)
            assert desk.session.shared_with == ("app",)
            relay.cut()
            await until(lambda: all(session.state is not S.READY for session in sessions))
            for session in sorted(sessions, key=lambda session: session.host != first):
                session.retry_now()
            await asyncio.gather(*(session.link() for session in sessions))
            assert (gate.door.begun, len(person.challenges)) == (2, 2)
            assert await sessions[1].bulk() is not await sessions[1].link()
            await desk.session.disconnect()
            assert desk.session.last_change is not None
            assert desk.session.last_change.reason == "disconnected; the connection stays up for app"
            assert await (await sessions[1].link()).ping() > 0


async def test_the_ladder_looks_at_a_login_of_its_own_and_leaves_the_shared_one_alone(tmp_path: Path) -> None:
    person = Person(answers=[["pw", "123456"], ["123456"]])
    async with ssh_server(Door(rounds=CODES)) as server, at(server, tmp_path, person) as (one, other, services):
        link = await one.link()
        await other.link()
        diagnosis = await services.diagnostics.diagnose("web-1")
        auth = next(rung for rung in diagnosis.rungs if rung.id is RungId.AUTH)
        assert (auth.status, auth.evidence["method"]) == (RungStatus.PASS, "keyboard-interactive")
        assert server.door.begun == 2
        assert await one.link() is link
        assert (one.state, other.state, link.others) == (S.READY, S.READY, ("alias",))
