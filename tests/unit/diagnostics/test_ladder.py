"""The ladder: each rung in order, one verdict each, nothing after the broken one, nothing left open."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from backend.connection.connector import Phase, Space, StdStream
from backend.connection.interaction import Nobody
from backend.connection.target import Target
from backend.diagnostics.ladder import Diagnosis, Diagnostics, Rung, RungId, RungStatus
from backend.errors import AuthError, Code, ConfigError, ConnectError, FairleadError, LinkLost, SessionError
from mocks.clock import VirtualClock
from tests.support.scripted import ScriptedBook, ScriptedConnector, ScriptedFiles, ScriptedLink, ScriptedProcess, hop
from tests.support.waiting import no_tasks_left

DIRECT = Target("web-1", (hop("web-1"),))
BEHIND = Target("db-2", (hop("bastion"), hop("db-2")))


def echo(command: bytes) -> ScriptedProcess:
    """What a shell does with `echo WORD`."""
    return ScriptedProcess().say(command.removeprefix(b"echo ") + b"\n").end(0)


def saying(before: bytes = b"", after: bytes = b"") -> ScriptedLink:
    """A shell whose login files print."""
    return ScriptedLink(lambda command: ScriptedProcess().say(before + command[5:] + b"\n" + after).end(0))


def diagnostics(
    link: ScriptedLink | None = None, *targets: Target, connector: ScriptedConnector | None = None
) -> Diagnostics:
    return Diagnostics(
        connector=connector or ScriptedConnector(link or ScriptedLink(echo)),
        book=ScriptedBook(*(targets or (DIRECT, BEHIND))),
        interaction=Nobody(),
        clock=VirtualClock(),
        chance=random.Random(7),
    )


async def diagnose(link: ScriptedLink | None = None, host: str = "web-1") -> Diagnosis:
    return await diagnostics(link).diagnose(host)


async def failing(phase: Phase, error: FairleadError, host: str = "web-1", at: str | None = None) -> Diagnosis:
    link = ScriptedLink(echo)
    connector = ScriptedConnector(link, fails=(at or host, phase, error))
    return await diagnostics(connector=connector).diagnose(host)


def rung(diagnosis: Diagnosis, rung_id: RungId, at: str | None = None) -> Rung:
    return next(one for one in diagnosis.rungs if one.id is rung_id and at in (None, one.hop))


def statuses(diagnosis: Diagnosis) -> str:
    return " ".join(f"{one.id}:{one.status}" for one in diagnosis.rungs)


@pytest.fixture(autouse=True)
async def nothing_goes_on() -> AsyncIterator[None]:
    async with no_tasks_left():
        yield


async def test_a_healthy_host_passes_every_rung_in_order() -> None:
    link = ScriptedLink(echo, files=ScriptedFiles(space=Space(100 * 10**9, 18 * 10**9)))
    diagnosis = await diagnose(link)
    assert [one.id for one in diagnosis.rungs] == list(RungId)
    assert {one.status for one in diagnosis.rungs} == {RungStatus.PASS}
    assert (diagnosis.verdict, diagnosis.failed, diagnosis.code) == ("ok", None, None)
    assert rung(diagnosis, RungId.FILES).summary == "/home/deploy, 18.0 GB free"
    assert rung(diagnosis, RungId.CONFIG).evidence["source"] == "~/.ssh/config:3"
    assert rung(diagnosis, RungId.TCP).ms == 4.0
    assert link.was_closed
    assert all(process.closed for process in link.processes)


async def test_what_of_the_ssh_configuration_is_not_followed_is_told_without_a_warning() -> None:
    noted = Target(
        "db-2",
        (hop("bastion", notes=("bindaddress 192.0.2.1 is not followed",)), hop("db-2", notes=("one", "two\x1b[2J"))),
    )
    diagnosis = await diagnostics(None, noted).diagnose("db-2")
    config = rung(diagnosis, RungId.CONFIG)
    assert config.status is RungStatus.PASS
    told = config.to_json()["evidence"]["ssh_config"]
    assert told.startswith("one; two") and told.endswith("; bastion: bindaddress 192.0.2.1 is not followed")
    assert "\x1b" not in told
    assert "ssh_config" not in rung(await diagnose(), RungId.CONFIG).evidence


async def test_an_entry_that_is_removed_while_connected_is_looked_at_as_it_is_connected() -> None:
    typed = Target("db-2", (replace(hop("db-2"), source=""),))
    ladder = Diagnostics(
        connector=ScriptedConnector(ScriptedLink(echo)),
        book=ScriptedBook(typed),
        interaction=Nobody(),
        clock=VirtualClock(),
        as_connected={"db-2": BEHIND}.get,
    )
    diagnosis = await ladder.diagnose("db-2")
    assert diagnosis.verdict == "ok"
    config = rung(diagnosis, RungId.CONFIG)
    assert config.summary == "no longer in ~/.ssh/config:3; this is how it is connected"
    assert rung(diagnosis, RungId.ROUTE, "db-2").summary == "via bastion"


async def test_each_rung_runs_once_and_then_gets_one_verdict() -> None:
    told = [(one.id, one.status) async for one in diagnostics().climb("web-1")]
    for rung_id in set(RungId) - {RungId.ROUTE}:
        assert [status for told_id, status in told if told_id is rung_id] == [RungStatus.RUNNING, RungStatus.PASS]


async def test_with_a_jump_host_there_is_one_ladder_for_each_hop() -> None:
    diagnosis = await diagnose(host="db-2")
    assert [f"{one.hop} {one.id}" for one in diagnosis.rungs] == [
        "db-2 config",
        *(f"bastion {name}" for name in ("name", "route", "tcp", "banner", "kex", "host_key", "auth")),
        *(f"db-2 {name}" for name in ("route", "tcp", "banner", "kex", "host_key", "auth")),
        *(f"db-2 {name}" for name in ("session", "files", "performance")),
    ]
    assert rung(diagnosis, RungId.ROUTE, "bastion").summary == "direct"
    assert rung(diagnosis, RungId.ROUTE, "db-2").summary == "via bastion"


@pytest.mark.parametrize("phase", list(Phase))
async def test_a_broken_phase_fails_its_rung_and_the_rest_is_not_reached(phase: Phase) -> None:
    diagnosis = await failing(phase, ConnectError(Code.TCP_TIMEOUT, evidence={"address": "a", "port": 22}))
    failed = diagnosis.failed
    assert failed is not None
    assert (failed.id.value, failed.code, failed.ms) == (phase.value, Code.TCP_TIMEOUT, 250.0)
    place = diagnosis.rungs.index(failed)
    assert {one.status for one in diagnosis.rungs[:place]} == {RungStatus.PASS}
    assert {one.status for one in diagnosis.rungs[place + 1 :]} == {RungStatus.SKIP}
    assert {one.summary for one in diagnosis.rungs[place + 1 :]} == {"not reached"}
    assert diagnosis.verdict == "failed"
    assert failed.advice
    assert failed.error is not None
    assert failed.error.host == "web-1"


async def test_a_failure_at_the_jump_host_names_it() -> None:
    diagnosis = await failing(Phase.AUTH, AuthError(Code.AUTH_DENIED), host="db-2", at="bastion")
    assert diagnosis.failed is not None
    assert diagnosis.failed.hop == "bastion"
    assert diagnosis.failed.error is not None
    assert (diagnosis.failed.error.host, diagnosis.failed.error.hop) == ("db-2", "bastion")
    assert rung(diagnosis, RungId.TCP, "db-2").status is RungStatus.SKIP


async def test_an_attempt_is_made_exactly_once() -> None:
    connector = ScriptedConnector(ScriptedLink(), fails=("web-1", Phase.TCP, ConnectError(Code.TCP_REFUSED)))
    await diagnostics(connector=connector).diagnose("web-1")
    assert connector.attempts == 1


async def test_an_unknown_host_fails_at_config_with_names_that_are_near() -> None:
    diagnosis = await diagnose(host="wbe-1")
    assert diagnosis.failed is not None
    assert (diagnosis.failed.id, diagnosis.code) == (RungId.CONFIG, Code.HOST_UNKNOWN)
    assert diagnosis.failed.advice[0].command == "fairlead diagnose web-1"
    assert len(diagnosis.rungs) == len(RungId)


async def test_an_error_without_a_phase_falls_on_the_first_rung_without_a_verdict() -> None:
    class Abrupt(ScriptedConnector):
        async def connect(self, *_: object, **__: object) -> ScriptedLink:
            raise ConfigError(Code.ROUTE_UNSUPPORTED, evidence={"route": "ProxyCommand"})

    diagnosis = await diagnostics(connector=Abrupt(ScriptedLink())).diagnose("web-1")
    assert diagnosis.failed is not None
    assert (diagnosis.failed.id, diagnosis.code) == (RungId.NAME, Code.ROUTE_UNSUPPORTED)


async def test_a_bug_of_ours_is_told_as_one() -> None:
    class Broken(ScriptedConnector):
        async def connect(self, *_: object, **__: object) -> ScriptedLink:
            raise ZeroDivisionError

    diagnosis = await diagnostics(connector=Broken(ScriptedLink())).diagnose("web-1")
    assert diagnosis.code is Code.INTERNAL


async def test_a_failure_that_cannot_be_explained_further_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("backend.diagnostics.climb.explain_around", broken)
    error = ConnectError(Code.TCP_REFUSED, evidence={"port": "22"})
    refused = ScriptedConnector(ScriptedLink(), fails=("web-1", Phase.TCP, error))
    diagnosis = await diagnostics(connector=refused).diagnose("web-1")
    assert diagnosis.failed is not None
    assert (diagnosis.failed.code, diagnosis.failed.evidence["port"]) == (Code.TCP_REFUSED, "22")
    assert "could not be explained" in caplog.text


# --- session -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "noise"),
    [(b"Welcome!\n", b"", "Welcome!"), (b"", b"bye\n", "bye"), (b"\x1b[2Jhi\n", b"", "�[2Jhi")],
)
async def test_login_files_that_print_are_a_warning_with_their_words(before: bytes, after: bytes, noise: str) -> None:
    diagnosis = await diagnose(saying(before, after))
    session = rung(diagnosis, RungId.SESSION)
    assert (session.status, session.code) == (RungStatus.WARN, Code.SHELL_NOISE)
    assert session.evidence["noise"] == noise
    assert rung(diagnosis, RungId.FILES).status is RungStatus.PASS
    assert (diagnosis.verdict, diagnosis.code, diagnosis.to_json()["failed_rung"]) == ("warn", Code.SHELL_NOISE, None)


async def test_where_login_files_break_sftp_that_is_the_cause() -> None:
    link = saying(b"Welcome!\n")
    link.files = SessionError(Code.SFTP_UNAVAILABLE)
    diagnosis = await diagnose(link)
    assert diagnosis.failed is not None
    assert (diagnosis.failed.id, diagnosis.failed.code) == (RungId.FILES, Code.SHELL_NOISE)
    assert "Welcome!" in diagnosis.failed.advice[0].text


async def test_an_account_without_a_shell_is_refused_with_its_own_words() -> None:
    link = ScriptedLink(lambda _: ScriptedProcess().say(b"This account is currently not available.\n").end(1))
    diagnosis = await diagnose(link)
    assert diagnosis.failed is not None
    assert (diagnosis.failed.id, diagnosis.failed.code) == (RungId.SESSION, Code.SESSION_REFUSED)
    assert diagnosis.failed.evidence["answer"] == "This account is currently not available."
    assert diagnosis.failed.evidence["ended"] == "ended with status 1"
    assert rung(diagnosis, RungId.FILES).status is RungStatus.SKIP
    assert link.was_closed


async def test_an_account_for_files_only_is_a_warning_and_its_files_are_looked_at() -> None:
    link = ScriptedLink(lambda _: ScriptedProcess().say(b"This service allows sftp connections only.\n").end(1))
    diagnosis = await diagnose(link)
    assert rung(diagnosis, RungId.SESSION).status is RungStatus.WARN
    assert rung(diagnosis, RungId.FILES).status is RungStatus.PASS
    assert diagnosis.code is Code.SESSION_REFUSED


async def test_a_shell_that_never_answers_is_given_up_and_closed() -> None:
    link = ScriptedLink(lambda _: ScriptedProcess().say(b"one moment\n"))
    diagnosis = await diagnose(link)
    assert diagnosis.code is Code.SESSION_REFUSED
    assert rung(diagnosis, RungId.SESSION).ms == pytest.approx(20_000)
    assert "no answer within 20 s" in rung(diagnosis, RungId.SESSION).summary
    assert link.processes[0].closed


async def test_a_shell_that_prints_without_end_is_not_listened_to_for_ever() -> None:
    def endless(_: bytes) -> ScriptedProcess:
        process = ScriptedProcess()
        for _number in range(100):
            process.say(b"y\n" * 4096)
        return process

    diagnosis = await diagnose(ScriptedLink(endless))
    assert diagnosis.code is Code.SESSION_REFUSED
    assert len(rung(diagnosis, RungId.SESSION).evidence["answer"]) <= 201


async def test_what_goes_to_stderr_harms_nobody_and_is_shown() -> None:
    grumble = b"setlocale: cannot change\n"
    link = ScriptedLink(lambda c: ScriptedProcess().say(grumble, StdStream.ERR).say(c[5:] + b"\n").end(0))
    diagnosis = await diagnose(link)
    assert diagnosis.verdict == "ok"
    assert rung(diagnosis, RungId.SESSION).evidence["stderr"] == "setlocale: cannot change"


async def test_a_link_lost_on_the_way_fails_the_rung_it_was_on() -> None:
    diagnosis = await diagnose(ScriptedLink(lambda _: ScriptedProcess().lose()))
    assert diagnosis.failed is not None
    assert (diagnosis.failed.id, diagnosis.code) == (RungId.SESSION, Code.CONNECTION_LOST)


# --- files and performance ---------------------------------------------------------------------------------------


async def test_a_server_without_sftp_fails_at_files() -> None:
    link = ScriptedLink(echo, files=SessionError(Code.SFTP_UNAVAILABLE))
    diagnosis = await diagnose(link)
    assert diagnosis.failed is not None
    assert (diagnosis.failed.id, diagnosis.code) == (RungId.FILES, Code.SFTP_UNAVAILABLE)
    assert "Subsystem sftp internal-sftp" in diagnosis.failed.advice[0].text


async def test_a_full_disk_is_a_warning() -> None:
    diagnosis = await diagnose(ScriptedLink(echo, files=ScriptedFiles(space=Space(10**9, 0))))
    assert (diagnosis.verdict, diagnosis.code) == ("warn", Code.DISK_FULL)


async def test_a_server_that_does_not_tell_its_room_is_fine() -> None:
    files = ScriptedFiles(home=b"/home/\xff\x1b[31m")
    diagnosis = await diagnose(ScriptedLink(echo, files=files))
    assert rung(diagnosis, RungId.FILES).evidence["home"] == "/home/\\xff�[31m"
    assert files.closed


@pytest.mark.parametrize(("pings", "verdict"), [((0.1, 0.2, 9.0), "ok"), ((0.5, 0.1, 0.6), "warn")])
async def test_the_middle_one_of_three_round_trips_decides(pings: tuple[float, ...], verdict: str) -> None:
    diagnosis = await diagnose(ScriptedLink(echo, pings=pings))
    assert diagnosis.verdict == verdict
    assert diagnosis.code is (Code.SLOW_LINK if verdict == "warn" else None)
    speed = rung(diagnosis, RungId.PERFORMANCE)
    assert speed.evidence["handshake_ms"] == "name 4 tcp 4 banner 4 kex 4 host_key 4 auth 4"


async def test_a_link_that_falls_silent_is_told_as_lost() -> None:
    class Silent(ScriptedLink):
        async def ping(self) -> float:
            await asyncio.Event().wait()
            raise AssertionError

    diagnosis = await diagnose(Silent(echo))
    assert (diagnosis.code, rung(diagnosis, RungId.PERFORMANCE).evidence["seconds"]) == (Code.KEEPALIVE_LOST, "20")


# --- ending early --------------------------------------------------------------------------------------------------


async def test_closing_the_iterator_while_connecting_stops_the_attempt() -> None:
    connector = ScriptedConnector(ScriptedLink(), waits=("web-1", Phase.KEX))
    async with aclosing(diagnostics(connector=connector).climb("web-1")) as climb:
        async for one in climb:
            if one.id is RungId.KEX:
                break
    assert connector.cancelled


@pytest.mark.parametrize("at", [RungId.SESSION, RungId.FILES, RungId.PERFORMANCE])
async def test_closing_the_iterator_later_closes_what_was_opened(at: RungId) -> None:
    link = ScriptedLink(echo)
    async with aclosing(diagnostics(link).climb("web-1")) as climb:
        async for one in climb:
            if one.id is at:
                break
    assert link.was_closed
    assert all(process.closed for process in link.processes)


async def test_cancelling_a_diagnosis_stops_the_attempt() -> None:
    connector = ScriptedConnector(ScriptedLink(), waits=("web-1", Phase.TCP))
    task = asyncio.create_task(diagnostics(connector=connector).diagnose("web-1"))
    await connector.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert connector.cancelled


async def test_the_link_is_closed_even_when_it_is_lost() -> None:
    class Lossy(ScriptedLink):
        async def ping(self) -> float:
            raise LinkLost(Code.KEEPALIVE_LOST)

    link = Lossy(echo)
    diagnosis = await diagnose(link)
    assert (diagnosis.code, link.was_closed) == (Code.KEEPALIVE_LOST, True)


# --- as JSON -------------------------------------------------------------------------------------------------------


async def test_the_json_has_the_documented_form() -> None:
    told = (await failing(Phase.TCP, ConnectError(Code.TCP_REFUSED, evidence={"address": "a", "port": 2}))).to_json()
    assert list(told) == ["host", "verdict", "failed_rung", "code", "rungs"]
    assert (told["host"], told["verdict"], told["failed_rung"], told["code"]) == (
        "web-1",
        "failed",
        "tcp",
        "TCP_REFUSED",
    )
    assert {frozenset(one) for one in told["rungs"]} == {
        frozenset({"id", "hop", "status", "code", "summary", "ms", "evidence", "advice"})
    }
    failed = next(one for one in told["rungs"] if one["status"] == "fail")
    assert failed["evidence"]["port"] == "2"
    assert set(failed["advice"][0]) == {"text", "command"}


async def test_the_json_of_a_healthy_host_has_no_code() -> None:
    told = (await diagnose()).to_json()
    assert (told["verdict"], told["failed_rung"], told["code"]) == ("ok", None, None)
