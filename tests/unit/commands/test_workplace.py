"""Where commands and shells begin, and with which variables: the profile's, unless the call says otherwise."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from backend.commands.quoting import login_shell, wrap
from backend.commands.workplace import placed, shell_command
from backend.connection.target import Hop, Target, Workplace

PLACE = Workplace("scratch:run-$N", {"N": "7", "MODE": "fast"}, {"scratch": "~/scratch"})


def at(place: Workplace) -> Target:
    return Target("gpu-7", (Hop("gpu-7", "192.0.2.7", 22, "me"),), workplace=place)


def test_without_a_profile_a_command_is_sent_as_it_is() -> None:
    assert placed(b"uptime", None) == b"uptime"
    assert placed(b"uptime", at(Workplace())) == b"uptime"
    assert shell_command(at(Workplace())) is None


def test_a_command_begins_where_the_profile_says_with_its_variables() -> None:
    assert placed(b"make", at(PLACE)) == wrap(b"make", cwd=b"~/scratch/run-7", env=PLACE.env)


def test_what_the_call_says_is_stronger() -> None:
    sent = placed(b"make", at(PLACE), cwd=b"/srv", env={"MODE": "slow"})
    assert sent == wrap(b"make", cwd=b"/srv", env={"N": "7", "MODE": "slow"})


@pytest.mark.parametrize(
    ("cwd", "meant"),
    [
        (b"scratch:", b"~/scratch"),
        (b"scratch:a:b", b"~/scratch/a:b"),
        (b"other:a", b"other:a"),
        (b"a/scratch:b", b"a/scratch:b"),
        (b"raw\xff", b"raw\xff"),
        (b"$UNKNOWN", b"$UNKNOWN"),
    ],
)
def test_roots_of_the_profile_may_stand_in_front_of_a_directory(cwd: bytes, meant: bytes) -> None:
    assert placed(b"make", at(PLACE), cwd=cwd) == wrap(b"make", cwd=meant, env=PLACE.env)


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_a_login_shell_begins_there_with_its_variables(tmp_path: Path, shell: str) -> None:
    place = tmp_path / "it's here"
    place.mkdir()
    command = login_shell(cwd=os.fsencode(place), env={"MODE": "a 'b'\nc"})
    assert command is not None
    ran = _typed(command, shell, tmp_path, b'pwd -P; printf "%s|" "$MODE"; echo $0\n')
    assert ran.stdout == os.fsencode(place) + b"\na 'b'\nc|" + os.fsencode(shell) + b"\n"


def test_a_shell_whose_directory_is_gone_opens_at_home_and_says_so(tmp_path: Path) -> None:
    command = login_shell(cwd=b"/nowhere/at/all")
    assert command is not None
    ran = _typed(command, "/bin/sh", tmp_path, b"pwd -P\n")
    assert ran.stdout == os.fsencode(tmp_path) + b"\n"
    assert b"/nowhere/at/all" in ran.stderr


def _typed(command: bytes, shell: str, home: Path, keys: bytes) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "SHELL": shell}
    return subprocess.run(
        ["sh", "-c", command], input=keys, capture_output=True, env=environment, cwd=home, timeout=10, check=False
    )
