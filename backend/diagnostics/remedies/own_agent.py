"""An SSH agent of this program's own: it serves this program and its children, and ends with it, however that ends.

A shell holds the agent and reads from a pipe that only this program writes to. The pipe ends with the program, also
where that is killed; the shell ends the agent then, and removes its directory.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

from backend.clock import Clock
from backend.errors import Advice, Code, ConfigError

_START_LIMIT = 5.0
"""Seconds until the agent must listen."""
_LOOK_AGAIN = 0.02
_END_LIMIT = 2.0
_HOLD = """\
exec 3<&0 </dev/null
"$1" -D -a "$2/agent" 3<&- &
agent=$!
{ cat <&3 >/dev/null; kill "$agent"; } &
watcher=$!
wait "$agent"
kill "$watcher"
rm -rf "$2"
"""
"""What the shell does, given the agent's program and its directory. It ends when the agent does, whoever ended that."""


class OwnAgent:
    """At most one; started at its first use."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._directory: Path | None = None
        self._before: str | None = None

    @property
    def socket(self) -> Path | None:
        """Where it listens, while it does."""
        running = self._process is not None and self._process.returncode is None
        return self._directory / "agent" if running and self._directory is not None else None

    async def start(self) -> Path:
        """Its socket, which is also `SSH_AUTH_SOCK` of this program from now on. Raises ConfigError."""
        if (socket := self.socket) is not None:
            return socket
        program = shutil.which("ssh-agent")
        if program is None:
            raise _not_started("there is no ssh-agent on the PATH; it comes with OpenSSH's client")
        await self.close()
        self._directory = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="fairlead-agent-"))  # mode 0700
        socket = self._directory / "agent"
        nothing, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        held = ("sh", "-c", _HOLD, "sh", program, str(self._directory))
        try:
            self._process = await asyncio.create_subprocess_exec(
                *held, stdin=pipe, stdout=nothing, stderr=nothing, start_new_session=True
            )
        except OSError as error:
            raise _not_started(error.strerror or str(error)) from error
        await self._until_it_listens(socket)
        self._before = os.environ.get("SSH_AUTH_SOCK")
        os.environ["SSH_AUTH_SOCK"] = str(socket)
        return socket

    async def _until_it_listens(self, socket: Path) -> None:
        until = self._clock.monotonic() + _START_LIMIT
        while not await asyncio.to_thread(socket.is_socket):
            assert self._process is not None
            if self._process.returncode is not None or self._clock.monotonic() > until:
                await self.close()
                raise _not_started("it did not come up")
            await self._clock.sleep(_LOOK_AGAIN)

    async def close(self) -> None:
        """End it, its keys with it; bounded, never raises."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                async with asyncio.timeout(_END_LIMIT):
                    await process.wait()
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        directory, self._directory = self._directory, None
        if directory is None:
            return
        if os.environ.get("SSH_AUTH_SOCK") == str(directory / "agent"):
            os.environ.pop("SSH_AUTH_SOCK")
            if self._before is not None:
                os.environ["SSH_AUTH_SOCK"] = self._before
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


def _not_started(reason: str) -> ConfigError:
    return ConfigError(
        Code.CONFIG_INVALID,
        f"No SSH agent was started: {reason}.",
        evidence={"problem": reason},
        advice=(Advice("Start one in your shell, then Fairlead from there.", 'eval "$(ssh-agent)"'),),
    )
