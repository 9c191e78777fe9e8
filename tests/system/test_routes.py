"""Several routes to a real server: who wins, who is asked, what a refusal ends; and nothing of the losers stays."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.connection.connector import Link
from backend.connection.interaction import HostKeyDecision, Interaction, Nobody
from backend.connection.outcomes import RouteStatus
from backend.connection.race import Race
from backend.connection.routing import RoutesChanged
from backend.connection.ssh.connector import SshConnector
from backend.connection.target import Hop, HostKeyPolicy, KnownHostsFiles, Target
from backend.connection.vault import Vault
from backend.connection.ways import ProxyCommand
from backend.container import Container, open_container
from backend.errors import AuthError, Code, FairleadError
from backend.hosts.book import HostBook
from backend.hosts.options import NoFiles
from backend.settings import HostSettings, Settings
from tests.support.openssh import Sshd, free_port, make_key, sshd
from tests.support.person import Person
from tests.support.waiting import no_tasks_left, until
from tests.system.test_ssh_ways import RELAY, children

pytestmark = pytest.mark.sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def hop(server: Sshd, tmp_path: Path) -> Hop:
    key = make_key(tmp_path / "key")
    server.authorize(key)
    return server.hop(keys=[key], known=server.known_hosts(tmp_path / "known", "gpu-7"), host_key_alias="gpu-7")


@pytest.fixture
def relay(tmp_path: Path, server: Sshd) -> str:
    script = tmp_path / "relay.py"
    script.write_text(RELAY)
    return f"{sys.executable} -S {script} 127.0.0.1 {server.port}"


def routes(**hops: Hop) -> list[Target]:
    return [Target("server", (hop,), route=name) for name, hop in hops.items()]


def race(targets: list[Target], person: Interaction | None = None, *, stagger: float = 0.05) -> Race:
    clock = SystemClock()
    connector = SshConnector(vault=Vault(), clock=clock)
    return Race(targets, connector=connector, interaction=person or Nobody(), clock=clock, stagger=stagger)


def logins(server: Sshd) -> int:
    return server.log.count("Accepted publickey")


def statuses(run: Race) -> list[RouteStatus]:
    return [outcome.status for outcome in run.outcomes]


async def output(link: Link, command: bytes) -> bytes:
    async with await link.open_process(command) as process:
        return b"".join([chunk.data async for chunk in process.output()])


async def test_the_second_route_carries_where_the_first_is_refused(hop: Hop, relay: str) -> None:
    run = race(routes(direct=replace(hop, port=free_port()), proxy_command=replace(hop, way=ProxyCommand(relay))))
    link, target = await run.run()
    assert (target.route, await output(link, b"echo in")) == ("proxy_command", b"in\n")
    assert run.outcomes[0].error is not None
    assert run.outcomes[0].error.code is Code.TCP_REFUSED
    await link.close()


async def test_of_two_routes_one_logs_in_and_nothing_of_the_other_stays(hop: Hop, relay: str, server: Sshd) -> None:
    before, accepted = children(), logins(server)
    slow = ProxyCommand("sleep 600")
    async with no_tasks_left():
        run = race(routes(slow=replace(hop, way=slow), quick=replace(hop, way=ProxyCommand(relay))), stagger=0.05)
        link, target = await run.run()
        await run.finish()
        assert (target.route, statuses(run)) == ("quick", [RouteStatus.LOST, RouteStatus.WON])
        await until(lambda: len(children() - before) == 1)
        await link.close()
        await until(lambda: children() == before)
    assert logins(server) == accepted + 1


async def test_two_routes_that_come_to_the_login_together_ask_once(
    hop: Hop, relay: str, server: Sshd, tmp_path: Path
) -> None:
    key = make_key(tmp_path / "locked", passphrase="opens")
    server.authorize(key)
    locked = replace(hop, identity_files=(key,))
    person, accepted = Person(passphrases=["opens"], thinks=0.5), logins(server)
    delayed = ProxyCommand(f"sh -c 'sleep 0.1; exec {relay}'")
    run = race(routes(a=replace(locked, way=delayed), b=replace(locked, way=delayed)), person, stagger=0.02)
    link, _ = await run.run()
    await run.finish()
    assert len(person.secrets) == 1
    assert sorted(statuses(run)) == [RouteStatus.LOST, RouteStatus.WON]
    assert logins(server) == accepted + 1
    await link.close()


@pytest.mark.parametrize("policy", [HostKeyPolicy.ASK, HostKeyPolicy.ACCEPT_NEW])
async def test_a_new_host_key_is_decided_on_once_and_written_down_once(
    hop: Hop, relay: str, tmp_path: Path, policy: HostKeyPolicy
) -> None:
    known = tmp_path / "empty"
    known.touch()
    new = replace(hop, known_hosts=KnownHostsFiles((known,)), host_key_policy=policy)
    once = ProxyCommand(f"sh -c 'mkdir {tmp_path}/used || exit 1; sleep 0.1; exec {relay}'")
    delayed = ProxyCommand(f"sh -c 'sleep 0.1; exec {relay}'")
    person = Person(host_keys=[HostKeyDecision.REMEMBER, HostKeyDecision.REMEMBER], thinks=0.3)
    run = race(routes(a=replace(new, way=once), b=replace(new, way=delayed)), person, stagger=0.02)
    link, target = await run.run()
    await run.finish()
    assert target.route == "b"
    await link.close()
    assert len(person.questions) == (1 if policy is HostKeyPolicy.ASK else 0)
    assert len(known.read_text().splitlines()) == 1


async def test_a_login_that_the_host_refuses_is_not_tried_over_another_route(
    hop: Hop, relay: str, server: Sshd, tmp_path: Path
) -> None:
    stranger = replace(hop, identity_files=(make_key(tmp_path / "stranger"),))
    delayed = ProxyCommand(f"sh -c 'sleep 0.1; exec {relay}'")
    before = server.log.count("Failed publickey")
    run = race(routes(a=replace(stranger, way=delayed), b=replace(stranger, way=delayed)), stagger=0.02)
    with pytest.raises(AuthError) as raised:
        await run.run()
    assert raised.value.code is Code.AUTH_DENIED
    assert server.log.count("Failed publickey") == before + 1
    assert sorted(statuses(run)) == [RouteStatus.FAILED, RouteStatus.LOST]


async def test_when_every_route_fails_each_is_named(hop: Hop) -> None:
    broken = ProxyCommand("sh -c 'echo no route to the relay >&2; exit 4'")
    run = race(routes(direct=replace(hop, port=free_port()), proxy_command=replace(hop, way=broken)))
    with pytest.raises(FairleadError) as raised:
        await run.run()
    assert raised.value.code is Code.ROUTES_FAILED
    assert "direct: 127.0.0.1 port" in raised.value.message
    assert "proxy_command: The proxy command of server ended" in raised.value.message


async def test_cancelling_ends_all_of_them(hop: Hop) -> None:
    before = children()
    one, other = (replace(hop, way=ProxyCommand(f"sleep {seconds}")) for seconds in (600, 601))
    async with no_tasks_left():
        running = asyncio.create_task(race(routes(a=one, b=other)).run())
        await until(lambda: len(children() - before) == 2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: children() == before)


# --- a session ---


@asynccontextmanager
async def services(server: Sshd, hop: Hop, relay: str, state: Path) -> AsyncIterator[Container]:
    """The program's services for one host: a proxy that is not there, and a command that carries."""
    host = HostSettings(
        address="127.0.0.1",
        port=server.port,
        user=hop.user,
        identity_files=hop.identity_files,
        identities_only=True,
        agent=False,
        known_hosts=state / "known",
        proxy=f"socks5://127.0.0.1:{free_port()}",
        proxy_command=relay,
    )
    server.known_hosts(state / "known")
    book = HostBook(settings=Settings(hosts={"gpu-7": host}), source=NoFiles(), environ={})
    connector = SshConnector(vault=Vault(), clock=SystemClock())
    async with open_container(connector=connector, book=book, interaction=Nobody(), state_dir=state) as container:
        yield container


