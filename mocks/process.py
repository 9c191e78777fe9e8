"""A process on a simulated host as it is seen from this end of the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

from backend.connection.connector import Chunk, ExitReport, Place, PtySize, Windows
from backend.errors import Code, FairleadError, SessionError
from mocks.pipes import BrokenPipe
from mocks.shell.process import HostProcess
from mocks.wire import WINDOW, DelayLine, Wire


class SimulatedProcess:
    """`backend.connection.connector.RemoteProcess`."""

    def __init__(self, process: HostProcess, wire: Wire, *, close_limit: float, gone: Callable[[Any], None]) -> None:
        self._process = process
        self._wire = wire
        self._close_limit = close_limit
        self._gone = gone
        self._exit: ExitReport | None = None
        self._ended = asyncio.Event()
        self._discarding = False
        self._down: DelayLine[Chunk] = DelayLine(wire, "down")
        self._up: DelayLine[bytes] = DelayLine(wire, "up")
        self._tasks = [asyncio.create_task(self._carry_down()), asyncio.create_task(self._carry_up())]
        wire.ended.add_done_callback(self._lose)

    @property
    def windows(self) -> Windows:
        return Windows(WINDOW, WINDOW)

    async def output(self) -> AsyncIterator[Chunk]:
        finished = False
        try:
            while (chunk := await self._down.get()) is not None:
                yield chunk
            finished = True
        finally:
            if not finished:
                self._discard()
        self._check()

    async def write(self, data: bytes) -> None:
        self._wire.check()
        if self._process.ended or self._ended.is_set():
            raise SessionError(Code.SESSION_REFUSED, "The process has ended and reads nothing more.")
        self._wire.count(len(data), 0)
        await self._up.put(data, len(data))
        if self._wire.lost is not None:
            raise self._wire.lost

    async def write_eof(self) -> None:
        self._up.end()

    def resize(self, size: PtySize) -> None:
        self._process.resize(size)

    def send_signal(self, signal: str) -> None:
        if not self._wire.ended.done():
            self._process.send_signal(signal)

    def place(self) -> Place | None:
        """A simulated host has no process numbers; it obeys every signal."""
        return None

    async def wait(self) -> ExitReport:
        await self._ended.wait()
        self._check()
        return self._exit or ExitReport()

    async def close(self) -> None:
        self._discard()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, self._process.close(), return_exceptions=True)
        self._finish()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # --- the wire --------------------------------------------------------------------------------------------

    async def _carry_down(self) -> None:
        """Output from the host into the wire, then the report of its end."""
        try:
            while (chunk := await self._process.output.get()) is not None:
                if not self._discarding:
                    self._wire.count(0, len(chunk.data))
                    await self._down.put(chunk, len(chunk.data))
            report = await self._process.wait()
            await self._wire.wait(self._wire.round_trip / 2)
            self._exit = report
        except FairleadError:
            # The link went first; `output` and `wait` tell.
            return
        finally:
            self._finish()

    async def _carry_up(self) -> None:
        try:
            while (data := await self._up.get()) is not None:
                await self._process.write(data)
        except (BrokenPipe, FairleadError):
            return
        self._process.write_eof()

    def _finish(self) -> None:
        self._down.end()
        self._up.end()
        self._ended.set()
        self._gone(self)

    def _discard(self) -> None:
        """Nobody reads any more: what comes is dropped, so that the process can end."""
        self._discarding = True
        self._down.end()

    def _lose(self, _ended: object) -> None:
        """The link is gone: the host hangs up on the process."""
        for task in self._tasks:
            task.cancel()
        self._process.hang_up()
        self._finish()

    def _check(self) -> None:
        if self._exit is None:
            self._wire.check()
