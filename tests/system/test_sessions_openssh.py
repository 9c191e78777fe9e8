"""Sessions over real connections: restored after a cut, patient with a dead network, and asked for a code only once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from backend.clock import SystemClock
from backend.connection.idleness import ENDS
from backend.connection.interaction import Interaction, Nobody
from backend.connection.session import Session
from backend.connection.sessions import Sessions
from backend.connection.ssh.connector import SshConnector
from backend.connection.state import SessionChanged, SessionState
from backend.connection.vault import Vault
from backend.errors import Code, ConnectError, Interrupted, LinkLost
from backend.events import EventBus
from backend.hosts.book import HostBook, Overrides
from backend.settings import HostOptions, KeepaliveOptions, Settings
from mocks.relay import Relay
from tests.support.asyncssh_server import Door, ssh_server
from tests.support.connecting import output
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.person import Person
from tests.support.waiting import no_tasks_left, until

S = SessionState
QUICK = Settings(defaults=HostOptions(keepalive=KeepaliveOptions(interval=0.2, late_after=0.1, misses=3)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    root = tmp_path_factory.mktemp("server")
    with sshd(root) as running:
        running.authorize(make_key(root / "key"))
        yield running


@asynccontextmanager
async def session_to(
    tmp_path: Path, lines: list[str], *, person: Interaction | None = None, settings: Settings | None = None
) -> AsyncIterator[tuple[Session, list[SessionState]]]:
    """A session to the host `web-1` of an ssh configuration with these lines, and the states it goes through."""
    (tmp_path / "config").write_text("\n  ".join(["Host web-1", *lines]) + "\n")
    bus, states, vault = EventBus(), list[SessionState](), Vault()
    bus.subscribe(SessionChanged, lambda change: states.append(change.new))
    sessions = Sessions(
        connector=SshConnector(vault=vault, clock=SystemClock()),
        book=HostBook(settings=settings or QUICK, overrides=Overrides(ssh_config=tmp_path / "config")),
        interaction=person or Nobody(),
        bus=bus,
        clock=SystemClock(),
        vault=vault,
    )
    async with no_tasks_left():
        try:
            yield sessions.get("web-1"), states
        finally:
            await sessions.close()
            assert len(vault) == 0


@asynccontextmanager
async def relayed(server: Sshd, tmp_path: Path) -> AsyncIterator[tuple[Session, list[SessionState], Relay]]:
    """A session through a relay that can be made bad."""
    async with Relay("127.0.0.1", server.port) as relay:
        known = server.known_hosts(tmp_path / "known", f"[127.0.0.1]:{relay.port}")
        lines = [
            "HostName 127.0.0.1",
            f"Port {relay.port}",
            f"User {server.user}",
            f"IdentityFile {server.root / 'key'}",
            f"UserKnownHostsFile {known}",
        ]
        async with session_to(tmp_path, lines) as (session, states):
            yield session, states, relay


@pytest.mark.sshd
async def test_a_cut_link_is_restored_by_itself_and_works_again(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (session, states, relay):
        first = await session.link()
        relay.cut()
        await until(lambda: S.RECONNECTING in states)
        second = await session.link()
        assert second is not first
        assert await output(second, b"echo again") == b"again\n"  # type: ignore[arg-type]  # any link will do
        entered = [state for state, _ in groupby(state for state in states if state is not S.DEGRADED)]
        assert entered == [  # whether an answer was late here and there is the machine's affair
            S.RESOLVING, S.CONNECTING, S.VERIFYING, S.AUTHENTICATING, S.READY, S.RECONNECTING,
            S.RESOLVING, S.CONNECTING, S.VERIFYING, S.AUTHENTICATING, S.READY,
        ]  # fmt: skip


@pytest.mark.sshd
async def test_a_silent_network_is_noticed_and_what_was_running_is_told_of_it(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (session, states, relay):
        link = await session.link()
        process = await link.open_process(b"sleep 60")
        relay.black_hole()
        with pytest.raises(LinkLost) as caught:
            await process.wait()
        assert caught.value.code is Code.KEEPALIVE_LOST
        await until(lambda: S.RECONNECTING in states)
        assert states[5:7] == [S.DEGRADED, S.RECONNECTING]
        assert session.last_change is not None
        relay.cut()
        relay.heal()
        session.retry_now()
        assert await session.link() is not link


@pytest.mark.sshd
async def test_while_nothing_listens_it_goes_on_trying_until_it_is_stopped(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (session, states, relay):
        await session.link()
        relay.refuse()
        relay.cut()
        await until(lambda: S.RECONNECTING in states)
        asked = asyncio.create_task(session.link())
        for failures in (1, 2):
            session.retry_now()
            await until(lambda: session.state is S.RECONNECTING and _attempt(session) >= failures)  # noqa: B023
        assert session.last_change is not None
        assert session.last_change.error is not None
        assert session.last_change.error.code is Code.TCP_REFUSED
        session.stop()
        with pytest.raises(LinkLost):
            await asked
        with pytest.raises(ConnectError):
            await session.link()


def _attempt(session: Session) -> int:
    return session.last_change.attempt if session.last_change is not None else 0


@pytest.mark.sshd
async def test_bulk_data_has_a_connection_of_its_own(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (session, _, relay):
        first, second = await session.link(), await session.bulk()
        assert relay.live == 2
        assert first is not second
        await session.disconnect()
        await until(lambda: relay.live == 0)


@pytest.mark.sshd
async def test_disconnecting_in_the_middle_of_an_attempt_leaves_nothing_behind(server: Sshd, tmp_path: Path) -> None:
    async with relayed(server, tmp_path) as (session, _, relay):
        relay.black_hole()
        asked = asyncio.create_task(session.link())
        await until(lambda: relay.live == 1)
        await session.disconnect()
        with pytest.raises(Interrupted):
            await asked
        assert session.state is S.CLOSED
        relay.cut()


CODE_DOOR = [("", "", [("Password: ", False), ("Code: ", False)], ["pw", "123456"])]


async def test_a_one_time_code_is_asked_for_once_whatever_wants_a_connection(tmp_path: Path) -> None:
    person = Person(answers=[["pw", "123456"]])
    async with ssh_server(Door(rounds=CODE_DOOR)) as server:
        hop = server.hop(tmp_path)
        lines = [
            "HostName 127.0.0.1",
            f"Port {server.port}",
            "User me",
            f"UserKnownHostsFile {hop.known_hosts.user[0]}",
        ]
        async with session_to(tmp_path, [*lines, "IdentityFile none"], person=person) as (session, _):
            first = await session.link()
            assert await session.bulk() is first
            assert await session.bulk() is first
            assert len(person.challenges) == 1


async def test_a_password_that_was_typed_once_serves_the_second_connection_and_the_next(tmp_path: Path) -> None:
    person = Person(passwords=["pw"])
    async with ssh_server(Door(passwords=["pw"])) as server:
        hop = server.hop(tmp_path)
        lines = [
            "HostName 127.0.0.1",
            f"Port {server.port}",
            "User me",
            f"UserKnownHostsFile {hop.known_hosts.user[0]}",
        ]
        async with session_to(tmp_path, [*lines, "IdentityFile none"], person=person) as (session, states):
            first = await session.link()
            assert await session.bulk() is not first
            server.door.connections[0].abort()
            await until(lambda: S.RECONNECTING in states)
            assert await session.link() is not first
            assert len(person.secrets) == 1


CODE = [("", "", [("Password: ", False)], ["pw"]), ("", "", [("Code: ", False)], ["123"])]
PASSWORD = [("", "", [("Password: ", False)], ["pw"])]
PUSH: list[Any] = [("", "A request was sent to your phone.", [], [])]


@pytest.mark.parametrize(
    ("rounds", "answers", "links"),
    [(CODE, [["pw"], ["123"]], 1), (PASSWORD, [["pw"]], 2), (PUSH, [], 1)],
    ids=["password and code", "password", "something on a phone"],
)
async def test_bulk_data_shares_the_first_connection_where_a_second_login_would_need_a_person(
    tmp_path: Path, rounds: list[Any], answers: list[list[str]], links: int
) -> None:
    async with ssh_server(Door(rounds=rounds)) as server:
        hop = server.hop(tmp_path)
        lines = [
            "HostName 127.0.0.1",
            f"Port {server.port}",
            "User me",
            f"UserKnownHostsFile {hop.known_hosts.user[0]}",
            "IdentityFile none",
        ]
        person = Person(answers=answers)
        async with session_to(tmp_path, lines, person=person) as (session, _):
            first = await session.link()
            bulk = await session.bulk()
            assert (bulk is first) is (links == 1)
            assert len(server.door.connections) == server.door.begun == links
            assert server.door.refusals == 0
            assert len(server.door.methods) == links
            assert len([challenge for challenge in person.challenges if challenge.prompts]) == len(answers)


async def test_a_session_that_the_server_ends_is_not_connected_again(tmp_path: Path) -> None:
    async with ssh_server(Door(passwords=["pw"])) as server:
        hop = server.hop(tmp_path)
        lines = [
            "HostName 127.0.0.1",
            f"Port {server.port}",
            "User me",
            f"UserKnownHostsFile {hop.known_hosts.user[0]}",
        ]
        person = Person(passwords=["pw"])
        async with session_to(tmp_path, [*lines, "IdentityFile none"], person=person) as (session, states):
            await session.link()
            server.door.connections[0].disconnect(11, "idle for too long")
            await until(lambda: bool(states) and states[-1] is S.EXPIRED)
            assert session.last_change is not None
            assert session.last_change.error is not None
            assert session.last_change.error.code is Code.SERVER_ENDED
            assert "idle for too long" in session.last_change.reason
            assert len(server.door.connections) == 1


async def test_a_server_that_closes_unused_connections_is_not_connected_to_over_and_over(tmp_path: Path) -> None:
    with sshd(tmp_path / "server", "UnusedConnectionTimeout 2s") as strict:
        strict.authorize(make_key(tmp_path / "server" / "key"))
        lines = [
            "HostName 127.0.0.1",
            f"Port {strict.port}",
            f"User {strict.user}",
            f"IdentityFile {tmp_path / 'server' / 'key'}",
            f"UserKnownHostsFile {strict.known_hosts(tmp_path / 'known')}",
        ]
        async with session_to(tmp_path, lines) as (session, states):
            await session.link()
            await until(lambda: session.state is S.EXPIRED, seconds=30)
            assert states.count(S.READY) == ENDS
            assert session.last_change is not None
            assert session.last_change.error is not None
            assert "idle connections" in session.last_change.error.message
            assert await output(await session.link(), b"echo again") == b"again\n"  # type: ignore[arg-type]
