"""Groups of tasks: what one of them fails with, and a cancel from outside that meets it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from backend.tasks import task_group, together


async def test_the_first_failure_is_told_plainly() -> None:
    async def fail() -> None:
        raise ValueError("one")

    with pytest.raises(ValueError, match="one"):
        await together([fail(), asyncio.sleep(10)])


async def test_a_cancel_that_meets_a_failure_is_not_lost() -> None:
    """asyncio's own groups raise the failure alone, and whoever handles that works on though it was to end."""
    go = asyncio.Event()

    async def fail() -> None:
        await go.wait()
        raise ValueError

    async def work() -> None:
        with suppress(ValueError):
            async with task_group() as group:
                group.create_task(fail())
        await asyncio.sleep(10)

    working = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    go.set()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(working, 1)


async def test_a_time_limit_that_meets_a_failure_is_told_as_the_limit() -> None:
    async def fail_late() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            raise ValueError

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await together([fail_late()])


async def test_a_time_limit_inside_is_no_cancel_from_outside() -> None:
    async def fail() -> None:
        raise ValueError

    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    with pytest.raises(ValueError):
        await together([fail()])
