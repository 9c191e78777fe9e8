"""Holding a transfer back: a rate limit on the injected clock, and a gate that pauses."""

from __future__ import annotations

import asyncio

from backend.clock import Clock

_BURST_SECONDS = 0.25


class Pace:
    """A token bucket: over any stretch, `rate` bytes a second and a quarter of a second's worth more."""

    def __init__(self, rate: int | None, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._due = clock.monotonic()

    @property
    def rate(self) -> int | None:
        return self._rate

    def change(self, rate: int | None) -> None:
        """Another limit from now on; who waits already waits as long as the old one says."""
        self._rate = rate
        self._due = min(self._due, self._clock.monotonic())

    async def take(self, size: int) -> None:
        """Wait until `size` more bytes may go; returns at once without a limit."""
        if self._rate is None:
            return
        now = self._clock.monotonic()
        self._due = max(self._due, now - _BURST_SECONDS) + size / self._rate
        if self._due > now:
            await self._clock.sleep(self._due - now)


class Gate:
    """Open, or closed while a person pauses the transfer."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    @property
    def closed(self) -> bool:
        return not self._open.is_set()

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def passed(self) -> None:
        """Returns while open; waits while closed."""
        if not self._open.is_set():
            await self._open.wait()
