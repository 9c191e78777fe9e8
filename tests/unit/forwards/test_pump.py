"""Carrying one connection: whenever it is stopped, both of its ends are closed."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from backend.forwards.pump import carry


class End:
    """Either end: says one word and ends; notes what became of it."""

    def __init__(self) -> None:
        self.said = [b"word"]
        self.heard = b""
        self.closed = self.cut = False

    async def read(self, limit: int = 65536) -> bytes:
        await asyncio.sleep(0)
        return self.said.pop() if self.said else b""

    async def write(self, data: bytes) -> None:
        await asyncio.sleep(0)
        self.heard += data

    async def write_eof(self) -> None:
        await asyncio.sleep(0)

    async def close(self) -> None:
        self.closed = True
        await asyncio.sleep(0)

    def reset(self) -> None:
        self.cut = True


class Uncounted:
    def count(self, sent: int, received: int) -> None:
        return


@pytest.mark.parametrize("steps", range(24))
async def test_both_ends_are_closed_whenever_it_is_stopped(steps: int) -> None:
    local, far = End(), End()
    carrying = asyncio.create_task(carry(local, far, lost=lambda: None, tally=Uncounted()))
    await asyncio.sleep(0)  # it has begun
    for _ in range(steps):
        await asyncio.sleep(0)
    over = carrying.done()
    carrying.cancel()
    with suppress(asyncio.CancelledError):
        await carrying
    assert local.closed and far.closed
    if over:
        assert (local.heard, far.heard, local.cut) == (b"word", b"word", False)


async def test_these_steps_reach_beyond_its_end() -> None:
    carrying = asyncio.create_task(carry(End(), End(), lost=lambda: None, tally=Uncounted()))
    for _ in range(24):
        await asyncio.sleep(0)
    assert carrying.done()
