"""The monitor's own connections: to hosts that are watched while no person is connected to them.

They ask nobody anything, are told of on a bus of their own, and do not try again and again by themselves: when to try
is the monitor's schedule. Made at the first use, as most people have nothing watched.
"""

from __future__ import annotations

from collections.abc import Callable

from backend.connection.connector import Link
from backend.connection.session import Session
from backend.connection.sessions import Sessions
from backend.connection.state import SessionChanged, SessionState
from backend.events import EventBus


class OwnSessions:
    """At most one for each host."""

    def __init__(self, make: Callable[[EventBus], Sessions]) -> None:
        """`make` makes sessions, told of on the bus it is given, that ask nobody."""
        self._make = make
        self._sessions: Sessions | None = None

    @property
    def any(self) -> bool:
        """Whether one was ever needed."""
        return self._sessions is not None

    def of(self, host: str) -> Session:
        """The one of `host`, made at its first use."""
        if self._sessions is None:
            quiet = EventBus()
            quiet.subscribe(SessionChanged, self._hear)
            self._sessions = self._make(quiet)
        return self._sessions.get(host)

    def live(self, host: str) -> Link | None:
        """A link that is up now."""
        return None if self._sessions is None else self._sessions.get(host).live

    def in_use(self, host: str) -> bool:
        return self._sessions is not None and self._sessions.in_use(host)

    async def close(self) -> None:
        if self._sessions is not None:
            await self._sessions.close()

    def _hear(self, change: SessionChanged) -> None:
        if change.new is SessionState.RECONNECTING:
            self.of(change.host).stop()
