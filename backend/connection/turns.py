"""What keeps several routes to one host from asking the person twice: one at a time logs in, words are shown once."""

from __future__ import annotations

import asyncio

from backend.connection.interaction import Between, Interaction
from backend.connection.target import Hop


class Turn:
    """One route's place at the gate; see `Gate`."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._held = False
        self.in_vain = False
        """The connection went while it waited: nothing was tried, nobody was asked."""

    async def take(self) -> None:
        if self._held:
            return
        try:
            await self._lock.acquire()
        except asyncio.CancelledError:
            self.in_vain = True
            raise
        self._held, self.in_vain = True, False

    async def admit(self, hop: Hop) -> None:
        """Nothing of the race's own."""

    def release(self) -> None:
        if self._held:
            self._held = False
            self._lock.release()


class SaidOnce(Between):
    """A person who is shown the same words of a server once, whichever routes they come by."""

    def __init__(self, person: Interaction) -> None:
        super().__init__(person)
        self._said: set[tuple[str, str]] = set()

    def announce(self, host: str, text: str) -> None:
        if (host, text) not in self._said:
            self._said.add((host, text))
            self.person.announce(host, text)
