"""A clock that need not be waited for: time stands still while there is work, then jumps to the next sleeper."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sized
from datetime import UTC, datetime, timedelta
from itertools import count

START = datetime(2026, 3, 2, 9, 41, 0, tzinfo=UTC)
"""When virtual time begins unless told otherwise: a Monday morning."""


class VirtualClock:
    """`backend.clock.Clock` for tests and pictures; one per event loop.

    When every task waits, and at least one of them in `sleep`, time advances by itself to the earliest of them.
    With `automatic=False` only `advance` moves it. `grace` is how many real seconds must pass before a jump; give a
    few milliseconds when threads or sockets do part of the work, since the loop looks idle meanwhile.
    """

    def __init__(self, start: datetime = START, *, automatic: bool = True, grace: float = 0.0) -> None:
        self._start = start
        self._elapsed = 0.0
        self._automatic = automatic
        self._grace = grace
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._watching = False

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    @property
    def sleeping(self) -> int:
        """How many are waiting for time to pass."""
        return sum(not sleeper.done() for _, _, sleeper in self._sleepers)

    @property
    def next_due(self) -> float | None:
        """When the next sleeper wakes, on the monotonic scale; None when nobody sleeps."""
        return min((due for due, _, sleeper in self._sleepers if not sleeper.done()), default=None)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        sleeper: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), sleeper))
        if self._automatic and not self._watching:
            self._watching = True
            loop.call_soon(self._look, loop, 0)
        await sleeper

    def go_on(self) -> None:
        """From now on it advances by itself, as with `automatic`."""
        self._automatic = True
        if self._sleepers and not self._watching:
            self._watching = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._look, loop, 0)

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, waking sleepers in order; each has run until it waits again before time goes on."""
        end = self._elapsed + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._wake_next()
            await _settle()
        self._elapsed = max(self._elapsed, end)

    def _look(self, loop: asyncio.AbstractEventLoop, quiet: int) -> None:
        """Jump once the loop has been idle for two rounds: between them it has asked the sockets too."""
        self._drop_cancelled()
        if not self._sleepers:
            self._watching = False
        elif not idle(loop):
            loop.call_soon(self._look, loop, 0)
        elif quiet == 0:
            loop.call_later(self._grace, self._look, loop, 1)
        else:
            self._wake_next()
            loop.call_soon(self._look, loop, 0)

    def _drop_cancelled(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)

    def _wake_next(self) -> None:
        due, _, sleeper = heapq.heappop(self._sleepers)
        if not sleeper.done():
            self._elapsed = max(self._elapsed, due)
            sleeper.set_result(None)


def idle(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether no callback waits for its turn. asyncio has no public way to ask."""
    ready: Sized = getattr(loop, "_ready", ())
    return len(ready) == 0


async def _settle() -> None:
    """Return when everything that could run has run."""
    loop = asyncio.get_running_loop()
    quiet = 0
    while quiet < 2:
        await asyncio.sleep(0)
        quiet = quiet + 1 if idle(loop) else 0
