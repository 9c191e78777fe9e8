"""How forwards come by a host's link: through its session, without ever starting a session that has ended."""

from __future__ import annotations

import asyncio

from backend.clock import Clock
from backend.connection.connector import Link
from backend.connection.session import Session
from backend.connection.state import BUSY, CONNECTED, SessionChanged
from backend.errors import Code, FairleadError, LinkLost
from backend.events import EventBus
from backend.tasks import within

PATIENCE = 15.0
"""Seconds that a new connection waits while the host is away."""


class HostLinks:
    """The links of one session, one after the other."""

    def __init__(self, session: Session, *, bus: EventBus, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._changed = asyncio.Event()
        self._subscription = bus.subscribe(SessionChanged, self._hear)
        self._let_go = session.use.hold()

    @property
    def connected(self) -> bool:
        return self._session.state in CONNECTED

    @property
    def why_not(self) -> str:
        """Why there is no link just now."""
        change = self._session.last_change
        return change.reason if change is not None and not self.connected else ""

    async def first(self) -> Link:
        """The link, connecting where there is none. Raises what ended the attempt."""
        return await self._session.link()

    async def soon(self) -> Link:
        """The link, for somebody who waits: at most for a little while. Raises FairleadError."""
        if self._session.state not in CONNECTED | BUSY:
            raise self._away(self.why_not or "not connected")
        try:
            return await within(PATIENCE, self._session.link(), self._clock)
        except TimeoutError:
            raise self._away(f"not back within {PATIENCE:g} s") from None

    async def next(self, last: Link | None) -> Link:
        """The next live link after `last`, however long it takes until somebody has connected."""
        while True:
            self._changed.clear()
            if self._session.state in CONNECTED | BUSY:
                try:
                    if (link := await self._session.link()) is not last:
                        return link
                except FairleadError:
                    continue  # its state tells why, and has changed
            await self._changed.wait()

    def close(self) -> None:
        self._subscription.cancel()
        self._let_go()

    def _hear(self, event: SessionChanged) -> None:
        if event.host == self._session.host:
            self._changed.set()

    def _away(self, reason: str) -> LinkLost:
        host = self._session.host
        return LinkLost(Code.CONNECTION_LOST, f"{host}: {reason}", evidence={"reason": reason}, host=host)
