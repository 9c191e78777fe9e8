"""The program's own agent ends with it, however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.diagnostics.remedies.own_agent import OwnAgent
from backend.errors import ConfigError
from tests.support.program import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="no ssh-agent")

_STARTS_ONE = """
import asyncio
from backend.clock import SystemClock
from backend.diagnostics.remedies.own_agent import OwnAgent

async def main():
    print(await OwnAgent(SystemClock()).start(), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def processes_of(socket: Path) -> list[int]:
    """The agent, and the shell that holds it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(socket) in words or os.fsencode(socket.parent) in words:
            found.append(int(path.parent.name))
    return found


async def gone(socket: Path) -> None:
    await until(lambda: not socket.parent.exists() and not processes_of(socket), seconds=10)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_it_does_not_outlive_a_program_that_is_killed(number: int) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", _STARTS_ONE],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with program:
        assert program.stdout is not None
        socket = Path(program.stdout.readline().decode().strip())
        assert socket.is_socket()
        assert len(processes_of(socket)) >= 2
        program.send_signal(number)
    await gone(socket)


async def test_closing_ends_it_and_one_that_somebody_ended_is_started_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/theirs")
    agent = OwnAgent(SystemClock())
    first = await agent.start()
    assert await agent.start() == first
    names = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0] for pid in processes_of(first)}
    for pid, name in names.items():
        if b"ssh-agent" in name:
            os.kill(pid, signal.SIGKILL)
    await until(lambda: agent.socket is None, seconds=10)
    second = await agent.start()
    assert os.environ["SSH_AUTH_SOCK"] == str(second) != str(first)
    await agent.close()
    assert os.environ["SSH_AUTH_SOCK"] == "/theirs"
    for socket in (first, second):
        await gone(socket)


async def test_one_that_does_not_come_up_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ssh-agent").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "ssh-agent").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    agent = OwnAgent(SystemClock())
    with pytest.raises(ConfigError, match="did not come up"):
        await agent.start()
    assert agent.socket is None
