"""What is typed into a terminal and not sent yet: in order, and not without end."""

from __future__ import annotations

import asyncio

LIMIT = 8 << 20
"""Bytes that wait to be sent, at most: a long paste over a slow link, but not all of memory."""
_PIECE = 32 << 10


class TypedAhead:
    """A queue of bytes with one reader."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._some = asyncio.Event()

    def put(self, data: bytes) -> bool:
        """Whether there was room for all of `data`; else nothing of it is taken."""
        if len(self._waiting) + len(data) > LIMIT:
            return False
        self._waiting += data
        if data:
            self._some.set()
        return True

    async def take(self) -> bytes:
        """What comes next, at most 32 KiB; waits until there is something."""
        await self._some.wait()
        piece = bytes(self._waiting[:_PIECE])
        del self._waiting[:_PIECE]
        if not self._waiting:
            self._some.clear()
        return piece

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._some.clear()
