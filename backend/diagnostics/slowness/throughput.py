"""How quick bulk data goes over a link, both ways: bounded transfers that touch no disk, by SFTP and through commands.

SFTP reads `/dev/zero` and writes `/dev/null`, with as many blocks in flight as real transfers have
(`backend.files.flight`), so that what is measured is what they get. Every transfer ends after so many bytes or seconds,
whichever comes first, and leaves little under way: a slow path is not clogged for what comes next.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

from backend.clock import Clock, SystemClock
from backend.connection.connector import FileChannel, Link, OpenMode, RemoteFile, StdStream, Windowed
from backend.dataclass import dataclass
from backend.diagnostics.slowness.values import Lane, Transfer, Way
from backend.errors import Code, SessionError
from backend.files.flight import MOST, Flight
from backend.tasks import cancel_all

BYTES = 8 << 20
"""Of one SFTP transfer, at most."""
BYTES_FAR = 24 << 20
"""The same over a long path, whose windows take longer to open."""
FAR = 0.1
"""Seconds of a round trip from which on a path is long."""
COMMAND_BYTES = 2 << 20
_BLOCK = 261120
_UPLOAD_BLOCKS = 16
"""In flight on an upload: twice what OpenSSH's window takes, so that it is the window that is seen and not this."""
_SECONDS = 2.0
_ROUNDS = 12
_LONGEST = 6.0
_COMMAND_SECONDS = 0.75
_LEAST = 32 << 10
_STEADY_FROM = 0.35
"""Of the time of a transfer: what comes before is how it gets going."""
_WRITE = 64 << 10

Heard = Callable[[int, float], None]
"""Hears how many bytes have gone in how many seconds."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one transfer may take."""

    bytes: int
    seconds: float

    @classmethod
    def over(cls, round_trip: float) -> Bounds:
        """For a path of so many seconds."""
        seconds = max(_SECONDS, min(_LONGEST, _ROUNDS * round_trip))
        return cls(BYTES if round_trip < FAR else BYTES_FAR, seconds)


async def by_files(
    link: Link, way: Way, *, round_trip: float, clock: Clock, heard: Heard, compressed: bool = False
) -> Transfer:
    """One way over SFTP. Raises FileError where the server has no such devices, SessionError without SFTP, LinkLost.

    `compressed`: zeros would say nothing, so noise is sent.
    """
    channel = await link.open_files()
    try:
        if way is Way.DOWN:
            file = await channel.open(b"/dev/urandom" if compressed else b"/dev/zero", OpenMode.READ)
        else:
            file = await channel.open(b"/dev/null", OpenMode.CREATE)
        try:
            return await _Run(channel, file, way, round_trip, clock, heard).run()
        finally:
            await file.close()
    finally:
        await channel.close()


class _Run:
    """Blocks one after the other through an open file, many under way."""

    def __init__(
        self, channel: FileChannel, file: RemoteFile, way: Way, round_trip: float, clock: Clock, heard: Heard
    ) -> None:
        limits = channel.limits
        self._block = min(_BLOCK, limits.read if way is Way.DOWN else limits.write)
        self._file, self._way, self._clock, self._heard = file, way, clock, heard
        self._round_trip = round_trip
        self._bounds = Bounds.over(round_trip)
        self._payload = noise(self._block) if way is Way.UP else b""
        self._most = MOST if way is Way.DOWN else _UPLOAD_BLOCKS
        self._window = _window(channel, way)
        self._landed: list[tuple[float, int]] = []
        self._done = 0

    async def run(self) -> Transfer:
        began, used = self._clock.monotonic(), _Processor(self._clock)
        flight = Flight(block=self._block, round_trip=self._round_trip, now=began, most=self._most)
        under_way: set[asyncio.Task[int]] = set()
        offset = 0
        try:
            while True:
                now = self._clock.monotonic()
                open_ = now - began < self._bounds.seconds
                while open_ and len(under_way) < flight.blocks and offset < self._bounds.bytes:
                    under_way.add(asyncio.create_task(self._one(offset)))
                    offset += self._block
                if not under_way:
                    break
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    self._land(one.result(), began, flight)
        finally:
            await cancel_all(under_way)
        seconds = max(1e-6, self._clock.monotonic() - began)
        rate, evenness = steady(self._landed, seconds)
        in_flight = self._most * self._block
        window = in_flight if self._window is None else min(in_flight, self._window)
        return Transfer(self._way, Lane.SFTP, self._done, seconds, rate, evenness, window, used.share(seconds))

    async def _one(self, offset: int) -> int:
        if self._way is Way.DOWN:
            return len(await self._file.read(offset, self._block))
        await self._file.write(offset, self._payload)
        return self._block

    def _land(self, size: int, began: float, flight: Flight) -> None:
        now = self._clock.monotonic()
        self._done += size
        self._landed.append((now - began, self._done))
        flight.landed(size, now)
        self._heard(self._done, now - began)


