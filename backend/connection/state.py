"""The state machine of a session: states, legal transitions, and a reason for each change. Pure; nothing waits here."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from backend.clock import Clock
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.events import Event


class SessionState(StrEnum):
    """Where a session stands."""

    IDLE = "idle"
    """Nothing was asked of this host yet."""
    RESOLVING = "resolving"
    """Finding out who the name is and how it is reached."""
    CONNECTING = "connecting"
    """Name lookup, TCP, banner and key exchange, hop by hop."""
    VERIFYING = "verifying"
    """A host key is being checked; a person may be asked."""
    AUTHENTICATING = "authenticating"
    """Logging in; a person may be asked."""
    READY = "ready"
    DEGRADED = "degraded"
    """Connected; an answer is late."""
    RECONNECTING = "reconnecting"
    """The link was lost; the next attempt is awaited or under way."""
    FAILED = "failed"
    """An attempt ended with an error that is not repeated by itself."""
    EXPIRED = "expired"
    """The server ended the session on purpose."""
    CLOSING = "closing"
    CLOSED = "closed"
    """The person disconnected."""


S = SessionState
_OUT = frozenset({S.FAILED, S.CLOSING, S.RECONNECTING})

TRANSITIONS: dict[SessionState, frozenset[SessionState]] = {
    S.IDLE: frozenset({S.RESOLVING, S.CLOSING}),
    S.RESOLVING: frozenset({S.CONNECTING}) | _OUT,
    S.CONNECTING: frozenset({S.CONNECTING, S.VERIFYING}) | _OUT,
    S.VERIFYING: frozenset({S.CONNECTING, S.AUTHENTICATING}) | _OUT,
    S.AUTHENTICATING: frozenset({S.CONNECTING, S.READY}) | _OUT,
    S.READY: frozenset({S.DEGRADED, S.EXPIRED}) | _OUT,
    S.DEGRADED: frozenset({S.READY, S.EXPIRED}) | _OUT,
    S.RECONNECTING: frozenset({S.RECONNECTING, S.RESOLVING, S.FAILED, S.CLOSING}),
    S.FAILED: frozenset({S.RESOLVING, S.CLOSING}),
    S.EXPIRED: frozenset({S.RESOLVING, S.CLOSING}),
    S.CLOSING: frozenset({S.CLOSED}),
    S.CLOSED: frozenset({S.RESOLVING, S.CLOSING}),
}
"""Each state's legal successors. From AUTHENTICATING of a jump host the next hop starts at CONNECTING."""

CONNECTED = frozenset({S.READY, S.DEGRADED})
_CLIMB = (S.RESOLVING, S.CONNECTING, S.VERIFYING, S.AUTHENTICATING, S.READY)
ATTEMPTING = frozenset(_CLIMB[:-1])
"""An attempt is under way."""
BUSY = ATTEMPTING | {S.RECONNECTING}
RESTING = frozenset({S.IDLE, S.FAILED, S.EXPIRED, S.CLOSED})
"""Nothing is connected and nothing is under way."""


def climb(current: SessionState, wanted: SessionState) -> tuple[SessionState, ...]:
    """The states to pass through, in order, to get from one state of an attempt to another; legal changes only.

    A connector reports what it does, hop by hop and again after a host key was accepted; it may skip a step or go back
    to one. Going back is always by way of CONNECTING. Empty when nothing changes.
    """
    here, there = _CLIMB.index(current), _CLIMB.index(wanted)
    if here == there:
        return ()
    if there > here:
        return _CLIMB[here + 1 : there + 1]
    return _CLIMB[1 : there + 1]


@dataclass(frozen=True, slots=True)
class SessionChanged(Event):
    """A session went from one state to another."""

    old: SessionState
    new: SessionState
    reason: str
    """Why, as a short phrase for people."""
    at: datetime
    error: FairleadError | None = None
    """For FAILED, EXPIRED and RECONNECTING: what happened."""
    attempt: int = 0
    """For RECONNECTING: how many attempts have failed since the link was lost."""
    retry_at: float | None = None
    """For RECONNECTING: when the next attempt starts, on the clock's monotonic scale."""
    given_up_at: float | None = None
    """For DEGRADED: when the link is given up unless it answers, on the same scale."""


class IllegalTransition(AssertionError):
    """A change that the table does not allow: a bug of ours, not a failure of the world."""


class StateMachine:
    """One session's state. `change` returns the event for the caller to publish."""

    def __init__(self, host: str, clock: Clock) -> None:
        self._host = host
        self._clock = clock
        self._state = SessionState.IDLE

    @property
    def state(self) -> SessionState:
        return self._state

    def change(
        self,
        new: SessionState,
        reason: str,
        *,
        error: FairleadError | None = None,
        attempt: int = 0,
        retry_at: float | None = None,
        given_up_at: float | None = None,
    ) -> SessionChanged:
        """Go to `new`. Raises IllegalTransition when the table does not have it."""
        if new not in TRANSITIONS[self._state]:
            raise IllegalTransition(f"{self._host}: {self._state} -> {new} ({reason})")
        old, self._state = self._state, new
        return SessionChanged(self._host, old, new, reason, self._clock.now(), error, attempt, retry_at, given_up_at)
