"""Places for sessions on one connection: in order, none lost, and fewer where the server allows fewer."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.budget import SessionBudget
from tests.support.waiting import until


async def test_as_many_places_are_given_as_there_are() -> None:
    budget = SessionBudget(2)
    await budget.take(1)
    await budget.take(1)
    with pytest.raises(TimeoutError):
        await budget.take(0)
    assert budget.taken == 2


async def test_who_asked_first_gets_the_place_that_becomes_free() -> None:
    budget = SessionBudget(1)
    await budget.take(1)
    order: list[str] = []

    async def wait(name: str) -> None:
        await budget.take(5)
        order.append(name)

    first, second = (asyncio.create_task(wait(name)) for name in ("first", "second"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    budget.give_back()
    await first
    assert order == ["first"]
    budget.give_back()
    await second
    assert order == ["first", "second"]


async def test_who_stops_waiting_leaves_the_place_to_the_next() -> None:
    budget = SessionBudget(1)
    await budget.take(1)
    leaving = asyncio.create_task(budget.take(5))
    staying = asyncio.create_task(budget.take(5))
    await asyncio.sleep(0)
    leaving.cancel()
    budget.give_back()
    await staying
    assert budget.taken == 1


async def test_a_place_that_comes_as_its_waiter_leaves_is_not_lost() -> None:
    budget = SessionBudget(1)
    await budget.take(1)
    leaving = asyncio.create_task(budget.take(5))
    await asyncio.sleep(0)
    budget.give_back()
    leaving.cancel()
    await until(leaving.done)
    assert budget.taken == 0


async def test_a_refusal_beside_others_tells_the_servers_limit() -> None:
    budget = SessionBudget(8)
    for _ in range(5):
        await budget.take(1)
    assert budget.crowded()
    budget.give_back()
    assert budget.limit == budget.taken == 4
    with pytest.raises(TimeoutError):
        await budget.take(0)


async def test_a_refusal_of_the_only_session_tells_nothing_about_a_limit() -> None:
    budget = SessionBudget(8)
    await budget.take(1)
    assert not budget.crowded()
    assert budget.limit == 8


@given(st.lists(st.sampled_from(["take", "give", "cancel"]), max_size=40), st.integers(1, 4))
def test_never_more_sessions_than_places_and_nobody_waits_beside_a_free_one(steps: list[str], limit: int) -> None:
    async def live() -> None:
        budget = SessionBudget(limit)
        tasks: list[asyncio.Task[None]] = []
        held = 0
        for step in steps:
            if step == "take":
                tasks.append(asyncio.create_task(budget.take(60)))
            elif step == "give" and held:
                held -= 1
                budget.give_back()
            elif step == "cancel" and tasks:
                tasks.pop().cancel()
            for _ in range(4):
                await asyncio.sleep(0)
            arrived = [task for task in tasks if task.done()]
            held += len(arrived)
            tasks = [task for task in tasks if not task.done()]
            assert held == budget.taken <= limit
            assert not tasks or budget.taken == limit
        for task in tasks:
            task.cancel()

    asyncio.run(live())
