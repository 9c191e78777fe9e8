"""Hops that several connections share: those whose login a person had to help with.

A one-time code is typed once, whether the machine is a host itself, a jump host on the way to others, or both. A hop
that takes what is known already is connected to anew for each connection, so that one transfer through it holds nobody
else up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import field

from backend.clock import Clock
from backend.connection.logins import Login, login_of
from backend.connection.ssh.closing import abort_hops, close_hops
from backend.connection.ssh.hop import HopLink
from backend.connection.target import Hop, Target
from backend.dataclass import dataclass

LINGER = 60.0
"""Seconds that a jump host is kept that nobody uses: long enough for what is lost behind it to be connected again."""
ANSWERS = 3.0
"""Seconds that one has to answer in before anything new goes over it."""

Connect = Callable[[Hop, HopLink | None], Awaitable[HopLink]]
"""Logs in to a hop, directly or through the one before it."""
Reused = Callable[[Hop], None]


@dataclass(slots=True, eq=False)
class _Shared:
    """Hops up to one that is shared, from the shared one before it on."""

    login: Login
    """The whole way, outermost first."""
    links: tuple[HopLink, ...]
    parent: _Shared | None
    made_for: str
    """The name of the host that was connected to."""
    users: list[HopLease | _Shared] = field(default_factory=list)
    idle: asyncio.Task[None] | None = None
    """Waits to close it."""
    doubtful: bool = False
    """It has not answered: nothing new goes over it."""
    closed: bool = False

    @property
    def way(self) -> tuple[HopLink, ...]:
        return (*(self.parent.way if self.parent is not None else ()), *self.links)

    @property
    def is_up(self) -> bool:
        return not self.closed and not any(link.conn.is_closed() for link in self.way)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the hosts that it is used for."""
        return tuple(name for user in self.users for name in user.names)


class HopLease:
    """The way to one host, itself included: some hops perhaps shared, the others its own."""

    def __init__(self, hops: SharedHops, name: str) -> None:
        self._hops = hops
        self._name = name
        self.shared: _Shared | None = None
        """The last one that it goes over."""
        self.own: list[HopLink] = []
        """Beyond the shared ones; its own to close."""

    @property
    def links(self) -> tuple[HopLink, ...]:
        """All of them, outermost first."""
        return (*(self.shared.way if self.shared is not None else ()), *self.own)

    @property
    def names(self) -> tuple[str, ...]:
        return (self._name,)

    @property
    def others(self) -> tuple[str, ...]:
        """The names of the other hosts for which the last of its hops is used, where that is shared."""
        shared = self.shared if not self.own else None
        return () if shared is None else tuple(n for user in shared.users if user is not self for n in user.names)

    @property
    def made_for(self) -> str:
        """The name of the host for which the last of its hops was logged in to."""
        return self._name if self.own or self.shared is None else self.shared.made_for

    def hold(self, shared: _Shared) -> None:
        """It goes over `shared` from now on, to which the hops of its own belong."""
        if self.shared is not None:
            self.shared.users.remove(self)
        self.shared, self.own = shared, []
        shared.users.append(self)

    def give_back(self) -> None:
        """This connection needs the shared ones no longer. Harmless when repeated."""
        shared, self.shared = self.shared, None
        if shared is not None:
            self._hops.release(shared, self)

    async def end(self, *, dead: bool = False) -> None:
        """Close what nobody else uses, the host first. Nothing new goes over a `dead` one. Bounded."""
        shared = self.shared
        if self.own or shared is None:
            await close_hops(self.own)
            self.give_back()
            return
        self.shared = None
        if dead:
            self._hops.doubt(shared)
        shared.users.remove(self)
        if not shared.users:
            await self._hops.end(shared)

    def abort(self) -> None:
        """Cut what is its own at once, and give the others back."""
        abort_hops(self.own)
        self.give_back()


