"""The one bridge from the services to the screens: bus events become messages, merged to at most thirty a second.

Events are hints: what they carry is read again from the services. So only the last of each kind needs to arrive, and a
screen behind another needs none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from textual.message import Message

from backend.commands.executor import CommandChanged, CommandOutput
from backend.commands.jobs.events import JobOutput, JobsChanged
from backend.commands.many.values import GroupChanged
from backend.commands.terminals.values import TerminalChanged, TerminalOutput
from backend.connection.connector import PhaseEvent
from backend.connection.routing import RoutesChanged
from backend.connection.session import NO_SFTP, FilesOverCommands, LatencyMeasured, PhaseSeen
from backend.connection.state import SessionChanged, SessionState
from backend.events import Event, EventBus
from backend.files.transfer import TransferChanged, TransferListed, TransferProgressed
from backend.forwards.model import ForwardChanged, ForwardCounted
from backend.health.changes import HealthChanged
from backend.health.deep.values import DeepChecked, HealthLevelChanged, Level
from backend.health.recovery.values import Outcome, RecoveryDone
from backend.hosts.entries import HostsChanged
from backend.requests.model import OPEN, RequestsChanged
from backend.text import clean_line
from tui.messages import (
    CommandUpdated,
    ForwardsUpdated,
    GroupUpdated,
    HostsUpdated,
    JobsUpdated,
    Notice,
    RecordUpdated,
    RequestEnded,
    SessionUpdated,
    TerminalUpdated,
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
        self._phases: dict[str, list[PhaseSeen]] = {}
        self._subscriptions = [
            bus.subscribe(SessionChanged, self._session_changed),
            bus.subscribe(PhaseSeen, self._phase_seen),
            bus.subscribe(FilesOverCommands, self._no_sftp),
            bus.subscribe(LatencyMeasured, self._session_hint),
            bus.subscribe(RoutesChanged, self._session_hint),
            bus.subscribe(HostsChanged, self._hosts_hint),
            bus.subscribe(HealthChanged, self._record_hint),
            bus.subscribe(DeepChecked, self._record_hint),
            bus.subscribe(HealthLevelChanged, self._level_changed),
            bus.subscribe(RecoveryDone, self._recovered),
            bus.subscribe(RequestsChanged, self._requests_changed),
            bus.subscribe(ForwardChanged, self._forwards_hint),
            bus.subscribe(ForwardCounted, self._forwards_hint),
            bus.subscribe(CommandChanged, self._command_hint),
            bus.subscribe(CommandOutput, self._command_hint),
            bus.subscribe(JobsChanged, self._jobs_hint),
            bus.subscribe(JobOutput, self._jobs_hint),
            bus.subscribe(GroupChanged, self._group_hint),
            bus.subscribe(TerminalChanged, self._terminal_hint),
            bus.subscribe(TerminalOutput, self._terminal_hint),
            bus.subscribe(TransferChanged, self._transfer_hint),
            bus.subscribe(TransferProgressed, self._transfer_hint),
            bus.subscribe(TransferListed, self._transfers_hint),
        ]

    def phases(self, host: str, route: str | None = None) -> tuple[PhaseEvent, ...]:
        """What was seen of the host's last connection attempt, in order; over one of its routes, where it is named."""
        return tuple(seen.phase for seen in self._phases.get(host, ()) if route in (None, seen.route))

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
        self._phases.setdefault(event.host, []).append(event)
        self._session_hint(event)

    def _no_sftp(self, event: FilesOverCommands) -> None:
        self._queue(("no sftp", event.host), Notice(NO_SFTP, title=clean_line(event.host)))

    def _level_changed(self, event: HealthLevelChanged) -> None:
        """Only what is critical interrupts anybody; the rest is to be seen where health is shown."""
        if event.new is Level.CRITICAL:
            notice = Notice(clean_line(event.text), title=clean_line(event.host), severity="warning")
            self._queue(("level", event.host, event.name), notice)
        self._queue(("record", event.host), RecordUpdated(event.host))

    def _recovered(self, event: RecoveryDone) -> None:
        title = clean_line(f"{event.host}: {event.action}")
        severity: Literal["information", "warning"] = "information" if event.outcome is Outcome.DONE else "warning"
        self._queue(("recovery", title), Notice(clean_line(event.text), title=title, severity=severity))

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

    def _terminal_hint(self, event: TerminalChanged | TerminalOutput) -> None:
        self._queue(("terminal", event.terminal_id), TerminalUpdated(event.host, event.terminal_id))

    def _jobs_hint(self, event: Event) -> None:
        self._queue(("jobs", event.host), JobsUpdated(event.host))

    def _group_hint(self, event: GroupChanged) -> None:
        key = ("group", event.run_id)
        earlier = self._waiting.get(key)
        over = event.over or (isinstance(earlier, GroupUpdated) and earlier.over)
        self._queue(key, GroupUpdated(event.run_id, over))

    def _transfer_hint(self, event: TransferChanged | TransferProgressed) -> None:
        self._queue(("transfer", event.host, event.transfer_id), TransferUpdated(event.host, event.transfer_id))

    def _transfers_hint(self, event: TransferListed) -> None:
        self._queue(("transfers",), TransferUpdated(event.host, ""))

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