async def by_command(
    link: Link, way: Way, *, expected: float | None, clock: Clock, heard: Heard, compressed: bool = False
) -> Transfer:
    """One way through a command's output or input; about as much as `expected` bytes a second take in under a second.

    Raises SessionError where no commands are run or the host lacks them, and LinkLost.
    """
    size = COMMAND_BYTES if expected is None else int(expected * _COMMAND_SECONDS)
    size = max(_LEAST, min(COMMAND_BYTES, size))
    began, used = clock.monotonic(), _Processor(clock)
    if way is Way.DOWN:
        source = b"/dev/urandom" if compressed else b"/dev/zero"
        process = await link.open_process(b"head -c %d %s" % (size, source))
    else:
        process = await link.open_process(b"cat >/dev/null")
    async with process:
        started = clock.monotonic()
        if way is Way.UP:
            payload, sent = noise(_WRITE), 0
            while sent < size:
                await process.write(payload)
                sent += len(payload)
            size = sent
        await process.write_eof()
        arrived = 0
        async for chunk in process.output():
            arrived += len(chunk.data) if chunk.stream is StdStream.OUT else 0
            heard(arrived, clock.monotonic() - began)
            if arrived > 2 * size:
                break
        ended = await process.wait()
        window = _window(process, way)
    if ended.status != 0 or (way is Way.DOWN and arrived < size):
        raise SessionError(Code.SESSION_REFUSED, "The host does not run what would carry it.")
    seconds = max(1e-6, clock.monotonic() - started)
    count = size if way is Way.UP else arrived
    cpu = used.share(max(1e-6, clock.monotonic() - began))
    return Transfer(way, Lane.EXEC, count, seconds, count / seconds, window=window, cpu_here=cpu)


def steady(landed: list[tuple[float, int]], seconds: float) -> tuple[float, float]:
    """Bytes a second once it had got going, and the slower half of that against the faster: of what had landed when."""
    total = landed[-1][1] if landed else 0
    first = next((place for place, (when, _) in enumerate(landed) if when >= _STEADY_FROM * seconds), None)
    if first is None or len(landed) - first < 4:
        return total / seconds, 1.0
    (begun, before), (ended, after) = landed[first], landed[-1]
    if ended <= begun:
        return total / seconds, 1.0
    middle = next(item for item in landed[first:] if item[0] >= (begun + ended) / 2)
    halves = [_rate(landed[first], middle), _rate(middle, landed[-1])]
    evenness = min(halves) / max(halves) if max(halves) > 0 else 1.0
    return (after - before) / (ended - begun), evenness


def _rate(one: tuple[float, int], other: tuple[float, int]) -> float:
    return (other[1] - one[1]) / (other[0] - one[0]) if other[0] > one[0] else 0.0


class _Processor:
    """How much of a processor this program takes from now on."""

    def __init__(self, clock: Clock) -> None:
        self._real = isinstance(clock, SystemClock)
        self._began = processor_seconds()

    def share(self, seconds: float) -> float | None:
        """Of so many seconds; None on a clock that is not the machine's, which says nothing about processors."""
        return (processor_seconds() - self._began) / seconds if self._real else None


def processor_seconds() -> float:
    """For how long this thread has run, or could have run and got no processor; of the whole program, and without the
    waiting, where the system does not tell (proc(5) knows it on Linux)."""
    try:
        ran, waited = Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[:2]
        return (int(ran) + int(waited)) / 1e9
    except (OSError, ValueError):
        return time.process_time()


def noise(size: int) -> bytes:
    """Bytes that no compression on the way makes smaller."""
    return random.Random(size).randbytes(size)  # noqa: S311 - nothing secret


def _window(channel: object, way: Way) -> int | None:
    windows = channel.windows if isinstance(channel, Windowed) else None
    if windows is None:
        return None
    return windows.theirs if way is Way.UP else windows.ours
