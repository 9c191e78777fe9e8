"""Files of an OpenSSH server from the command line: made, changed, found, and edited in one's own editor."""

from __future__ import annotations

import pwd
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.on_terminal import on_terminal
from tests.support.openssh import Sshd, make_key, sshd, throw_away_user
from tests.support.program import Program, Ran, ssh_config
from tests.support.tiers import unavailable
from tests.support.worlds import PASSWORD

pytestmark = pytest.mark.sshd

HOST = "box"


class Box:
    """A server called `box`, the program, and a directory there."""

    def __init__(self, program: Program, config: Path, there: Path) -> None:
        self.program, self.config, self.there = program, config, there

    def run(self, *arguments: str, stdin: bytes = b"", editor: str = "") -> Ran:
        return self.edited_by(editor).run("-F", str(self.config), "--batch", *arguments, stdin=stdin)

    def edited_by(self, script: str) -> Program:
        """The program with an editor that does `script` to the file `$1`."""
        path = self.program.home / "editor"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return replace(self.program, env={"VISUAL": "", "EDITOR": str(path)})

    def at(self, name: str = "") -> str:
        return f"{HOST}:{self.there / name}"

    def write(self, name: str, text: str) -> Path:
        path = self.there / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    @property
    def copies(self) -> list[Path]:
        """What is left of files that were edited."""
        return [path for path in (self.program.home / "state" / "edits").rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Path]]:
    root = tmp_path_factory.mktemp("box")
    key = make_key(root / "key")
    with sshd(root / "server") as running:
        yield running, ssh_config(root / "ssh_config", {HOST: running}, key)


@pytest.fixture
def box(server: tuple[Sshd, Path], tmp_path: Path) -> Box:
    home, there = tmp_path / "home", tmp_path / "there"
    home.mkdir()
    there.mkdir()
    return Box(Program(home), server[1], there)


# --- names, modes, trees -----------------------------------------------------------------------------------------


def test_files_are_made_linked_copied_and_moved(box: Box) -> None:
    assert box.run("touch", box.at("new")).status == 0
    box.write("tree/file", "12345")
    assert box.run("ln", "-s", "tree/file", box.at("soft")).status == 0
    assert box.run("ln", box.at("tree/file"), box.at("hard")).status == 0
    assert box.run("cp", box.at("tree"), box.at("soft"), box.at("copies/")).status == 4  # no such directory
    (box.there / "copies").mkdir()
    assert box.run("cp", box.at("tree"), box.at("soft"), box.at("copies")).status == 0
    assert box.run("mv", box.at("new"), str(box.there / "copies")).status == 0
    assert (box.there / "copies" / "tree" / "file").read_text() == "12345"
    assert (box.there / "copies" / "soft").readlink() == Path("tree/file")
    assert (box.there / "hard").stat().st_nlink == 2
    assert (box.there / "copies" / "new").exists()


def test_nothing_is_overwritten(box: Box) -> None:
    box.write("a", "a")
    box.write("b", "b")
    for command in ("mv", "cp"):
        ran = box.run("--json", command, box.at("a"), box.at("b"))
        assert (ran.status, ran.json["error"]["code"]) == (4, "EXISTS")
    assert (box.there / "b").read_text() == "b"


def test_modes_are_changed_through_whole_trees(box: Box) -> None:
    box.write("tree/run.sh", "")
    assert box.run("chmod", "-R", "u=rwX,go=", box.at("tree")).status == 0
    assert box.run("chmod", "750", box.at("tree/run.sh")).status == 0
    assert [(box.there / name).stat().st_mode & 0o777 for name in ("tree", "tree/run.sh")] == [0o700, 0o750]
    assert box.run("chmod", "u+k", box.at("tree")).status == 2


def test_owners_are_changed_by_name_and_number(box: Box) -> None:
    path = box.write("tree/file", "")
    nobody = pwd.getpwnam("nobody")
    assert box.run("chown", "-R", "nobody", box.at("tree")).status == 0
    assert box.run("chown", ":12345", box.at("tree/file")).status == 0
    assert (path.stat().st_uid, path.stat().st_gid) == (nobody.pw_uid, 12345)
    assert path.parent.stat().st_uid == nobody.pw_uid
    ran = box.run("--json", "chown", "nobody-is-called-so", box.at("tree"))
    assert (ran.status, ran.json["error"]["code"]) == (4, "NOT_FOUND")


