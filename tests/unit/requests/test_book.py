"""The queue of requests: order, bounds, deadlines, and what becomes of a request whose process died."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Code, FairleadError
from backend.files.model import ConflictPolicy, Direction
from backend.leases import LEASE
from backend.priority import Priority
from backend.requests.book import MOST_ATTEMPTS, MOST_OF_HOST, RequestBook
from backend.requests.model import (
    CopyFiles,
    Request,
    RequestResult,
    RequestState,
    RunCommand,
    action_of,
    action_text,
)
from backend.store import Store
from mocks.clock import VirtualClock

ME, OTHER = "process one", "process two"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def book(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[RequestBook]:
    store = Store(tmp_path / "fairlead.db")
    yield RequestBook(store, clock)
    await store.close()


async def ask(
    book: RequestBook,
    command: str = "make",
    *,
    host: str = "web-1",
    priority: Priority = Priority.NORMAL,
    repeatable: bool = False,
) -> Request:
    action = RunCommand(command.encode())
    return await book.add(host, action, priority=priority, deadline=None, repeatable=repeatable)


async def words(book: RequestBook) -> list[str]:
    return [request.action.words for request in await book.all() if request.state is RequestState.WAITING]


async def claimed(book: RequestBook) -> str:
    request = await book.claim("web-1", ME)
    return "" if request is None else request.action.words


async def test_requests_go_in_the_order_of_their_priority_then_of_their_asking(book: RequestBook) -> None:
    for command, priority in (
        ("a", Priority.NORMAL),
        ("b", Priority.LOW),
        ("c", Priority.HIGH),
        ("d", Priority.NORMAL),
    ):
        await ask(book, command, priority=priority)
    assert await words(book) == ["c", "a", "d", "b"]
    assert [await claimed(book) for _ in range(5)] == ["c", "a", "d", "b", ""]


async def test_a_request_is_begun_by_one_process_only(book: RequestBook) -> None:
    await ask(book)
    assert await book.claim("web-1", ME) is not None
    assert await book.claim("web-1", OTHER) is None


async def test_a_request_of_another_host_is_left_alone(book: RequestBook) -> None:
    await ask(book, host="db-2")
    assert await book.claim("web-1", ME) is None


async def test_a_deadline_that_passes_ends_a_request_before_it_is_begun(book: RequestBook, clock: VirtualClock) -> None:
    deadline = clock.now() + timedelta(seconds=30)
    await book.add("web-1", RunCommand(b"late"), priority=Priority.HIGH, deadline=deadline, repeatable=False)
    await ask(book, "in time")
    await clock.advance(31)
    assert await claimed(book) == "in time"
    expired = next(request for request in await book.all() if request.action.words == "late")
    assert (expired.state, expired.ended) == (RequestState.EXPIRED, deadline)


async def test_a_full_queue_refuses_and_loses_nothing(book: RequestBook) -> None:
    for number in range(MOST_OF_HOST):
        await ask(book, str(number))
    with pytest.raises(FairleadError) as caught:
        await ask(book, "one too many")
    assert caught.value.code is Code.QUEUE_FULL
    assert "100 of 100" in caught.value.message
    assert len(await words(book)) == MOST_OF_HOST
    await ask(book, "another host has room", host="db-2")


async def test_what_a_dead_process_had_begun_is_unknown(book: RequestBook, clock: VirtualClock) -> None:
    request = await ask(book)
    await book.claim("web-1", OTHER)
    await clock.advance(LEASE + 1)
    assert await claimed(book) == ""
    (told,) = await book.all()
    assert (told.number, told.state) == (request.number, RequestState.UNKNOWN)


async def test_what_may_be_repeated_is_begun_again_but_not_for_ever(book: RequestBook, clock: VirtualClock) -> None:
    await ask(book, repeatable=True)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        request = await book.claim("web-1", OTHER)
        assert request is not None and request.attempts == attempt
        await clock.advance(LEASE + 1)
    assert await book.claim("web-1", ME) is None
    assert [request.state for request in await book.all()] == [RequestState.UNKNOWN]


async def test_a_lease_that_is_renewed_is_not_taken_over(book: RequestBook, clock: VirtualClock) -> None:
    request = await ask(book, repeatable=True)
    await book.claim("web-1", ME)
    for _ in range(3):
        await clock.advance(LEASE / 2)
        assert await book.renew(request.number, ME)
        assert await book.claim("web-1", OTHER) is None
    assert not await book.renew(request.number, OTHER)


async def test_what_was_never_begun_waits_on_in_its_place(book: RequestBook) -> None:
    first = await ask(book, "first")
    await ask(book, "second")
    await book.claim("web-1", ME)
    await book.finish(first.number, RequestState.WAITING, None)
    assert await words(book) == ["first", "second"]
    (waiting, _) = await book.all()
    assert waiting.attempts == 0


async def test_only_what_waits_is_cancelled(book: RequestBook) -> None:
    begun, waiting = await ask(book, "begun"), await ask(book, "waiting")
    await book.claim("web-1", ME)
    assert await book.cancel((begun.number, waiting.number, 999)) == {waiting.number: "web-1"}
    assert {request.state for request in await book.all()} == {RequestState.RUNNING, RequestState.CANCELLED}


async def test_requests_can_be_put_before_one_another(book: RequestBook) -> None:
    numbers = {name: (await ask(book, name)).number for name in "abcd"}
    assert await book.move(numbers["d"], before=numbers["b"])
    assert await words(book) == ["a", "d", "b", "c"]
    assert await book.move(numbers["c"], before=numbers["a"])
    assert await words(book) == ["c", "a", "d", "b"]
    assert await book.move(numbers["a"], priority=Priority.HIGH)
    assert await words(book) == ["a", "c", "d", "b"]
    assert await book.move(999, priority=Priority.HIGH) is None


async def test_a_request_that_waits_gets_another_deadline_or_none(book: RequestBook, clock: VirtualClock) -> None:
    number = (await ask(book)).number
    for deadline in (clock.now() + timedelta(hours=1), None):
        assert await book.set_deadline(number, deadline) == "web-1"
        (request,) = await book.all()
        assert (request.state, request.deadline) == (RequestState.WAITING, deadline)


async def test_a_request_that_was_too_late_waits_again_in_its_place(book: RequestBook, clock: VirtualClock) -> None:
    late, other = await ask(book, "late"), await ask(book, "other")
    assert await book.set_deadline(late.number, clock.now() + timedelta(minutes=1))
    await clock.sleep(90)
    assert [request.state for request in await book.all()] == [RequestState.WAITING, RequestState.EXPIRED]
    assert await book.set_deadline(late.number, clock.now() + timedelta(hours=1)) == "web-1"
    assert await words(book) == ["late", "other"]
    again = next(request for request in await book.all() if request.number == late.number)
    assert (again.ended, again.attempts) == (None, 0)
    assert other.number != late.number


async def test_what_was_begun_or_has_ended_gets_no_other_deadline(book: RequestBook) -> None:
    begun, cancelled = await ask(book, "begun"), await ask(book, "cancelled")
    await book.claim("web-1", ME)
    await book.cancel((cancelled.number,))
    for number in (begun.number, cancelled.number, 999):
        assert await book.set_deadline(number, None) is None


async def test_a_full_queue_takes_back_nothing_that_was_too_late(book: RequestBook, clock: VirtualClock) -> None:
    late = await ask(book, "late")
    await book.set_deadline(late.number, clock.now() + timedelta(minutes=1))
    await clock.sleep(90)
    for number in range(MOST_OF_HOST):
        await ask(book, str(number))
    with pytest.raises(FairleadError) as raised:
        await book.set_deadline(late.number, None)
    assert raised.value.code is Code.QUEUE_FULL


async def test_the_queue_is_there_after_a_restart(tmp_path: Path, clock: VirtualClock) -> None:
    path = tmp_path / "fairlead.db"
    before = Store(path)
    await ask(RequestBook(before, clock), "kept")
    await before.close()
    after = Store(path)
    assert await words(RequestBook(after, clock)) == ["kept"]
    await after.close()


async def test_results_are_kept_and_the_oldest_forgotten_on_request(book: RequestBook) -> None:
    request = await ask(book)
    await book.claim("web-1", ME)
    await book.finish(request.number, RequestState.DONE, RequestResult(exit_status=3))
    (done,) = await book.all()
    assert done.result == RequestResult(exit_status=3)
    assert await book.clear("db-2") == 0
    assert await book.clear() == 1
    assert await book.all() == ()


@given(
    st.builds(
        RunCommand,
        st.binary(min_size=1),
        st.none() | st.binary(min_size=1),
        st.dictionaries(st.text(), st.text(), max_size=3),
        st.none() | st.floats(0.1, 1e6),
    )
    | st.builds(
        CopyFiles,
        st.sampled_from(Direction),
        st.lists(st.text(min_size=1), min_size=1, max_size=3).map(tuple),
        st.text(min_size=1),
        st.booleans(),
        st.sampled_from(ConflictPolicy),
        st.none() | st.integers(1, 1 << 40),
    )
)
def test_every_action_comes_back_as_it_was_written(action: RunCommand | CopyFiles) -> None:
    assert action_of(action_text(action)) == action
