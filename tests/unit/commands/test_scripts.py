"""Scripts reach their interpreter whole, with every argument, and leave nothing behind. Real shells decide."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.commands.scripts import Script, script_spec
from backend.commands.values import CommandSpec
from backend.connection.connector import PtyRequest
from backend.errors import Code, ConfigError

SHELLS = (["sh"], ["bash"], ["busybox", "sh"])
ARGUMENTS = (b"a b", b"it's\n!", b"\xff", b"")


def ran(
    script: Script, tmp_path: Path, *, stdin: bytes = b"", login: list[str] | None = None, cut: int | None = None
) -> subprocess.CompletedProcess[bytes]:
    """As sshd does, with a temporary directory of its own; nothing may be left in it."""
    spec = script_spec(script, CommandSpec(b"", stdin=stdin))
    call: list[str | bytes] = [*(login or ["sh"]), "-c", spec.command]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    ended = subprocess.run(call, input=spec.stdin[:cut], capture_output=True, check=False, env=environment)
    assert list(tmp_path.iterdir()) == []
    return ended


@pytest.mark.parametrize("login", SHELLS, ids=lambda words: words[0])
def test_arguments_arrive_byte_for_byte_and_the_status_comes_back(tmp_path: Path, login: list[str]) -> None:
    shell = Script(b'#!/bin/sh\nprintf "[%s]" "$0" "$@"; exit 7\n', "my.sh", ARGUMENTS)
    ended = ran(shell, tmp_path, login=login)
    assert (ended.returncode, ended.stdout) == (7, b"[my.sh][a b][it's\n!][\xff][]")
    python = Script(
        b"import os, sys\nos.write(1, b'|'.join(map(os.fsencode, sys.argv[1:])))", "x", ARGUMENTS, "python3 -u"
    )
    assert ran(python, tmp_path, login=login).stdout == b"|".join(ARGUMENTS)


def test_what_runs_in_a_script_cannot_eat_the_rest_of_it(tmp_path: Path) -> None:
    assert ran(Script(b"cat; read x; echo end"), tmp_path).stdout == b"end\n"


@pytest.mark.parametrize("line", [b"", b"#!/bin/sh\n", b"#!/usr/bin/env bash\n", b"#! /bin/bash -e\n"])
def test_a_script_may_have_an_input_of_its_own(tmp_path: Path, line: bytes) -> None:
    ended = ran(Script(line + b"read x; echo got $x; cat"), tmp_path, stdin=b"one\ntwo\xff\n")
    assert ended.stdout == b"got one\ntwo\xff\n"


def test_the_first_line_decides_unless_somebody_else_does(tmp_path: Path) -> None:
    body = b"#!/usr/bin/env python3\nprint(__name__)\n"
    assert ran(Script(body), tmp_path).stdout == b"__main__\n"
    assert ran(Script(body, interpreter="cat"), tmp_path).stdout == body
    assert ran(Script(b"#!/bin/bash -e\nfalse; echo no"), tmp_path).stdout == b""


@pytest.mark.parametrize("interpreter", ["sh", "python3", "cat"])
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 30))
def test_a_script_that_does_not_arrive_whole_never_begins(tmp_path: Path, interpreter: str, cut: int) -> None:
    body = b"print(1)\n" if interpreter == "python3" else b"echo 1\n" * 8
    ended = ran(Script(body, interpreter=interpreter), tmp_path, cut=min(cut, 8))
    assert (ended.returncode, ended.stdout) == (126, b"")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), stdin=st.binary(max_size=50))
def test_any_bytes_arrive(tmp_path: Path, body: bytes, stdin: bytes) -> None:
    assert ran(Script(body, interpreter="cat"), tmp_path, stdin=stdin).stdout == body


def test_a_shell_script_is_judged_by_its_lines_and_others_by_their_interpreter() -> None:
    assert script_spec(Script(b"rm -rf /\n"), CommandSpec(b"")).judged == (b"sh script", b"rm -rf /\n")
    assert script_spec(Script(b"rm\n", "x.py", (b"a b",), "python3"), CommandSpec(b"")).judged == (
        b"python3 x.py 'a b'",
    )


def test_the_script_is_not_in_the_process_list() -> None:
    for stdin in (b"", b"x"):
        assert b"secret" not in script_spec(Script(b"echo secret"), CommandSpec(b"", stdin=stdin)).command


@pytest.mark.parametrize(
    ("script", "spec"),
    [
        (Script(b"", arguments=(b"\0",)), CommandSpec(b"")),
        (Script(b"", interpreter="'x"), CommandSpec(b"")),
        (Script(b"", interpreter=" "), CommandSpec(b"")),
        (Script(b""), CommandSpec(b"", pty=PtyRequest())),
    ],
)
def test_what_cannot_be_sent_is_refused(script: Script, spec: CommandSpec) -> None:
    with pytest.raises(ConfigError) as caught:
        script_spec(script, spec)
    assert caught.value.code is Code.USAGE
