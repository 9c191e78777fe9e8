"""Virtual time: it stands still while there is work and jumps when there is none."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from mocks.clock import START, VirtualClock


async def test_sleeping_takes_no_real_time_and_moves_both_clocks() -> None:
    clock = VirtualClock()
    async with asyncio.timeout(1):
        await clock.sleep(86_400)
    assert clock.monotonic() == 86_400
    assert clock.now() == START + timedelta(days=1)


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = VirtualClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    await asyncio.gather(*(sleeper(seconds) for seconds in (3, 1, 2)))
    assert woken == [(1, 1), (2, 2), (3, 3)]


async def test_sleepers_of_the_same_time_wake_in_the_order_of_their_sleep() -> None:
    clock, woken = VirtualClock(), []

    async def sleeper(name: str) -> None:
        await clock.sleep(5)
        woken.append(name)

    await asyncio.gather(*(sleeper(name) for name in "abc"))
    assert woken == ["a", "b", "c"]


async def test_time_waits_for_work_that_goes_on() -> None:
    clock = VirtualClock()
    sleeping = asyncio.create_task(clock.sleep(1))
    for _ in range(200):
        await asyncio.sleep(0)
        assert not sleeping.done()
    await sleeping


async def test_no_time_at_all_still_yields() -> None:
    clock, order = VirtualClock(), []

    async def other() -> None:
        order.append("other")

    task = asyncio.create_task(other())
    await clock.sleep(0)
    order.append("sleeper")
    await task
    assert order == ["other", "sleeper"]


async def test_by_hand_nothing_moves_until_it_is_told_to() -> None:
    clock = VirtualClock(automatic=False)
    sleeping = asyncio.create_task(clock.sleep(10))
    await clock.advance(9.5)
    assert not sleeping.done() and clock.monotonic() == 9.5
    await clock.advance(0.5)
    assert sleeping.done()


async def test_advancing_lets_each_sleeper_run_in_its_own_time() -> None:
    clock, seen = VirtualClock(automatic=False), []

    async def ticking() -> None:
        while True:
            await clock.sleep(1)
            seen.append(clock.monotonic())

    task = asyncio.create_task(ticking())
    await clock.advance(3.5)
    assert seen == [1, 2, 3]
    task.cancel()


async def test_a_cancelled_sleeper_does_not_move_time() -> None:
    clock = VirtualClock()
    long = asyncio.create_task(clock.sleep(1000))
    await asyncio.sleep(0)
    long.cancel()
    await clock.sleep(1)
    assert clock.monotonic() == 1
    assert clock.sleeping == 0


async def test_with_grace_a_thread_is_waited_for() -> None:
    clock = VirtualClock(grace=0.2)
    sleeping = asyncio.create_task(clock.sleep(3600))
    await asyncio.to_thread(lambda: None)
    assert not sleeping.done()
    await sleeping
