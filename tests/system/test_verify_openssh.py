"""Verifying connections to OpenSSH: accounts of every kind, homes that are full or read-only, any login shell."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.connection.target import Hop
from backend.diagnostics.checker import Checker
from backend.diagnostics.checks import Check, CheckId, CheckStatus
from backend.diagnostics.explain import explain
from backend.errors import Code
from tests.support.connecting import connected
from tests.support.openssh import Sshd, make_key, sshd, target, throw_away_user
from tests.support.program import Program, ssh_config
from tests.support.scripted import ScriptedBook

pytestmark = [pytest.mark.sshd, pytest.mark.netns]

PASS, WARN, FAIL, SKIP = CheckStatus.PASS, CheckStatus.WARN, CheckStatus.FAIL, CheckStatus.SKIP
ALL = dict.fromkeys(CheckId, PASS)


@contextmanager
def account(
    directory: Path, *lines: str, shell: str = "/bin/sh", home: Path | None = None, sftp: bool = True
) -> Iterator[tuple[Sshd, Hop]]:
    """A server, and a hop to an account of its own with that login shell."""
    home = home or directory / "home"
    key = make_key(directory / "key")
    with throw_away_user(home, shell=shell) as user, sshd(directory / "sshd", *lines, defaults=sftp) as server:
        server.authorize(key)
        yield server, server.hop(keys=[key], known=server.known_hosts(directory / "known"), user=user)


async def verified(hop: Hop) -> dict[CheckId, Check]:
    explained = partial(explain, host=hop.name, hop=hop, book=ScriptedBook(target(hop)))
    async with connected(target(hop)) as link:
        checker = Checker(link, hop, "fairlead-0123456789abcdef", SystemClock(), explained)
        return {check.id: check async for check in checker.run()}


def statuses(checks: dict[CheckId, Check]) -> dict[CheckId, CheckStatus]:
    return {check_id: check.status for check_id, check in checks.items()}


@contextmanager
def small_home(path: Path, size: str) -> Iterator[Path]:
    """A file system of its own in memory."""
    path.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)], check=False)
    if mounted.returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh", "fish", "tcsh"])
async def test_any_login_shell_passes_everything(shell: str, tmp_path: Path) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    with account(tmp_path, shell=found) as (_, hop):
        checks = await verified(hop)
        left = [path.name for path in (tmp_path / "home").iterdir() if path.name.startswith(".fairlead")]
    assert statuses(checks) == {**ALL, CheckId.SPACE: checks[CheckId.SPACE].status}
    assert checks[CheckId.SHELL].evidence["shell"] == found
    assert abs(float(checks[CheckId.CLOCK].evidence["offset_seconds"])) < 1
    assert left == []


async def test_an_account_for_files_only_is_verified_as_far_as_it_goes(tmp_path: Path) -> None:
    with account(tmp_path, "ForceCommand internal-sftp") as (_, hop):
        checks = await verified(hop)
    skipped = {check_id for check_id, check in checks.items() if check.status is SKIP}
    assert skipped == {CheckId.EXEC, CheckId.SHELL, CheckId.MODULES}
    assert "files only" in checks[CheckId.EXEC].summary
    assert (checks[CheckId.HOME].status, checks[CheckId.WRITE].status) == (PASS, PASS)
    assert checks[CheckId.CLOCK].evidence["measured_by"] == "the time of a file that was written"
    assert abs(float(checks[CheckId.CLOCK].evidence["offset_seconds"])) < 2


async def test_an_account_without_a_shell_still_has_its_files(tmp_path: Path) -> None:
    with account(tmp_path, shell="/usr/sbin/nologin") as (_, hop):
        checks = await verified(hop)
    assert checks[CheckId.EXEC].status is SKIP
    assert "no shell" in checks[CheckId.EXEC].summary
    assert (checks[CheckId.SFTP].status, checks[CheckId.WRITE].status) == (PASS, PASS)


async def test_a_shell_that_ends_without_a_word_fails(tmp_path: Path) -> None:
    with account(tmp_path, shell="/bin/false") as (_, hop):
        checks = await verified(hop)
    assert (checks[CheckId.EXEC].status, checks[CheckId.EXEC].code) == (FAIL, Code.SESSION_REFUSED)
    assert checks[CheckId.WRITE].status is PASS


async def test_without_sftp_a_command_writes(tmp_path: Path) -> None:
    with account(tmp_path, sftp=False) as (_, hop):
        checks = await verified(hop)
    assert (checks[CheckId.SFTP].status, checks[CheckId.SFTP].code) == (FAIL, Code.SFTP_UNAVAILABLE)
    assert (checks[CheckId.WRITE].status, checks[CheckId.SPACE].status is FAIL) == (PASS, False)


async def test_a_full_home_is_told_as_full(tmp_path: Path) -> None:
    with small_home(tmp_path / "home", "64k") as home, account(tmp_path, home=home) as (_, hop):
        with (home / "fill").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            for _ in range(64):
                file.write(bytes(4096))
        checks = await verified(hop)
        left = [path.name for path in home.iterdir() if path.name.startswith(".fairlead")]
    assert (checks[CheckId.WRITE].status, checks[CheckId.WRITE].code) == (FAIL, Code.DISK_FULL)
    assert (checks[CheckId.SPACE].status, checks[CheckId.SPACE].code) == (FAIL, Code.DISK_FULL)
    assert left == []


async def test_a_read_only_home_cannot_be_written(tmp_path: Path) -> None:
    with small_home(tmp_path / "home", "1m") as home, account(tmp_path, home=home) as (_, hop):
        subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
        checks = await verified(hop)
    assert (checks[CheckId.HOME].status, checks[CheckId.WRITE].code) == (WARN, Code.READ_ONLY)
    assert checks[CheckId.WRITE].status is FAIL


async def test_a_home_that_is_missing_is_told(tmp_path: Path) -> None:
    with account(tmp_path) as (_, hop):
        shutil.rmtree(tmp_path / "home")
        checks = await verified(hop)
    assert (checks[CheckId.HOME].status, checks[CheckId.HOME].code) == (FAIL, Code.NOT_FOUND)


def test_diagnose_verifies_over_the_login_of_the_ladder(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    with sshd(tmp_path / "sshd") as server:
        config = ssh_config(tmp_path / "config", {"box": server}, key)
        ran = Program(tmp_path).run("-F", str(config), "diagnose", "--batch", "--verify", "--json", "box")
        logins = server.log.count("Accepted publickey")
    told = json.loads(ran.out)
    assert ran.status == 0, ran.err
    assert [check["id"] for check in told["verify"]] == [check_id.value for check_id in CheckId]
    assert logins == 1