@dataclass(slots=True)
class SharedHops:
    """The shared hops of one connector."""

    clock: Clock
    linger: float = LINGER
    _up: dict[Login, _Shared] = field(default_factory=dict)
    """What new connections may go over."""
    _every: set[_Shared] = field(default_factory=set)
    """What is not closed yet."""
    _turns: dict[Hop, asyncio.Lock] = field(default_factory=dict)
    """By the first hop: two who come at once ask the person once."""

    async def lease(self, target: Target, connect: Connect, reused: Reused) -> HopLease:
        """The way to `target`, with what is up already used; `reused` hears of each such hop.

        Raises what `connect` raises; failing, or cancelling, closes what was opened for this lease alone.
        """
        lease, login = HopLease(self, target.name), login_of(target)
        try:
            if target.jumps or not target.anew:
                async with self._turns.setdefault(login[0], asyncio.Lock()):
                    await self._over_what_is_up(lease, login[:-1] if target.anew else login)
                    for hop in target.hops[: len(lease.links)]:
                        reused(hop)
                    while len(lease.links) < max(1, len(target.jumps)):
                        await self._add(lease, target, login, connect)
            if len(lease.links) < len(target.hops):
                await self._add(lease, target, login, connect)
        except Exception:
            try:
                await close_hops(lease.own)
            finally:
                lease.abort()
            raise
        except BaseException:
            lease.abort()
            raise
        return lease

    def release(self, shared: _Shared, user: HopLease | _Shared) -> None:
        """One user less; the last one leaves it to linger."""
        shared.users.remove(user)
        if not shared.users and not shared.closed:
            shared.idle = asyncio.create_task(self._retire(shared), name=f"unused jump host {shared.login[-1].address}")

    def doubt(self, shared: _Shared) -> None:
        """Nothing new goes over `shared`."""
        shared.doubtful = True
        if self._up.get(shared.login) is shared:
            del self._up[shared.login]

    async def close(self) -> None:
        """Close all of them; bounded by their own limits."""
        for shared in sorted(self._every, key=lambda one: -len(one.login)):
            await self.end(shared)

    async def end(self, shared: _Shared) -> None:
        """Close `shared`, whoever uses it."""
        if shared.closed:
            return
        shared.closed = True
        self._every.discard(shared)
        if self._up.get(shared.login) is shared:
            del self._up[shared.login]
        if shared.idle is not None:
            shared.idle.cancel()
        await close_hops(shared.links)
        if shared.parent is not None:
            self.release(shared.parent, shared)

    async def _add(self, lease: HopLease, target: Target, login: Login, connect: Connect) -> None:
        """Log in to the next hop. It is shared from now on where that took a person, unless one like it is already."""
        before = lease.links
        link = await connect(target.hops[len(before)], before[-1] if before else None)
        lease.own.append(link)
        here = login[: len(before) + 1]
        if link.login.repeats or here in self._up:
            return
        parent = lease.shared
        shared = self._up[here] = _Shared(here, tuple(lease.own), parent, target.name)
        self._every.add(shared)
        if parent is not None:
            parent.users.append(shared)
        lease.hold(shared)

    async def _over_what_is_up(self, lease: HopLease, login: Login) -> None:
        """Let `lease` go over the longest way that is up and answers."""
        for length in range(len(login), 0, -1):
            shared = self._up.get(login[:length])
            if shared is None:
                continue
            lease.hold(shared)
            if shared.idle is not None:
                shared.idle.cancel()
                shared.idle = None
            if await self._answers(shared):
                return
            self.doubt(shared)
            lease.give_back()

    async def _answers(self, shared: _Shared) -> bool:
        from backend.connection.ssh.internals import answers  # loaded since there was a hop

        return shared.is_up and await answers(shared.links[-1].conn, ANSWERS) and shared.is_up

    async def _retire(self, shared: _Shared) -> None:
        if shared.is_up and not shared.doubtful:
            await self.clock.sleep(self.linger)
        shared.idle = None
        await self.end(shared)
