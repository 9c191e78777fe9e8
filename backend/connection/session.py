"""A session supervises one host: it owns the state machine, the links, keepalive and reconnect.

Everybody asks the session for a link and waits while it is being restored; nobody opens a connection of their own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from backend.clock import Clock
from backend.connection.connector import Connector, FileChannel, Link, LinkFacts, PhaseEvent
from backend.connection.interaction import Interaction
from backend.connection.state import SessionChanged, SessionState
from backend.connection.target import Target
from backend.connection.vault import Vault
from backend.events import Event, EventBus
from backend.hosts.book import HostBook


@dataclass(frozen=True, slots=True)
class LatencyMeasured(Event):
    """A keepalive was answered."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PhaseSeen(Event):
    """A hop of a connection attempt has entered, left or failed a phase."""

    phase: PhaseEvent


class Session:
    """One host's supervised connection."""

    host: str
    target: Target | None
    """Who the host is, once resolved."""
    latencies: deque[float]
    """The last round trips in seconds, newest last; at most 60."""

    @property
    def state(self) -> SessionState:
        raise NotImplementedError

    @property
    def last_change(self) -> SessionChanged | None:
        """Why it is in this state, since when."""
        raise NotImplementedError

    @property
    def facts(self) -> LinkFacts | None:
        """Of the live link; None when there is none."""
        raise NotImplementedError

    async def link(self) -> Link:
        """The live link. Connects when there is none, waits while one is being made or restored.

        Raises what ended the attempt: ConnectError, AuthError, ConfigError, or LinkLost after `stop`.
        """
        raise NotImplementedError

    async def bulk(self) -> Link:
        """A second connection for bulk data, with the same credentials; the first one where a second is refused."""
        raise NotImplementedError

    async def files(self) -> FileChannel:
        """The shared SFTP channel of the interactive link, opened at first use and anew after a reconnect."""
        raise NotImplementedError

    def retry_now(self) -> None:
        """While reconnecting: do not wait for the countdown."""
        raise NotImplementedError

    def stop(self) -> None:
        """While reconnecting: give up; the session fails with the error that caused it."""
        raise NotImplementedError

    async def disconnect(self) -> None:
        """Close the links and wipe this host's secrets; bounded, never raises."""
        raise NotImplementedError


class Sessions:
    """All sessions of the program, by host name."""

    def __init__(
        self,
        *,
        connector: Connector,
        book: HostBook,
        interaction: Interaction,
        bus: EventBus,
        clock: Clock,
        vault: Vault,
    ) -> None:
        raise NotImplementedError

    def get(self, host: str) -> Session:
        """The session of `host`, made (idle) at first use."""
        raise NotImplementedError

    def all(self) -> tuple[Session, ...]:
        raise NotImplementedError

    async def close(self) -> None:
        """Disconnect everything at once; bounded, never raises."""
        raise NotImplementedError
