"""A password, then a one-time code: one login carries everything, and a person is asked again only where a server
needs it. Codes are never sent twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import asyncssh
import pytest

from backend.commands.values import CommandSpec
from backend.connection.connector import PtyRequest
from backend.connection.state import SessionState
from backend.errors import AuthError, Code
from backend.files.model import Direction, TransferRequest
from mocks.relay import Relay
from tests.support.asyncssh_server import Door, TestServer, ssh_server
from tests.support.desk import Desk, desk_at
from tests.support.openssh import make_key
from tests.support.pam import PASSWORD, CodeServer, code_server
from tests.support.person import Person
from tests.support.waiting import until

S = SessionState
SIZE = 3_000_000


async def everything_at_once(desk: Desk, tmp_path: Path, port: int) -> None:
    """Shell, command, copies both ways, listing, stream and keepalive, started together before there is a link.

    `port` answers on the host's loopback with the greeting of an SSH server."""
    source, there, back = tmp_path / "source", tmp_path / "there", tmp_path / "back"
    source.write_bytes(Random(5).randbytes(SIZE))
    other = tmp_path / "other"
    other.write_bytes(source.read_bytes())

    async def shell() -> None:
        link = await desk.session.link()
        async with await link.open_process(None, pty=PtyRequest()) as process:
            await process.write(b"exit 5\n")
            async for _ in process.output():
                pass
            assert (await process.wait()).status == 5

    async def command() -> None:
        assert (await desk.run(CommandSpec(b"echo said"))).bytes_out == 5

    async def copy(direction: Direction, source: Path, destination: Path) -> None:
        outcome = await desk.copy(TransferRequest(direction, desk.host, (str(source),), str(destination))).wait()
        assert (outcome.error, outcome.progress.verified) == (None, 1)

    async def listing() -> None:
        files = desk.services.files.on(desk.host)
        names = [entry.name async for batch in files.list(bytes(tmp_path)) for entry in batch]
        assert b"other" in names

    async def stream() -> None:
        link = await desk.session.link()
        opened = await link.open_stream("127.0.0.1", port)
        assert (await opened.read(8)).startswith(b"SSH-2.0-")
        await opened.close()

    async def health() -> None:
        assert await (await desk.session.link()).ping() > 0
        await until(lambda: bool(desk.session.latencies), seconds=20)

    put, get = copy(Direction.PUT, source, there), copy(Direction.GET, other, back)
    await asyncio.gather(shell(), command(), put, get, listing(), stream(), health())
    assert there.read_bytes() == back.read_bytes() == source.read_bytes()


# --- a server that writes down all that it is told -------------------------------------------------------------


def asks(code: str) -> list[tuple[str, str, list[tuple[str, bool]], list[str]]]:
    """The server's questions, one after the other, and the right answers."""
    return [
        ("", "", [("Password: ", False)], ["pw"]),
        ("", "Look at your phone", [("Verification code: ", False)], [code]),
    ]