async def test_a_session_tells_what_came_of_each_route_and_begins_with_the_one_that_worked_here(
    server: Sshd, hop: Hop, relay: str, tmp_path: Path
) -> None:
    told: list[RoutesChanged] = []
    async with services(server, hop, relay, tmp_path) as container:
        container.bus.subscribe(RoutesChanged, told.append)
        session = container.sessions.get("gpu-7")
        await session.link()
        assert session.target is not None
        assert session.target.route == "proxy_command"
        assert [(one.route, one.status) for one in session.routes] == [("proxy", "failed"), ("proxy_command", "won")]
        assert session.remembered is None
        assert told[-1].outcomes == session.routes
    async with services(server, hop, relay, tmp_path) as container:
        session = container.sessions.get("gpu-7")
        await session.link()
        assert [(one.route, one.status) for one in session.routes] == [("proxy_command", "won"), ("proxy", "not tried")]
        assert session.remembered is not None
        assert session.remembered.told(datetime.now(UTC)) == "it worked here today"


async def test_a_link_whose_program_has_died_is_restored_by_another_race(
    server: Sshd, hop: Hop, relay: str, tmp_path: Path
) -> None:
    before = children()
    async with services(server, hop, relay, tmp_path) as container:
        session = container.sessions.get("gpu-7")
        first = await session.link()
        (program,) = children() - before
        os.kill(program, signal.SIGKILL)
        await first.closed()
        second = await session.link()
        assert second is not first
        assert await output(second, b"echo again") == b"again\n"
        assert session.routes[0].route == "proxy_command"
    assert children() == before


