"""Every fault has its name: real servers with one thing wrong each, and the ladder that finds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.connection.interaction import Challenge, Interaction, Nobody, SecretRequest
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Secret, Vault
from backend.container import Container, open_container
from backend.diagnostics.checks import Check, CheckStatus
from backend.diagnostics.ladder import Diagnosis, Diagnostics, Rung, RungId, RungStatus
from backend.errors import Code
from backend.hosts.book import HostBook, Overrides
from tests.support.asyncssh_server import Door, TestServer, ssh_server
from tests.support.confusion import CONFUSION
from tests.support.faulty import FAULTS, HEALTHY, NAME, Fault
from tests.support.loop_monitor import loop_monitor
from tests.support.openssh import make_key, sshd, target
from tests.support.person import Person
from tests.support.scripted import ScriptedBook
from tests.support.waiting import no_tasks_left

pytestmark = pytest.mark.sshd

Recorder = Callable[[str, object], None]


class Typist(Nobody):
    """Types the same password whenever one is asked for, and answers other questions in turn as long as it can."""

    def __init__(self, secret: str, answers: Sequence[str] = ()) -> None:
        self._secret = secret
        self._answers = list(answers)

    async def secret(self, request: SecretRequest) -> Secret | None:
        return Secret(self._secret) if self._secret else None

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        count = len(challenge.prompts)
        given, self._answers = self._answers[:count], self._answers[count:]
        return tuple(map(Secret, given)) if len(given) == count else None


def diagnostics(*targets: object, interaction: Interaction | None = None, book: HostBook | None = None) -> Diagnostics:
    clock = SystemClock()
    return Diagnostics(
        connector=SshConnector(vault=Vault(), clock=clock),
        book=book or ScriptedBook(*targets),  # type: ignore[arg-type]
        interaction=interaction or Nobody(),
        clock=clock,
    )


def book_of(fault: Fault, directory: Path) -> HostBook | None:
    """The real host book, where the configuration itself is at fault."""
    if not fault.config:
        return None
    path = directory / "ssh_config"
    path.write_text(fault.config)
    return HostBook(overrides=Overrides(ssh_config=path))


async def diagnose(fault: Fault, directory: Path | None = None, checks: list[Check] | None = None) -> Diagnosis:
    """Climb; and verify the connection, where `checks` are wanted."""
    asked = fault.secret or fault.answers
    person = Typist(fault.secret, fault.answers) if asked else Nobody()
    book = book_of(fault, directory) if directory is not None else None
    services = diagnostics(fault.target, interaction=person, book=book)
    async with no_tasks_left():
        climbing = services.climb(NAME, on_check=None if checks is None else checks.append)
        rungs = tuple([rung async for rung in climbing if rung.status is not RungStatus.RUNNING])
    return Diagnosis(NAME, rungs)


def named(diagnosis: Diagnosis, code: Code) -> Rung:
    return diagnosis.failed or next(rung for rung in diagnosis.rungs if rung.code is code)


def expected(fault: Fault) -> str:
    """Code, rung or check, and machine, as the table has them."""
    where = fault.check or fault.rung
    return f"{fault.code} at {where} of {fault.place}" if fault.code is not None else "nothing"


def found(diagnosis: Diagnosis, checks: Sequence[Check]) -> str:
    """What was diagnosed, likewise: the ladder's own finding, else the first check's."""
    worst = diagnosis.failed or next((rung for rung in diagnosis.rungs if rung.code is not None), None)
    if worst is not None:
        return f"{worst.code} at {worst.id} of {worst.hop}"
    told = next((check for check in checks if check.code is not None), None)
    return f"{told.code} at {told.id} of {diagnosis.host}" if told is not None else "nothing"


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_is_found_at_its_rung_under_its_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Recorder
) -> None:
    with FAULTS[name](tmp_path) as fault:
        for variable, value in fault.environ:
            monkeypatch.setenv(variable, value)
        checks: list[Check] = []
        diagnosis = await diagnose(fault, tmp_path, checks if fault.check is not None else None)
    record_property(CONFUSION, (name, expected(fault), found(diagnosis, checks)))
    assert (found(diagnosis, checks), diagnosis.verdict) == (expected(fault), fault.verdict), diagnosis.to_json()
    assert_told_well(diagnosis, fault)


def assert_told_well(diagnosis: Diagnosis, fault: Fault) -> None:
    """The broken rung has a whole sentence and advice; before it nothing failed, after it nothing was tried."""
    if fault.check is not None or fault.code is None:
        return
    rung = named(diagnosis, fault.code)
    assert rung.advice
    assert rung.error is not None
    assert "…" not in rung.error.message
    place = diagnosis.rungs.index(rung)
    assert RungStatus.FAIL not in {before.status for before in diagnosis.rungs[:place]}
    if fault.verdict == "failed":
        assert {after.status for after in diagnosis.rungs[place + 1 :]} <= {RungStatus.SKIP}


@pytest.mark.parametrize("name", HEALTHY)
async def test_nothing_is_said_of_healthy_hosts(name: str, tmp_path: Path, record_property: Recorder) -> None:
    with HEALTHY[name](tmp_path) as fault:
        checks: list[Check] = []
        diagnosis = await diagnose(fault, tmp_path, checks if fault.verified else None)
    record_property(CONFUSION, (name, expected(fault), found(diagnosis, checks)))
    assert found(diagnosis, checks) == "nothing", diagnosis.to_json()
    assert diagnosis.verdict == "ok"
    assert {check.status for check in checks} <= {CheckStatus.PASS}, checks
    assert bool(checks) is fault.verified


async def test_nothing_keeps_the_loop_waiting_on_the_way_up(tmp_path: Path) -> None:
    with HEALTHY["plain_key"](tmp_path) as fault, loop_monitor() as report:
        await diagnose(fault, tmp_path)
    assert report.worst < 0.05, report.culprit


async def test_the_lists_that_do_not_meet_are_shown_with_the_line_that_would_help(tmp_path: Path) -> None:
    with FAULTS["no_common_kex"](tmp_path) as fault:
        rung = named(await diagnose(fault), Code.KEX_NO_MATCH)
    assert rung.evidence["server"] == "diffie-hellman-group1-sha1"
    assert "curve25519-sha256, " in rung.evidence["client"], "a list that a narrow pane breaks between names"
    assert rung.advice[0].apply == "allow-algorithm"
    assert "KexAlgorithms +diffie-hellman-group1-sha1" in rung.advice[1].text


@pytest.mark.parametrize(
    ("name", "evidence", "told", "advised"),
    [
        ("no_ipv6_here", "route_here", "unreachable", "IPv6 addresses only"),
        ("firewall_prohibits", "route_here", "dev lo", "a firewall"),
        ("misspelt_name", "address", NAME, f"Did you mean {NAME}-1?"),
        ("resolver_down", "reason", "Temporary failure", "this machine's own network"),
        ("certificate_expired", "reason", "expired on 2025-01-01", "signed anew"),
        ("certificate_not_yet_valid", "reason", "not yet valid: it begins on", "signed anew"),
        ("resets", "reason", "reset", "banned"),
        ("forced_command", "answer", "for backups", "forced command"),
        ("jump_host_does_not_know_the_name", "address", "no-such-host.invalid", "From the jump host"),
    ],
)
async def test_the_evidence_and_the_advice_fit_the_cause(
    name: str, evidence: str, told: str, advised: str, tmp_path: Path
) -> None:
    with FAULTS[name](tmp_path) as fault:
        assert fault.code is not None
        rung = named(await diagnose(fault, tmp_path), fault.code)
    assert told in rung.evidence[evidence]
    assert any(advised in step.text for step in rung.advice), rung.advice


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
    assert fault.secret not in repr(diagnosis) + str(diagnosis.to_json())


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
