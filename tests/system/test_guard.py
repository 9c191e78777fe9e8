"""The lock-out guard against a server that counts: it never sees the login that would lock us out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from backend.clock import SystemClock
from backend.connection.guarded import LoginHeldBack
from backend.connection.interaction import Interaction
from backend.connection.ssh.connector import SshConnector
from backend.connection.target import Target
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.diagnostics.ladder import RungId
from backend.errors import AuthError, Code
from backend.events import Event
from backend.hosts.book import HostBook
from tests.support.asyncssh_server import Door, ssh_server
from tests.support.openssh import target
from tests.support.person import Person
from tests.support.transfer_world import OneHost


@asynccontextmanager
async def program(to: Target, person: Interaction, state: Path) -> AsyncIterator[Container]:
    vault = Vault()
    async with open_container(
        connector=SshConnector(vault=vault, clock=SystemClock()),
        book=cast(HostBook, OneHost(to)),
        interaction=person,
        state_dir=state,
        vault=vault,
    ) as container:
        yield container


async def refusal(container: Container, host: str) -> AuthError:
    with pytest.raises(AuthError) as caught:
        await container.sessions.get(host).link()
    return caught.value


async def test_wrong_passwords_are_held_back_before_a_jail_would_close(tmp_path: Path) -> None:
    door = Door(passwords=["right"])
    async with ssh_server(door) as server:
        to = target(server.hop(tmp_path, name="web-1"), name="web-1")
        heard: list[Event] = []
        async with program(to, Person(passwords=["wrong"] * 9), tmp_path / "state") as container:
            container.bus.subscribe(LoginHeldBack, heard.append)
            codes = [(await refusal(container, "web-1")).code for _ in range(4)]
        assert codes == [Code.AUTH_DENIED, Code.AUTH_DENIED, Code.LOGIN_HELD_BACK, Code.LOGIN_HELD_BACK]
        assert door.secrets == ["wrong"] * 4  # three in the first login, one in the second
        assert len(heard) == 2

        async with program(to, Person(passwords=["right"]), tmp_path / "state") as container:
            assert (await refusal(container, "web-1")).code is Code.LOGIN_HELD_BACK
            assert await container.guard.forget(to) == 4
            await container.sessions.get("web-1").link()
        assert door.secrets[4:] == ["right"]


async def test_the_ladder_names_the_guard_at_the_login_and_shows_nothing_to_the_server(tmp_path: Path) -> None:
    door = Door(passwords=["right"])
    async with ssh_server(door) as server:
        to = target(server.hop(tmp_path, name="web-1"), name="web-1")
        async with program(to, Person(passwords=["wrong"] * 9), tmp_path / "state") as container:
            for _ in range(2):
                await refusal(container, "web-1")
            report = await container.diagnostics.diagnose("web-1")
        broken = next(rung for rung in report.rungs if rung.code is not None)
        assert (broken.id, broken.code) == (RungId.AUTH, Code.LOGIN_HELD_BACK)
        assert len(door.secrets) == 4
