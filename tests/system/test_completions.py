"""What a shell completes, asked as the shells ask."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from cli.commands.completions import SHELLS
from tests.support.program import CALL, Program


def completed(tmp_path: Path, *words: str) -> list[str]:
    """What bash offers for the last of `words`, by its own function."""
    script = Program(tmp_path).run("completions", "bash").out.decode()
    (tmp_path / "fairlead").write_text(f'#!/bin/sh\nexec {shlex.join(CALL)} "$@"\n')
    (tmp_path / "fairlead").chmod(0o755)
    line = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}"
    call = f'{script}\n{line}\n_fairlead_completion {tmp_path}/fairlead; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(
        ["bash", "-c", call], env=Program(tmp_path).environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["fairlead", "dia"], ["diagnose"]),
        (["fairlead", "--demo", "diagnose", "web"], ["web-1"]),
        (["fairlead", "shell", "--demo", "db"], ["db-2"]),
        (["fairlead", "--demo", "health", "web-1", "gp"], ["gpu-7"]),
        (["fairlead", "--demo", "jobs", "gp"], ["gpu-7"]),
        (["fairlead", "--demo", "jobs", "gpu-7", "st"], ["start", "stop"]),
        (["fairlead", "--demo", "ps", "db"], ["db-2"]),
        (["fairlead", "--config", "missing.toml", "shell", "w"], []),
        (["fairlead", "put", "--on-conflict", "new"], ["newer"]),
    ],
)
def test_commands_flags_and_hosts_are_offered(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    assert completed(tmp_path, *words) == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_its_own_script(tmp_path: Path, shell: str) -> None:
    ran = Program(tmp_path).run("completions", shell)
    assert (ran.status, ran.err) == (0, b"")
    assert f"_FAIRLEAD_COMPLETE={shell}_complete".encode() in ran.out
