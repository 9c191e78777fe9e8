"""Turns a flood of small happenings into a steady beat, so that what listens is called at most sixty times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backend.clock import Clock

INTERVAL = 1 / 60


class Pulse:
    """Calls `beat` at once after the first `touch`, then at most once per `INTERVAL` while touches go on."""

    def __init__(self, beat: Callable[[], None], clock: Clock) -> None:
        self._beat = beat
        self._clock = clock
        self._touched = False
        self._task: asyncio.Task[None] | None = None

    def touch(self) -> None:
        """Something has happened."""
        if self._task is not None:
            self._touched = True
            return
        self._beat()
        self._task = asyncio.create_task(self._go_on())

    def stop(self) -> None:
        """Tell what has not been told yet, and nothing more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._touched:
            self._touched = False
            self._beat()

    async def _go_on(self) -> None:
        while True:
            await self._clock.sleep(INTERVAL)
            if not self._touched:
                break
            self._touched = False
            self._beat()
        self._task = None
