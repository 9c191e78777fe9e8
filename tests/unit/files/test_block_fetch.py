"""What a download asks for ahead of what is on the disk: that is what a sudden end costs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from backend.clock import SystemClock
from backend.connection.connector import RemoteFile
from backend.connection.session import Session
from backend.files.block_fetch import UNWRITTEN, BlockFetch
from backend.files.data_line import DataConnection
from backend.files.flight import Flight
from backend.files.lane import BLOCK, Context
from mocks.clock import VirtualClock

SIZE = 40 * BLOCK + 17


class QuickFile:
    """Answers at once, and remembers how far it was asked to go."""

    def __init__(self) -> None:
        self.asked = 0

    async def read(self, offset: int, size: int) -> bytes:
        self.asked = max(self.asked, offset + size)
        await asyncio.sleep(0)
        return bytes(size)


async def test_no_more_is_asked_for_and_not_on_the_disk_than_a_sudden_end_may_cost() -> None:
    file, written, most = QuickFile(), 0, 0

    async def write(chunks: list[bytes]) -> None:
        nonlocal written, most
        for _ in range(20):
            await asyncio.sleep(0)
        most = max(most, file.asked - written)
        written += sum(map(len, chunks))

    async def may_go(size: int) -> None: ...

    meter = SimpleNamespace(sent=lambda size: None)
    context = cast(Context, SimpleNamespace(clock=SystemClock(), may_go=may_go, meter=meter))
    flight = Flight(block=BLOCK, round_trip=0.0002, now=context.clock.monotonic())
    fetch = BlockFetch(context, cast(RemoteFile, file), path=b"/big", start=0, end=SIZE, block=BLOCK, flight=flight)
    await fetch.run(write)
    assert written == SIZE
    assert BLOCK < most <= (flight.blocks + UNWRITTEN) * BLOCK <= 3 << 20


class BusyLink:
    """Its first answers are slow, because the machine is busy; the path itself is short."""

    def __init__(self) -> None:
        self._slow = 3

    async def ping(self) -> float:
        await asyncio.sleep(0)
        self._slow -= 1
        return 0.004 if self._slow >= 0 else 0.0003


class Channel:
    """Knows where paths begin."""

    async def resolve(self, path: bytes) -> bytes:
        return b"/home"


async def test_a_busy_moment_at_the_start_does_not_make_a_short_path_look_long() -> None:
    clock = VirtualClock(automatic=False)
    channel = Channel()

    async def answer(value: object) -> object:
        return value

    link = BusyLink()

    async def open_files(link: object) -> object:
        for _ in range(20):
            await asyncio.sleep(0)
        return channel

    session = SimpleNamespace(link=lambda: answer(link), bulk=lambda: answer(link), open_files=open_files)
    data = DataConnection(cast(Session, session), clock, progress=lambda: 0, on_state=lambda loss: None)
    assert (await data.line()).round_trip == pytest.approx(0.0003)
