"""Keeps asking a link whether it lives, and tells when it does not. Changes no state; its owner does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from backend.clock import Clock
from backend.connection.connector import Link
from backend.connection.retry import SleepWatch
from backend.connection.target import Keepalive
from backend.errors import Code, FairleadError, LinkLost

SLICE = 2.0
"""Seconds between two looks at whether the machine slept."""


async def wait_first(waiters: Iterable[asyncio.Future[Any]], seconds: float, clock: Clock) -> None:
    """Return when one of `waiters` is done or `seconds` have passed. The waiters go on."""
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({*waiters, timer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()


async def pause(seconds: float, until: Iterable[asyncio.Future[Any]], clock: Clock, *, slice_: float = SLICE) -> None:
    """Wait for `seconds`, or for one of `until`; not longer than `slice_` once the machine woke from sleep."""
    waiters = tuple(until)
    watch = SleepWatch(clock)
    end = clock.monotonic() + seconds
    while (left := end - clock.monotonic()) > 0 and not any(waiter.done() for waiter in waiters):
        await wait_first(waiters, min(left, slice_), clock)
        if watch.slept(min(left, slice_)):
            return


class Heartbeat:
    """Questions over one link, one at a time, until it has ended."""

    def __init__(
        self,
        link: Link,
        keepalive: Keepalive,
        clock: Clock,
        *,
        on_answer: Callable[[float], None] = lambda seconds: None,
        on_late: Callable[[float, float], None] = lambda seconds, left: None,
        slice_: float = SLICE,
    ) -> None:
        """`on_answer` gets the round trip in seconds, `on_late` how long an answer has been awaited and
        how much longer it will be. `slice_`: seconds within which it is noticed that the machine slept."""
        self._link = link
        self._keepalive = keepalive
        self._clock = clock
        self._on_answer = on_answer
        self._on_late = on_late
        self._slice = slice_

    async def run(self) -> FairleadError:
        """Why the link has ended: what the link says, or KEEPALIVE_LOST when it no longer answers."""
        ended = asyncio.ensure_future(_ending(self._link))
        try:
            while not ended.done():
                if (reason := await self._ask(ended)) is not None:
                    return reason
                await pause(self._keepalive.interval, (ended,), self._clock, slice_=self._slice)
            return ended.result()
        finally:
            ended.cancel()

    async def _ask(self, ended: asyncio.Future[FairleadError]) -> FairleadError | None:
        """One question; why the link is to be given up, or None. One is enough: TCP itself repeats it."""
        answer = asyncio.ensure_future(self._link.ping())
        patience = self._keepalive.patience
        late_after = min(self._keepalive.late_after, patience)
        try:
            await wait_first((answer, ended), late_after, self._clock)
            if not answer.done() and not ended.done():
                self._on_late(late_after, patience - late_after)
                await wait_first((answer, ended), patience - late_after, self._clock)
            return self._verdict(answer, ended, patience)
        finally:
            answer.cancel()

    def _verdict(
        self, answer: asyncio.Future[float], ended: asyncio.Future[FairleadError], patience: float
    ) -> FairleadError | None:
        if ended.done():
            if answer.done():
                answer.exception()  # looked at, so that asyncio does not complain
            return ended.result()
        if not answer.done():
            return LinkLost(Code.KEEPALIVE_LOST, evidence={"seconds": f"{patience:g}"})
        error = answer.exception()
        if error is None:
            self._on_answer(answer.result())
            return None
        if isinstance(error, FairleadError):
            return self._link.lost or error
        raise error


async def _ending(link: Link) -> FairleadError:
    """Why `link` ended. Closed by us without the session's doing is a loss as well."""
    return await link.closed() or LinkLost(Code.CONNECTION_LOST, evidence={"reason": "it was closed from this side"})
