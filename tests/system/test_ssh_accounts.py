"""Accounts of their own on an OpenSSH server: passwords from the system's file, no shell, no permission, full disks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.connection.connector import ExitReport, OpenMode
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Vault
from backend.diagnostics.ladder import Diagnostics, RungId
from backend.errors import Code, FileError
from tests.support.connecting import connected, refused
from tests.support.openssh import Sshd, make_key, sshd, target, throw_away_user
from tests.support.person import Person
from tests.support.scripted import ScriptedBook
from tests.support.tiers import need_root, unavailable

pytestmark = [pytest.mark.sshd, pytest.mark.netns]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    need_root("logging in as somebody else")
    root = tmp_path_factory.mktemp("server")
    with sshd(root, "PasswordAuthentication yes", "KbdInteractiveAuthentication no") as running:
        running.authorize(make_key(root / "key"))
        for directory in (root, *root.parents):
            if directory.stat().st_uid == 0 and directory != Path("/"):
                directory.chmod(directory.stat().st_mode | 0o011)
        running.authorized_keys.chmod(0o644)
        yield running


async def test_a_password_of_the_system_logs_in_and_a_wrong_one_does_not(server: Sshd, tmp_path: Path) -> None:
    known = server.known_hosts(tmp_path / "known")
    with throw_away_user(tmp_path / "home", password="correct horse") as user:
        hop = server.hop(known=known, user=user)
        person, vault = Person(passwords=["wrong", "correct horse"]), Vault()
        async with connected(target(hop), person, vault=vault) as link:
            assert link.facts.auth_method == "password"
        async with connected(target(hop), vault=vault):
            pass
        error = await refused(target(hop), Person(passwords=["no", "never"]))
        assert error.code is Code.AUTH_DENIED
        assert error.evidence["offered"] == "publickey, password"


async def test_an_account_without_a_shell_ends_each_command_in_its_own_words(server: Sshd, tmp_path: Path) -> None:
    known = server.known_hosts(tmp_path / "known")
    with throw_away_user(tmp_path / "home", shell="/usr/sbin/nologin") as user:
        hop = server.hop(keys=[server.root / "key"], known=known, user=user)
        async with connected(target(hop)) as link, await link.open_process(b"uptime") as process:
            said = b"".join([chunk.data async for chunk in process.output()])
            assert b"not available" in said
            assert await process.wait() == ExitReport(1, None)


async def test_what_is_not_permitted_is_told_as_such(server: Sshd, tmp_path: Path) -> None:
    known = server.known_hosts(tmp_path / "known")
    with throw_away_user(tmp_path / "home") as user:
        hop = server.hop(keys=[server.root / "key"], known=known, user=user)
        async with connected(target(hop)) as link:
            files = await link.open_files()
            for attempt in (
                files.open(b"/etc/shadow", OpenMode.READ),
                files.open(b"/etc/new", OpenMode.CREATE),
                files.mkdir(b"/etc/new"),
                files.remove(b"/etc/passwd"),
                files.set_attributes(b"/etc/passwd", mode=0o600),
            ):
                with pytest.raises(FileError) as caught:
                    await attempt
                assert caught.value.code is Code.PERMISSION
            await files.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    need_root("a file system of its own")
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True)
    if made.returncode != 0:
        unavailable("netns", f"mount: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_a_full_disk_is_told_as_full(server: Sshd, tmp_path: Path, small_disk: Path) -> None:
    """SFTP says only "Failure"."""
    hop = server.hop(keys=[server.root / "key"], known=server.known_hosts(tmp_path / "known"))
    async with connected(target(hop)) as link:
        files = await link.open_files()
        file = await files.open(bytes(small_disk / "f"), OpenMode.CREATE)
        with pytest.raises(FileError) as caught:
            for number in range(20):
                await file.write(number * 200_000, b"x" * 200_000)
        assert caught.value.code is Code.DISK_FULL
        await file.close()
        await files.close()


async def test_a_disk_that_may_only_be_read_is_told_from_a_full_one(
    server: Sshd, tmp_path: Path, small_disk: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    hop = server.hop(keys=[server.root / "key"], known=server.known_hosts(tmp_path / "known"))
    async with connected(target(hop)) as link:
        files = await link.open_files()
        with pytest.raises(FileError) as caught:
            await files.open(bytes(small_disk / "f"), OpenMode.CREATE)
        assert caught.value.code is Code.READ_ONLY
        await files.close()


# --- PAM ---


@pytest.fixture(scope="module")
def pam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server that asks what PAM asks (`/etc/pam.d/sshd`)."""
    need_root("logging in through PAM")
    if not Path("/etc/pam.d/sshd").exists():
        pytest.skip("this system's OpenSSH server has no PAM service")
    with sshd(tmp_path_factory.mktemp("pam"), "UsePAM yes", "KbdInteractiveAuthentication yes") as running:
        yield running


async def test_a_password_that_pam_calls_expired_is_changed_on_the_way_in(pam: Sshd, tmp_path: Path) -> None:
    known, vault = pam.known_hosts(tmp_path / "known"), Vault()
    person = Person(answers=[["correct horse"], ["battery staple 9", "battery"], ["battery staple 9"] * 2])
    with throw_away_user(tmp_path / "home", password="correct horse") as user:
        subprocess.run(["chage", "-d", "0", user], check=True)
        hop = pam.hop(known=known, user=user)
        async with connected(target(hop), person, vault=vault) as link:
            assert link.facts.auth_method == "keyboard-interactive"
        assert len(person.challenges[-1].prompts) == 2
        async with connected(target(hop), vault=vault):
            pass
        again = Person(answers=[["battery staple 9"]])
        async with connected(target(hop), again) as link:
            assert link.facts.login_repeats


async def test_a_password_that_pam_calls_expired_needs_a_person(pam: Sshd, tmp_path: Path) -> None:
    known = pam.known_hosts(tmp_path / "known")
    with throw_away_user(tmp_path / "home", password="correct horse") as user:
        subprocess.run(["chage", "-d", "0", user], check=True)
        error = await refused(target(pam.hop(known=known, user=user)), Person(answers=[["correct horse"]]))
    assert error.code is Code.AUTH_PASSWORD_EXPIRED
    assert error.evidence["wanted"] == "a new password"


async def test_an_expired_password_that_only_a_terminal_can_change_is_named_by_the_ladder(
    pam: Sshd, tmp_path: Path
) -> None:
    with (
        sshd(tmp_path / "pam", "UsePAM yes", "PasswordAuthentication yes") as plain,
        throw_away_user(tmp_path / "home", password="correct horse") as user,
    ):
        subprocess.run(["chage", "-d", "0", user], check=True)
        hop = plain.hop(known=plain.known_hosts(tmp_path / "known"), user=user)
        clock = SystemClock()
        ladder = Diagnostics(
            connector=SshConnector(vault=Vault(), clock=clock),
            book=ScriptedBook(target(hop)),
            interaction=Person(passwords=["correct horse"]),
            clock=clock,
        )
        diagnosis = await ladder.diagnose("server")
    assert diagnosis.failed is not None
    assert (diagnosis.failed.id, diagnosis.code) == (RungId.SESSION, Code.AUTH_PASSWORD_EXPIRED)
    assert diagnosis.failed.advice[0].command == "fairlead shell server"
