"""Carries one connection of a forward: both directions at once, ends kept apart, never more held than both buffers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from backend.connection.streams import ByteStream
from backend.errors import FairleadError, LinkLost
from backend.forwards.local import LocalGone
from backend.tasks import cancel_all

_PIECE = 1 << 16
Lost = Callable[[], FairleadError | None]
"""Why the link is gone; None while it lives."""


class Tally(Protocol):
    """Who counts."""

    def count(self, sent: int, received: int) -> None:
        """So many bytes went to the host and came from it."""
        ...


class LocalEnd(Protocol):
    """As `backend.forwards.local.LocalStream`."""

    async def read(self, limit: int = _PIECE) -> bytes: ...

    async def write(self, data: bytes) -> None: ...

    async def write_eof(self) -> None: ...

    async def close(self) -> None: ...

    def reset(self) -> None: ...


async def carry(local: LocalEnd, far: ByteStream, *, lost: Lost, tally: Tally) -> None:
    """Both directions until both have ended; both ends are closed then, whatever happens.

    Where one direction ends first, the other goes on (half-close). The local program that cuts its connection ends it
    quietly. Raises LinkLost when the link goes: the local end is reset, so that it is not taken for a good end.
    """
    lanes = [asyncio.create_task(_up(local, far, lost, tally)), asyncio.create_task(_down(local, far, tally))]
    whole = False
    try:
        done, _ = await asyncio.wait(lanes, return_when=asyncio.FIRST_EXCEPTION)
        with suppress(LocalGone):
            for lane in done:
                lane.result()
            whole = True
    finally:
        try:
            await cancel_all(lanes)
        finally:
            if not whole:
                local.reset()
            await _leave(local, far)


async def _leave(local: LocalEnd, far: ByteStream) -> None:
    """Close both ends at once. The local one begins at once and goes on by itself, even where this is cancelled."""
    leaving = asyncio.create_task(far.close())
    try:
        await local.close()
    finally:
        await leaving


async def _up(local: LocalEnd, far: ByteStream, lost: Lost, tally: Tally) -> None:
    while data := await local.read(_PIECE):
        try:
            await far.write(data)
        except LinkLost:
            if lost() is not None:
                raise
            return  # the far end takes no more; what it still sends is carried on
        tally.count(len(data), 0)
    await far.write_eof()


async def _down(local: LocalEnd, far: ByteStream, tally: Tally) -> None:
    while data := await far.read(_PIECE):
        await local.write(data)
        tally.count(0, len(data))
    await local.write_eof()
