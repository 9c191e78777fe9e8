"""Client → bastion → bastion → host, in network namespaces: every service works through it, and each failure has its
place. Every machine has its own user, key kind and host key kind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from backend.commands.values import CommandSpec
from backend.connection.connector import Chunk, PtyRequest, StdStream
from backend.connection.interaction import SecretKind
from backend.connection.state import SessionState
from backend.diagnostics.rungs import RungStatus
from backend.errors import AuthError, Code
from backend.files.model import Direction, TransferRequest, TransferState
from tests.support.chain import NAMES, PASSPHRASE, PASSWORD, Chain, chain
from tests.support.desk import Desk, desk_at
from tests.support.netns import BACK, END, FIRST, FORTH, SECOND, entered, lead_astray, run_in, set_link, wait_for_port
from tests.support.openssh import make_key, sshd
from tests.support.person import Person
from tests.support.program import Program, Ran
from tests.support.waiting import until

pytestmark = [pytest.mark.netns, pytest.mark.sshd]

S = SessionState


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with chain(tmp_path_factory.mktemp("chain")) as made:
        yield made


# --- every service -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def desk_behind(lab: Chain, tmp_path: Path, person: Person) -> AsyncIterator[Desk]:
    """The services, in the client's network."""
    config = lab.with_secrets(tmp_path / "config")
    with entered(lab.net.client):
        async with desk_at("end", config, tmp_path / "state", person) as made:
            yield made


@pytest.fixture
async def desk(lab: Chain, tmp_path: Path) -> AsyncIterator[Desk]:
    person = Person(passphrases=[PASSPHRASE], passwords=[PASSWORD])
    async with desk_behind(lab, tmp_path, person) as made:
        yield made
        asked = [(request.host, request.kind, request.is_target) for request in person.secrets]
        assert asked == [("alpha", SecretKind.PASSPHRASE, False), ("beta", SecretKind.PASSWORD, False)]


async def test_a_command_has_both_streams_and_its_status(desk: Desk, lab: Chain) -> None:
    streams: dict[StdStream, bytes] = {StdStream.OUT: b"", StdStream.ERR: b""}

    def take(chunk: Chunk) -> None:
        streams[chunk.stream] += chunk.data

    ended = await desk.run(CommandSpec(b"id -un; cat; echo aside >&2; exit 7", stdin=b"from here\n"), take)
    assert ended.exit is not None
    assert ended.exit.status == 7
    assert streams == {StdStream.OUT: f"{lab['end'].user}\nfrom here\n".encode(), StdStream.ERR: b"aside\n"}
    facts = desk.session.facts
    assert facts is not None
    assert (facts.route, facts.user, facts.auth_method) == (("alpha", "beta"), lab["end"].user, "publickey")


async def test_a_terminal_is_one(desk: Desk) -> None:
    shown = bytearray()
    spec = CommandSpec(b"tty >/dev/null && stty size && echo $TERM", pty=PtyRequest("vt220"))
    ended = await desk.run(spec, lambda chunk: shown.extend(chunk.data))
    assert ended.succeeded
    assert bytes(shown).replace(b"\r", b"") == b"24 80\nvt220\n"


async def test_a_shell_takes_what_is_typed(desk: Desk) -> None:
    link = await desk.session.link()
    async with await link.open_process(None, pty=PtyRequest()) as shell:
        await shell.write(b"echo $((6*7)); exit 3\n")
        shown = b"".join([chunk.data async for chunk in shell.output()])
        assert b"42" in shown
        assert (await shell.wait()).status == 3


async def test_files_are_listed_sent_fetched_and_compared(desk: Desk, lab: Chain, tmp_path: Path) -> None:
    source, back = tmp_path / "letter", tmp_path / "back"
    source.write_bytes(Random(1).randbytes(3_000_000))
    put = TransferRequest(Direction.PUT, "end", (str(source),), "letter")
    get = TransferRequest(Direction.GET, "end", ("letter",), str(back))
    for request in (put, get):
        outcome = await desk.copy(request).wait()
        assert (outcome.error, outcome.progress.verified) == (None, 1)
    assert back.read_bytes() == source.read_bytes() == (lab["end"].home / "letter").read_bytes()
    there = desk.services.files.on("end")
    names = [entry.name async for batch in there.list(await there.home()) for entry in batch]
    assert b"letter" in names


async def test_the_whole_chain_answers_questions_and_keepalives(desk: Desk) -> None:
    session = desk.session
    link = await session.link()
    assert 0 < await link.ping() < 5
    await until(lambda: len(session.latencies) > 2)
    assert session.state is S.READY


async def test_a_stream_is_opened_from_the_far_end(desk: Desk, lab: Chain) -> None:
    link = await desk.session.link()
    stream = await link.open_stream(END, lab["end"].server.port)
    assert (await stream.read(8)).startswith(b"SSH-2.0-")
    await stream.close()