async def _shell(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Enough of a shell for what is asked here."""
    if process.command is None:
        await process.stdin.readline()
        process.exit(5)
        return
    runner = await asyncio.create_subprocess_shell(
        process.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await runner.communicate(await process.stdin.read())
    process.stdout.write(out)
    process.exit(runner.returncode or 0)


@asynccontextmanager
async def writing_server(door: Door) -> AsyncIterator[TestServer]:
    async with ssh_server(door, process_factory=_shell, sftp_factory=True, line_editor=False) as server:
        yield server


def config_for(server: TestServer, tmp_path: Path) -> Path:
    hop = server.hop(tmp_path)
    path = tmp_path / "config"
    path.write_text(
        f"Host coded\n  HostName 127.0.0.1\n  Port {server.port}\n  User me\n  IdentityFile none\n"
        f"  IdentityAgent none\n  UserKnownHostsFile {hop.known_hosts.user[0]}\n"
    )
    return path


async def test_one_login_carries_everything_and_every_secret_is_sent_once(tmp_path: Path) -> None:
    person = Person(answers=[["pw"], ["111111"]])
    async with writing_server(Door(rounds=asks("111111"), forwards=True)) as server:
        async with desk_at("coded", config_for(server, tmp_path), tmp_path / "state", person) as desk:
            await everything_at_once(desk, tmp_path, server.port)
        assert server.door.secrets == ["pw", "111111"]
        assert (server.door.begun, len(server.door.connections)) == (1, 1 + 1), "the other one is the stream's own"
        assert [challenge.prompts[0].text for challenge in person.challenges] == ["Password: ", "Verification code: "]


async def test_after_a_cut_only_a_new_code_is_asked_for_and_the_old_one_is_not_sent_again(tmp_path: Path) -> None:
    person = Person(answers=[["pw"], ["111111"], ["222222"]])
    async with writing_server(Door(rounds=asks("111111"))) as server:
        async with desk_at("coded", config_for(server, tmp_path), tmp_path / "state", person) as desk:
            first = await desk.session.link()
            server.door.rounds = asks("222222")
            server.door.connections[0].abort()
            await until(lambda: S.RECONNECTING in desk.states)
            desk.session.retry_now()
            assert await desk.session.link() is not first
            assert (await desk.run(CommandSpec(b"true"))).succeeded
        assert server.door.secrets == ["pw", "111111", "pw", "222222"]
        assert [challenge.prompts[0].text for challenge in person.challenges][2:] == ["Verification code: "]


async def test_where_nobody_has_a_new_code_the_session_fails_once_and_sends_none(tmp_path: Path) -> None:
    person = Person(answers=[["pw"], ["111111"]])
    async with writing_server(Door(rounds=asks("111111"))) as server:
        async with desk_at("coded", config_for(server, tmp_path), tmp_path / "state", person) as desk:
            await desk.session.link()
            server.door.connections[0].abort()
            await until(lambda: S.RECONNECTING in desk.states)
            desk.session.retry_now()
            await until(lambda: desk.session.state is S.FAILED)
            assert desk.session.last_change is not None and desk.session.last_change.error is not None
            assert desk.session.last_change.error.code is Code.DECLINED
        assert server.door.secrets == ["pw", "111111", "pw"]
        assert len(server.door.connections) == 2


async def test_the_second_hop_gets_neither_password_nor_code_of_the_first(tmp_path: Path) -> None:
    """Both ask in the same words, and the person once gives the wrong one."""
    person = Person(answers=[["pw"], ["111111"], ["pw2"], ["333333"]], passwords=["not the right one", "end's own"])
    bastion, middle, end = (
        Door(rounds=asks("111111"), forwards=True),
        Door(rounds=[(*asks("333333")[0][:3], ["pw2"]), asks("333333")[1]], forwards=True),
        Door(passwords=["end's own"]),
    )
    async with writing_server(bastion) as one, writing_server(middle) as two, writing_server(end) as three:
        config = tmp_path / "config"
        entries = []
        for name, server, before in (("bastion", one, ""), ("middle", two, "bastion"), ("coded", three, "middle")):
            entries.append(
                f"Host {name}\n  HostName 127.0.0.1\n  Port {server.port}\n"
                f"  UserKnownHostsFile {server.hop(tmp_path).known_hosts.user[0]}\n"
                + (f"  ProxyJump {before}\n" if before else "")
            )
        config.write_text("".join(entries) + "Host *\n  User me\n  IdentityFile none\n  IdentityAgent none\n")
        async with desk_at("coded", config, tmp_path / "state", person) as desk:
            assert (await desk.run(CommandSpec(b"true"))).succeeded
    assert bastion.secrets == ["pw", "111111"]
    assert middle.secrets == ["pw2", "333333"]
    assert end.secrets == ["not the right one", "end's own"]
    assert [challenge.host for challenge in person.challenges] == ["bastion", "bastion", "middle", "middle"]


# --- OpenSSH's server with PAM -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def code_and_password(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeServer]:
    with code_server(tmp_path_factory.mktemp("pam"), methods="keyboard-interactive") as server:
        yield server


@asynccontextmanager
async def desk_behind(
    server: CodeServer, tmp_path: Path, person: Person, *, key: Path | None = None
) -> AsyncIterator[tuple[Desk, Relay]]:
    async with Relay("127.0.0.1", server.sshd.port) as relay:
        config = tmp_path / "config"
        known = server.sshd.known_hosts(tmp_path / "known", f"[127.0.0.1]:{relay.port}")
        config.write_text(
            f"Host coded\n  HostName 127.0.0.1\n  Port {relay.port}\n  User {server.user}\n"
            f"  IdentityFile {key or 'none'}\n  IdentityAgent none\n  UserKnownHostsFile {known}\n"
        )
        async with desk_at("coded", config, tmp_path / "state", person) as desk:
            yield desk, relay


@pytest.fixture
def place(tmp_path: Path, code_and_password: CodeServer) -> Path:
    """A directory that the server's user may write to."""
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    return tmp_path


@pytest.mark.sshd
@pytest.mark.netns
async def test_pam_is_asked_once_for_everything_and_after_a_cut_once_more(
    code_and_password: CodeServer, place: Path
) -> None:
    server = code_and_password
    first, second = server.codes[:2]
    person = Person(answers=[[PASSWORD], [first], [second]])
    async with desk_behind(server, place, person) as (desk, relay):
        await everything_at_once(desk, place, server.sshd.port)
        assert (server.logins, relay.counters.connections) == (1, 1)
        assert server.left == list(server.codes[1:])
        relay.cut()
        await until(lambda: S.RECONNECTING in desk.states)
        desk.session.retry_now()
        assert (await desk.run(CommandSpec(b"true"))).succeeded
        assert (server.logins, relay.counters.connections) == (2, 2)
    assert server.left == list(server.codes[2:])
    assert [challenge.prompts[0].text for challenge in person.challenges] == [
        "Password: ", "Verification code: ", "Verification code: ",
    ]  # fmt: skip
    assert server.refusals == 0, server.sshd.log


@pytest.mark.sshd
@pytest.mark.netns
async def test_pam_refuses_a_used_code_and_that_is_told_without_another_try(
    code_and_password: CodeServer, place: Path
) -> None:
    server, used = code_and_password, code_and_password.codes[-1]
    async with desk_behind(server, place, Person(answers=[[PASSWORD], [used]])) as (desk, _):
        await desk.session.link()
    before, wrong = server.logins, server.refusals
    async with desk_behind(server, place, Person(answers=[[PASSWORD], [used]])) as (desk, relay):
        with pytest.raises(AuthError) as caught:
            await desk.session.link()
        assert relay.counters.connections == 1
    assert caught.value.code is Code.AUTH_DENIED
    assert (server.logins, server.refusals) == (before, wrong + 1)


@pytest.mark.sshd
@pytest.mark.netns
async def test_a_key_and_then_a_code(tmp_path: Path) -> None:
    """The server takes the key as one of two; the code is the only question."""
    key = make_key(tmp_path / "key")
    with code_server(tmp_path / "pam", methods="publickey,keyboard-interactive", ask_password=False) as server:
        server.sshd.authorize(key)
        tmp_path.chmod(0o777)
        person = Person(answers=[[server.codes[0]]])
        async with desk_behind(server, tmp_path, person, key=key) as (desk, relay):
            await everything_at_once(desk, tmp_path, server.sshd.port)
            assert (server.logins, relay.counters.connections) == (1, 1)
        assert len(person.challenges) == 1
        assert server.left == list(server.codes[1:])


@pytest.mark.sshd
@pytest.mark.netns
async def test_a_server_that_takes_the_key_alone_asks_nobody_before_or_after_a_cut(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    with code_server(tmp_path / "pam", methods="publickey") as server:
        server.sshd.authorize(key)
        tmp_path.chmod(0o777)
        person = Person()
        async with desk_behind(server, tmp_path, person, key=key) as (desk, relay):
            await everything_at_once(desk, tmp_path, server.sshd.port)
            relay.cut()
            await until(lambda: S.RECONNECTING in desk.states)
            desk.session.retry_now()
            assert (await desk.run(CommandSpec(b"true"))).succeeded
        assert person.challenges == []
        assert person.secrets == []
        assert server.left == list(server.codes)
