"""Waiting for a condition rather than for a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


async def until(condition: Callable[[], bool], *, seconds: float = 5.0) -> None:
    """Return as soon as `condition` holds. Raises TimeoutError when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        rounds = 0
        while not condition():
            await asyncio.sleep(0 if rounds < 100 else 0.002)  # what is waited for needs the processor, too
            rounds += 1


@asynccontextmanager
async def no_tasks_left() -> AsyncIterator[None]:
    """Fails when a task that was started inside is still there soon after."""
    before = asyncio.all_tasks()
    yield
    await until(lambda: asyncio.all_tasks() - {asyncio.current_task()} <= before)