def test_a_tree_is_removed_and_what_cannot_be_removed_is_counted(box: Box) -> None:
    box.write("tree/a", "1234")
    box.write("tree/deep/b", "12")
    ran = box.run("--json", "rm", "-r", "--yes", box.at("tree"))
    told = {"files": 2, "directories": 2, "bytes": 6, "failed": 0}
    assert told.items() <= ran.json.items()
    assert not (box.there / "tree").exists()


def test_names_are_found_and_trees_summed_up(box: Box) -> None:
    box.write("logs/a.log", "x" * 1000)
    box.write("logs/old/b.log", "x" * 500)
    box.write("logs/c.txt", "")
    ran = box.run("find", box.at("logs"), "--name", "*.log")
    assert sorted(ran.out.split()) == [bytes(box.there / "logs" / name) for name in ("a.log", "old/b.log")]
    ran = box.run("find", "-0", "--type", "d", box.at("logs"))
    assert ran.out == bytes(box.there / "logs/old") + b"\0"
    ran = box.run("--json", "du", box.at("logs"))
    assert ran.json["bytes"] >= 1500


def test_a_file_is_shown_from_either_end(box: Box) -> None:
    box.write("log", "".join(f"line {number}\n" for number in range(100_000)))
    assert box.run("cat", "--head", "2", box.at("log")).out == b"line 0\nline 1\n"
    assert box.run("cat", "--tail", "2", box.at("log")).out == b"line 99998\nline 99999\n"
    assert box.run("cat", "--tail", "5b", box.at("log")).out == b"9999\n"
    assert box.run("cat", "--head", "4b", box.at("log")).out == b"line"
    assert box.run("cat", "--head", "1", "--tail", "1", box.at("log")).status == 2


def test_links_are_followed_on_request(box: Box) -> None:
    box.write("real", "12345")
    (box.there / "link").symlink_to("real")
    assert box.run("--json", "stat", box.at("link")).json["kind"] == "symlink"
    told = box.run("--json", "stat", "-L", box.at("link")).json
    assert (told["kind"], told["path"]) == ("file", str((box.there / "real").resolve()))
    assert told["owner"]


