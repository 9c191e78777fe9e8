"""Verify a connection: try what people do with a host, one small thing after the other, and say how each went.

Works over a live link, with at most two channels at a time; every check is bounded, leaves nothing behind, and takes a
host's words as hostile. What an account does not allow is skipped and said.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from backend.clock import Clock
from backend.connection.sessions import Sessions
from backend.connection.target import Hop
from backend.diagnostics.checker import Checker
from backend.diagnostics.checks import Check, CheckId, CheckStatus
from backend.diagnostics.explain import Explanation
from backend.errors import FairleadError

__all__ = ["Check", "CheckId", "CheckStatus", "Verification"]


class Verification:
    """Verifies the connections of sessions."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        clock: Clock,
        explained: Callable[[FairleadError, str, Hop], Awaitable[Explanation]],
        chance: random.Random | None = None,
    ) -> None:
        """`explained` says what else is known of a failure at a hop, on the way to a host."""
        self._explained = explained
        self._sessions = sessions
        self._clock = clock
        self._chance = chance or random.SystemRandom()

    async def check(self, host: str) -> AsyncGenerator[Check, None]:
        """Each check as it finishes, in the order of `CheckId`. Connects where that was not done yet.

        Closing the iterator (`contextlib.aclosing`) stops it and removes what it had made. Raises what `Session.link`
        raises; a link that is lost meanwhile fails the check under way, and the rest is skipped.
        """
        session = self._sessions.get(host)
        link = await session.link()
        assert session.target is not None
        marker, hop = new_marker(self._chance), session.target.host
        checker = Checker(link, hop, marker, self._clock, lambda error: self._explained(error, host, hop))
        async with aclosing(checker.run()) as checks:
            async for check in checks:
                yield check

    async def verify(self, host: str) -> tuple[Check, ...]:
        """All checks, at the end."""
        async with aclosing(self.check(host)) as checks:
            return tuple([check async for check in checks])


def new_marker(chance: random.Random) -> str:
    """A word that no login file prints by chance."""
    return f"fairlead-{chance.getrandbits(64):016x}"
