"""A process on a simulated host: a shell or command with its streams, terminal, signals and end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from backend.connection.connector import ExitReport, PtyRequest, PtySize, StdStream
from backend.errors import FileError
from mocks.host import SimulatedHost, User
from mocks.nodes import Directory
from mocks.pipes import BrokenPipe, BytePipe, OutputQueue, QueueWriter, Writer
from mocks.shell import archive, basics, cluster, files, slurm, system, texts
from mocks.shell.interpreter import ExitShell, Shell, Signalled
from mocks.shell.run import COMMANDS, Streams, Terminal, decode, encode
from mocks.shell.terminal import Complete, Echo, Event, Interrupt, Line, LineEditor, TypedLines

log = logging.getLogger(__name__)

LIBRARIES: Final = (archive, basics, cluster, files, slurm, system, texts)
"""Importing them registers their commands."""


class HostProcess:
    """Started by its constructor, inside a running loop; `close` it."""

    def __init__(
        self,
        host: SimulatedHost,
        user: User,
        command: bytes | None,
        *,
        pty: PtyRequest | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.output = OutputQueue()
        self._host, self._user = host, user
        self._terminal = Terminal(pty.size, pty.term) if pty else None
        self._shell = Shell(host, user, environment=dict(env or {}), terminal=self._terminal)
        self._shell.errors = self._writer(StdStream.ERR)
        self._stdin = BytePipe()
        self._editor = LineEditor()
        self._typed_lines = TypedLines()
        self._job: asyncio.Task[int] | None = None
        self._interactive = command is None and pty is not None
        self._signal: str | None = None
        self._report: asyncio.Future[ExitReport] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._main(command))
        self._task.add_done_callback(self._settle)

    # --- from outside ----------------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        return self._report.done()

    async def write(self, data: bytes) -> None:
        """To its stdin, or to its terminal as if typed. Raises BrokenPipe when it has ended."""
        if self._report.done():
            raise BrokenPipe
        if self._terminal is None:
            await self._stdin.write(data)
        else:
            for event in self._editor.feed(data):
                self._on_key(event)

    def write_eof(self) -> None:
        self._stdin.write_eof()
        self._typed_lines.put(b"")

    def resize(self, size: PtySize) -> None:
        if self._terminal is not None:
            self._terminal.size = size

    def send_signal(self, signal: str) -> None:
        """TERM, KILL, INT, HUP and QUIT end it; others pass unnoticed, and so does TERM at a prompt."""
        name = signal.upper().removeprefix("SIG")
        if self._report.done() or name not in ("TERM", "KILL", "INT", "HUP", "QUIT"):
            return
        if self._interactive and name in ("INT", "TERM", "QUIT"):
            self._interrupt()
        else:
            self._signal = name
            self._task.cancel()

    async def wait(self) -> ExitReport:
        return await asyncio.shield(self._report)

    def hang_up(self) -> None:
        """Its terminal or connection is gone (SIGHUP)."""
        self.output.stop_reading()
        self._stdin.stop_reading()
        self._typed_lines.hang_up()
        self._task.cancel()

    async def close(self) -> None:
        """Hang up and see it end."""
        self.hang_up()
        await asyncio.gather(self._task, return_exceptions=True)

    # --- its life --------------------------------------------------------------------------------------------

    async def _main(self, command: bytes | None) -> None:
        report = ExitReport(status=70)
        try:
            report = ExitReport(status=await self._run(command))
        except ExitShell as end:
            report = ExitReport(status=end.status)
        except Signalled as end:
            report = ExitReport(signal=end.signal)
        except BrokenPipe:
            report = ExitReport(signal="PIPE")
        except Exception as error:  # a person may type anything; a gap in a command must not pass for its end
            log.exception("a simulated command failed")
            self.output.put_now(StdStream.ERR, encode(f"sh: the simulated command failed: {error}\n"))
        self._end(report)

    def _settle(self, task: asyncio.Task[None]) -> None:
        """The task has ended, perhaps before it had begun: by a signal or a hang-up."""
        self._end(ExitReport(signal=self._signal or "HUP"))

    def _end(self, report: ExitReport) -> None:
        if not self._report.done():
            self._stdin.stop_reading()
            self.output.end()
            self._report.set_result(report)

    async def _run(self, command: bytes | None) -> int:
        out = self._writer(StdStream.OUT)
        if self._user.shell.endswith(("nologin", "false")):
            await out.write(b"This account is currently not available.\n")
            return 1
        if (seconds := self._host.faults.slow_login_files) > 0:
            await self._host.clock.sleep(seconds)
        if self._host.faults.noisy_login:
            await out.write(self._host.faults.noisy_login)
        if command is not None:
            return await self._shell.run_text(decode(command), self._streams())
        if self._terminal is None:
            return await self._from_stdin()
        return await self._at_prompt(out)

    async def _from_stdin(self) -> int:
        """A shell without a terminal runs its input line by line."""
        line = bytearray()
        while byte := await self._stdin.read(1):
            line += byte
            if byte == b"\n":
                await self._shell.run_text(decode(bytes(line)), self._streams())
                line.clear()
        return await self._shell.run_text(decode(bytes(line)), self._streams())

    async def _at_prompt(self, out: Writer) -> int:
        if self._host.motd:
            await out.write(encode(self._host.motd))
        while True:
            self.output.put_now(StdStream.OUT, self._editor.prompt(self._prompt_text()).data)
            line = await self._typed_lines.read(1 << 16)
            if not line:
                await out.write(b"logout\n")
                return self._shell.status
            text = decode(line).rstrip("\n")
            self._editor.remember(text)
            if text.strip():
                await self._run_line(text)

    async def _run_line(self, line: str) -> None:
        """One line as a job of its own, which ctrl+c ends without ending the shell."""
        self._editor.cooked()
        self._job = asyncio.create_task(self._shell.run_text(line, self._streams()))
        try:
            await asyncio.wait([self._job])
            self._shell.status = 130 if self._job.cancelled() else self._job.result()
        except Signalled as end:
            if end.signal in ("KILL", "HUP"):
                raise
        finally:
            self._job.cancel()
            await asyncio.gather(self._job, return_exceptions=True)
            self._job = None

    # --- its terminal ----------------------------------------------------------------------------------------

    def _on_key(self, event: Event) -> None:
        if isinstance(event, Echo):
            self.output.put_now(StdStream.OUT, event.data)
        elif isinstance(event, Line):
            self._typed_lines.put(encode(event.text + "\n"))
        elif isinstance(event, Complete):
            self._complete(event.word)
        elif isinstance(event, Interrupt):
            self._interrupt()
        else:
            self._typed_lines.put(b"")

    def _interrupt(self) -> None:
        self._typed_lines.flush()
        if not self._interactive:
            self._signal = "INT"
            self._task.cancel()
        elif self._job is not None:
            self._job.cancel()
        else:
            self._shell.status = 130
            self._typed_lines.put(b"\n")

    def _complete(self, word: str) -> None:
        """Finish a command's or file's name as far as it is certain."""
        base, slash, start = word.rpartition("/")
        try:
            node = self._host.tree.directory(self._shell.path((base + slash) or "."), self._user.actor)
        except FileError:
            return
        found = [
            decode(name) + ("/" if isinstance(node.peek(name), Directory) else " ")
            for name in node.names()
            if decode(name).startswith(start) and (start or not name.startswith(b"."))
        ]
        found += [f"{name} " for name in COMMANDS if name.startswith(start)] if not slash and start else []
        certain = _common_start(sorted(set(found)))
        if len(certain) > len(start):
            self.output.put_now(StdStream.OUT, self._editor.insert(certain[len(start) :]).data)

    def _prompt_text(self) -> str:
        home, here = decode(self._user.home_path), decode(self._shell.cwd)
        shown = "~" + here[len(home) :] if (here + "/").startswith(home + "/") else here
        return f"{self._user.name}@{self._host.name}:{shown}{'#' if self._user.uid == 0 else '$'} "

    def _streams(self) -> Streams:
        stdin = self._stdin if self._terminal is None else self._typed_lines
        return Streams(stdin, self._writer(StdStream.OUT), self._writer(StdStream.ERR))

    def _writer(self, stream: StdStream) -> Writer:
        if self._terminal is not None:
            return _TerminalWriter(self.output)
        return QueueWriter(self.output, stream)


class _TerminalWriter:
    """A terminal has one output, and ends lines as terminals do (ONLCR, termios(3))."""

    def __init__(self, queue: OutputQueue) -> None:
        self._queue = queue

    async def write(self, data: bytes) -> None:
        await self._queue.put(StdStream.OUT, data.replace(b"\n", b"\r\n"))


def _common_start(names: list[str]) -> str:
    if not names:
        return ""
    first, last = names[0], names[-1]
    for index, character in enumerate(first):
        if last[index : index + 1] != character:
            return first[:index]
    return first
