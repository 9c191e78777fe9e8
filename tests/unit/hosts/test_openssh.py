"""Asking the OpenSSH client: what is passed, what is understood, and what happens when it complains or hangs."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from backend.errors import Code, ConfigError
from backend.hosts.names import Spec
from backend.hosts.openssh import OpenSsh, complaint, read_options
from tests.support.waiting import until

SSH = shutil.which("ssh")
real = pytest.mark.skipif(SSH is None, reason="no OpenSSH client on this machine")


def fake_ssh(directory: Path, script: str) -> OpenSsh:
    """An `ssh` of our own, so that the real subprocess code runs."""
    program = directory / "ssh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return OpenSsh(str(program), directory / "config", directory, {})


def real_ssh(directory: Path, config: str) -> OpenSsh:
    (directory / "config").write_text(config)
    return OpenSsh(SSH or "ssh", directory / "config", directory, {})


async def test_user_port_and_jump_are_passed_and_the_name_can_be_no_option(tmp_path: Path) -> None:
    ssh = fake_ssh(tmp_path, 'printf "arguments %s\\n" "$*"')
    said = await ssh.options(Spec("web-1", "deploy", 2222), "bastion")
    assert said["arguments"] == (f"-T -G -F {tmp_path}/config -l deploy -p 2222 -J bastion -- web-1",)


async def test_nothing_is_passed_that_was_not_asked_for(tmp_path: Path) -> None:
    ssh = OpenSsh(fake_ssh(tmp_path, 'printf "arguments %s\\n" "$*"').program, None, tmp_path, {})
    assert (await ssh.options(Spec("web-1"), None))["arguments"] == ("-T -G -- web-1",)


async def test_an_unconfigured_host_is_asked_about_once(tmp_path: Path) -> None:
    ssh = fake_ssh(tmp_path, f'echo x >> {tmp_path}/asked; echo "arguments $*"')
    first, second = await ssh.unconfigured(), await ssh.unconfigured()
    assert first == second
    assert "-F none" in first["arguments"][0]
    assert (tmp_path / "asked").read_text() == "x\n"


def test_values_are_read_by_keyword_and_repeated_ones_add_up() -> None:
    output = b"user deploy\nIdentityFile ~/one\nidentityfile ~/two words\nproxycommand nc %h %p\nempty\n"
    assert read_options(output) == {
        "user": ("deploy",),
        "identityfile": ("~/one", "~/two words"),
        "proxycommand": ("nc %h %p",),
        "empty": ("",),
    }


@pytest.mark.parametrize(
    ("stderr", "problem", "line"),
    [
        (b"/h/c: line 3: Bad configuration option: foo\n/h/c: terminating, 1 bad\n", "/h/c:3: Bad configuration", "3"),
        (b"/h/c line 5: Bad port 'x'.\n", "/h/c:5: Bad port 'x'.", "5"),
        (b"Bad owner or permissions on /h/c\n", "Bad owner or permissions on /h/c", None),
        (b"", "without a word", None),
        (b"\x1b[31m/h/c line 5: \xff\x07\n", "line 5", None),
    ],
)
def test_a_complaint_becomes_an_error_with_file_and_line(stderr: bytes, problem: str, line: str | None) -> None:
    error = complaint(stderr)
    assert error.code is Code.CONFIG_INVALID
    assert problem in error.message or line is None
    assert error.evidence.get("line") == line or line is None
    assert error.message.isprintable()
    assert error.advice


async def test_a_failing_ssh_is_an_error(tmp_path: Path) -> None:
    ssh = fake_ssh(tmp_path, "echo 'config line 2: Bad thing' >&2; exit 255")
    with pytest.raises(ConfigError) as raised:
        await ssh.options(Spec("web-1"), None)
    assert raised.value.evidence["line"] == "2"


async def test_an_ssh_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be started"):
        await OpenSsh(str(tmp_path / "nowhere"), None, tmp_path, {}).options(Spec("web-1"), None)


async def test_an_ssh_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    ssh = fake_ssh(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; wait")
    ssh.time_limit = 0.5
    with pytest.raises(ConfigError, match="Match exec"):
        await ssh.options(Spec("web-1"), None)
    child = int((tmp_path / "child").read_text())
    await until(lambda: not is_running(child))


async def test_cancelling_ends_the_ssh_that_was_asked(tmp_path: Path) -> None:
    ssh = fake_ssh(tmp_path, f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 600")
    asked = asyncio.create_task(ssh.options(Spec("web-1"), None))
    async with asyncio.timeout(10):
        while not (tmp_path / "pid").exists():
            await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    pid = int((tmp_path / "pid").read_text())
    await until(lambda: not is_running(pid))


def is_running(pid: int) -> bool:
    """Whether a process lives; one that has ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


@real
async def test_the_real_client_answers_with_what_the_file_says(tmp_path: Path) -> None:
    ssh = real_ssh(tmp_path, "Host web-1\n  HostName 192.0.2.7\n  User deploy # really\n  ServerAliveInterval 1m\n")
    said = await ssh.options(Spec("web-1"), None)
    assert (said["hostname"], said["user"], said["port"]) == (("192.0.2.7",), ("deploy",), ("22",))
    assert said["serveraliveinterval"] == ("60",)


@real
async def test_the_real_client_names_file_and_line_of_a_mistake(tmp_path: Path) -> None:
    ssh = real_ssh(tmp_path, "Host web-1\n  Prot 22\n")
    with pytest.raises(ConfigError) as raised:
        await ssh.options(Spec("web-1"), None)
    assert raised.value.evidence["file"] == str(tmp_path / "config")
    assert raised.value.evidence["line"] == "2"
    assert "prot" in raised.value.message.lower()


@real
async def test_the_real_client_tells_every_mistake_with_the_keyword_that_was_meant(tmp_path: Path) -> None:
    ssh = real_ssh(tmp_path, "Host a\n  Prot 22\nHost b\n  Port abc\n")
    first, second = await ssh.mistakes()
    assert (first.file, first.line, first.key, first.nearest) == (tmp_path / "config", 2, "prot", "port")
    assert "did you mean port?" in first.message
    assert (second.line, second.nearest) == (4, None) and "abc" in second.message


@real
async def test_files_without_a_mistake_have_none(tmp_path: Path) -> None:
    ssh = real_ssh(tmp_path, "CanonicalizeHostname yes\nCanonicalizeFallbackLocal no\nCanonicalDomains a.invalid\n")
    assert await ssh.mistakes() == ()


async def test_a_complaint_that_names_no_line_is_about_the_file(tmp_path: Path) -> None:
    ssh = fake_ssh(
        tmp_path, 'case "$*" in *none*) exit 0;; esac; echo "Bad owner or permissions on config" >&2; exit 255'
    )
    (only,) = await ssh.mistakes()
    assert (only.file, only.line, only.message) == (tmp_path / "config", None, "Bad owner or permissions on config")


async def test_the_advice_asks_ssh_about_the_same_host_and_file(tmp_path: Path) -> None:
    ssh = fake_ssh(tmp_path, "echo 'config line 2: Bad thing' >&2; exit 255")
    with pytest.raises(ConfigError) as raised:
        await ssh.options(Spec("web-1"), None)
    assert raised.value.advice[0].command == f"ssh -F {tmp_path}/config -G web-1"


@real
async def test_the_real_client_lists_the_names_of_the_file_it_uses(tmp_path: Path) -> None:
    ssh = real_ssh(tmp_path, "Host web-1 *.lab\n")
    assert [entry.name for entry in await ssh.entries()] == ["web-1"]
