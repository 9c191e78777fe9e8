"""Ordinary commands as another user, by sudo and su, on a real server: live streams, input, place, and the password."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.commands.values import CommandState, Elevate, ElevateBy
from backend.connection.connector import PtyRequest, StdStream
from backend.connection.interaction import SecretKind, SecretRequest
from backend.connection.vault import Secret
from backend.errors import Code
from tests.support.commanding import Commands, commands_on, processes_with, said
from tests.support.openssh import throw_away_user
from tests.support.sudoers import FAKE_SUDO_RS, sudoer
from tests.support.waiting import until
from tests.support.worlds import PASSWORD, Person

pytestmark = pytest.mark.sshd

ROOT = Elevate()
OTHERS = "another horse"


@pytest.fixture
async def commands(tmp_path: Path) -> AsyncIterator[Commands]:
    """Somebody who may do all as anybody, with the password."""
    with sudoer(tmp_path, "{user} ALL=(ALL) ALL") as where:
        async with commands_on(where, Person(secrets=[PASSWORD])) as ready:
            yield ready


@pytest.fixture
def other(tmp_path: Path) -> Iterator[str]:
    """Another account, with a password of its own."""
    with throw_away_user(tmp_path / "other", password=OTHERS) as user:
        yield user


async def test_streams_are_apart_and_live_and_the_password_is_asked_for_once(commands: Commands) -> None:
    gate: list[bytes] = []
    script = "echo out; id -u; echo err >&2; read line; echo got $line; exit 7"
    command = commands.start(script, elevate=ROOT, stdin_stream=_on_demand(gate))
    await until(lambda: b"err" in command.output.text() and b"0\n" in command.output.text())
    assert command.outcome is None
    gate.append(b"typed\n")
    outcome = await command.wait()
    assert outcome.exit is not None and outcome.exit.status == 7
    assert said(command, StdStream.OUT) == [b"out", b"0", b"got typed"]
    assert said(command, StdStream.ERR) == [b"err"]
    again = await commands.run("id -u", elevate=ROOT)
    assert again.output.text() == b"0\n"
    assert [request.kind for request in commands.person.asked] == [SecretKind.SUDO]


async def _on_demand(gate: list[bytes]) -> AsyncIterator[bytes]:
    await until(lambda: bool(gate))
    yield gate[0]


async def test_input_of_any_bytes_arrives_without_the_password(commands: Commands) -> None:
    data = os.urandom(700_000)
    received = bytearray()
    command = commands.start("cat", sink=lambda chunk: received.extend(chunk.data), stdin=data, elevate=ROOT)
    assert (await command.wait()).succeeded
    assert bytes(received) == data


async def test_directory_and_environment_outlive_the_change_of_user(commands: Commands, tmp_path: Path) -> None:
    closed = tmp_path / "it's closed"
    closed.mkdir(mode=0o700)
    ended = await commands.run("pwd; echo $FL_X", cwd=os.fsencode(closed), env={"FL_X": "a 'b' $c"}, elevate=ROOT)
    assert ended.output.text() == os.fsencode(closed) + b"\na 'b' $c\n"
    home = await commands.run("pwd", cwd=b"~", elevate=ROOT)
    assert home.output.text().startswith(os.fsencode(tmp_path / "home"))


async def test_another_user_than_root(commands: Commands, other: str) -> None:
    ended = await commands.run("id -un", elevate=Elevate(user=other))
    assert ended.output.text() == other.encode() + b"\n"


async def test_with_a_terminal_nothing_of_the_talk_is_seen(commands: Commands) -> None:
    ended = await commands.run("tty >/dev/null && id -u; echo $FL", pty=PtyRequest(), env={"FL": "x"}, elevate=ROOT)
    assert ended.output.text() == b"0\r\nx\r\n"


async def test_a_terminal_takes_input_after_the_password(commands: Commands) -> None:
    """The command waits for the end of its input: sudo 1.9.13 may hang where something typed is left when it ends."""
    ended = await commands.run("read line; cat; echo got $line", pty=PtyRequest(), stdin=b"typed\n", elevate=ROOT)
    assert ended.output.text().endswith(b"got typed\r\n")
    assert PASSWORD.encode() not in ended.output.text()


async def test_no_password_no_command(commands: Commands, tmp_path: Path) -> None:
    commands.person.secrets.clear()
    outcome = (await commands.run(f"touch {tmp_path}/never", elevate=ROOT)).outcome
    assert outcome is not None and outcome.error is not None
    assert outcome.error.code is Code.SUDO_PASSWORD
    assert not (tmp_path / "never").exists()


async def test_while_the_password_is_asked_for_nothing_has_started(commands: Commands, tmp_path: Path) -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def ask(request: SecretRequest) -> Secret | None:
        asked.set()
        await never.wait()
        return None

    commands.person.secret = ask  # type: ignore[method-assign]
    command = commands.start(f"touch {tmp_path}/never", elevate=ROOT)
    await asked.wait()
    outcome = await command.cancel()
    assert outcome.error is not None
    assert outcome.error.evidence["remote"] == "not started"
    await until(lambda: not processes_with(f"{tmp_path}/never"))
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("pty", [None, PtyRequest()], ids=["streams", "terminal"])
async def test_su_asks_for_the_other_users_password_and_keeps_it(
    commands: Commands, other: str, pty: PtyRequest | None
) -> None:
    commands.person.secrets[:] = ["wrong", OTHERS]
    who = Elevate(ElevateBy.SU, other)
    for _ in range(2):
        ended = await commands.run("id -un; echo $FL; cat", env={"FL": "x"}, stdin=b"in\n", pty=pty, elevate=who)
        assert ended.outcome is not None and ended.outcome.succeeded, ended.outcome
        text = ended.output.text().replace(b"\r", b"")
        assert text.startswith(other.encode() + b"\nx\n") or text.replace(b"in\n", b"", 1).startswith(other.encode())
        assert OTHERS.encode() not in text
    assert [(request.kind, request.user) for request in commands.person.asked] == [(SecretKind.SU, other)] * 2


@pytest.mark.slow  # su waits for seconds after each wrong one
async def test_su_without_the_right_password_is_refused_after_three(commands: Commands, other: str) -> None:
    commands.person.secrets[:] = ["a", "b", "c", "d"]
    outcome = (await commands.run("id -un", elevate=Elevate(ElevateBy.SU, other))).outcome
    assert outcome is not None and outcome.error is not None
    assert outcome.error.code is Code.SU_PASSWORD
    assert len(commands.person.asked) == 3


FAKE_SU = """#!/bin/sh
test -t 0 || { echo 'su: muss von einem Terminal aus gestartet werden' >&2; exit 1; }
stty -echo; printf 'Passwort: '; IFS= read -r typed; stty echo; echo
[ "$typed" = '%s' ] || { echo 'su: Fehler'; exit 1; }
shift; shift; exec /bin/sh -c "$1"
"""


async def test_an_su_that_reads_from_a_terminal_only_gets_one(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "su"
    fake.parent.mkdir()
    fake.write_text(FAKE_SU % OTHERS)
    fake.chmod(0o755)
    with sudoer(tmp_path, "# {user}", path=str(fake.parent)) as where:
        async with commands_on(where, Person(secrets=[OTHERS])) as commands:
            ended = await commands.run("echo out; cat", stdin=b"in\n", elevate=Elevate(ElevateBy.SU))
    assert ended.outcome is not None and ended.outcome.succeeded, ended.outcome
    assert ended.output.text() == b"out\nin\n"


@pytest.mark.parametrize("pty", [None, PtyRequest()], ids=["streams", "terminal"])
async def test_a_sudo_that_asks_in_other_words_is_understood(tmp_path: Path, pty: PtyRequest | None) -> None:
    fake = tmp_path / "bin" / "sudo"
    fake.parent.mkdir()
    fake.write_text(FAKE_SUDO_RS % PASSWORD)
    fake.chmod(0o755)
    with sudoer(tmp_path, "# {user}", path=str(fake.parent)) as where:
        async with commands_on(where, Person(secrets=[PASSWORD])) as commands:
            ended = await commands.run("read x; echo got $x", stdin=b"in\n", pty=pty, elevate=ROOT)
            assert ended.outcome is not None and ended.outcome.succeeded, ended.outcome
            assert ended.output.text().replace(b"\r", b"").endswith(b"got in\n")
            assert PASSWORD.encode() not in ended.output.text()
            assert [request.subject for request in commands.person.asked] == ["[sudo: authenticate] Passwort:"]


async def test_a_password_counts_as_being_checked_until_sudo_has_judged_it(commands: Commands) -> None:
    commands.person.secrets[:] = ["wrong", PASSWORD]
    elevation = commands.elevation(commands.host)
    command = commands.start("true", elevate=ROOT)
    await until(lambda: elevation.checking)
    assert command.state is CommandState.STARTING
    assert (await command.wait()).succeeded
    assert not elevation.checking
    assert len(commands.person.asked) == 2
