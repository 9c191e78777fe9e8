"""A program whose stdin and stdout carry a connection: proxy commands, `cloudflared`, `tailscale nc`.

As OpenSSH does it, the program gets one end of a socket pair, so the rest of the way is a socket like any other. Its
stderr stays out of the stream: it is kept in part, logged, and shown when the way fails. When the connection is gone,
the program is hung up on with all that it started; nothing of it is left behind.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import BinaryIO

from backend.text import clean_line, show_bytes

log = logging.getLogger(__name__)

PATIENCE = 0.5
"""Seconds that a program has to end by itself once its stream is closed."""
GRACE = 1.0
"""Seconds between the hang-up (SIGHUP, as OpenSSH sends it) and the kill."""
_LAST_WORDS = 0.4
"""Seconds that a program has to end once it closed its stream: less than PATIENCE, so that the status is its own."""
_MOST_LINES = 20
_MOST_LINE = 400
_MOST_LOGGED = 100


class Complaints(asyncio.Protocol):
    """What a program writes to stderr: its last lines, cleaned; all of it is read, so that the program never waits."""

    def __init__(self, name: str, heard: Callable[[str], None]) -> None:
        self._name = name
        self._heard = heard
        self._line = b""
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._count = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Completes when nothing more can come."""

    def data_received(self, data: bytes) -> None:
        *lines, rest = (self._line + data).split(b"\n")
        for line in lines:
            self._note(line)
        self._line = rest[:_MOST_LINE]

    def connection_lost(self, error: Exception | None) -> None:
        if self._line:
            self._note(self._line)
        if self._count > _MOST_LOGGED:
            log.info("%s: %d more lines", self._name, self._count - _MOST_LOGGED)
        if not self.ended.done():
            self.ended.set_result(None)

    def _note(self, raw: bytes) -> None:
        line = clean_line(show_bytes(raw[:_MOST_LINE].strip()))
        if not line:
            return
        self._count += 1
        self._lines.append(line)
        if self._count <= _MOST_LOGGED:
            log.info("%s: %s", self._name, line)
        self._heard(line)

    @property
    def text(self) -> str:
        """The last lines on one; empty when there were none."""
        lines = [*self._lines, clean_line(show_bytes(self._line.strip()))] if self._line.strip() else self._lines
        left_out = self._count - len(self._lines)
        return (f"({left_out} lines before) " if left_out else "") + "; ".join(lines)


class CarryingProgram:
    """A running program that carries one connection over `sock`."""

    def __init__(
        self, process: asyncio.subprocess.Process, complaints: Complaints, stderr: asyncio.BaseTransport
    ) -> None:
        self._process = process
        self._complaints = complaints
        self._stderr = stderr
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls, command: Sequence[str], *, name: str, heard: Callable[[str], None]
    ) -> tuple[CarryingProgram, socket.socket]:
        """Start `command`; our end of its stream. `heard` gets each line of stderr. Raises OSError where it cannot.

        It is in a session of its own: it has no terminal to ask on, and a signal reaches all that it starts.
        """
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        ours.setblocking(False)
        pipe = os.fdopen(read, "rb", 0)
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=write, start_new_session=True
            )
        except BaseException:
            ours.close()
            pipe.close()
            raise
        finally:
            theirs.close()
            os.close(write)
        try:
            return cls(process, *await _listen(pipe, name, heard)), ours
        except BaseException:
            ours.close()
            pipe.close()
            _signal_group(process.pid, signal.SIGKILL)
            raise

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.returncode

    @property
    def said(self) -> str:
        """The last of what it wrote to stderr."""
        return self._complaints.text

    async def last_words(self) -> int | None:
        """Its exit status, once it has had the time to end; None when it runs on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await self._process.wait()
                await asyncio.shield(self._complaints.ended)  # its last words may still lie in the pipe
        return self.status

    def hang_up(self) -> None:
        """The connection is gone: end the program, first gently. Returns at once; see `ended`."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(), name=f"ending program {self._process.pid}")

    async def ended(self) -> None:
        """Hang up, and wait until nothing of it is left; bounded."""
        self.hang_up()
        assert self._ending is not None
        await asyncio.wait({self._ending}, timeout=3 * GRACE)

    async def _end(self) -> None:
        try:
            await self._wait(PATIENCE)
            if self.status is None:
                _signal_group(self._process.pid, signal.SIGHUP)
                await self._wait(GRACE)
        finally:
            _signal_group(self._process.pid, signal.SIGKILL)
        await self._wait(GRACE)
        self._stderr.close()

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait()


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a program and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


async def _listen(pipe: BinaryIO, name: str, heard: Callable[[str], None]) -> tuple[Complaints, asyncio.BaseTransport]:
    transport, complaints = await asyncio.get_running_loop().connect_read_pipe(lambda: Complaints(name, heard), pipe)
    return complaints, transport


def ending(status: int) -> str:
    """How a program ended, in words."""
    if status == 127:
        return "the shell did not find its program (status 127)"
    if status == 126:
        return "its program is not executable (status 126)"
    if status < 0:
        return f"ended by {_signal_name(-status)}"
    return f"exit status {status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
