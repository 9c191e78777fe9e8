"""Every fault has its name: real servers with one thing wrong each, and the ladder that finds it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.connection.interaction import Interaction, Nobody, SecretRequest
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Secret, Vault
from backend.container import Container, open_container
from backend.diagnostics.ladder import Diagnosis, Diagnostics, Rung, RungId, RungStatus
from backend.errors import Code
from tests.support.asyncssh_server import Door, TestServer, ssh_server
from tests.support.faulty import FAULTS, NAME, Fault
from tests.support.loop_monitor import loop_monitor
from tests.support.openssh import make_key, sshd, target
from tests.support.person import Person
from tests.support.scripted import ScriptedBook
from tests.support.waiting import no_tasks_left

pytestmark = pytest.mark.sshd


class Typist(Nobody):
    """Types the same password whenever one is asked for."""

    def __init__(self, password: str) -> None:
        self._password = password

    async def secret(self, request: SecretRequest) -> Secret | None:
        return Secret(self._password)


def diagnostics(*targets: object, interaction: Interaction | None = None) -> Diagnostics:
    clock = SystemClock()
    return Diagnostics(
        connector=SshConnector(vault=Vault(), clock=clock),
        book=ScriptedBook(*targets),  # type: ignore[arg-type]
        interaction=interaction or Nobody(),
        clock=clock,
    )


async def diagnose(fault: Fault) -> Diagnosis:
    person = Typist(fault.password) if fault.password else Nobody()
    async with no_tasks_left():
        return await diagnostics(fault.target, interaction=person).diagnose(NAME)


def named(diagnosis: Diagnosis, code: Code) -> Rung:
    return diagnosis.failed or next(rung for rung in diagnosis.rungs if rung.code is code)


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_is_found_at_its_rung_under_its_name(name: str, tmp_path: Path) -> None:
    with FAULTS[name](tmp_path) as fault, loop_monitor() as report:
        diagnosis = await diagnose(fault)
    assert (diagnosis.verdict, diagnosis.code) == (fault.verdict, fault.code)
    rung = named(diagnosis, fault.code)
    assert (rung.id, rung.hop) == (fault.rung, fault.hops[-1].name)
    assert rung.advice
    assert rung.error is not None
    assert "…" not in rung.error.message
    place = diagnosis.rungs.index(rung)
    assert RungStatus.FAIL not in {before.status for before in diagnosis.rungs[:place]}
    if fault.verdict == "failed":
        assert {after.status for after in diagnosis.rungs[place + 1 :]} <= {RungStatus.SKIP}
    assert report.worst < 0.05, report.culprit


async def test_the_lists_that_do_not_meet_are_shown_with_the_line_that_would_help(tmp_path: Path) -> None:
    with FAULTS["no_common_kex"](tmp_path) as fault:
        rung = named(await diagnose(fault), Code.KEX_NO_MATCH)
    assert rung.evidence["server"] == "diffie-hellman-group1-sha1"
    assert "curve25519-sha256" in rung.evidence["client"]
    assert "KexAlgorithms +diffie-hellman-group1-sha1" in rung.advice[0].text


async def test_a_key_file_that_is_open_to_others_is_shown_with_its_mode_and_the_remedy(tmp_path: Path) -> None:
    with FAULTS["open_key_file"](tmp_path) as fault:
        rung = named(await diagnose(fault), Code.AUTH_KEY_PERMISSIONS)
    assert "0644" in rung.evidence["file"]
    assert any((advice.command or "").startswith("chmod 600 ") for advice in rung.advice)


async def test_the_words_of_nologin_and_of_noisy_login_files_are_evidence(tmp_path: Path) -> None:
    with FAULTS["nologin_shell"](tmp_path / "one") as fault:
        assert "not available" in named(await diagnose(fault), Code.SESSION_REFUSED).evidence["answer"]
    with FAULTS["noisy_bashrc"](tmp_path / "two") as fault:
        assert named(await diagnose(fault), Code.SHELL_NOISE).evidence["noise"] == "Welcome to the machine!"


async def test_no_secret_was_kept_or_told_after_a_wrong_password(tmp_path: Path) -> None:
    with FAULTS["wrong_password"](tmp_path) as fault:
        diagnosis = await diagnose(fault)
    assert fault.password not in repr(diagnosis) + str(diagnosis.to_json())


async def test_a_healthy_host_behind_a_jump_host_passes_every_rung(tmp_path: Path) -> None:
    key = make_key(tmp_path / "id")
    with sshd(tmp_path / "one") as bastion, sshd(tmp_path / "two") as inner:
        for server in (bastion, inner):
            server.authorize(key)
        hops = [
            server.hop(keys=[key], known=server.known_hosts(tmp_path / f"known_{name}"), name=name)
            for name, server in (("bastion", bastion), ("inner", inner))
        ]
        async with no_tasks_left():
            diagnosis = await diagnostics(target(*hops)).diagnose("inner")
    assert {rung.status for rung in diagnosis.rungs} == {RungStatus.PASS}, diagnosis.to_json()
    assert (diagnosis.verdict, diagnosis.code) == ("ok", None)
    assert [rung.hop for rung in diagnosis.rungs if rung.id is RungId.AUTH] == ["bastion", "inner"]
    assert all(rung.ms is not None for rung in diagnosis.rungs if rung.id is not RungId.ROUTE)


async def test_leaving_early_closes_the_connection(tmp_path: Path) -> None:
    key = make_key(tmp_path / "id")
    with sshd(tmp_path / "server") as server:
        server.authorize(key)
        hop = server.hop(keys=[key], known=server.known_hosts(tmp_path / "known"))
        async with no_tasks_left():
            climb = diagnostics(target(hop)).climb("server")
            async for rung in climb:
                if rung.id is RungId.SESSION:
                    break
            await climb.aclose()


# --- secrets ---


async def test_a_password_that_was_given_for_the_ladder_goes_with_it(tmp_path: Path) -> None:
    vault, person = Vault(), Person(passwords=["hunter2", "hunter2"])
    async with ssh_server(Door(passwords=["hunter2"])) as server, container(server, tmp_path, person, vault) as there:
        await there.diagnostics.diagnose("server")
        assert (server.door.secrets, len(vault)) == (["hunter2"], 0)
        await there.sessions.get("server").link()
        assert len(person.secrets) == 2


async def test_the_ladder_leaves_a_live_sessions_password_where_it_is(tmp_path: Path) -> None:
    vault, person = Vault(), Person(passwords=["hunter2"])
    async with ssh_server(Door(passwords=["hunter2"])) as server, container(server, tmp_path, person, vault) as there:
        await there.sessions.get("server").link()
        await there.diagnostics.diagnose("server")
        assert len(vault) == 1
    assert len(person.secrets) == 1


@asynccontextmanager
async def container(
    server: TestServer, directory: Path, interaction: Interaction, vault: Vault
) -> AsyncIterator[Container]:
    clock = SystemClock()
    async with open_container(
        connector=SshConnector(vault=vault, clock=clock),
        book=ScriptedBook(target(server.hop(directory))),
        interaction=interaction,
        state_dir=directory / "state",
        vault=vault,
        clock=clock,
    ) as opened:
        yield opened
