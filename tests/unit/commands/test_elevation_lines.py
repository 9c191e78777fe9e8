"""The lines that become another user carry command, directory and variables byte for byte, through any login shell.

Stand-ins for sudo and su drop the environment and run what they are given, as the real ones do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.commands.elevation.lines import Marks, command_script, script_as
from backend.commands.quoting import posix_join
from backend.commands.values import Elevate, ElevateBy
from backend.errors import Code, ConfigError

SUDO = """#!/bin/sh
while [ "$1" != -- ]; do shift; done; shift
exec env -i PATH="$PATH" "$@"
"""
SU = """#!/bin/sh
exec env -i PATH="$PATH" SHELL=/bin/sh /bin/sh -c "$3"
"""
SHELLS = ["sh", "bash", "dash", "zsh", "ksh", "fish", "csh", "tcsh"]
MARKS = Marks(b"here", b"input", b"begin", b"prompt")
hostile = st.lists(
    st.sampled_from([b"'", b'"', b"\\", b"$x", b"`id`", b"!", b"\n", b" ", b"a", b"\xff"]), max_size=6
).map(b"".join)


@pytest.fixture
def path(tmp_path: Path) -> str:
    for name, text in (("sudo", SUDO), ("su", SU)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


def run(shell: str, line: bytes, path: str, stdin: bytes = b"") -> tuple[bytes, bytes]:
    """What the command itself says, after the marks."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    environment = {"PATH": path, "HOME": os.environ["HOME"], "SHELL": "/bin/sh", "LC_ALL": "C.UTF-8"}
    call: list[bytes | str] = [program, "-c", line]
    ended = subprocess.run(call, env=environment, input=b"a guess\ninput\n" + stdin, capture_output=True, check=False)
    assert ended.stdout.startswith(b"here\n"), ended
    assert ended.stderr.startswith(b"here\n"), ended
    return ended.stdout.partition(b"here\n")[2], ended.stderr.partition(b"here\n")[2]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("by", list(ElevateBy))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(argument=hostile, value=hostile)
def test_everything_arrives_as_it_was(path: str, shell: str, by: ElevateBy, argument: bytes, value: bytes) -> None:
    who = Elevate(by)
    command = posix_join([b"printf", b"%s|", argument]) + b' "$FL"; pwd; echo err >&2; cat'
    env = {"FL": value.decode("utf-8", "surrogateescape")}
    before, script = command_script(command, who, cwd=b"/usr", env=env)
    out, err = run(shell, script_as(script, who, MARKS, asking=True, before=before), path, b"typed")
    assert out == argument + b"|" + value + b"|/usr\ntyped"
    assert err == b"err\n"


def test_what_is_at_home_is_the_persons_own_home(path: str) -> None:
    before, script = command_script(b"pwd", Elevate(), cwd=b"~")
    out, _ = run("sh", script_as(script, Elevate(), MARKS, asking=False, before=before), path)
    assert out == os.fsencode(Path.home()) + b"\n"


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("by", list(ElevateBy))
def test_nothing_begins_where_the_way_to_it_ends_first(
    path: str, by: ElevateBy, terminal: bool, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    _, script = command_script(b"touch " + bytes(done), Elevate(by))
    line = script_as(script, Elevate(by), MARKS, asking=True, terminal=terminal)
    around = {"PATH": path, "SHELL": "/bin/sh"}
    for typed in (b"", b"a guess\n", b"inp"):
        subprocess.run(["sh", "-c", line], env=around, input=typed, capture_output=True, check=False)
    assert not done.exists()
    subprocess.run(["sh", "-c", line], env=around, input=b"input\n", capture_output=True, check=False)
    assert done.exists()


@pytest.mark.parametrize("user", ["", "-u", "a b", "x\ny", "a/b", "a:b"])
def test_what_no_user_can_be_called_is_refused(user: str) -> None:
    with pytest.raises(ConfigError) as caught:
        script_as(b":", Elevate(user=user), MARKS, asking=True)
    assert caught.value.code is Code.USAGE


def test_no_password_is_ever_part_of_a_line() -> None:
    """sudo reads it from its input, or from the terminal that it has."""
    assert b"sudo -S -p" in script_as(b":", Elevate(), MARKS, asking=True)
    assert b"-S" not in script_as(b":", Elevate(), MARKS, asking=True, terminal=True)
    assert b"sudo -n" in script_as(b":", Elevate(), MARKS, asking=False)
