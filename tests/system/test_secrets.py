"""Secrets that a person types are found nowhere: log, state, screen, process list, environment, reprs in memory.

A password, a one-time code and a key's passphrase are planted; every place is searched while the program runs and after
it has ended, in plain and in the usual encodings.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.commands.executor import CommandService
from backend.connection.ssh.connector import SshConnector
from backend.connection.target import Hop, KnownHostsFiles, Target
from backend.connection.vault import Secret, Vault
from cli.main import run as main
from mocks.host import Question, SimulatedHost, User
from mocks.server import HostServer
from tests.support.on_terminal import OnTerminal, on_terminal
from tests.support.openssh import make_key, throw_away_user
from tests.support.person import Person
from tests.support.program import Program
from tests.support.sudoers import sudoer

PASSWORD, CODE, PASSPHRASE = "pw-Kx7vQ2mZ", "735192640817", "phrase-Wd9rT4bL"
PLANTED = (PASSWORD, CODE, PASSPHRASE)


def _forms(secret: str) -> tuple[bytes, ...]:
    """A secret as it may turn up: plain, hexadecimal, wide characters, and in any alignment of base64."""
    raw = secret.encode()
    aligned = [base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4] for shift in range(3)]
    return (raw, raw.hex().encode(), secret.encode("utf-16-le"), *aligned)


def _found(content: bytes) -> list[str]:
    return [secret for secret in PLANTED for form in _forms(secret) if form in content]


def test_the_search_would_find_a_secret() -> None:
    for secret in PLANTED:
        for content in (
            secret,
            f"x{secret}y",
            secret.encode().hex(),
            base64.b64encode(f"ab{secret}".encode()).decode(),
        ):
            assert _found(content.encode()) == [secret]
    assert _found(b"nothing of the kind") == []


def _files_with_secrets(root: Path) -> dict[str, list[str]]:
    """Files under `root` that hold one, names included."""
    found = {}
    for path in root.rglob("*"):
        content = os.fsencode(path) + (path.read_bytes() if path.is_file() else b"")
        if planted := _found(content):
            found[str(path)] = planted
    return found


def _children(pid: int) -> Iterator[int]:
    yield pid
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in listed.read_text().split():
            yield from _children(int(child))


def _in_process_list(pid: int) -> dict[str, list[str]]:
    """What anybody on this machine can see of the program and of what it started."""
    found = {}
    for each in _children(pid):
        for place in ("cmdline", "environ", "comm"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if planted := _found(Path(f"/proc/{each}/{place}").read_bytes()):
                    found[f"{each}/{place}"] = planted
    return found


@dataclass(frozen=True)
class Lab:
    """A host that asks for everything, and the program at its highest verbosity."""

    server: HostServer
    program: Program
    flags: tuple[str, ...]
    log: Path
    key: Path


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    home = tmp_path / "home"
    home.mkdir()
    key = make_key(tmp_path / "key", passphrase=PASSPHRASE)
    public = key.with_name("key.pub").read_text().strip()
    host = SimulatedHost(
        "vault-1",
        users=(
            User("asked", 1001, challenge=((Question("Password: ", PASSWORD), Question("Code: ", CODE)),)),
            User("simple", 1002, password=PASSWORD),
            User("keyed", 1003, keys=(public,)),
        ),
    )
    async with HostServer(host) as server:
        known = tmp_path / "known_hosts"
        known.write_text(f"[127.0.0.1]:{server.port} {host.host_key.public_line}\n")
        log = tmp_path / "log"
        flags = ("-vvv", "--log-file", str(log), "--known-hosts", str(known), "-p", str(server.port), "-F", "/dev/null")
        yield Lab(server, Program(home), flags, log, key)


async def _logged_in(terminal: OnTerminal) -> None:
    """Look at the process list while the command runs, then let it end."""
    await terminal.expect("logged in")
    assert _in_process_list(terminal.process.pid) == {}
    terminal.type("\r")
    assert await terminal.status() == 0


def _assert_nowhere(lab: Lab, tmp_path: Path, seen: str) -> None:
    assert lab.log.stat().st_size > 0
    assert _files_with_secrets(tmp_path) == {}
    assert _found(seen.encode()) == []


COMMAND = ("--", "echo logged in; head -n 1")


async def test_a_password_and_a_one_time_code(lab: Lab, tmp_path: Path) -> None:
    async with on_terminal(lab.program, *lab.flags, "run", "--pty", "asked@127.0.0.1", *COMMAND) as terminal:
        await terminal.expect("127.0.0.1 asks")
        await terminal.expect("Password: ")
        terminal.type(f"{PASSWORD}\n")
        await terminal.expect("Code: ")
        assert _in_process_list(terminal.process.pid) == {}
        terminal.type(f"{CODE}\n")
        await _logged_in(terminal)
        _assert_nowhere(lab, tmp_path, terminal.seen)


async def test_a_passphrase(lab: Lab, tmp_path: Path) -> None:
    flags = (*lab.flags, "-i", str(lab.key))
    async with on_terminal(lab.program, *flags, "run", "--pty", "keyed@127.0.0.1", *COMMAND) as terminal:
        await terminal.expect("Passphrase of the key")
        terminal.type(f"{PASSPHRASE}\n")
        await _logged_in(terminal)
        _assert_nowhere(lab, tmp_path, terminal.seen)


async def test_answers_that_are_refused(lab: Lab, tmp_path: Path) -> None:
    async with on_terminal(lab.program, *lab.flags, "run", "asked@127.0.0.1", "--", "true") as terminal:
        await terminal.expect("Password: ")
        terminal.type(f"{CODE}\n")
        await terminal.expect("Code: ")
        terminal.type(f"{PASSWORD}\n")
        await terminal.expect("127.0.0.1 asks")
        terminal.type("\x04")
        assert await terminal.status() == 255
        _assert_nowhere(lab, tmp_path, terminal.seen)


async def test_a_password_on_stdin(lab: Lab, tmp_path: Path) -> None:
    process = await lab.program.start(
        *lab.flags, "--batch", "--password-stdin", "run", "simple@127.0.0.1", *COMMAND, piped=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{PASSWORD}\n".encode())
    assert await process.stdout.readline() == b"logged in\n"
    assert _in_process_list(process.pid) == {}
    out, err = await process.communicate(b"")
    assert process.returncode == 0
    _assert_nowhere(lab, tmp_path, (out + err).decode())


async def test_a_transfer_s_journal(lab: Lab, tmp_path: Path) -> None:
    flags = (*lab.flags, "--batch", "--password-stdin")
    process = await lab.program.start(*flags, "put", str(lab.key), "simple@127.0.0.1:copied", piped=True)
    out, err = await process.communicate(f"{PASSWORD}\n".encode())
    assert (lab.program.home / "state" / "fairlead.db").exists()
    _assert_nowhere(lab, tmp_path, (out + err).decode())


def _on_this_machine() -> dict[str, list[str]]:
    """What anybody can see of all processes, of the host's as well."""
    found: dict[str, list[str]] = {}
    for each in Path("/proc").glob("[0-9]*"):
        for place in ("cmdline", "environ", "comm"):
            with contextlib.suppress(OSError):
                if planted := _found((each / place).read_bytes()):
                    found[f"{each}/{place}"] = planted
    return found


