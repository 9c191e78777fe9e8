"""What has arrived on a channel and was not taken yet. The channel is held back while that is much.

asyncssh's own stream reader opens the window again, in full, with each chunk that it takes, however much the channel
still holds: with a reader that is slower than the sender it comes to hold any amount.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")

_MOST = 256 << 10
"""Bytes held here before the channel is told to hold the rest back; two windows bound what both hold."""


class Source(Protocol):
    """What can be held back."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Inbox(Generic[T]):
    """Items in order of arrival, for one reader."""

    def __init__(self, most: int = _MOST) -> None:
        """`most` bytes are held here before the channel is told to hold the rest back."""
        self._most = most
        self._items: deque[tuple[int, T]] = deque()
        self._source: Source | None = None
        self._discarding = False
        self._resuming = False
        self._ended = False
        self._changed = asyncio.Event()
        self.held = 0
        """Bytes that wait here."""

    def attach(self, source: Source) -> None:
        """Hold `source` back from now on when there is too much."""
        self._source = source

    def put(self, item: T, size: int) -> None:
        """`item` has arrived."""
        if self._discarding:
            return
        self._items.append((size, item))
        self.held += size
        self._hold_back_if_full()
        self._changed.set()

    def end(self) -> None:
        """Nothing more will arrive; what is here can still be taken."""
        self._ended = True
        self._changed.set()

    def detach(self) -> None:
        """The source is gone: as `end`, and it is not to be called any more."""
        self._source = None
        self.end()

    async def next(self) -> T | None:
        """The next item; None when there will be no more."""
        while not self._items:
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        size, item = self._items.popleft()
        self.held -= size
        if self.held < self._most // 2:
            self._resume()
        return item

    def discard(self) -> None:
        """Nobody reads any more: what comes is dropped, so that the channel can end."""
        self._discarding = True
        self._items.clear()
        self.held = 0
        if self._source is not None:
            self._source.resume_reading()

    def _hold_back_if_full(self) -> None:
        if self.held >= self._most and self._source is not None and not self._resuming:
            self._source.pause_reading()

    def _resume(self) -> None:
        """Take all that the channel holds at once: left with a rest, it would be given a whole window more."""
        if self._source is None:
            return
        self._resuming = True
        try:
            self._source.resume_reading()
        finally:
            self._resuming = False
        self._hold_back_if_full()