def test_stdin_becomes_a_file_with_mode_and_owner_and_comes_back(box: Box) -> None:
    content = bytes(range(256)) * 1000
    ran = box.run("put", "--mode", "640", "--owner", "nobody:12345", "-", box.at("key"), stdin=content)
    assert ran.status == 0
    found = (box.there / "key").stat()
    assert (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (0o640, pwd.getpwnam("nobody").pw_uid, 12345)
    assert box.run("get", box.at("key"), "-").out == content
    assert box.run("put", "--mode", "640", str(box.there / "key"), box.at("other")).status == 2


# --- editing -----------------------------------------------------------------------------------------------------


def test_a_file_is_edited_and_no_copy_is_left(box: Box) -> None:
    path = box.write("conf", "old\n")
    path.chmod(0o640)
    ran = box.run("--json", "edit", box.at("conf"), editor='echo new >> "$1"')
    assert (ran.status, ran.json["saved"]) == (0, True)
    assert path.read_text() == "old\nnew\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert box.copies == []


def test_nothing_changed_is_nothing_saved(box: Box) -> None:
    path = box.write("conf", "old\n")
    before = path.stat()
    ran = box.run("--json", "edit", box.at("conf"), editor="true")
    assert (ran.status, ran.json["saved"]) == (0, False)
    assert path.stat().st_ino == before.st_ino


def test_what_a_check_refuses_is_not_saved_and_the_copy_is_kept_and_named(box: Box) -> None:
    path = box.write("conf", "good\n")
    ran = box.run("edit", "--check", "grep good {}", box.at("conf"), editor='echo bad > "$1"')
    assert ran.status == 4
    assert b"CHECK_FAILED" in ran.err
    assert path.read_text() == "good\n"
    assert [copy.read_text() for copy in box.copies] == ["bad\n"]
    assert str(box.copies[0]).encode() in ran.err
    again = box.run("edit", box.at("conf"), editor="true")
    assert b"not saved at an earlier time" in again.err


def test_somebody_elses_change_is_never_overwritten_unasked(box: Box) -> None:
    path = box.write("conf", "one\n")
    ran = box.run("edit", box.at("conf"), editor=f'echo theirs > {path}; echo mine > "$1"')
    assert ran.status == 4
    assert path.read_text() == "theirs\n"
    assert [copy.read_text() for copy in box.copies] == ["mine\n"]


async def test_a_person_sees_the_difference_and_overwrites(box: Box) -> None:
    path = box.write("conf", "one\n")
    program = box.edited_by(f'test -e {path}.done || echo theirs > {path}; touch {path}.done; echo mine > "$1"')
    async with on_terminal(program, "-F", str(box.config), "edit", box.at("conf")) as terminal:
        await terminal.expect("Somebody else has changed")
        await terminal.expect("[d/o/b/e/l]: ")
        terminal.type("d\r")
        await terminal.expect("-theirs")
        await terminal.expect("[d/o/b/e/l]: ")
        terminal.type("o\r")
        await terminal.expect("saved box:")
        assert await terminal.status() == 0
    assert path.read_text() == "mine\n"
    assert box.copies == []


async def test_roots_file_is_edited_by_sudo_with_the_password_typed_once(tmp_path: Path) -> None:
    if not Path("/usr/bin/sudo").exists():
        unavailable("sshd", "sudo is not installed")
    home = tmp_path / "home"
    home.mkdir()
    secret = tmp_path / "root.conf"
    secret.write_text("one\n")
    secret.chmod(0o600)
    key = make_key(tmp_path / "key")
    with throw_away_user(tmp_path / "there", password=PASSWORD) as user, sshd(tmp_path / "server") as server:
        rules = Path("/etc/sudoers.d") / user
        rules.write_text(f"{user} ALL=(ALL) ALL\n")
        rules.chmod(0o440)
        try:
            server.authorize(key)
            server.authorized_keys.chmod(0o644)
            for directory in (server.root, *server.root.parents):
                if directory.stat().st_uid == 0 and len(directory.parts) > 2:
                    directory.chmod(directory.stat().st_mode | 0o011)
            config = ssh_config(tmp_path / "ssh_config", {HOST: server}, key)
            config.write_text(config.read_text().replace(f"User {server.user}", f"User {user}"))
            box = Box(Program(home), config, tmp_path)
            refused = box.run("edit", box.at("root.conf"), editor='echo two >> "$1"')
            assert refused.status == 4
            assert b"--sudo" in refused.err
            program = box.edited_by('echo two >> "$1"')
            async with on_terminal(program, "-F", str(config), "edit", "--sudo", box.at("root.conf")) as terminal:
                await terminal.expect(f"sudo on {HOST}: password of {user}")
                terminal.type(f"{PASSWORD}\r")
                await terminal.expect("saved box:")
                assert await terminal.status() == 0
                assert PASSWORD not in terminal.seen
                assert terminal.seen.count("password of") == 1
        finally:
            rules.unlink()
    assert secret.read_text() == "one\ntwo\n"
    assert (secret.stat().st_mode & 0o777, secret.stat().st_uid) == (0o600, 0)
    assert box.copies == []
    log = [path for path in (home / "state").rglob("*") if path.is_file()]
    assert not any(PASSWORD.encode() in path.read_bytes() for path in log)


def test_an_editor_that_is_not_there_is_told_before_anything_is_fetched(box: Box) -> None:
    box.write("conf", "")
    program = replace(box.program, env={"VISUAL": "", "EDITOR": "no-such-editor --wait"})
    ran = program.run("-F", str(box.config), "--batch", "edit", box.at("conf"))
    assert ran.status == 2
    assert b"no-such-editor" in ran.err
