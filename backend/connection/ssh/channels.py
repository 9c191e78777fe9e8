"""Opening channels on a connection so that none is left behind: bounded, cancellable, and late ones are closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

import asyncssh

from backend.errors import LinkLost

T = TypeVar("T")
S = TypeVar("S", bound=asyncssh.SSHClientSession[bytes])
Loss = Callable[[], LinkLost | None]
"""Why the link is gone, or None while it is up."""
_PATIENCE = 0.3
"""Seconds to wait for the far end's own close of a dropped channel."""


class Channel(Protocol):
    """What all of asyncssh's channels can do, as far as it matters here."""

    def close(self) -> None: ...

    def abort(self) -> None: ...

    async def wait_closed(self) -> None: ...


class Session(Protocol):
    """asyncssh's side of a channel, as far as it matters here."""

    def connection_lost(self, exc: Exception | None) -> None: ...


class Asked(Generic[S]):
    """What makes a session once the far end has given its channel; given up before, nothing is asked for in it.

    asyncssh asks for the command in the channel whenever that comes, though nobody waits for it any more.
    """

    def __init__(self, factory: Callable[[], S]) -> None:
        self._factory = factory
        self._given_up = False
        self.begun = False
        """There is a channel: what is asked for in it may be under way."""

    def give_up(self) -> None:
        self._given_up = True

    def __call__(self) -> S:
        session = self._factory()
        if self._given_up:
            session.connection_made = _unwanted  # type: ignore[method-assign, assignment]
        else:
            self.begun = True
        return session


def _unwanted(channel: Any) -> None:
    channel.abort()
    raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "nobody waits for it any more")


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


def cut(channel: Channel, session: Session) -> None:
    """Close `channel` now, what is unsent with it, and let go who waits for something of `session`: the far end may
    take its time to agree. asyncssh tells the session once more when it has."""
    channel.abort()
    session.connection_lost(None)


async def dropped(channel: Channel, limit: float) -> None:
    """Close `channel` now, what is unsent with it; wait for the far end to agree, at most `limit` seconds.

    asyncssh's `close` waits for room to send what is left, which a process that reads nothing never gives. OpenSSH
    does not agree while a process without a terminal goes on, so there is no use in waiting long. Never raises.
    """
    channel.abort()
    await _agreed(channel, min(limit, _PATIENCE))


async def finished(channel: Channel, limit: float) -> None:
    """Close `channel` once what was written is sent; wait at most `limit` seconds. Never raises."""
    channel.close()
    await _agreed(channel, limit)


async def _agreed(channel: Channel, limit: float) -> None:
    try:
        async with asyncio.timeout(limit):
            await channel.wait_closed()
    except TimeoutError:
        # It goes with the connection at the latest.
        return
