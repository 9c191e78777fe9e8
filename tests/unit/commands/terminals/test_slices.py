"""Output is fed whole and in order, in slices between which everybody else has a turn."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

from backend.commands.terminals.emulator import Emulator
from backend.commands.terminals.slices import Slicer
from backend.commands.terminals.typed import LIMIT, TypedAhead


class Slow:
    """An emulator to which every byte costs this much of the processor, in seconds."""

    def __init__(self, cost: float) -> None:
        self.slices: list[bytes] = []
        self._cost = cost

    def feed(self, data: bytes) -> None:
        self.slices.append(data)
        end = time.thread_time() + self._cost * len(data)
        while time.thread_time() < end:
            pass


async def feed(emulator: Slow, *pieces: bytes) -> int:
    """How many turns somebody else had meanwhile, where all the pieces had come before."""
    turns, slicer = 0, Slicer()

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    for piece in pieces:
        await slicer.feed(cast(Emulator, cast(Any, emulator)), piece, lambda: None)
    beside.cancel()
    return turns


async def test_a_slow_emulator_gets_small_slices_and_others_their_turns() -> None:
    slow, data = Slow(20e-6), bytes(range(256)) * 8
    assert await feed(slow, data) >= 5
    assert b"".join(slow.slices) == data
    assert max(map(len, slow.slices)) <= 512


async def test_a_flood_of_small_pieces_leaves_others_their_turns() -> None:
    slow, data = Slow(20e-6), bytes(range(256)) * 8
    assert await feed(slow, *(data[start : start + 64] for start in range(0, len(data), 64))) >= 5
    assert b"".join(slow.slices) == data


async def test_a_quick_one_gets_larger_ones_up_to_a_bound() -> None:
    quick, data = Slow(0), b"x" * 40_000
    await feed(quick, data)
    assert b"".join(quick.slices) == data
    assert max(map(len, quick.slices)) == 4096


async def test_what_is_typed_ahead_comes_in_order_in_pieces() -> None:
    typed = TypedAhead()
    assert typed.put(b"a" * 40_000)
    assert typed.put(b"b")
    pieces = [await typed.take(), await typed.take()]
    assert b"".join(pieces) == b"a" * 40_000 + b"b"
    assert max(map(len, pieces)) <= 32 << 10


async def test_what_is_too_much_is_not_taken_by_half() -> None:
    typed = TypedAhead()
    assert typed.put(b"x" * LIMIT)
    assert not typed.put(b"y")
    typed.clear()
    assert typed.put(b"z")
    assert await typed.take() == b"z"
