"""A TCP connection from a simulated host to a port of another: it greets, and echoes or swallows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.errors import Code, LinkLost
from mocks.pipes import BrokenPipe, BytePipe
from mocks.wire import Wire


class SimulatedStream:
    """`backend.connection.connector.ByteStream`."""

    def __init__(self, wire: Wire, greeting: bytes, *, echoes: bool, gone: Callable[[Any], None]) -> None:
        self._wire = wire
        self._echoes = echoes
        self._incoming = BytePipe()
        self._greeting = greeting
        self._closed = False
        self._gone = gone
        wire.ended.add_done_callback(self._hang_up)

    async def read(self, limit: int = 65536) -> bytes:
        if self._greeting:
            data, self._greeting = self._greeting[:limit], self._greeting[limit:]
        else:
            data = await self._incoming.read(limit)
        if data:
            await self._wire.trip(down=len(data))
        else:
            self._check()
        return data

    async def write(self, data: bytes) -> None:
        self._wire.check()
        if self._closed:
            raise LinkLost(Code.CONNECTION_LOST, "The stream was closed.", evidence={"reason": "the stream is closed"})
        self._wire.count(len(data), 0)
        if self._echoes:
            try:
                await self._incoming.write(data)
            except BrokenPipe:
                self._wire.check()

    async def write_eof(self) -> None:
        self._incoming.write_eof()

    async def close(self) -> None:
        self._closed = True
        self._incoming.stop_reading()
        self._incoming.write_eof()
        self._gone(self)

    def _check(self) -> None:
        if self._wire.lost is not None:
            raise self._wire.lost

    def _hang_up(self, _ended: object) -> None:
        self._incoming.write_eof()
