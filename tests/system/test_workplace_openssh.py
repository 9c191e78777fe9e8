"""A profile's directory, variables and roots, seen from a real server: run, shell, ls and get."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.on_terminal import on_terminal
from tests.support.openssh import make_key, sshd
from tests.support.program import Program, ssh_config

pytestmark = pytest.mark.sshd


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """A home with a host `box`, whose profile names a directory, variables and roots."""
    key = make_key(tmp_path / "key")
    scratch = tmp_path / "there" / "scr atch"
    (scratch / "run-7").mkdir(parents=True)
    (scratch / "run-7" / "result").write_text("42\n")
    with sshd(tmp_path / "server") as server:
        home = tmp_path / "home"
        home.mkdir()
        config = ssh_config(tmp_path / "ssh_config", {"box": server}, key)
        (tmp_path / "config.toml").write_text(f"""
[profiles.lab]
directory = "scratch:run-$N"
env = {{ N = "7", MODE = "it's fast" }}
[profiles.lab.roots]
scratch = "{scratch}"

[hosts.lab]
ssh_host = "box"
profile = "lab"
env = {{ MODE = "slow" }}
""")
        env = {"FAIRLEAD_SSH_CONFIG": str(config), "FAIRLEAD_CONFIG": str(tmp_path / "config.toml")}
        yield Program(home, env=env)


def test_a_command_begins_in_the_profiles_directory_with_its_variables(program: Program, tmp_path: Path) -> None:
    ran = program.run("run", "lab", "--", 'pwd -P; echo "$N $MODE"')
    assert ran.out.decode() == f"{tmp_path}/there/scr atch/run-7\n7 slow\n"
    assert ran.status == 0


def test_flags_are_stronger_than_the_profile(program: Program, tmp_path: Path) -> None:
    ran = program.run("run", "lab", "--cwd", "scratch:", "--env", "MODE=mine", "--", 'pwd -P; echo "$N $MODE"')
    assert ran.out.decode() == f"{tmp_path}/there/scr atch\n7 mine\n"


def test_roots_name_paths_of_files(program: Program, tmp_path: Path) -> None:
    assert program.run("ls", "lab:scratch:").out == b"run-7\n"
    assert program.run("cat", "lab:scratch:run-$N/result").out == b"42\n"
    got = program.run("get", "lab:scratch:run-7", str(tmp_path / "got"))
    assert got.status == 0, got.err
    assert (tmp_path / "got" / "result").read_text() == "42\n"


def test_other_hosts_know_nothing_of_it(program: Program) -> None:
    ran = program.run("run", "box", "--", 'echo "$MODE"')
    assert (ran.status, ran.out, ran.err) == (0, b"\n", b"")


async def test_a_shell_begins_there_too(program: Program, tmp_path: Path) -> None:
    async with on_terminal(program, "shell", "lab") as terminal:
        terminal.type('echo "at $PWD in $MODE"\n')
        await terminal.expect(f"at {tmp_path}/there/scr atch/run-7 in slow\n")
        terminal.type("exit 3\n")
        assert await terminal.status() == 3
