"""Asks a host for its time, a few times over one channel, so that only the way there and back counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

from backend.clock import Clock
from backend.connection.connector import Link, RemoteProcess, StdStream
from backend.diagnostics.clock_offset import Reading, parse_date
from backend.errors import SessionError
from backend.tasks import closing, within

_QUESTIONS = 4
"""The first one also waits for the shell, so it says less."""
_LONGEST = 4096
"""Bytes without an answer among them after which no more are read."""


async def read_clock(link: Link, marker: str, clock: Clock, *, limit: float) -> list[Reading]:
    """A few readings; none where commands or date(1) cannot be had within `limit` seconds. Raises LinkLost."""
    readings: list[Reading] = []
    command = f"exec sh -c 'while read x; do date +{marker}%s.%N; done'".encode()
    with suppress(SessionError, TimeoutError):
        await within(limit, _ask_all(link, command, marker.encode(), clock, readings), clock)
    return readings


async def _ask_all(link: Link, command: bytes, marker: bytes, clock: Clock, readings: list[Reading]) -> None:
    async with await link.open_process(command) as process, closing(_lines(process)) as lines:
        for _ in range(_QUESTIONS):
            reading = await _ask(process, lines, marker, clock)
            if reading is None:
                return
            readings.append(reading)


async def _ask(process: RemoteProcess, lines: AsyncIterator[bytes], marker: bytes, clock: Clock) -> Reading | None:
    sent, steady = clock.now().timestamp(), clock.monotonic()
    await process.write(b"\n")
    async for line in lines:
        if (told := parse_date(line, marker)) is not None:
            return Reading(sent, sent + clock.monotonic() - steady, *told)
    return None


async def _lines(process: RemoteProcess) -> AsyncIterator[bytes]:
    """Whole lines of its output, whatever else login files print among them; ends when it says too much."""
    rest = b""
    async with closing(process.output()) as chunks:
        async for chunk in chunks:
            if chunk.stream is StdStream.OUT:
                *whole, rest = (rest + chunk.data).split(b"\n")
                for line in whole:
                    yield line
            if len(rest) > _LONGEST:
                return
