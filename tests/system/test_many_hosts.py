"""`fairlead run` on many hosts: a fleet over real SSH, and an OpenSSH server under several addresses."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mocks.fleet import fleet
from tests.support.many_hosts import served_fleet
from tests.support.openssh import make_key, sshd
from tests.support.program import Program, Ran

HOSTS = 6


@dataclass(frozen=True, slots=True)
class Crowd:
    """The program, and an OpenSSH server that it knows as h1 to h6."""

    program: Program
    flags: tuple[str, ...]

    def run(self, *arguments: str, stdin: bytes = b"") -> Ran:
        return self.program.run("run", *self.flags, *arguments, stdin=stdin)


@contextmanager
def _crowd(directory: Path) -> Iterator[Crowd]:
    with sshd(directory / "sshd", address="0.0.0.0") as server:
        key = make_key(directory / "key")
        server.authorize(key)
        config, known = directory / "config", server.known_hosts(directory / "known", "crowd")
        aliases = "".join(f"Host h{n}\n  HostName 127.0.0.{n}\n" for n in range(1, HOSTS + 1))
        config.write_text(
            f"{aliases}Host *\n  Port {server.port}\n  User {server.user}\n  IdentityFile {key}\n"
            f"  IdentitiesOnly yes\n  HostKeyAlias crowd\n  UserKnownHostsFile {known}\n"
        )
        yield Crowd(Program(directory), ("-F", str(config), "--batch"))


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    with _crowd(tmp_path_factory.mktemp("crowd")) as made:
        yield made


def _on(number: int, then: str) -> str:
    """A shell line that does `then` on one of the hosts."""
    return f'case "$SSH_CONNECTION" in *" 127.0.0.{number} "*) {then};; esac'


async def test_of_a_hundred_hosts_over_ssh_ninety_seven_say_the_same(tmp_path: Path) -> None:
    async with served_fleet(fleet(100, odd=3), tmp_path / "fleet") as config:
        ran = await asyncio.to_thread(
            Program(tmp_path).run, "run", "-F", str(config), "--batch", "--hosts", "node-*", "--", "uname", "-r"
        )
    assert ran.status == 0
    assert ran.out.decode().splitlines() == [
        "--- node-[1-97] (97 hosts): 0",
        "6.8.0-55-generic",
        "--- node-[98-100] (3 hosts): 0",
        "6.1.0-31-amd64",
    ]
    assert b"100 hosts" in ran.err


async def test_a_password_on_stdin_is_for_all_of_them(tmp_path: Path) -> None:
    async with served_fleet(fleet(8, password="secret"), tmp_path / "fleet") as config:
        flags = ("run", "-F", str(config), "--batch", "--password-stdin", "--hosts", "node-[1-8]", "--", "true")
        ran = await asyncio.to_thread(Program(tmp_path).run, *flags, stdin=b"secret\n")
        assert (ran.status, ran.out) == (0, b"--- node-[1-8] (8 hosts): 0\n")
        wrong = await asyncio.to_thread(Program(tmp_path).run, *flags, stdin=b"wrong\n")
        assert wrong.status == 255
        assert b"NEEDS_PERSON" in wrong.out


@pytest.mark.sshd
def test_the_status_is_the_largest_and_groups_tell_the_rest(crowd: Crowd) -> None:
    ran = crowd.run("--hosts", "h[1-6]", "--", f"echo same; {_on(3, 'exit 7')}; {_on(5, 'kill -TERM $$')}")
    assert ran.status == 128 + 15
    assert ran.out == (
        b"--- h[1-2],h4,h6 (4 hosts): 0\nsame\n--- h3 (1 host): 7\nsame\n--- h5 (1 host): SIGTERM\nsame\n"
    )


@pytest.mark.sshd
def test_lines_carry_the_name_of_their_host(crowd: Crowd) -> None:
    ran = crowd.run("--prefix", "--hosts", "h[1-3]", "--", "echo out; echo err >&2; printf half")
    assert ran.status == 0
    assert sorted(ran.out.splitlines()) == sorted(
        line for n in (1, 2, 3) for line in (b"h%d: out" % n, b"h%d: half" % n)
    )
    assert {b"h1: err", b"h2: err", b"h3: err"} < set(ran.err.splitlines())


@pytest.mark.sshd
def test_json_is_an_object_for_each_host_and_the_groups(crowd: Crowd) -> None:
    ran = crowd.run("--json", "--hosts", "h[1-3]", "--", f"echo x; {_on(2, 'exit 1')}")
    assert ran.status == 1
    *hosts, whole = (json.loads(line) for line in ran.out.splitlines())
    by_host: dict[str, Any] = {one["host"]: one for one in hosts}
    assert {name: one["exit_status"] for name, one in by_host.items()} == {"h1": 0, "h2": 1, "h3": 0}
    assert by_host["h1"]["stdout"] == "x\n"
    assert (whole["hosts"], whole["succeeded"], whole["failed"]) == (3, 2, 1)
    assert [(group["hosts"], group["end"]) for group in whole["groups"]] == [(["h1", "h3"], "0"), (["h2"], "1")]


@pytest.mark.sshd
def test_it_runs_again_where_it_failed(crowd: Crowd, tmp_path: Path) -> None:
    first = crowd.run("--json", "--hosts", "h[1-4],h1", "--", f"{_on(2, 'exit 1')}; {_on(4, 'exit 2')}")
    assert first.status == 2
    again = crowd.run("--again-failed")
    assert again.out == b"--- h2 (1 host): 1\n--- h4 (1 host): 2\n"
    other = crowd.run("--again-failed", "--", "echo mended")
    assert (other.status, other.out) == (0, b"--- h2,h4 (2 hosts): 0\nmended\n")
    nothing = crowd.run("--again-failed")
    assert nothing.status == 2
    told = tmp_path / "told.json"
    told.write_bytes(b"".join(sorted(first.out.splitlines(keepends=True))))  # as they ended, which may be either way
    from_file = crowd.run("--failed-from", str(told), "echo", "-n", "here")
    assert from_file.out == b"--- h2,h4 (2 hosts): 0\nhere\n"


@pytest.mark.sshd
def test_stdin_goes_to_all_and_whole_outputs_into_files(crowd: Crowd, tmp_path: Path) -> None:
    ran = crowd.run(
        "--send-stdin",
        "--save-in",
        str(tmp_path / "there"),
        "--hosts",
        "h[1-2]",
        "--",
        "sh -s",
        stdin=b"echo from stdin\n",
    )
    assert ran.out == b"--- h[1-2] (2 hosts): 0\nfrom stdin\n"
    assert {path.name: path.read_bytes() for path in (tmp_path / "there").iterdir()} == {
        "h1": b"from stdin\n",
        "h2": b"from stdin\n",
    }


@pytest.mark.sshd
def test_a_difference_is_shown_against_the_largest_group(crowd: Crowd) -> None:
    ran = crowd.run("--diff", "--hosts", "h[1-3]", "--", f"echo a; {_on(2, 'echo b')}; echo c")
    assert ran.out.decode().splitlines()[-7:] == [
        "--- h1,h3", "+++ h2", "@@ -1,3 +1,4 @@", " end: 0", " a", "+b", " c",
    ]  # fmt: skip


@pytest.mark.sshd
async def test_being_interrupted_stops_all_of_them(crowd: Crowd) -> None:
    process = await crowd.program.start(
        "run", *crowd.flags, "--prefix", "--parallel", "2", "--hosts", "h[1-4]", "--", "echo up; exec sleep 600"
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert {await process.stdout.readline() for _ in range(2)} == {b"h1: up\n", b"h2: up\n"}
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert b"2 were told to stop, 2 were never begun" in err


def test_hosts_that_nobody_knows_are_a_mistake_of_usage(tmp_path: Path) -> None:
    program = Program(tmp_path)
    for arguments in (["--group", "nope", "--", "true"], ["--hosts", "x-*", "true"], ["--hosts", ",", "true"]):
        assert program.run("--demo", "run", *arguments).status == 2
    assert b"Missing argument 'COMMAND...'" in program.run("--demo", "run", "--group", "prod").err
    assert b"Missing argument 'HOST'" in program.run("--demo", "run").err