@dataclass(frozen=True)
class Elevated:
    """A real host with sudo and su, and the program at its highest verbosity."""

    program: Program
    flags: tuple[str, ...]
    log: Path
    other: str
    """An account whose password is PASSPHRASE; sudo asks for PASSWORD."""


@pytest.fixture
def elevated(tmp_path: Path) -> Iterator[Elevated]:
    rule = "{user} ALL=(ALL) ALL"
    with (
        sudoer(tmp_path, rule, password=PASSWORD) as where,
        throw_away_user(tmp_path / "other", password=PASSPHRASE) as other,
    ):
        hop, log = where.host, tmp_path / "log"
        (known,) = hop.known_hosts.user
        flags = (
            *("-vvv", "--log-file", str(log), "--known-hosts", str(known), "-F", "/dev/null"),
            *("-p", str(hop.port), "-i", str(hop.identity_files[0]), "-l", hop.user),
        )
        yield Elevated(Program(tmp_path / "here"), flags, log, other)


@pytest.mark.sshd
@pytest.mark.parametrize("how", [("--sudo",), ("--sudo", "--pty"), ("--su",), ("--su", "--pty")], ids=" ".join)
async def test_the_password_for_another_user(elevated: Elevated, tmp_path: Path, how: tuple[str, ...]) -> None:
    asks, secret = ("sudo on", PASSWORD) if "--sudo" in how else ("su on", PASSPHRASE)
    as_other = ("--as", elevated.other) if "--su" in how else ()
    elevated.program.home.mkdir()
    go_on = tmp_path / "home" / "go-on"
    command = f"echo logged in; until test -e {go_on}; do sleep 0.05; done"
    call = (*elevated.flags, "run", *how, *as_other, "127.0.0.1", "--", command)
    async with on_terminal(elevated.program, *call) as terminal:
        await terminal.expect(asks)
        terminal.type(f"{secret}\n")
        await terminal.expect("logged in")
        assert _on_this_machine() == {}
        go_on.touch()
        assert await terminal.status() == 0
        assert elevated.log.stat().st_size > 0
        assert _files_with_secrets(tmp_path) == {}
        assert _found(terminal.seen.encode()) == []


