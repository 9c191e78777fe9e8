"""Programs that were recorded on a real terminal: the screen is the one that tmux has after the same bytes.

`recordings/NAME.bin` is what the program wrote, `NAME.screens` what tmux 3.3a showed after so many bytes of it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.commands.terminals.engines import make_emulator

RECORDINGS = Path(__file__).parent / "recordings"
NAMES = sorted(path.stem for path in RECORDINGS.glob("*.bin"))
COLUMNS, ROWS = 80, 24


@dataclass(frozen=True)
class Picture:
    """After `size` bytes."""

    size: int
    cursor: tuple[int, int]
    rows: tuple[str, ...]
    """Without blanks at their ends, and blank ones at the end."""


def pictures(name: str) -> list[Picture]:
    text = (RECORDINGS / f"{name}.screens").read_text("utf-8")
    parts = re.split(r"^== (\d+) bytes, cursor (\d+) (\d+)\n", text, flags=re.MULTILINE)[1:]
    return [
        Picture(int(size), (int(column), int(row)), tuple(rows.splitlines()))
        for size, column, row, rows in zip(*[iter(parts)] * 4, strict=True)
    ]


def picture(rows: list[str], cursor: tuple[int, int], size: int) -> Picture:
    return Picture(size, cursor, tuple("\n".join(row.rstrip() for row in rows).rstrip("\n").splitlines()))


def recorded(name: str, size: int) -> bytes:
    return (RECORDINGS / f"{name}.bin").read_bytes()[:size]


@pytest.mark.parametrize("name", NAMES)
def test_a_program_looks_as_in_tmux(name: str) -> None:
    emulator, at = make_emulator(COLUMNS, ROWS), 0
    assert pictures(name)
    for expected in pictures(name):
        emulator.feed(recorded(name, expected.size)[at:])
        at = expected.size
        rows = ["".join(run.text for run in emulator.row(row)) for row in range(ROWS)]
        assert picture(rows, (emulator.cursor.column, emulator.cursor.row), at) == expected


class Tmux:
    """A server of its own, without a status line."""

    def __init__(self, program: str, directory: Path) -> None:
        self._directory = directory
        (directory / "tmux.conf").write_text("set -g status off\n")
        self._call = [program, "-u", "-S", str(directory / "socket"), "-f", str(directory / "tmux.conf")]
        self._environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}

    def run(self, *arguments: str) -> str:
        call = [*self._call, *arguments]
        done = subprocess.run(call, env=self._environment, capture_output=True, timeout=20, check=True)
        return done.stdout.decode()

    def picture(self, data: bytes) -> Picture:
        """What it shows after `data`; the title, which ends it, says that all of it was taken in."""
        (self._directory / "data").write_bytes(data + b"\x1b\\\x1b]2;at the end\x1b\\")
        program = f"stty raw -echo; cat {self._directory / 'data'}; exec sleep 60"
        self.run("new-session", "-d", "-s", "one", "-x", str(COLUMNS), "-y", str(ROWS), program)
        try:
            while self.run("display", "-p", "-t", "one", "#{pane_title}") != "at the end\n":
                pass
            column, row = self.run("display", "-p", "-t", "one", "#{cursor_x} #{cursor_y}").split()
            return picture(self.run("capture-pane", "-p", "-t", "one").split("\n"), (int(column), int(row)), len(data))
        finally:
            self.run("kill-session", "-t", "one")


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    program = shutil.which("tmux")
    if program is None:
        pytest.skip("tmux is not installed")
    server = Tmux(program, tmp_path)
    server.run("new-session", "-d", "-s", "kept", "sleep 600")
    yield server
    server.run("kill-server")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_pictures_are_those_of_tmux(tmux: Tmux, name: str) -> None:
    for expected in pictures(name):
        assert tmux.picture(recorded(name, expected.size)) == expected
