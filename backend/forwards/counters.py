"""The counters of one forward, and the merging of what is told about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backend.clock import Clock

REPORT_EVERY = 0.25
"""Seconds between two reports at least."""


class Counters:
    """`backend.forwards.pump.Tally`. `report` is called a moment after the first of several changes."""

    def __init__(self, clock: Clock, report: Callable[[], None]) -> None:
        self._clock = clock
        self._report = report
        self._reporting: asyncio.Task[None] | None = None
        self.sent = self.received = 0
        self.open = self.total = self.refused = self.errors = 0
        self.last_error = ""

    def count(self, sent: int, received: int) -> None:
        self.sent += sent
        self.received += received
        self._touch()

    def arrived(self) -> None:
        """A connection was made."""
        self.total += 1
        self._touch()

    def opened(self) -> None:
        """It is worked on."""
        self.open += 1
        self._touch()

    def closed(self) -> None:
        self.open -= 1
        self._touch()

    def refuse(self, reason: str) -> None:
        """It is not carried."""
        self.refused += 1
        self.last_error = reason
        self._touch()

    def fail(self, reason: str) -> None:
        """It has failed."""
        self.errors += 1
        self.last_error = reason
        self._touch()

    def close(self) -> None:
        """No more reports."""
        if self._reporting is not None:
            self._reporting.cancel()

    def _touch(self) -> None:
        if self._reporting is None or self._reporting.done():
            self._reporting = asyncio.create_task(self._later())

    async def _later(self) -> None:
        await self._clock.sleep(REPORT_EVERY)
        self._reporting = None
        self._report()
