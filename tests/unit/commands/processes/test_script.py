"""The script that lists processes, run by this machine's shells."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from backend.commands.processes import script
from tests.support.broken_awk import broken_awk


@pytest.mark.parametrize("shell", ["sh", "bash", "busybox"])
def test_a_process_that_ends_while_it_is_read_hides_no_other(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    command = [shell, "sh", "-s"] if shell == "busybox" else [shell, "-s"]
    environment = {**os.environ, "PATH": broken_awk(tmp_path)}
    ended = subprocess.run(command, input=script.listing(), env=environment, capture_output=True, check=True)
    lines = ended.stdout.splitlines()
    assert lines[-1] == b"end" and ended.stderr == b""
    assert any(line.startswith(b"s %d " % os.getpid()) for line in lines)
    assert b"s 1 half" not in lines and any(line.startswith(b"memory ") for line in lines)


def test_a_process_that_ends_just_before_the_signal_is_gone_and_not_refused() -> None:
    """The shell's `kill` ends it here and says what it says where there is none."""
    parent = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    start = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]
    late = (
        b'kill() { command kill -9 "$3"; while [ -e "/proc/$3" ]; do :; done; echo "sh: kill: gone" >&2; return 1; }\n'
    )
    asked = late + script.signalling(pid, start, "TERM")
    assert subprocess.run(["sh", "-s"], input=asked, capture_output=True, check=True).stdout == b"gone\n"
    parent.communicate()
