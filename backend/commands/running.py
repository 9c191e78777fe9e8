"""One running command: its life from connecting to the outcome. It belongs to the service, whatever screen started it.

How it is stopped is told in `backend.commands.ending`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.clock import Clock
from backend.commands.opening import Opener
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
from backend.commands.verdict import MAY_HAVE_STARTED, NOT_STARTED, judge, unknown_end, unreadable_input, with_remote
from backend.connection.connector import Chunk, ExitReport, Link, RemoteProcess, StdStream
from backend.connection.session import Session
from backend.errors import Code, FairleadError, FileError, Interrupted, LinkLost, SessionError, TimeLimitError
from backend.events import EventBus
from backend.tasks import cancel_all

if TYPE_CHECKING:
    from backend.commands.pursuit import Run

log = logging.getLogger(__name__)

_CLOSE_LIMIT = 5.0
_ANSWER = 2.0
"""Seconds that a host's answer is waited for, when what it was asked to start is to be stopped."""
_TURN_BYTES = 256 << 10
"""Output after which the reader lets everybody else have a turn of the loop."""
_END_OF_INPUT = b"\x04"


class RunningCommand:
    """A command that belongs to the service, whatever screen started it."""

    def __init__(
        self,
        *,
        command_id: str,
        session: Session,
        spec: CommandSpec,
        sink: Sink | None,
        permit: Callable[[], Awaitable[None]],
        opener: Opener,
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
        self._permit = permit
        self._opener = opener
        self._spill = Spill(spec.save_to)
        self._bus = bus
        self._clock = clock
        self._pulse = Pulse(lambda: bus.publish(CommandOutput(self.host, self.id)), clock)
        self._link: Link | None = None
        """Which it was started over."""
        self._may_run = False
        """The host has been asked to start it."""
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

    @cached_property
    def shown(self) -> OutputBuffer:
        """The output as text in UTF-8, for people; `output` itself where the host writes that."""
        if self.spec.encoding == "utf-8":
            return self.output
        from backend.commands.recoded import RecodedOutput  # most hosts write UTF-8

        return RecodedOutput(self.output, self.spec.encoding)

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
            return None, with_remote(stopped.reason, stopped.remote)
        self._began = self._clock.monotonic()
        self._enter(CommandState.RUNNING)
        try:
            return await self._accompany(process)
        finally:
            await _bounded_close(process)

    async def _open(self) -> RemoteProcess:
        await self._permit()
        self._link = await self._session.link()
        return await self._opener.open(self._session, self.spec, self._begins)

    def _begins(self) -> None:
        self._may_run = True

    async def _unless_stopped(self, opening: Coroutine[Any, Any, RemoteProcess]) -> RemoteProcess:
        """The opened process, unless the person stops first; then nothing is left open.

        What the host has been asked to start may run before it says so: the answer is waited for a little, and the
        process is there to be ended then. Without an answer nobody knows.
        """
        task = asyncio.create_task(opening)
        signs: set[asyncio.Future[Any]] = {task, self._stop}
        try:
            await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _discard(task)
            raise
        if not task.done() and self._may_run:
            await asyncio.wait({task}, timeout=_ANSWER)
        if task.done():
            return task.result()
        await _discard(task)
        raise _StoppedEarly(self._stop.result(), MAY_HAVE_STARTED if self._may_run else NOT_STARTED)

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
        from backend.commands.ending import Ending  # most commands end by themselves
        from backend.commands.pursuit import Pursuit

        self._enter(CommandState.CANCELLING)
        assert self._link is not None
        pursuit = Pursuit(process, self._link, self._run_as)
        ending = Ending(process, pursuit, self._clock, terminal=self.spec.pty is not None)
        return with_remote(reason, *await ending.hold(reading))

    @property
    def _run_as(self) -> Run | None:
        """Runs a script as the other user that the command runs as."""
        who = self.spec.elevate
        if who is None:
            return None
        return lambda script: self._opener.elevation(self.host).run_silently(script, who)

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
    """The person stopped a command before it was seen to start."""

    def __init__(self, reason: FairleadError, remote: str) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.remote = remote


async def _discard(opening: asyncio.Task[RemoteProcess]) -> None:
    """Give up an opening; what it had opened in the last moment is closed."""
    await cancel_all([opening])
    if opening.done() and not opening.cancelled() and opening.exception() is None:
        await _bounded_close(opening.result())


async def _bounded_close(process: RemoteProcess) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.close(), _CLOSE_LIMIT)
