"""Root by sudo: a real sudo behind a real sshd, with accounts made for the test; and the simulated one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from backend.clock import SystemClock
from backend.commands.elevation.elevation import Elevation
from backend.commands.sudo import Sudo
from backend.connection.connector import Connector, Link
from backend.connection.interaction import SecretKind
from backend.connection.session import Session
from backend.connection.ssh.connector import SshConnector
from backend.connection.target import Target
from backend.connection.vault import Vault
from backend.errors import Code, SessionError
from mocks.connector import SimulatedConnector
from mocks.world import World
from tests.support.openssh import target
from tests.support.sudoers import FAKE_SUDO_RS, LinkedSession, sudoer
from tests.support.worlds import PASSWORD, Person, contract_host, hop_of, write_key

EVERY_BYTE = bytes(range(256)) * 400


class Root:
    """sudo on some host, and the person who is asked."""

    def __init__(self, link: Link, where: Target) -> None:
        self.person, self.vault = Person(), Vault()
        session = cast(Session, LinkedSession(link, where))
        self.elevation = Elevation(session, interaction=self.person, vault=self.vault)
        self.sudo = Sudo(self.elevation, session.host)


@asynccontextmanager
async def over(connector: Connector, where: Target) -> AsyncIterator[Root]:
    link = await connector.connect(where, Person(), None)
    try:
        yield Root(link, where)
    finally:
        await link.close()


def real() -> Connector:
    return SshConnector(vault=Vault(), clock=SystemClock())


@pytest.fixture(params=["simulated", pytest.param("sshd", marks=pytest.mark.sshd)])
async def root(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Root]:
    """Somebody who may do all as root, with the password."""
    if request.param == "sshd":
        with sudoer(tmp_path, "{user} ALL=(ALL) ALL") as where:
            async with over(real(), where) as ready:
                yield ready
        return
    host = contract_host()
    host.users["tester"] = replace(host.users["tester"], groups=(("sudo", 27),))
    host.sudo_asks = True
    hop = hop_of(tmp_path, write_key(tmp_path), host.host_key.public_line, "server", 22, "tester")
    async with over(SimulatedConnector(World([host]), vault=Vault(), clock=SystemClock()), target(hop)) as ready:
        yield ready


async def test_the_password_is_asked_for_once_and_kept_in_the_vault(root: Root) -> None:
    root.person.secrets = [PASSWORD]
    for _ in range(2):
        outcome = await root.sudo.run(b"id -u; echo oops >&2; exit 3")
        assert (outcome.status, outcome.out.strip(), outcome.err.strip()) == (3, b"0", b"oops")
    assert [request.kind for request in root.person.asked] == [SecretKind.SUDO]
    kept = root.vault.get("server", SecretKind.SUDO)
    assert kept is not None and kept.reveal() == PASSWORD


async def test_input_arrives_byte_for_byte_and_never_with_a_password_before_it(root: Root) -> None:
    root.person.secrets = [PASSWORD]
    for _ in range(2):
        assert (await root.sudo.run(b"cat", EVERY_BYTE)).out == EVERY_BYTE


async def test_a_wrong_password_is_asked_for_again_and_the_right_one_is_kept(root: Root) -> None:
    root.person.secrets = ["wrong", PASSWORD]
    assert (await root.sudo.run(b"echo well")).out == b"well\n"
    assert [request.attempt for request in root.person.asked] == [1, 2]
    assert (await root.sudo.run(b"echo again")).succeeded
    assert len(root.person.asked) == 2


async def test_nobody_to_ask_is_told_and_nothing_runs(root: Root) -> None:
    with pytest.raises(SessionError) as caught:
        await root.sudo.run(b"touch /tmp/never")
    assert caught.value.code is Code.SUDO_PASSWORD


async def test_three_wrong_passwords_are_enough(root: Root) -> None:
    root.person.secrets = ["a", "b", "c", "d"]
    with pytest.raises(SessionError) as caught:
        await root.sudo.run(b"echo never")
    assert caught.value.code is Code.SUDO_PASSWORD
    assert len(root.person.asked) <= 3
    assert root.vault.get("server", SecretKind.SUDO) is None


async def test_a_kept_password_that_is_no_longer_right_is_asked_for_anew(root: Root) -> None:
    from backend.connection.vault import Secret

    root.vault.put("server", SecretKind.SUDO, Secret("old"))
    root.person.secrets = [PASSWORD]
    assert (await root.sudo.run(b"echo well")).out == b"well\n"


async def test_the_password_shows_nowhere(root: Root, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    root.person.secrets = [PASSWORD]
    outcome = await root.sudo.run(b"env; cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' '; cat")
    assert PASSWORD.encode() not in outcome.out + outcome.err
    assert PASSWORD not in caplog.text


@pytest.mark.sshd
async def test_without_a_password_nobody_is_asked(tmp_path: Path) -> None:
    with sudoer(tmp_path, "{user} ALL=(ALL) NOPASSWD: ALL") as where:
        async with over(real(), where) as root:
            assert (await root.sudo.run(b"cat", b"x")).out == b"x"
            assert root.person.asked == []


@pytest.mark.sshd
async def test_who_may_not_is_told_why(tmp_path: Path) -> None:
    with sudoer(tmp_path, "# nothing for {user}") as where:
        async with over(real(), where) as root:
            root.person.secrets = [PASSWORD]
            with pytest.raises(SessionError) as caught:
                await root.sudo.run(b"echo never")
    assert "sudoers" in caught.value.evidence["reason"]
    assert root.vault.get("server", SecretKind.SUDO) is None


@pytest.mark.sshd
async def test_prompts_in_other_words_and_languages_are_understood(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "sudo"
    fake.parent.mkdir()
    fake.write_text(FAKE_SUDO_RS % PASSWORD)
    fake.chmod(0o755)
    with sudoer(tmp_path, "# {user}", path=str(fake.parent)) as where:
        async with over(real(), where) as root:
            root.person.secrets = [PASSWORD]
            assert (await root.sudo.run(b"cat", EVERY_BYTE)).out == EVERY_BYTE
            assert [request.subject for request in root.person.asked] == ["[sudo: authenticate] Passwort:"]


@pytest.mark.sshd
async def test_a_host_without_sudo_says_so(tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    (empty / "sudo").write_text("#!/bin/sh\necho 'sudo: not found' >&2\nexit 127\n")
    (empty / "sudo").chmod(0o755)
    with sudoer(tmp_path, "# {user}", path=str(empty)) as where:
        async with over(real(), where) as root:
            with pytest.raises(SessionError) as caught:
                await root.sudo.run(b"echo never")
    assert caught.value.code is Code.SUDO_REFUSED
    assert "not found" in caught.value.evidence["reason"]
