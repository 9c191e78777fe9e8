"""Writing to known_hosts: whole lines, the right modes, nothing of others lost."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from backend.connection.host_key_file import can_remember, remember, replace
from backend.connection.host_keys import HostNames, load
from backend.connection.interaction import HostKeyState
from backend.connection.target import KnownHostsFiles
from backend.errors import Code, HostKeyError
from tests.unit.connection.test_host_keys import ED, OTHER, RSA, key

WEB = HostNames("web-1")


def test_directory_and_file_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / ".ssh" / "known_hosts"
    remember(KnownHostsFiles(user=(file,)), "web-1", ED)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert file.read_text() == f"web-1 {ED.line}\n"


def test_a_file_without_a_last_newline_keeps_its_last_line_whole(tmp_path: Path) -> None:
    file = tmp_path / "known"
    file.write_text(f"web-2 {RSA.line}")
    remember(KnownHostsFiles(user=(file,)), "web-1", ED)
    assert file.read_text() == f"web-2 {RSA.line}\nweb-1 {ED.line}\n"


def test_names_are_hashed_where_the_person_hashes_them(tmp_path: Path) -> None:
    files = KnownHostsFiles(user=(tmp_path / "known",), hash_names=True)
    remember(files, "web-1", ED)
    assert "web-1" not in files.user[0].read_text()
    assert load(files, WEB).judge(ED).state is HostKeyState.TRUSTED


def test_only_the_first_user_file_is_written_to(tmp_path: Path) -> None:
    first, second, system = tmp_path / "1", tmp_path / "2", tmp_path / "system"
    files = KnownHostsFiles(user=(first, second), system=(system,))
    assert remember(files, "web-1", ED) == first
    assert not second.exists() and not system.exists()


def test_writers_at_the_same_time_lose_no_line(tmp_path: Path) -> None:
    files = KnownHostsFiles(user=(tmp_path / "known",))
    remember(files, "start", ED)

    def write(number: int) -> None:
        for turn in range(10):
            if turn == 5:
                replace(files, f"host-{number}", key(number))
            remember(files, f"host-{number}-{turn}", key(number))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = files.user[0].read_text().splitlines()
    assert len(lines) == len(set(lines)) == 1 + 6 * 11


def test_replacing_a_changed_key_keeps_others_and_a_copy_of_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "known"
    before = f"web-1,web-2 {ED.line}\n# mine\n"
    file.write_text(before)
    file.chmod(0o640)
    files = KnownHostsFiles(user=(file,))
    replace(files, "web-1", OTHER)
    assert file.read_text() == f"web-2 {ED.line}\n# mine\nweb-1 {OTHER.line}\n"
    assert (tmp_path / "known.old").read_text() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert load(files, WEB).judge(OTHER).state is HostKeyState.TRUSTED
    assert load(files, WEB).judge(ED).state is HostKeyState.CHANGED


def test_replacing_clears_every_user_file_and_no_system_file(tmp_path: Path) -> None:
    first, second, system = tmp_path / "1", tmp_path / "2", tmp_path / "system"
    for file in (second, system):
        file.write_text(f"web-1 {ED.line}\n")
    replace(KnownHostsFiles(user=(first, second), system=(system,)), "web-1", OTHER)
    assert second.read_text() == ""
    assert system.read_text() == f"web-1 {ED.line}\n"
    assert first.read_text() == f"web-1 {OTHER.line}\n"


def test_a_file_behind_a_link_stays_behind_it(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "known"
    real.write_text(f"web-1 {ED.line}\n")
    link.symlink_to(real)
    replace(KnownHostsFiles(user=(link,)), "web-1", OTHER)
    assert link.is_symlink()
    assert real.read_text() == f"web-1 {OTHER.line}\n"


def test_nothing_can_be_remembered_without_a_file_that_keeps_it(tmp_path: Path) -> None:
    assert not can_remember(KnownHostsFiles())
    assert not can_remember(KnownHostsFiles(user=(Path(os.devnull),)))
    assert can_remember(KnownHostsFiles(user=(tmp_path / "new",)))


def test_a_file_that_cannot_be_written_is_told_and_not_passed_over(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(HostKeyError) as caught:
        remember(KnownHostsFiles(user=(blocked / "known",)), "web-1", ED)
    assert caught.value.code is Code.HOST_KEY_UNREADABLE
    assert "could not be written" in caught.value.message
