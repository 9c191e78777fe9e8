"""One named session: its shell, the command that runs in it, and the truth about its end."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum

from backend.clock import Clock
from backend.commands.asking import ask
from backend.commands.shells.interrupting import signal_script
from backend.commands.shells.protocol import Begun, Between, Ended, Reading, Said, opening_line, order
from backend.connection.connector import Chunk, ExitReport, PtySize, RemoteProcess
from backend.connection.session import Session
from backend.errors import Code, FairleadError, LinkLost, SessionError
from backend.tasks import cancel_all

GRACE = 1.0
"""Seconds that a command gets between an interrupt and TERM."""
_KEPT = 64
"""Chunks that wait for whoever reads; then the host is held back."""


class ShellState(StrEnum):
    """Where a session stands."""

    READY = "ready"
    BUSY = "busy"
    GONE = "gone"


class ShellSession:
    """A shell on a host, kept open. Commands in it take turns."""

    def __init__(self, session: Session, name: str, process: RemoteProcess, clock: Clock, shell: str) -> None:
        self.name = name
        self.host = session.host
        self.shell = shell
        """The program that it runs in; for people."""
        self.opened_at: datetime = clock.now()
        self.used_at: datetime = self.opened_at
        self.directory: bytes | None = None
        """Where it stands, known once a command has ended in it."""
        self.commands = 0
        self.between = 0
        """Bytes that background jobs wrote between commands: they belong to none, and are shown nowhere else."""
        self.gone: str = ""
        """Why it is gone, as the rest of a sentence; empty while it is there."""
        self._session = session
        self._clock = clock
        self._process = process
        self._turn = asyncio.Lock()
        self._current: ShellCommand | None = None
        self._reader = asyncio.create_task(self._read(), name=f"session {name} on {self.host}")

    @property
    def state(self) -> ShellState:
        if self.gone:
            return ShellState.GONE
        return ShellState.BUSY if self._turn.locked() else ShellState.READY

    async def run(self, command: bytes, begins: Callable[[], None] = lambda: None) -> ShellCommand:
        """Start a command when those before it have ended, and call `begins`. Raises SessionError (SHELL_GONE)."""
        await self._turn.acquire()
        try:
            self._check()
            running = ShellCommand(self)
            self._current = running
            self.commands += 1
            begins()
            await self._process.write(order(running.begin, running.end, command))
        except BaseException as error:
            self._current = None
            self._turn.release()
            if isinstance(error, SessionError | LinkLost) and error.code is not Code.SHELL_GONE:
                raise self.error(error.message) from error
            raise
        return running

    def error(self, reason: str) -> SessionError:
        """Why nothing can run in it any more."""
        evidence = {"name": self.name, "reason": reason}
        return SessionError(Code.SHELL_GONE, evidence=evidence, host=self.host)

    async def close(self, reason: str = "it was closed") -> None:
        """End the shell and what runs in it; bounded, never raises."""
        self.gone = self.gone or reason
        await cancel_all([self._reader])
        with suppress(SessionError, LinkLost, OSError):
            await asyncio.wait_for(self._process.write_eof(), GRACE)
        await self._process.close()

    def _check(self) -> None:
        if self.gone:
            raise self.error(self.gone)

    # --- what the shell says --------------------------------------------------------------------------------------

    async def _read(self) -> None:
        failure: FairleadError | None = None
        report: ExitReport | None = None
        try:
            async for chunk in self._process.output():
                await self._take(chunk)
            report = await self._process.wait()
        except FairleadError as error:
            failure = error
        finally:
            self._lost(failure, report)

    async def _take(self, chunk: Chunk) -> None:
        if self._current is None:
            self.between += len(chunk.data)
        else:
            await self._current.take(chunk)

    def _lost(self, failure: FairleadError | None, report: ExitReport | None) -> None:
        """The shell is no more: what runs in it hears of it, and so does whoever asks next."""
        if not self.gone:
            self.gone = _why(failure, report)
        if self._current is not None:
            self._current.lose(failure, report)

    def finished(self, running: ShellCommand, directory: bytes | None) -> None:
        """A command has ended; the next one may begin."""
        if self._current is running:
            self._current = None
            self.directory = directory or self.directory
            self.used_at = self._clock.now()
            self._turn.release()

    async def signal(self, running: ShellCommand, signal: str) -> None:
        """Signal what a command has started, not the shell."""
        if running.begun is not None:
            with suppress(FairleadError):
                await ask(self._session, signal_script(running.begun.shell, running.begun.jobs, signal), seconds=10)

    async def give_up(self, running: ShellCommand) -> None:
        """End the shell itself on the host, for `running` in it cannot be ended in another way."""
        self.gone = self.gone or "the command that ran in it could not be interrupted"
        if running.begun is not None:
            with suppress(FairleadError):
                await ask(self._session, b"kill -KILL %d" % running.begun.shell, seconds=3)
        await self.close()

    async def pause(self, seconds: float) -> None:
        """Let time pass on the session's clock."""
        await self._clock.sleep(seconds)


