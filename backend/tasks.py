"""Small things about work under way at once that several rooms need: ending tasks for certain, limiting them by our
clock, groups with one plain error, iterators that are closed in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterable
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any, TypeVar

from backend.clock import Clock

S = TypeVar("S")
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


class Beside:
    """Small work beside its owner's, as what is written down: begun at once, and waited for where it is read."""

    def __init__(self, limit: float) -> None:
        """`limit`: real seconds that `close` waits."""
        self._limit = limit
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """`work` tells of its own failures."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def caught_up(self) -> None:
        """Return when all that has been begun until now has ended."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Let it end; bounded, never raises."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._limit)
        await cancel_all(self._tasks)


async def ended_within(waits: Iterable[Coroutine[Any, Any, object]], seconds: float) -> bool:
    """Whether all of `waits` return within real `seconds`; those that do not are cancelled."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    if not tasks:
        return True
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    return not late


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


class _Group(asyncio.TaskGroup):
    """Waits for its tasks before it is left. While it is being left, it would count a failure of one of them as a
    cancel of its owner, who could not tell that from one that comes from outside."""

    def __init__(self) -> None:
        super().__init__()
        self._all: set[asyncio.Task[Any]] = set()

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        task = super().create_task(coro, name=name, context=context)
        self._all.add(task)
        task.add_done_callback(self._all.discard)
        return task

    async def all_ended(self) -> None:
        while self._all:
            await asyncio.wait(self._all)


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """An asyncio.TaskGroup whose failure is the first error of its tasks, not a group of them.

    A cancel from outside that meets a failure is what is raised: asyncio's own would tell the failure alone, and who
    handles that would work on for ever, though everybody waits for it to end.
    """
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        async with _Group() as group:
            yield group
            await group.all_ended()
    except BaseExceptionGroup as errors:
        if task.cancelling() > before:
            raise asyncio.CancelledError from errors
        raise _first(errors) from None


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What each of `works` returns, all under way at once; when one fails, the others are ended before that is told."""
    async with task_group() as group:
        tasks = [group.create_task(work) for work in works]
    return [task.result() for task in tasks]


async def for_each(items: Iterable[S], work: Callable[[S], Awaitable[T]], *, at_once: int) -> list[T]:
    """What `work` returns for each item, in their order, with so many under way at once; however many items there are,
    there are no more tasks than that. When one fails, the others are ended before that is told."""
    results: dict[int, T] = {}
    waiting = enumerate(items)

    async def take() -> None:
        for number, item in waiting:
            results[number] = await work(item)

    await together(take() for _ in range(at_once))
    return [results[number] for number in range(len(results))]


@asynccontextmanager
async def background(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """`work` under way beside the body; on leaving it is cancelled unless it has ended."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at: whoever needs it has awaited it


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


@asynccontextmanager
async def closing(iterator: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """`iterator`, closed on leaving where it can be (`contextlib.aclosing` for the type that contracts name)."""
    try:
        yield iterator
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()
