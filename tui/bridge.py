"""The one bridge from the services to the screens: bus events become messages, merged to at most thirty a second.

Events are hints: what they carry is read again from the services. So only the last of each kind needs to arrive, and a
screen behind another needs none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.message import Message

from backend.commands.executor import CommandChanged, CommandOutput
from backend.connection.connector import PhaseEvent
from backend.connection.routing import RoutesChanged
from backend.connection.session import LatencyMeasured, PhaseSeen
from backend.connection.state import SessionChanged, SessionState
from backend.events import Event, EventBus
from backend.files.transfer import TransferChanged, TransferProgressed
from backend.forwards.model import ForwardChanged, ForwardCounted
from backend.health.values import HealthChanged
from backend.hosts.entries import HostsChanged
from backend.requests.model import OPEN, RequestsChanged
from tui.messages import (
    CommandUpdated,
    ForwardsUpdated,
    HostsUpdated,
    RecordUpdated,
    RequestEnded,
    SessionUpdated,
    TransferUpdated,
)

PERIOD = 1 / 30
"""Seconds between two deliveries, at least."""

Post = Callable[[Message], object]


class Bridge:
    """Listens to a bus until `close`."""

    def __init__(self, bus: EventBus, post: Post) -> None:
        self._post = post
        self._waiting: dict[tuple[str, ...], Message] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._delivered_at = float("-inf")
        self._phases: dict[str, list[PhaseEvent]] = {}
        self._subscriptions = [
            bus.subscribe(SessionChanged, self._session_changed),
            bus.subscribe(PhaseSeen, self._phase_seen),
            bus.subscribe(LatencyMeasured, self._session_hint),
            bus.subscribe(RoutesChanged, self._session_hint),
            bus.subscribe(HostsChanged, self._hosts_hint),
            bus.subscribe(HealthChanged, self._record_hint),
            bus.subscribe(RequestsChanged, self._requests_changed),
            bus.subscribe(ForwardChanged, self._forwards_hint),
            bus.subscribe(ForwardCounted, self._forwards_hint),
            bus.subscribe(CommandChanged, self._command_hint),
            bus.subscribe(CommandOutput, self._command_hint),
            bus.subscribe(TransferChanged, self._transfer_hint),
            bus.subscribe(TransferProgressed, self._transfer_hint),
        ]

    def phases(self, host: str) -> tuple[PhaseEvent, ...]:
        """What was seen of the host's last connection attempt, in order."""
        return tuple(self._phases.get(host, ()))

    @property
    def idle(self) -> bool:
        """Whether everything that was heard has been delivered."""
        return not self._waiting

    def flush(self) -> None:
        """Deliver what waits, at once."""
        if self._timer is not None:
            self._timer.cancel()
            self._deliver()

    def close(self) -> None:
        """Deliver nothing more."""
        for subscription in self._subscriptions:
            subscription.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()

    def _session_changed(self, event: SessionChanged) -> None:
        if event.new is SessionState.RESOLVING:
            self._phases.pop(event.host, None)
        self._session_hint(event)

    def _phase_seen(self, event: PhaseSeen) -> None:
        self._phases.setdefault(event.host, []).append(event.phase)
        self._session_hint(event)

    def _session_hint(self, event: Event) -> None:
        self._queue(("session", event.host), SessionUpdated(event.host))

    def _hosts_hint(self, event: HostsChanged) -> None:
        self._queue(("hosts",), HostsUpdated())

    def _record_hint(self, event: Event) -> None:
        self._queue(("record", event.host), RecordUpdated(event.host))

    def _requests_changed(self, event: RequestsChanged) -> None:
        self._record_hint(event)
        if event.request is not None and event.request.state not in OPEN:
            self._queue(("ended", str(event.request.number)), RequestEnded(event.request))

    def _forwards_hint(self, event: Event) -> None:
        self._queue(("forwards", event.host), ForwardsUpdated(event.host))

    def _command_hint(self, event: CommandChanged | CommandOutput) -> None:
        self._queue(("command", event.host, event.command_id), CommandUpdated(event.host, event.command_id))

    def _transfer_hint(self, event: TransferChanged | TransferProgressed) -> None:
        self._queue(("transfer", event.host, event.transfer_id), TransferUpdated(event.host, event.transfer_id))

    def _queue(self, key: tuple[str, ...], message: Message) -> None:
        self._waiting[key] = message
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._delivered_at + PERIOD), self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        self._delivered_at = asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, {}
        for message in waiting.values():
            self._post(message)
