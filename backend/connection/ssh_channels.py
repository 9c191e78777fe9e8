"""Opening channels on a connection so that none is left behind: bounded, cancellable, and late ones are closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Channel(Protocol):
    """What all of asyncssh's channels can do, as far as it matters here."""

    def close(self) -> None: ...

    def abort(self) -> None: ...

    async def wait_closed(self) -> None: ...


async def opened(opening: Coroutine[Any, Any, T], limit: float, discard: Callable[[T], None]) -> T:
    """What `opening` returns, within `limit` seconds. Raises what it raises, or TimeoutError.

    asyncssh forgets a channel whose opening is cancelled, and the server keeps it. So the opening goes on behind the
    caller's back, and what it brings too late is given to `discard`.
    """
    task = asyncio.ensure_future(opening)

    def late(done: asyncio.Future[T]) -> None:
        if not done.cancelled() and done.exception() is None:
            discard(done.result())

    try:
        async with asyncio.timeout(limit):
            return await asyncio.shield(task)
    except (asyncio.CancelledError, TimeoutError):
        task.add_done_callback(late)
        raise


async def closed(channel: Channel, limit: float) -> None:
    """Close `channel`; wait at most `limit` seconds for the far end to agree, then drop it. Never raises."""
    channel.close()
    try:
        async with asyncio.timeout(limit):
            await channel.wait_closed()
    except TimeoutError:
        channel.abort()