class ShellCommand(RemoteProcess):
    """One command in a session; looks like a process of its own."""

    def __init__(self, shell: ShellSession) -> None:
        self.begin, self.end = secrets.token_hex(16).encode(), secrets.token_hex(16).encode()
        self.begun: Begun | None = None
        self._shell = shell
        self._reading = Reading(self.begin, self.end)
        self._chunks: asyncio.Queue[Chunk | None] = asyncio.Queue(_KEPT)
        self._end: asyncio.Future[ExitReport] = asyncio.get_running_loop().create_future()
        self._end.add_done_callback(lambda end: end.cancelled() or end.exception())
        self._left = False
        """Nobody reads any more: what comes is dropped, so that the shell is not held up."""
        self._signals: list[asyncio.Task[None]] = []

    async def take(self, chunk: Chunk) -> None:
        """Some output of the shell."""
        for happening in self._reading.feed(chunk.stream, chunk.data):
            match happening:
                case Begun():
                    self.begun = happening
                case Said(stream, data) if not self._left:
                    await self._chunks.put(Chunk(stream, data))
                case Between(count):
                    self._shell.between += count
                case Ended(status, directory):
                    self._settle(ExitReport(status=status))
                    self._shell.finished(self, directory)
                    await self._chunks.put(None)
                case _:
                    pass

    def lose(self, failure: FairleadError | None, report: ExitReport | None) -> None:
        """The shell ended while this ran: with it, as by `exit`, or under it."""
        if not self._end.done():
            if report is not None and (report.status is not None or report.signal is not None):
                self._end.set_result(report)
            else:
                self._end.set_exception(failure or self._shell.error(self._shell.gone))
        self._shell.finished(self, None)
        while self._chunks.full():
            self._chunks.get_nowait()
        self._chunks.put_nowait(None)

    def _settle(self, report: ExitReport) -> None:
        if not self._end.done():
            self._end.set_result(report)

    # --- as a process ---------------------------------------------------------------------------------------------

    async def output(self) -> AsyncIterator[Chunk]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk
        await asyncio.shield(self._end)

    async def write(self, data: bytes) -> None:
        """Its standard input is /dev/null."""

    async def write_eof(self) -> None:
        """Its standard input is /dev/null."""

    def resize(self, size: PtySize) -> None:
        """It has no terminal."""

    def send_signal(self, signal: str) -> None:
        """Signal what it has started; the shell stays."""
        self._signals.append(asyncio.create_task(self._send(signal)))

    def place(self) -> None:
        """The processes of a session are told apart by the session itself."""

    async def _send(self, signal: str) -> None:
        if signal == "TERM":  # as ctrl+c does: the shell's own background jobs ignore it
            await self._shell.signal(self, "INT")
            await self._shell.pause(GRACE)
        if not self._end.done():
            await self._shell.signal(self, signal)

    async def wait(self) -> ExitReport:
        return await asyncio.shield(self._end)

    async def close(self) -> None:
        """Let go of it. One that still runs takes the session with it: nobody could use that shell again."""
        self._left = True
        while not self._chunks.empty():
            self._chunks.get_nowait()
        if not self._end.done() and not self._signals:
            await self._shell.signal(self, "INT")  # let go of in its first moment: it may well end by that
            await asyncio.wait({self._end}, timeout=GRACE)
        await cancel_all(self._signals)
        if not self._end.done():
            await self._shell.give_up(self)

    async def __aenter__(self) -> ShellCommand:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _why(failure: FairleadError | None, report: ExitReport | None) -> str:
    if isinstance(failure, LinkLost):
        return f"the connection was lost ({failure.message})"
    if failure is not None:
        return failure.message
    if report is not None and report.signal is not None:
        return f"its shell was ended by the signal {report.signal}"
    if report is not None and report.status is not None:
        return f"its shell ended with status {report.status}, as by exit or exec"
    return "its shell ended"


async def open_shell(session: Session, name: str, clock: Clock) -> ShellSession:
    """A new session on a host. Raises what keeps commands from running there."""
    link = await session.link()
    answer = await ask(session, b'printf "\\n%s" "${SHELL:-/bin/sh}"', seconds=30)
    process = await link.open_process(opening_line())
    return ShellSession(session, name, process, clock, answer.out.rpartition(b"\n")[2].decode("utf-8", "replace"))
