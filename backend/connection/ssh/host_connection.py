"""One login at a host, which one link uses, or several under different names: it is closed with the last of them."""

from __future__ import annotations

import asyncio
from typing import Protocol

from backend.connection.budget import SessionBudget
from backend.connection.connector import LinkFacts, Place
from backend.connection.ssh.shared_hops import HopLease
from backend.connection.target import Target
from backend.errors import LinkLost


class User(Protocol):
    """A link over the connection."""

    @property
    def name(self) -> str:
        """What the host is called here."""
        ...

    def give_up(self, because: LinkLost | None) -> None:
        """The connection is closed from this side, for this reason."""
        ...

    def cut(self) -> None:
        """Close what is open on it at once."""
        ...

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone; `error` as asyncssh tells it."""
        ...


class HostConnection:
    """The host itself, at the end of its way, and what all links over it have in common."""

    def __init__(self, way: HopLease) -> None:
        self.hops = way.links
        self.last = self.hops[-1]
        self.budget = SessionBudget()
        self.listening = asyncio.Lock()
        """Held while a port is asked for: what the server tells meanwhile is about that port."""
        self.running: list[object] = []
        """The sessions of all links over it, in the order in which the server began them."""
        self._way = way
        self._login_repeats = all(hop.login.repeats for hop in (*way.own, self.last))
        """Of the jump hosts those count that nobody else keeps up."""
        self._users: list[User] = []
        self._closing = False
        self.last.client.on_lost.append(self._lost)

    @property
    def is_up(self) -> bool:
        return not self._closing and not self.last.conn.is_closed()

    def facts(self, target: Target) -> LinkFacts:
        """What there is to know of it, as `target` calls what is on the way."""
        last, seen, key = self.last, self.last.client.offers, self.last.client.host_key
        return LinkFacts(
            host=target.host.name,
            user=last.hop.user,
            address=last.address,
            route=tuple(jump.name for jump in target.jumps),
            server_version=last.banner,
            kex=seen.kex if seen else "",
            cipher=str(last.conn.get_extra_info("recv_cipher", "")),
            mac=seen.mac if seen else "",
            host_key=key.fingerprint if key else "",
            auth_method=last.login.method,
            auth_detail=last.login.detail,
            login_repeats=self._login_repeats,
            ciphers_offered=seen.server.ciphers_in if seen else (),
        )

    def place_of(self, session: object) -> Place | None:
        """Where `session` stands among those whose end has not been told; None when it is told."""
        live = [each for each in self.running if getattr(each, "exit", None) is None]
        if session not in live:
            return None
        before = live.index(session)
        return Place(before, len(live) - before - 1)

    def join(self, user: User) -> None:
        """One more uses it."""
        self._users.append(user)
        if self.last.client.ended.done():
            self._lost(self.last.client.ended.result())

    def is_left_to(self, user: User) -> bool:
        """Whether no other link uses it."""
        return self._users == [user]

    def beside(self, user: User) -> tuple[str, ...]:
        """What the others who use it call the host, and the hosts that are reached through it."""
        names = (*(other.name for other in self._users if other is not user), *self._way.others)
        return tuple(dict.fromkeys(name for name in names if name != user.name))

    def uses(self, user: User) -> bool:
        """Whether `user` has joined and not left."""
        return user in self._users

    def leave(self, user: User) -> None:
        """`user` needs it no longer, others do."""
        self._users.remove(user)

    async def close(self, because: LinkLost | None = None) -> None:
        """Close it under everybody: politely, innermost first, and cut what does not close in time. As a jump host of
        others it stays."""
        self._closing = True
        for user in self._users:
            user.give_up(None if because is None else because.told_of(user.name))
        if self._way.others:
            for user in self._users:
                user.cut()
        await self._way.end(dead=because is not None)
        if self._lost in self.last.client.on_lost:
            self.last.client.on_lost.remove(self._lost)

    def _lost(self, error: Exception | None) -> None:
        for user in self._users:
            user.connection_lost(error)
        if self._closing:
            return
        # What carried it has no other use.
        for hop in reversed(self._way.own):
            if hop is not self.last:
                hop.conn.close()
        self._way.give_back()
