"""Two small things about tasks that several rooms need: ending them for certain, and limiting them by our clock."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from backend.clock import Clock

T = TypeVar("T")

_LIMIT = 5.0


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel what still runs and see it end, for at most five real seconds.

    Failures of these tasks were told before or do not matter any more; they are taken note of and dropped.
    """
    everyone = set(tasks)
    for task in everyone:
        task.cancel()
    if not everyone:
        return
    done, _ = await asyncio.wait(everyone, timeout=_LIMIT)
    for task in done:
        if not task.cancelled():
            task.exception()


async def within(seconds: float, work: Coroutine[Any, Any, T], clock: Clock) -> T:
    """`work`'s result. Raises TimeoutError when it takes longer than `seconds` on `clock`, after it was cancelled."""
    task = asyncio.create_task(work)
    timer = asyncio.create_task(clock.sleep(seconds))
    both: list[asyncio.Task[Any]] = [task, timer]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise TimeoutError
    finally:
        await cancel_all(both)