@pytest.mark.sshd
async def test_a_password_that_sudo_refuses(elevated: Elevated, tmp_path: Path) -> None:
    elevated.program.home.mkdir()
    async with on_terminal(elevated.program, *elevated.flags, "run", "--sudo", "127.0.0.1", "--", "true") as terminal:
        await terminal.expect("sudo on")
        terminal.type(f"{PASSPHRASE}\n")
        await terminal.expect("sudo on")
        terminal.type("\x04")
        assert await terminal.status() == 4
        assert _files_with_secrets(tmp_path) == {}
        assert _found(terminal.seen.encode()) == []


async def test_nothing_that_lives_in_memory_shows_it(lab: Lab) -> None:
    hop = Hop(
        name="vault-1",
        address="127.0.0.1",
        port=lab.server.port,
        user="asked",
        known_hosts=KnownHostsFiles(user=(lab.log.with_name("known_hosts"),)),
    )
    vault = Vault()
    vault.put("vault-1", "planted", Secret(PASSPHRASE))
    person = Person(answers=[[PASSWORD, CODE]])
    link = await SshConnector(vault=vault, clock=SystemClock()).connect(Target("vault-1", (hop,)), person)
    try:
        ours = [
            each
            for each in gc.get_objects()
            if str(type(each).__module__).startswith(("backend.", "cli.", "asyncssh."))  # some types have no text there
        ]
        assert any(isinstance(each, Secret | Vault) for each in [*ours, vault])
        for each in ours:
            with contextlib.suppress(Exception):  # some of asyncssh's cannot be shown at all
                assert _found(f"{each!r} {each}".encode()) == [], type(each)
    finally:
        await link.close()


def test_a_fault_of_our_own_while_secrets_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def faulty(service: CommandService, *_: object) -> None:
        vault: Vault = service._sessions._vault
        vault.put("web-1", "planted", Secret(PASSWORD))
        raise RuntimeError(f"cannot use {PASSWORD}")

    monkeypatch.setattr(CommandService, "start", faulty)
    log = tmp_path / "log"
    assert main(["--demo", "--batch", "-vvv", "--log-file", str(log), "run", "web-1", "--", "true"]) == 70
    out, err = capfd.readouterr()
    assert _found((out + err).encode() + log.read_bytes()) == []
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert any("RuntimeError" in record.get("exception", "") for record in records)
