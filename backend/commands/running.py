"""One running command: its life from connecting to the outcome. It belongs to the service, whatever screen started it.

Stopping is orderly: Ctrl-C where there is a terminal, TERM, KILL after `GRACE` seconds, and after as long again the
channel is closed and the outcome says that the end could not be confirmed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine
from pathlib import Path
from typing import Any

from backend.clock import Clock
from backend.commands.output import OutputBuffer
from backend.commands.pulse import Pulse
from backend.commands.saving import Saved, Spill, save
from backend.commands.values import (
    CommandChanged,
    CommandOutcome,
    CommandOutput,
    CommandSpec,
    CommandState,
    Sink,
)
from backend.commands.verdict import judge, known_end, unknown_end, unreadable_input, with_remote
from backend.commands.workplace import placed
from backend.connection.connector import Chunk, ExitReport, RemoteProcess, StdStream
from backend.connection.session import Session
from backend.errors import Code, FairleadError, FileError, Interrupted, LinkLost, SessionError, TimeLimitError
from backend.events import EventBus
from backend.tasks import cancel_all

log = logging.getLogger(__name__)

GRACE = 2.0
"""Seconds that a process gets after TERM, and again after KILL."""
_CLOSE_LIMIT = 5.0
_TURN_BYTES = 256 << 10
"""Output after which the reader lets everybody else have a turn of the loop."""
_INTERRUPT, _END_OF_INPUT = b"\x03", b"\x04"


class RunningCommand:
    """A command that belongs to the service, whatever screen started it."""

    def __init__(
        self,
        *,
        command_id: str,
        session: Session,
        spec: CommandSpec,
        sink: Sink | None,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self.id = command_id
        self.host = session.host
        self.spec = spec
        self.started_at = clock.now()
        self.output = OutputBuffer()
        self.state = CommandState.STARTING
        self.outcome: CommandOutcome | None = None
        self._session = session
        self._sink = sink
        self._spill = Spill(spec.save_to)
        self._bus = bus
        self._clock = clock
        self._pulse = Pulse(lambda: bus.publish(CommandOutput(self.host, self.id)), clock)
        self._received = {StdStream.OUT: 0, StdStream.ERR: 0}
        self._began = clock.monotonic()
        loop = asyncio.get_running_loop()
        self._stop: asyncio.Future[FairleadError] = loop.create_future()
        self._ended: asyncio.Future[CommandOutcome] = loop.create_future()
        self._bus.publish(CommandChanged(self.host, self.id, self.state))
        self._task = asyncio.create_task(self._live(), name=f"command {command_id} on {self.host}")

    @property
    def save_error(self) -> FileError | None:
        """Why `spec.save_to` does not hold the whole output; the command goes on without it."""
        return self._spill.error

    async def wait(self) -> CommandOutcome:
        """How it ended; never raises for the command's own fate. Cancelling the wait does not stop the command."""
        return await asyncio.shield(self._ended)

    async def cancel(self) -> CommandOutcome:
        """TERM, then KILL, then close; the outcome's error says what could not be confirmed."""
        self.stop()
        return await self.wait()

    def stop(self) -> None:
        """Begin to cancel it, and return at once."""
        self._stop_for(Interrupted(Code.INTERRUPTED, host=self.host))

    def abandon(self) -> None:
        """Let go of it without waiting for the host; the outcome says that its end is unknown."""
        self._task.cancel()

    async def save(self, path: Path) -> Saved:
        """Write the output that is kept into a new local file. Raises FileError."""
        return await save(self.output, path)

    # --- its life ----------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        exit_report: ExitReport | None = None
        error: FairleadError | None = unknown_end(self.host, "Fairlead closed before it was confirmed")
        try:
            exit_report, error = await self._attempt()
        except FairleadError as failure:
            error = failure.located(host=self.host)
        except Exception as bug:
            log.exception("command %s failed inside Fairlead", self.id)
            error = FairleadError(Code.INTERNAL, evidence={"reason": type(bug).__name__}, host=self.host)
        finally:
            self._finish(exit_report, error)

    async def _attempt(self) -> tuple[ExitReport | None, FairleadError | None]:
        try:
            process = await self._unless_stopped(self._open())
        except _StoppedEarly as stopped:
            return None, with_remote(stopped.reason, "not started")
        self._began = self._clock.monotonic()
        self._enter(CommandState.RUNNING)
        try:
            return await self._accompany(process)
        finally:
            await _bounded_close(process)

    async def _open(self) -> RemoteProcess:
        link = await self._session.link()
        command = placed(self.spec.command, self._session.target, cwd=self.spec.cwd, env=self.spec.env)
        return await link.open_process(command, pty=self.spec.pty)

    async def _unless_stopped(self, opening: Coroutine[Any, Any, RemoteProcess]) -> RemoteProcess:
        """The opened process, unless the person stops first; then nothing is left open."""
        task = asyncio.create_task(opening)
        signs: set[asyncio.Future[Any]] = {task, self._stop}
        try:
            await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _discard(task)
            raise
        if task.done():
            return task.result()
        await _discard(task)
        raise _StoppedEarly(self._stop.result())

    async def _accompany(self, process: RemoteProcess) -> tuple[ExitReport | None, FairleadError | None]:
        """Feed and read the process until it ends, is stopped, or reaches its limit."""
        reading = asyncio.create_task(self._read(process))
        helpers = [asyncio.create_task(self._write_stdin(process)), asyncio.create_task(self._watch_limit())]
        signs: set[asyncio.Future[Any]] = {reading, self._stop}
        try:
            await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return judge(reading.result(), self.host), None
            return None, await self._end(process, reading, self._stop.result())
        finally:
            await cancel_all([reading, *helpers])

    async def _read(self, process: RemoteProcess) -> ExitReport:
        """Take in all output, then how it ended."""
        turn = 0
        async with self._spill:
            async for chunk in process.output():
                await self._take(chunk)
                await self._spill.write(chunk.data)
                turn += len(chunk.data)
                if turn >= _TURN_BYTES:
                    turn = 0
                    await asyncio.sleep(0)
        return await process.wait()

    async def _take(self, chunk: Chunk) -> None:
        self._received[chunk.stream] += len(chunk.data)
        if self.spec.keep_output:
            self.output.feed(chunk)
        taken = self._sink(chunk) if self._sink is not None else None
        self._pulse.touch()
        if taken is not None:
            await taken

    async def _write_stdin(self, process: RemoteProcess) -> None:
        """Send what there is, then end stdin. A process that does not want it all is no failure of ours."""
        given = bool(self.spec.stdin) or self.spec.stdin_stream is not None
        with contextlib.suppress(SessionError, LinkLost):
            if self.spec.stdin:
                await process.write(self.spec.stdin)
            if self.spec.stdin_stream is not None:
                await self._pass_on(self.spec.stdin_stream, process)
            if self.spec.pty is None:
                await process.write_eof()
            elif given:
                await process.write(_END_OF_INPUT)

    async def _pass_on(self, source: AsyncIterable[bytes], process: RemoteProcess) -> None:
        """Send what `source` gives. A source that fails stops the command: it must not take a part for the whole."""
        try:
            async for data in source:
                await process.write(data)
        except OSError as error:
            self._stop_for(unreadable_input(self.host, error.strerror or str(error)))
            await asyncio.Event().wait()  # until the command has been stopped: its input must not seem to end here
        finally:
            if isinstance(source, AsyncGenerator):
                await source.aclose()

    async def _watch_limit(self) -> None:
        limit = self.spec.time_limit
        if limit is not None:
            await self._clock.sleep(limit)
            self._stop_for(TimeLimitError(Code.TIME_LIMIT, evidence={"seconds": f"{limit:g}"}, host=self.host))

    # --- stopping ----------------------------------------------------------------------------------------------

    def _stop_for(self, reason: FairleadError) -> None:
        if not self._stop.done():
            self._stop.set_result(reason)

    async def _end(
        self, process: RemoteProcess, reading: asyncio.Task[ExitReport], reason: FairleadError
    ) -> FairleadError:
        """Stop the process, and tell in `reason` what is known about its end."""
        self._enter(CommandState.CANCELLING)
        exiting = asyncio.create_task(process.wait())
        interrupting = asyncio.create_task(self._press_interrupt(process))
        try:
            for signal in ("TERM", "KILL"):
                process.send_signal(signal)
                if await self._within_grace({reading, exiting}):
                    break
            if exiting.done() and not reading.done():
                await self._within_grace({reading})  # its last words, unless a child of it holds the stream
            return with_remote(reason, *known_end(reading, exiting))
        finally:
            await cancel_all([exiting, interrupting])

    async def _press_interrupt(self, process: RemoteProcess) -> None:
        if self.spec.pty is not None:
            with contextlib.suppress(SessionError, LinkLost):
                await process.write(_INTERRUPT)

    async def _within_grace(self, signs: set[asyncio.Task[ExitReport]]) -> bool:
        """Whether one of the signs of the process's end came in time."""
        timer = asyncio.create_task(self._clock.sleep(GRACE))
        try:
            await asyncio.wait({*signs, timer}, return_when=asyncio.FIRST_COMPLETED)
            return any(sign.done() for sign in signs)
        finally:
            timer.cancel()

    # --- its states --------------------------------------------------------------------------------------------

    def _enter(self, state: CommandState) -> None:
        self.state = state
        self._bus.publish(CommandChanged(self.host, self.id, state, self.outcome))

    def _finish(self, exit_report: ExitReport | None, error: FairleadError | None) -> None:
        self._pulse.stop()
        self.outcome = CommandOutcome(
            exit=exit_report,
            error=error,
            seconds=self._clock.monotonic() - self._began,
            bytes_out=self._received[StdStream.OUT],
            bytes_err=self._received[StdStream.ERR],
        )
        self._ended.set_result(self.outcome)
        self._enter(CommandState.ENDED)


class _StoppedEarly(Exception):
    """The person stopped a command that had not started."""

    def __init__(self, reason: FairleadError) -> None:
        super().__init__(str(reason))
        self.reason = reason


async def _discard(opening: asyncio.Task[RemoteProcess]) -> None:
    """Give up an opening; what it had opened in the last moment is closed."""
    await cancel_all([opening])
    if opening.done() and not opening.cancelled() and opening.exception() is None:
        await _bounded_close(opening.result())


async def _bounded_close(process: RemoteProcess) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.close(), _CLOSE_LIMIT)
