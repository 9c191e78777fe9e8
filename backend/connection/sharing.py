"""A connector with one connection for each login, whatever names lead to it: who asks for one that is up, or is being
made, gets a link over that one.

What does not answer is not shared, and a failure is told to all who wait for the login, so that nobody is asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from backend.clock import Clock
from backend.connection.attempt import Attempt
from backend.connection.connector import Connector, Gate, Link, Observer, Phase, PhasePassed, PhaseStarted
from backend.connection.heartbeat import wait_first
from backend.connection.interaction import Interaction
from backend.connection.logins import Login, belongs_to_login, belongs_to_way, login_of
from backend.connection.target import Hop, Target
from backend.connection.vault import Vault
from backend.errors import FairleadError

ANSWERS = 3.0
"""Seconds that a connection has to answer in before anything new goes over it."""


def tell_reused(observer: Observer | None, hop: Hop) -> None:
    """Tell `observer` of a hop that needs no login."""
    if observer is not None:
        observer(PhaseStarted(hop, Phase.AUTH))
        told = {"shared": "the connection that is up already"}
        observer(PhasePassed(hop, Phase.AUTH, 0.0, told, shared=True))


class SharedConnector:
    """`inner`, with connections shared by names of the same login; see `Connector`."""

    def __init__(
        self,
        inner: Connector,
        *,
        vault: Vault,
        clock: Clock,
        came: Callable[[Iterable[str]], None] = lambda names: None,
    ) -> None:
        """`vault` hears which names are of one login, or go through it. `came` is called with all of them when a
        connection was made; it may not block or raise."""
        self._inner = inner
        self._vault = vault
        self._clock = clock
        self._came = came
        self._attempts: dict[Login, Attempt] = {}
        self._made: dict[Login, Link] = {}
        """The last link that was made by a login: its connection is shared as long as that is up."""

    def is_up(self, target: Target) -> bool:
        """Whether a link to `target` needs no login."""
        made = self._made.get(login_of(target))
        return made is not None and made.is_up

    def tidy(self) -> None:
        """Keep nothing of connections that have ended."""
        self._made = {login: link for login, link in self._made.items() if link.is_up}

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> Link:
        """As `inner` does it, unless the login is there or is being made. Raises what ends that attempt, too."""
        login = login_of(target)
        self._join(target, login)
        self.tidy()
        while True:
            if (attempt := self._attempts.get(login)) is not None:
                made = await attempt.follow(target, observer, gate)
                if made is not None and (link := made.share(target)) is not None:
                    return link
            elif (link := await self._over_what_is_up(login, target)) is not None:
                for hop in target.hops:
                    tell_reused(observer, hop)
                return link
            elif login not in self._attempts:
                return await self._make(login, target, interaction, Attempt(target, observer, gate))

    async def _make(self, login: Login, target: Target, interaction: Interaction, attempt: Attempt) -> Link:
        self._attempts[login] = attempt
        outcome: Link | FairleadError | None = None
        try:
            link = outcome = self._made[login] = await self._inner.connect(target, interaction, attempt.hear, attempt)
        except FairleadError as error:
            outcome = error
            raise
        finally:
            del self._attempts[login]
            attempt.settle(outcome)
        for length in range(1, len(login) + 1):
            self._came(self._vault.names_of(login[:length]))
        return link

    def _join(self, target: Target, login: Login) -> None:
        """What was given for a login, or for a hop on the way, serves all who go there."""
        self._vault.join(target.name, login, belongs_to_login(target.hops))
        for length in range(1, len(login)):
            self._vault.join(target.name, login[:length], belongs_to_way(target.hops[:length]))

    async def _over_what_is_up(self, login: Login, target: Target) -> Link | None:
        """A link over the connection that is up; None where there is none, or it does not answer."""
        made = self._made.get(login)
        link = made.share(target) if made is not None else None
        if link is None:
            self._made.pop(login, None)
            return None
        answers = False
        try:
            answers = await self._answers(link)
        finally:
            if not answers:
                await link.close()
        if answers:
            return link
        if self._made.get(login) is made:
            del self._made[login]
        return None

    async def _answers(self, link: Link) -> bool:
        answer = asyncio.ensure_future(link.ping())
        try:
            await wait_first((answer,), ANSWERS, self._clock)
            return answer.done() and answer.exception() is None
        finally:
            answer.cancel()
