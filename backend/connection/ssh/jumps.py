"""Jump hosts that several connections share: those whose login a person had to help with.

A one-time code is typed once, whatever is reached through that machine afterwards. A jump host that takes what is known
already is connected to anew for each connection, so that one transfer through it holds nobody else up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncssh

from backend.clock import Clock
from backend.connection.ssh.closing import abort_hops, close_hops
from backend.connection.ssh.hop import HopLink
from backend.connection.ssh.internals import round_trip
from backend.connection.target import Hop

LINGER = 60.0
"""Seconds that one nobody uses is kept: long enough for a connection that is lost behind it to be made again."""
ANSWERS = 3.0
"""Seconds that one has to answer in before anything new goes through it."""

Connect = Callable[[Hop, HopLink | None], Awaitable[HopLink]]
"""Logs in to a hop, directly or through the one before it."""
Reused = Callable[[Hop], None]


@dataclass(slots=True, eq=False)
class _Shared:
    """Hops up to one that is shared, from the shared one before it on."""

    hops: tuple[Hop, ...]
    """The whole way, outermost first."""
    links: tuple[HopLink, ...]
    parent: _Shared | None
    users: int = 0
    idle: asyncio.Task[None] | None = None
    """Waits to close it."""
    doubtful: bool = False
    """It has not answered: nothing new goes through it."""
    closed: bool = False

    @property
    def way(self) -> tuple[HopLink, ...]:
        return (*(self.parent.way if self.parent is not None else ()), *self.links)

    @property
    def is_up(self) -> bool:
        return not self.closed and not any(link.conn.is_closed() for link in self.way)


class JumpLease:
    """The jump hosts of one connection: some perhaps shared, the others its own."""

    def __init__(self, jumps: SharedJumps, shared: _Shared | None, own: Sequence[HopLink]) -> None:
        self._jumps = jumps
        self._shared = shared
        self.own = tuple(own)
        self.links = (*(shared.way if shared is not None else ()), *own)
        """All of them, outermost first."""

    def give_back(self) -> None:
        """This connection needs the shared ones no longer; its own are its own to close. Harmless when repeated."""
        shared, self._shared = self._shared, None
        if shared is not None:
            self._jumps.release(shared)


@dataclass(slots=True)
class SharedJumps:
    """The shared jump hosts of one connector."""

    clock: Clock
    linger: float = LINGER
    _up: dict[tuple[Hop, ...], _Shared] = field(default_factory=dict)
    """What new connections may go through."""
    _every: set[_Shared] = field(default_factory=set)
    """What is not closed yet."""
    _turns: dict[Hop, asyncio.Lock] = field(default_factory=dict)
    """By the first hop: two who come at once ask the person once."""

    async def lease(self, jumps: tuple[Hop, ...], connect: Connect, reused: Reused) -> JumpLease:
        """The way through `jumps`, with what is up already used; `reused` hears of each such hop.

        Raises what `connect` raises; cancelling, or failing, closes what was opened for this lease alone.
        """
        if not jumps:
            return JumpLease(self, None, ())
        async with self._turns.setdefault(jumps[0], asyncio.Lock()):
            shared = await self._longest(jumps)
            own: list[HopLink] = []
            finished = False
            try:
                for hop in shared.hops if shared is not None else ():
                    reused(hop)
                way = list(shared.way if shared is not None else ())
                for number in range(len(way), len(jumps)):
                    link = await connect(jumps[number], way[-1] if way else None)
                    way.append(link)
                    own.append(link)
                    if not link.login.repeats:
                        shared = self._share(jumps[: number + 1], own, shared)
                        own = []
                finished = True
                return JumpLease(self, shared, own)
            finally:
                if not finished:
                    abort_hops(own)
                    if shared is not None:
                        self.release(shared)

    def release(self, shared: _Shared) -> None:
        """One user less; the last one leaves it to linger."""
        shared.users -= 1
        if shared.users == 0 and not shared.closed:
            shared.idle = asyncio.create_task(self._retire(shared), name=f"unused jump host {shared.hops[-1].name}")

    async def close(self) -> None:
        """Close all of them; bounded by their own limits."""
        for shared in sorted(self._every, key=lambda one: -len(one.hops)):
            await self._close(shared)

    def _share(self, hops: tuple[Hop, ...], links: Sequence[HopLink], parent: _Shared | None) -> _Shared:
        """`links` are shared from now on; the user of `parent` uses the new one instead, which uses `parent`."""
        shared = self._up[hops] = _Shared(hops, tuple(links), parent, users=1)
        self._every.add(shared)
        return shared

    async def _longest(self, jumps: tuple[Hop, ...]) -> _Shared | None:
        """The longest way that is up and answers, with one user more."""
        for length in range(len(jumps), 0, -1):
            shared = self._up.get(jumps[:length])
            if shared is None:
                continue
            shared.users += 1
            if shared.idle is not None:
                shared.idle.cancel()
                shared.idle = None
            if await self._answers(shared):
                return shared
            del self._up[shared.hops]
            shared.doubtful = True
            self.release(shared)
        return None

    async def _answers(self, shared: _Shared) -> bool:
        if not shared.is_up:
            return False
        try:
            async with asyncio.timeout(ANSWERS):
                await round_trip(shared.links[-1].conn)
        except (TimeoutError, asyncssh.Error, OSError):
            return False
        return shared.is_up

    async def _retire(self, shared: _Shared) -> None:
        if shared.is_up and not shared.doubtful:
            await self.clock.sleep(self.linger)
        shared.idle = None
        await self._close(shared)

    async def _close(self, shared: _Shared) -> None:
        if shared.closed:
            return
        shared.closed = True
        self._every.discard(shared)
        if self._up.get(shared.hops) is shared:
            del self._up[shared.hops]
        if shared.idle is not None:
            shared.idle.cancel()
        await close_hops(shared.links)
        if shared.parent is not None:
            self.release(shared.parent)
