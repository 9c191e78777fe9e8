"""The program against an OpenSSH server: every command, its exit status, and its JSON."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import pytest

from tests.support.openssh import Sshd, free_port, make_key, sshd
from tests.support.program import CALL, Program, Ran, ssh_config

pytestmark = pytest.mark.sshd

HOST = "box"


@dataclass(frozen=True)
class Conversation:
    """A command under way."""

    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]
    wait: Callable[[float], int]
    pid: int


@dataclass(frozen=True)
class Box:
    """A server called `box`, the program, and a directory for each side."""

    server: Sshd
    program: Program
    config: Path
    here: Path
    there: Path

    def run(self, *arguments: str, stdin: bytes = b"") -> Ran:
        return self.program.run("-F", str(self.config), "--batch", *arguments, stdin=stdin)

    @contextmanager
    def talk(self, command: str) -> Iterator[Conversation]:
        """Run `command` with pipes to its streams."""
        process = subprocess.Popen(
            [*CALL, "-F", str(self.config), "--batch", "run", HOST, "--", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=self.program.environment,
        )
        assert process.stdin and process.stdout and process.stderr
        try:
            yield Conversation(process.stdin, process.stdout, process.stderr, process.wait, process.pid)
        finally:
            process.kill()
            process.wait(30)
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()

    def at(self, name: str) -> str:
        """A remote path on the command line."""
        return f"{HOST}:{self.there / name}"


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
    running, config = server
    return Box(running, Program(home), config, home, there)


# --- run ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "status"),
    [("true", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137)],
)
def test_a_commands_end_is_the_programs_own(command: str, status: int, box: Box) -> None:
    ran = box.run("run", HOST, "--", command)
    assert (ran.status, ran.out, ran.err) == (status, b"", b"")


def test_both_streams_stay_apart_to_the_byte(box: Box) -> None:
    octal = "".join(f"\\{number:03o}" for number in range(256))
    ran = box.run("run", HOST, "--", f"printf '{octal}'; printf '{octal}' | tac -s x >&2")
    assert ran.status == 0
    assert ran.out == bytes(range(256))
    assert sorted(ran.err) == list(range(256))


def test_stdin_of_any_size_goes_along(box: Box) -> None:
    content = os.urandom(1 << 20) * 12
    ran = box.run("run", HOST, "--", "sha256sum", stdin=content)
    assert ran.out.split()[0].decode() == hashlib.sha256(content).hexdigest()


def test_a_command_that_does_not_read_its_stdin_still_ends(box: Box) -> None:
    assert box.run("run", HOST, "--", "exit 3", stdin=b"x" * (8 << 20)).status == 3


def test_output_comes_while_the_command_runs(box: Box) -> None:
    with box.talk("echo first; cat; echo last") as process:
        assert process.stdout.readline() == b"first\n"
        process.stdin.write(b"typed\n")
        assert process.stdout.readline() == b"typed\n"
        process.stdin.close()
        assert process.stdout.readline() == b"last\n"
        assert process.wait(30) == 0


def test_the_time_limit_is_124_and_keeps_what_was_said_before(box: Box) -> None:
    began = time.monotonic()
    ran = box.run("run", "-t", "0.5", HOST, "--", "echo before; sleep 600")
    assert (ran.status, ran.out) == (124, b"before\n")
    assert b"TIME_LIMIT" in ran.err
    assert time.monotonic() - began < 20


def test_directory_and_environment_reach_the_command(box: Box) -> None:
    ran = box.run("run", "--cwd", str(box.there), "--env", 'WORD=it\'s a "test"', HOST, "--", 'pwd; echo "$WORD"')
    assert ran.out.decode() == f'{box.there}\nit\'s a "test"\n'


def test_a_directory_that_is_not_there_keeps_the_command_from_running(box: Box) -> None:
    ran = box.run("run", "--cwd", "/no/such", HOST, "--", "echo ran")
    assert (ran.status, ran.out) == (126, b"")
    assert b"fairlead: not run, because the directory that --cwd" in ran.err


def test_with_a_terminal_both_streams_are_one(box: Box) -> None:
    ran = box.run("run", "--pty", HOST, "--", "tty >/dev/null && echo a terminal; echo err >&2")
    assert (ran.status, ran.out, ran.err) == (0, b"a terminal\r\nerr\r\n", b"")


def test_json_has_the_streams_and_the_end(box: Box) -> None:
    ran = box.run("run", "--json", HOST, "--", "echo out; echo err >&2; kill -TERM $$")
    answer = ran.json
    assert ran.status == 143
    assert answer.pop("seconds") >= 0
    assert answer == {
        "host": HOST,
        "exit_status": None,
        "signal": "TERM",
        "stdout": "out\n",
        "stderr": "err\n",
        "truncated": False,
    }


def test_a_link_that_goes_while_a_command_runs_is_255_and_no_empty_success(box: Box) -> None:
    with box.talk("echo before; head -c 1 >/dev/null; kill -KILL $PPID; sleep 600") as process:
        assert process.stdout.readline() == b"before\n"
        process.stdin.write(b"!")
        assert process.wait(30) == 255
        assert b"code: CONNECTION_LOST" in process.stderr.read()


def test_output_faster_than_its_reader_does_not_pile_up_in_memory(box: Box) -> None:
    size = 250_000_000
    with box.talk(f"head -c {size} /dev/zero") as process:
        taken, peak = 0, None
        while chunk := process.stdout.read(4096):
            taken += len(chunk)
            if peak is None and taken > size * 9 // 10:
                peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        assert taken == size
        assert peak is not None
        assert int(peak[1]) < 120_000


# --- no connection -----------------------------------------------------------------------------------------------


def test_a_closed_port_is_255(box: Box) -> None:
    ran = box.run("--json", "run", "-p", str(free_port()), "127.0.0.1", "--", "true")
    assert ran.status == 255
    assert ran.json["error"]["code"] == "TCP_REFUSED"


def test_an_address_that_cannot_be_one_is_2(box: Box) -> None:
    ran = box.run("--json", "run", "web 1;rm", "--", "true")
    assert ran.status == 2
    assert ran.json["error"]["code"] == "HOST_UNKNOWN"


def test_a_host_key_that_nobody_knows_is_255_and_accept_new_remembers_it(box: Box) -> None:
    known = box.here / "known_hosts"
    flags = ("--known-hosts", str(known))
    refused = box.run("--json", *flags, "run", HOST, "--", "true")
    assert (refused.status, refused.json["error"]["code"]) == (255, "HOST_KEY_UNKNOWN")
    assert box.run(*flags, "--host-key", "accept-new", "run", HOST, "--", "true").status == 0
    assert box.run(*flags, "--host-key", "strict", "run", HOST, "--", "true").status == 0


def test_no_key_that_fits_is_255(box: Box) -> None:
    other = make_key(box.here / "other")
    ran = box.run("--json", "-F", "/dev/null", "-i", str(other), "-p", str(box.server.port), "ls", "127.0.0.1:")
    assert ran.status == 255


def test_unknown_flags_are_2(box: Box) -> None:
    ran = box.run("ls", "--recursive", f"{HOST}:")
    assert ran.status == 2
    assert b"No such option" in ran.err


# --- files -------------------------------------------------------------------------------------------------------


def test_directories_are_made_listed_moved_and_removed(box: Box) -> None:
    assert box.run("mkdir", box.at("a/b")).status == 4
    assert box.run("mkdir", "-p", box.at("a/b"), box.at("a/c")).status == 0
    assert box.run("mkdir", "-p", box.at("a/b")).status == 0
    assert box.run("ls", box.at("a")).out == b"b\nc\n"
    assert box.run("mv", box.at("a/b"), str(box.there / "a" / "d")).status == 0
    assert box.run("mv", box.at("a/c"), box.at("a/d/")).status == 0
    assert box.run("ls", box.at("a/d")).out == b"c\n"
    assert box.run("rm", box.at("a")).status == 4
    ran = box.run("rm", "-r", "-y", "--json", box.at("a"))
    assert (ran.status, ran.json["directories"]) == (0, 3)
    assert list(box.there.iterdir()) == []


def test_nothing_is_overwritten_by_mv(box: Box) -> None:
    for name in ("one", "two"):
        (box.there / name).write_text(name)
    ran = box.run("mv", "--json", box.at("one"), box.at("two"))
    assert (ran.status, ran.json["error"]["code"]) == (4, "EXISTS")
    assert (box.there / "two").read_text() == "two"


def test_names_of_any_bytes_survive_the_pipe_and_come_exact_in_json(box: Box) -> None:
    odd = b"caf\xe9 \x1b[2J"
    Path(os.fsdecode(os.fsencode(box.there) + b"/" + odd)).touch()
    assert box.run("ls", f"{HOST}:{box.there}").out == odd + b"\n"
    entry = box.run("ls", "--json", f"{HOST}:{box.there}").json["entries"][0]
    assert entry["name_base64"] == "Y2Fm6SAbWzJK"
    assert "\x1b" not in entry["name"]


def test_stat_tells_what_the_server_knows(box: Box) -> None:
    (box.there / "file").write_bytes(b"12345")
    (box.there / "file").chmod(0o640)
    (box.there / "link").symlink_to("file")
    told = box.run("stat", "--json", box.at("file")).json
    assert (told["kind"], told["size"], told["mode"], told["uid"]) == ("file", 5, "0640", os.geteuid())
    link = box.run("stat", "--json", box.at("link")).json
    assert (link["kind"], link["points_to"]) == ("symlink", "file")
    text = box.run("stat", box.at("link")).out
    assert b"points to file\n" in text


def test_a_tree_goes_there_and_comes_back_the_same(box: Box) -> None:
    tree = box.here / "tree"
    (tree / "sub" / "empty").mkdir(parents=True)
    (tree / "big").write_bytes(os.urandom(3_000_000))
    (tree / "sub" / "small").write_bytes(b"")
    (tree / "sub" / "link").symlink_to("small")
    put = box.run("--json", "put", "tree", box.at("copy"))
    assert (put.status, put.json["failed"], put.json["verified"]) == (0, 0, 2)
    got = box.run("--json", "get", box.at("copy"), "back")
    assert (got.status, got.json["files"]) == (0, 2 + put.json["files"] - 2)
    assert subprocess.run(["diff", "-r", tree, box.here / "back"], check=False).returncode == 0
    assert (box.here / "back" / "sub" / "link").readlink() == Path("small")
    assert (box.here / "back" / "sub" / "empty").is_dir()


@pytest.mark.parametrize("flags", [("--limit", "4M"), ("--parallel", "1"), ("--no-verify",)])
def test_the_flags_of_a_copy_do_not_change_what_arrives(flags: tuple[str, ...], box: Box) -> None:
    content = os.urandom(1_000_000)
    (box.here / "file").write_bytes(content)
    assert box.run("put", *flags, "file", box.at("file")).status == 0
    assert (box.there / "file").read_bytes() == content


def test_a_name_that_is_taken_is_treated_as_asked(box: Box) -> None:
    (box.here / "file").write_text("new")
    (box.there / "file").write_text("old one")
    assert box.run("put", "--on-conflict", "skip", "file", box.at("file")).status == 0
    assert (box.there / "file").read_text() == "old one"
    assert box.run("put", "--on-conflict", "rename", "file", box.at("file")).status == 0
    assert (box.there / "file").read_text() == "old one"
    assert len(list(box.there.iterdir())) == 2
    assert box.run("put", "file", box.at("file")).status == 0
    assert (box.there / "file").read_text() == "new"


def test_a_stream_becomes_a_file_and_a_file_a_stream(box: Box) -> None:
    content = os.urandom(2_000_000)
    put = box.run("--json", "put", "-", box.at("streamed"), stdin=content)
    assert (put.status, put.json["bytes"]) == (0, len(content))
    assert (box.there / "streamed").read_bytes() == content
    assert box.run("get", box.at("streamed"), "-").out == content
    assert box.run("cat", box.at("streamed"), box.at("streamed")).out == content * 2


def test_a_directory_where_a_file_should_go_is_left_alone(box: Box) -> None:
    (box.there / "name").write_text("a file")
    (box.here / "into" / "name").mkdir(parents=True)
    (box.here / "into" / "name" / "precious").write_text("keep")
    ran = box.run("--json", "get", box.at("name"), "into/")
    assert ran.status == 4
    errors = [json.loads(line)["error"] for line in ran.out.splitlines()[:-1]]
    assert {error["code"] for error in errors} == {"IS_DIRECTORY"}
    assert all(error["advice"] for error in errors)
    assert (box.here / "into" / "name" / "precious").read_text() == "keep"


def test_a_file_where_a_tree_should_go_is_left_alone(box: Box) -> None:
    (box.there / "tree").mkdir()
    (box.there / "tree" / "a").write_text("x")
    (box.here / "taken").write_text("a file")
    ran = box.run("get", box.at("tree"), "taken")
    assert ran.status == 4
    assert b"next" in ran.err or b"  - " in ran.err
    assert (box.here / "taken").read_text() == "a file"


def test_a_source_that_is_not_there_is_4_on_both_sides(box: Box) -> None:
    assert box.run("get", box.at("missing"), ".").status == 4
    assert box.run("put", "missing", box.at("x")).status == 4
    assert list(box.there.iterdir()) == []


def test_a_remote_path_with_control_characters_is_shown_harmless(box: Box) -> None:
    ran = box.run("stat", box.at("a\x1b[2Jb"))
    assert ran.status == 4
    assert b"\x1b" not in ran.err
    assert b"NOT_FOUND" in ran.err


# --- diagnose, and odds and ends ---------------------------------------------------------------------------------


def test_a_healthy_host_has_an_unbroken_ladder(box: Box) -> None:
    ran = box.run("diagnose", "--json", HOST)
    assert ran.status == 0, ran.out
    assert ran.json["failed_rung"] is None
    passed = {rung["id"] for rung in ran.json["rungs"] if rung["status"] == "pass"}
    assert passed >= {"config", "tcp", "banner", "kex", "host_key", "auth", "session", "files"}


def test_hosts_of_the_ssh_configuration_are_listed(box: Box) -> None:
    listed = {host["name"]: host for host in box.run("hosts", "list", "--json").json["hosts"]}
    assert listed[HOST]["source"] == "ssh_config"
    shown = box.run("hosts", "show", HOST, "--json").json
    assert shown["hops"][0]["port"] == box.server.port


def test_what_of_the_ssh_configuration_is_not_followed_is_shown(box: Box) -> None:
    config = box.here / "ssh_config"
    config.write_text(f"{box.config.read_text()}\nHost {HOST}\n    ForwardAgent yes\n")
    box = replace(box, config=config)
    note = "forwardagent yes is not followed"
    assert box.run("hosts", "show", HOST, "--json").json["hops"][0]["notes"] == [note]
    assert note in box.run("hosts", "show", HOST).out.decode()
    rungs = box.run("diagnose", "--json", HOST).json["rungs"]
    assert rungs[0]["evidence"]["ssh_config"] == note
    assert rungs[0]["status"] == "pass"


def test_a_state_directory_that_cannot_be_used_stops_copies_only(box: Box) -> None:
    (box.here / "file").touch()
    state = ("--json", "--state-dir", str(box.here / "file" / "state"))
    assert box.run(*state, "run", HOST, "--", "true").status == 0
    assert box.run(*state, "put", str(box.here / "file"), f"{HOST}:copied").status == 2