async def test_the_ladder_tells_every_rung_of_every_hop(desk: Desk) -> None:
    diagnosis = await desk.services.diagnostics.diagnose("end")
    assert [rung for rung in diagnosis.rungs if rung.status not in (RungStatus.PASS, RungStatus.SKIP)] == []
    for rung in ("tcp", "banner", "kex", "host_key", "auth"):
        assert [each.hop for each in diagnosis.rungs if each.id == rung] == list(NAMES)
    kinds = [each.evidence["algorithm"] for each in diagnosis.rungs if each.id == "host_key"]
    assert kinds == ["ecdsa-sha2-nistp256", "ssh-rsa", "ssh-ed25519"]


async def test_a_cable_pulled_between_the_bastions_and_put_back(desk: Desk, lab: Chain, tmp_path: Path) -> None:
    """A copy goes on where it was, and nobody is asked anything again."""
    source = tmp_path / "model"
    source.write_bytes(Random(2).randbytes(8_000_000))
    request = TransferRequest(Direction.PUT, "end", (str(source),), "model", rate_limit=4_000_000)
    copying = desk.copy(request)
    try:
        await until(lambda: copying.progress.bytes_done > 2_000_000, seconds=20)
        set_link(lab["alpha"].namespace, FORTH, up=False)
        await until(lambda: S.RECONNECTING in desk.states, seconds=20)
        await until(lambda: copying.state is TransferState.RECONNECTING, seconds=20)
    finally:
        set_link(lab["alpha"].namespace, FORTH, up=True)
    outcome = await asyncio.wait_for(copying.wait(), 60)
    assert outcome.error is None
    assert (outcome.progress.verified, outcome.progress.restarts > 0) == (1, True)
    assert outcome.progress.sent_bytes < 1.5 * 8_000_000
    assert (lab["end"].home / "model").read_bytes() == source.read_bytes()
    assert (await desk.run(CommandSpec(b"true"))).succeeded


async def test_logins_that_beta_cuts_are_made_anew(desk: Desk, lab: Chain) -> None:
    session = desk.session
    first = await session.link()
    killed = lab["beta"].server.processes
    assert killed
    await asyncio.to_thread(_kill, killed)
    await until(lambda: S.RECONNECTING in desk.states, seconds=20)
    assert await asyncio.wait_for(session.link(), 30) is not first


def _kill(processes: list[int]) -> None:
    for each in processes:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


async def test_a_wrong_password_for_the_second_bastion_is_its_own(lab: Chain, tmp_path: Path) -> None:
    person = Person(passphrases=[PASSPHRASE], passwords=["wrong", PASSPHRASE, "no"])
    async with desk_behind(lab, tmp_path, person) as desk:
        with pytest.raises(AuthError) as caught:
            await desk.session.link()
    error = caught.value
    assert (error.code, error.host, error.hop) == (Code.AUTH_DENIED, "end", "beta")
    assert error.message.startswith("beta")


# --- each hop's failure, as the program tells it ------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the chain, and how it must be told."""

    code: str
    hop: str | None
    rung: str
    """Where the ladder stops."""
    rung_hop: str
    changes: Callable[[Chain, Path], Mapping[str, Mapping[str, str]]] = lambda lab, tmp: {}
    breaks: Callable[[Chain], None] | None = None
    mends: Callable[[Chain], None] | None = None


def _closed(name: str) -> Callable[[Chain, Path], Mapping[str, Mapping[str, str]]]:
    return lambda lab, tmp: {name: {"Port": "9"}}


def _wrong_key(name: str) -> Callable[[Chain, Path], Mapping[str, Mapping[str, str]]]:
    return lambda lab, tmp: {name: {"IdentityFile": str(make_key(tmp / "stranger"))}}


def _other_host_key(name: str) -> Callable[[Chain, Path], Mapping[str, Mapping[str, str]]]:
    def changed(lab: Chain, tmp: Path) -> Mapping[str, Mapping[str, str]]:
        other = " ".join(make_key(tmp / "other").with_name("other.pub").read_text().split()[:2])
        known, server = tmp / "known", lab[name].server
        known.write_text(f"[{server.address}]:{server.port} {other}\n")
        return {name: {"UserKnownHostsFile": str(known)}}

    return changed


def _no_host_key(name: str) -> Callable[[Chain, Path], Mapping[str, Mapping[str, str]]]:
    return lambda lab, tmp: {name: {"UserKnownHostsFile": str(tmp / "nothing-known")}}


def _pull_beta(lab: Chain) -> None:
    set_link(lab["beta"].namespace, BACK, up=False)


def _plug_beta_in(lab: Chain) -> None:
    set_link(lab["beta"].namespace, BACK, up=True)
    wait_for_port(lab["alpha"].namespace, SECOND, lab["beta"].server.port)


