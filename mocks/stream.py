"""A connection that a simulated link carries: one end is the client's, a program on the host has the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from backend.errors import Code, FairleadError, LinkLost
from mocks.pipes import BrokenPipe
from mocks.programs import Program
from mocks.wire import DelayLine, Wire


class _FarEnd:
    """What the program reads and writes."""

    def __init__(self, up: DelayLine[bytes], down: DelayLine[bytes]) -> None:
        self._up = up
        self._down = down
        self.deaf = False
        """The client has closed."""

    async def read(self, limit: int) -> bytes:
        try:
            return await self._up.get() or b""
        except FairleadError:
            return b""

    async def write(self, data: bytes) -> None:
        if self.deaf:
            raise BrokenPipe
        if data:
            await self._down.put(data, len(data))

    async def write_eof(self) -> None:
        self._down.end()


class SimulatedStream:
    """`backend.connection.streams.ByteStream`."""

    def __init__(self, wire: Wire, program: Program, *, gone: Callable[[Any], None]) -> None:
        self._wire = wire
        self._gone = gone
        self._up: DelayLine[bytes] = DelayLine(wire, "up")
        self._down: DelayLine[bytes] = DelayLine(wire, "down")
        self._rest = b""
        self._closed = False
        self._far = _FarEnd(self._up, self._down)
        self._serving = asyncio.create_task(self._serve(program))
        wire.ended.add_done_callback(self._hang_up)

    async def read(self, limit: int = 65536) -> bytes:
        data = self._rest or await self._down.get() or b""
        if not data:
            self._check()
        elif not self._rest:
            self._wire.count(0, len(data))
        data, self._rest = data[:limit], data[limit:]
        return data

    async def write(self, data: bytes) -> None:
        self._wire.check()
        if self._closed or self._serving.done():
            raise LinkLost(Code.CONNECTION_LOST, "The stream was closed.", evidence={"reason": "the stream is closed"})
        self._wire.count(len(data), 0)
        await self._up.put(data, len(data))

    async def write_eof(self) -> None:
        self._up.end()

    async def close(self) -> None:
        self._closed = self._far.deaf = True
        self._up.end()
        self._down.end()
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        self._gone(self)

    async def _serve(self, program: Program) -> None:
        try:
            with suppress(BrokenPipe):
                await program(self._far)
        finally:
            self._down.end()

    def _check(self) -> None:
        if not self._closed:
            self._wire.check()

    def _hang_up(self, _ended: object) -> None:
        self._serving.cancel()
        self._up.end()
        self._down.end()
