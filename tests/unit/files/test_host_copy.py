"""The command that a host copies with: it does what it says, and ends with whoever waits for it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from backend.files.host_copy import cp_script
from backend.files.host_stream import watched

SHELLS = [name for name in ("sh", "dash", "bash", "busybox") if shutil.which(name)]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return ["busybox", "sh"] if request.param == "busybox" else [request.param]


def start(shell: list[str], source: Path, goal: Path) -> subprocess.Popen[bytes]:
    script = watched(cp_script(bytes(source), bytes(goal)))
    return subprocess.Popen([*shell, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_copy_is_done_though_the_input_stays_open(shell: list[str], tmp_path: Path) -> None:
    source, goal = tmp_path / "it's; $(x)\n-a", tmp_path / "-goal"
    source.write_bytes(b"content")
    with start(shell, source, goal) as process:
        assert process.wait() == 0
    assert goal.read_bytes() == b"content"


def test_what_cannot_be_copied_is_told(shell: list[str], tmp_path: Path) -> None:
    with start(shell, tmp_path / "missing", tmp_path / "goal") as process:
        assert process.wait() not in (0, None)


def test_a_copy_ends_with_whoever_waits_for_it(shell: list[str], tmp_path: Path) -> None:
    source, goal = tmp_path / "fifo", tmp_path / "goal"
    os.mkfifo(source)
    writer = os.open(source, os.O_RDWR)
    try:
        with start(shell, source, goal) as process:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            assert process.stdout.read() == b""  # ends only when cp has: it holds the output as well
            process.wait(10)
    finally:
        os.close(writer)
