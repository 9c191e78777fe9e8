"""How many sessions one connection carries at once: fewer than the server allows, so that it has to refuse none.

OpenSSH allows ten (`MaxSessions` of sshd_config(5)); a server that allows fewer is learnt from its first refusal.
"""

from __future__ import annotations

import asyncio
from collections import deque

SESSIONS = 8
"""Two below OpenSSH's limit: a shell that somebody else opens over the same connection finds room."""


IMPATIENCE = 2.0
"""Seconds without any session's end after which nobody waits longer for a place on a server with a tighter limit: what
holds the few places there may hold them for long, and most who ask have another way."""


class SessionBudget:
    """Places for sessions on one connection, given in the order in which they were asked for."""

    def __init__(self, limit: int = SESSIONS) -> None:
        self._limit = limit
        self._taken = 0
        self._learnt = False
        self._ended = 0
        """Sessions that have given their place back."""
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many sessions there may be at once."""
        return self._limit

    @property
    def taken(self) -> int:
        """How many there are, those that are being opened included."""
        return self._taken

    async def take(self, patience: float) -> None:
        """A place, as soon as there is one. Raises TimeoutError when there is none for `patience` seconds."""
        if self._taken < self._limit and not self._waiting:
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await self._turn(turn, patience)
        except BaseException:
            if turn.done() and not turn.cancelled():  # the place came in the same moment; nobody uses it
                self.give_back()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    async def _turn(self, turn: asyncio.Future[None], patience: float) -> None:
        async with asyncio.timeout(patience):
            while self._learnt:
                before = self._ended
                await asyncio.wait((turn,), timeout=IMPATIENCE)
                if turn.done():
                    return
                if self._ended == before:
                    raise TimeoutError
            await turn

    def give_back(self) -> None:
        """A place is free again."""
        self._taken -= 1
        self._ended += 1
        self._serve()

    def crowded(self) -> bool:
        """The server refuses the session that is being opened: where there are others, they are all that it allows, and
        another try is worth it once one of them has ended."""
        others = self._taken - 1
        if others > 0:
            self._limit, self._learnt = min(self._limit, others), True
        return others > 0

    def _serve(self) -> None:
        while self._waiting and self._taken < self._limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
