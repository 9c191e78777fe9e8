"""Arguments, directories and values arrive byte for byte, whichever shell the login shell is. Real shells decide."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.commands.quoting import posix_join, posix_quote, wrap
from backend.errors import Code, ConfigError

POSIX_SHELLS = ["sh", "bash", "dash", "zsh", "ksh"]
LOGIN_SHELLS = [*POSIX_SHELLS, "fish", "csh", "tcsh"]
HOSTILE = b"!'\\\"$`\n\r\t #~*?[]{}()<>|&;%^=-"

arguments = st.lists(
    st.one_of(
        st.binary(max_size=12).map(lambda raw: raw.replace(b"\0", b"")),
        st.lists(st.sampled_from([bytes([byte]) for byte in HOSTILE]), max_size=10).map(b"".join),
    ),
    min_size=1,
    max_size=6,
)


def run(shell: str, command: bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """As sshd does: the login shell with -c and the command."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LC_ALL": "C.UTF-8"}
    call: list[bytes | str] = [program, "-c", command]
    return subprocess.run(call, env={**kept, "SHELL": "/bin/sh", **environment}, capture_output=True, check=False)


@pytest.mark.parametrize("shell", POSIX_SHELLS)
@settings(max_examples=20)
@given(arguments=arguments)
@example(arguments=[b"", b"-n", b"it's", b"a\nb\n", b"$(id)", b"\xff\xfe"])
def test_quoted_arguments_arrive_as_they_were(shell: str, arguments: list[bytes]) -> None:
    ended = run(shell, posix_join([b"/usr/bin/printf", b"%s\\0", *arguments]))
    assert ended.stdout == b"".join(argument + b"\0" for argument in arguments)
    assert ended.stderr == b""


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
@settings(max_examples=20)
@given(arguments=arguments)
@example(arguments=[b"hi!there", b"it's", b"back\\slash\\\\", b"two\nlines\n", b"${HOME} `id`", b"\xc3\xa9\xff"])
def test_a_wrapped_command_and_its_environment_arrive_through_any_login_shell(
    shell: str, arguments: list[bytes]
) -> None:
    values = {f"FL_{number}": raw.decode("utf-8", "surrogateescape") for number, raw in enumerate(arguments)}
    names = b" ".join(b'"$FL_%d"' % number for number in range(len(arguments)))
    command = b"/usr/bin/printf '%s\\0' " + names + b" " + posix_join(arguments)
    ended = run(shell, wrap(command, cwd=b"/", env=values))
    assert ended.stdout == b"".join(argument + b"\0" for argument in [*arguments, *arguments])
    assert ended.returncode == 0


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
@pytest.mark.parametrize(
    "name", [b"plain", b"it's a dir", b"-", b"-rf", b"new\nline", b"$HOME", b"wow!\\", b"\xff", b"~x"]
)
def test_any_directory_can_be_entered(tmp_path: Path, shell: str, name: bytes) -> None:
    (tmp_path / os.fsdecode(name)).mkdir()
    inside = wrap(b"/bin/pwd -P", cwd=os.fsencode(tmp_path) + b"/" + name)
    assert run(shell, inside).stdout == os.fsencode(tmp_path.resolve()) + b"/" + name + b"\n"
    relative = wrap(b"/bin/pwd -P", cwd=name)
    from_there = b"cd " + posix_quote(os.fsencode(tmp_path)) + b" && " + relative
    if shell in POSIX_SHELLS:
        assert run(shell, from_there).stdout == os.fsencode(tmp_path.resolve()) + b"/" + name + b"\n"


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
def test_the_command_is_read_by_the_login_shell_itself(shell: str) -> None:
    own = {"fish": b"string join - a b", "csh": b"set x = a-b; echo $x", "tcsh": b"set x = a-b; echo $x"}
    program = shutil.which(shell) or shell
    assert run(shell, wrap(own.get(shell, b"x=a-b; echo $x"), cwd=b"/"), SHELL=program).stdout == b"a-b\n"


@pytest.mark.parametrize("cwd", [b"~", b"~/it's here"])
def test_the_home_directory_is_meant_by_a_tilde(tmp_path: Path, cwd: bytes) -> None:
    (tmp_path / "it's here").mkdir()
    expected = cwd.replace(b"~", os.fsencode(tmp_path.resolve()))
    assert run("sh", wrap(b"/bin/pwd -P", cwd=cwd), HOME=str(tmp_path)).stdout == expected + b"\n"


def test_a_directory_that_cannot_be_entered_keeps_the_command_from_running(tmp_path: Path) -> None:
    ended = run("sh", wrap(b"echo ran", cwd=os.fsencode(tmp_path / "absent")))
    assert (ended.returncode, ended.stdout) == (126, b"")
    assert b"absent" in ended.stderr
    assert b"fairlead: not run" in ended.stderr


def test_the_status_and_stdin_are_the_commands_own() -> None:
    command = wrap(b"cat; exit 7", cwd=b"/", env={"A": "b\nc"})
    ended = subprocess.run(["sh", "-c", command], input=b"through stdin", capture_output=True, check=False)
    assert (ended.stdout, ended.returncode) == (b"through stdin", 7)


def test_nothing_is_wrapped_without_need() -> None:
    assert wrap(b"any \0 thing") == b"any \0 thing"


@pytest.mark.parametrize("name", ["", "A B", "1A", "A=B", "A;id", "Ä"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="environment variable") as caught:
        wrap(b"true", env={name: "x"})
    assert caught.value.code is Code.USAGE


@pytest.mark.parametrize("broken", [{"command": b"a\0b", "cwd": b"/"}, {"command": b"a", "cwd": b"/\0"}])
def test_a_zero_byte_is_refused_rather_than_cut(broken: dict[str, bytes]) -> None:
    with pytest.raises(ConfigError, match="zero byte"):
        wrap(**broken)  # type: ignore[arg-type]