# --- jump hosts with several routes ---


def behind_a_bastion(server: Sshd, hop: Hop, state: Path, **ways: object) -> HostBook:
    """A host behind a bastion that has several ways itself; both are the one server."""
    host = HostSettings(
        address="127.0.0.1",
        port=server.port,
        user=hop.user,
        identity_files=hop.identity_files,
        identities_only=True,
        agent=False,
        password=False,
        known_hosts=state / "known",
    )
    known = server.known_hosts(state / "known")
    known.write_text(known.read_text() + known.read_text().replace("127.0.0.1", "localhost"))
    hosts = {"gpu-7": replace(host, address="localhost", jump="bastion"), "bastion": replace(host, **ways)}  # type: ignore[arg-type]
    return HostBook(settings=Settings(hosts=hosts), source=NoFiles(), environ={})


async def test_a_bastion_that_one_way_does_not_lead_to_is_reached_by_the_next(
    server: Sshd, hop: Hop, tmp_path: Path
) -> None:
    dead = f"socks5://127.0.0.1:{free_port()}"
    book = behind_a_bastion(server, hop, tmp_path, proxy=dead, routes=("proxy", "direct"))
    connector = SshConnector(vault=Vault(), clock=SystemClock())
    async with open_container(connector=connector, book=book, interaction=Nobody(), state_dir=tmp_path) as container:
        session = container.sessions.get("gpu-7")
        assert await output(await session.link(), b"echo behind") == b"behind\n"
        assert [(one.route, one.status) for one in session.routes] == [("jump/proxy", "failed"), ("jump/direct", "won")]
        assert session.routes[0].error is not None
        assert (session.routes[0].error.code, session.routes[0].error.hop) == (Code.PROXY_UNREACHABLE, "bastion")
        assert session.routes[0].way.endswith("via bastion")


async def test_a_bastion_that_refuses_is_asked_once_whichever_way_leads_to_it(
    server: Sshd, hop: Hop, relay: str, tmp_path: Path
) -> None:
    stranger = (make_key(tmp_path / "stranger"),)
    delayed = f"sh -c 'sleep 0.1; exec {relay}'"
    order = ("direct", "proxy_command")
    book = behind_a_bastion(server, hop, tmp_path, proxy_command=delayed, routes=order, identity_files=stranger)
    before = server.log.count("Failed publickey")
    run = race(list(await book.routes("gpu-7")), stagger=0.01)
    with pytest.raises(AuthError) as raised:
        await run.run()
    assert (raised.value.code, raised.value.hop) == (Code.AUTH_DENIED, "bastion")
    assert server.log.count("Failed publickey") == before + 1
    assert [bool(outcome.note) for outcome in run.outcomes].count(True) == 1