FAULTS = {
    "alpha-refuses": Fault("TCP_REFUSED", "alpha", "tcp", "alpha", _closed("alpha")),
    "black-hole-before-alpha": Fault(
        "TCP_TIMEOUT",
        "alpha",
        "tcp",
        "alpha",
        breaks=lambda lab: lead_astray(lab.net.client, FORTH, FIRST),
        mends=lambda lab: _forget_way(lab.net.client, FIRST),
    ),
    "alpha-wrong-key": Fault("AUTH_DENIED", "alpha", "auth", "alpha", _wrong_key("alpha")),
    "alpha-changed-host-key": Fault("HOST_KEY_CHANGED", "alpha", "host_key", "alpha", _other_host_key("alpha")),
    "alpha-unknown-host-key": Fault("HOST_KEY_UNKNOWN", "alpha", "host_key", "alpha", _no_host_key("alpha")),
    "beta-refuses": Fault("JUMP_FAILED", "alpha", "tcp", "beta", _closed("beta")),
    "beta-is-down": Fault("JUMP_FAILED", "alpha", "tcp", "beta", breaks=_pull_beta, mends=_plug_beta_in),
    "beta-wrong-key": Fault("AUTH_DENIED", "beta", "auth", "beta", _wrong_key("beta")),
    "beta-changed-host-key": Fault("HOST_KEY_CHANGED", "beta", "host_key", "beta", _other_host_key("beta")),
    "beta-unknown-host-key": Fault("HOST_KEY_UNKNOWN", "beta", "host_key", "beta", _no_host_key("beta")),
    "end-refuses": Fault("JUMP_FAILED", "beta", "tcp", "end", _closed("end")),
    "black-hole-behind-beta": Fault(
        "JUMP_FAILED",
        "beta",
        "tcp",
        "end",
        breaks=lambda lab: lead_astray(lab["beta"].namespace, FORTH, END),
        mends=lambda lab: _forget_way(lab["beta"].namespace, END),
    ),
    "end-wrong-key": Fault("AUTH_DENIED", None, "auth", "end", _wrong_key("end")),
    "end-changed-host-key": Fault("HOST_KEY_CHANGED", None, "host_key", "end", _other_host_key("end")),
    "end-unknown-host-key": Fault("HOST_KEY_UNKNOWN", None, "host_key", "end", _no_host_key("end")),
}


def _forget_way(namespace: str, address: str) -> None:
    subprocess.run(["ip", "-n", namespace, "neigh", "del", address, "dev", FORTH], check=True)


def _told(lab: Chain, tmp_path: Path, config: Path) -> tuple[Ran, Ran]:
    """What `run` and `diagnose` say."""
    home = tmp_path / "home"
    home.mkdir()
    program = Program(home, inside=run_in(lab.net.client))
    flags = ("-F", str(config), "--batch", "--json")
    return program.run(*flags, "run", "end", "--", "true"), program.run(*flags, "diagnose", "end")


def _check(lab: Chain, tmp_path: Path, config: Path, fault: Fault) -> None:
    ran, ladder = _told(lab, tmp_path, config)
    error = ran.json["error"]
    assert (ran.status, error["code"], error["host"], error["hop"]) == (255, fault.code, "end", fault.hop), error
    guilty = fault.hop or "end"
    assert guilty in error["message"] or lab[guilty].server.address in error["message"]
    assert (ladder.json["verdict"], ladder.json["code"]) == ("failed", fault.code)
    failed = [(rung["id"], rung["hop"]) for rung in ladder.json["rungs"] if rung["status"] == "fail"]
    assert failed == [(fault.rung, fault.rung_hop)]


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_with_a_hop_is_told_as_that_hops(lab: Chain, tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    config = lab.config(tmp_path / "config", **fault.changes(lab, tmp_path))
    if fault.breaks is not None:
        fault.breaks(lab)
    try:
        _check(lab, tmp_path, config, fault)
    finally:
        if fault.mends is not None:
            fault.mends(lab)


@pytest.mark.parametrize(("name", "next_hop"), [("alpha", "beta"), ("beta", "end")])
def test_a_bastion_that_may_not_forward_is_named(lab: Chain, tmp_path: Path, name: str, next_hop: str) -> None:
    station, address = lab[name], {"alpha": FIRST, "beta": SECOND}[name]
    with sshd(
        tmp_path / "closed",
        "AllowTcpForwarding no",
        address=address,
        host_keys=station.server.host_keys,
        inside=run_in(station.namespace),
    ) as closed:
        closed.authorize(station.key)
        user = {"User": closed.user, "Port": str(closed.port)}
        known = {"UserKnownHostsFile": str(closed.known_hosts(tmp_path / "known"))}
        config = lab.config(tmp_path / "config", **{name: {**user, **known}})
        _check(lab, tmp_path, config, Fault("FORWARD_PROHIBITED", name, "tcp", next_hop))


def test_all_is_well_without_a_fault(lab: Chain, tmp_path: Path) -> None:
    """What the table above changes is what makes the difference."""
    ran, ladder = _told(lab, tmp_path, lab.config(tmp_path / "config"))
    assert (ran.status, ladder.status, ladder.json["code"]) == (0, 0, None)
