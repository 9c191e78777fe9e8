"""One command on many hosts, under way: so many at a time, each with its own end; it belongs to its service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from backend.clock import Clock
from backend.commands.executor import CommandService
from backend.commands.many.asking import ELEVATION, LOGIN, AskedOnce, Crowd
from backend.commands.many.grouping import Alike, group
from backend.commands.many.kept import ALL_ROOM, KeptOutput
from backend.commands.many.values import (
    OVER,
    Counts,
    GroupChanged,
    GroupSpec,
    HostState,
    count,
    end_words,
    state_of,
)
from backend.commands.pulse import Pulse
from backend.commands.running import RunningCommand
from backend.commands.values import CommandChanged, CommandOutcome, CommandSpec, CommandState
from backend.connection.connector import Chunk
from backend.connection.session import Session
from backend.connection.sessions import Sessions
from backend.connection.state import CONNECTED, RESTING, SessionChanged
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError
from backend.events import EventBus
from backend.hosts.book import HostBook
from backend.tasks import for_each

log = logging.getLogger(__name__)

_STATES = {
    CommandState.STARTING: HostState.CONNECTING,
    CommandState.RUNNING: HostState.RUNNING,
    CommandState.CANCELLING: HostState.STOPPING,
}

PermitGroup = Callable[[Sequence[str], bytes], Awaitable[None]]
"""`ProductionGuard.ask_to_run_on`."""
AskAbout = Callable[[str, CommandSpec], Awaitable[bool]]
"""`CommandPolicy.ask`."""
HostSink = Callable[[str, Chunk], Awaitable[None] | None]
"""As `Sink`, with the host that has said it."""


class HostRun:
    """One host of a run."""

    def __init__(self, host: str, room: int) -> None:
        self.host = host
        self.kept = KeptOutput(room)
        self.outcome: CommandOutcome | None = None
        self.save_error: FairleadError | None = None
        """Why the file that was to get its output does not hold the whole of it."""
        self.command: RunningCommand | None = None
        """While it is under way."""
        self.skipped = False

    @property
    def state(self) -> HostState:
        if self.skipped:
            return HostState.NOT_RUN
        if self.outcome is not None:
            return state_of(self.outcome)
        return HostState.WAITING if self.command is None else _STATES.get(self.command.state, HostState.RUNNING)

    @property
    def end(self) -> str:
        """How it ended, in a word; before that, how it stands."""
        return end_words(self.state, self.outcome)

    @property
    def succeeded(self) -> bool:
        return self.outcome is not None and self.outcome.succeeded

    @property
    def error(self) -> FairleadError | None:
        """What ended it, where that was not the command's own end."""
        return None if self.outcome is None else self.outcome.error

    @property
    def failed(self) -> bool:
        """Whether it is over and did not succeed; a host that was never begun counts."""
        return self.state in OVER and not self.succeeded


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs of the program."""

    sessions: Sessions
    commands: CommandService
    book: HostBook
    asked: AskedOnce
    bus: EventBus
    clock: Clock
    dangers: AskAbout
    permit: PermitGroup


class GroupRun:
    """A command on many hosts that belongs to the service, whatever screen started it."""

    def __init__(self, run_id: str, spec: GroupSpec, around: Surroundings, sink: HostSink | None = None) -> None:
        self.id = run_id
        self.spec = spec
        self.started_at = around.clock.now()
        self.seconds: float | None = None
        """How long it took, once it is over."""
        self.error: FairleadError | None = None
        """Why it was not begun at all: nobody agreed to a change of production hosts."""
        room = ALL_ROOM // max(1, len(spec.hosts))
        self.hosts = tuple(HostRun(host, room) for host in spec.hosts)
        self._around = around
        self._sink = sink
        self._stopping = False
        self._leaving: set[asyncio.Task[None]] = set()
        self._grouped: tuple[tuple[int, bool], tuple[Alike, ...]] | None = None
        self._pulse = Pulse(lambda: around.bus.publish(GroupChanged("", run_id)), around.clock)
        self._task = asyncio.create_task(self._live(), name=f"group run {run_id}")

    @property
    def over(self) -> bool:
        """Whether every host has come to an end."""
        return self.seconds is not None

    @property
    def counts(self) -> Counts:
        return count((host.state, host.succeeded) for host in self.hosts)

    @property
    def failed(self) -> tuple[str, ...]:
        """The hosts on which it did not succeed, those included on which it was never begun."""
        return tuple(host.host for host in self.hosts if host.failed)

    def groups(self, *, names_apart: bool = True) -> tuple[Alike, ...]:
        """The hosts that are over, by what came of the command; see `group`."""
        over = [host for host in self.hosts if host.state in OVER]
        wanted = len(over), names_apart
        if self._grouped is None or self._grouped[0] != wanted:
            self._grouped = wanted, group(over, names_apart=names_apart)
        return self._grouped[1]

    async def wait(self) -> None:
        """Return when it is over. Raises nothing for what came of it; cancelling the wait stops nothing."""
        await asyncio.shield(self._task)

    def stop(self) -> None:
        """Begin no further host, and begin to cancel those at work; returns at once."""
        self._stopping = True
        for host in self.hosts:
            if host.command is not None:
                host.command.stop()

    def abandon(self) -> None:
        """Let go of what runs without waiting for the hosts; their ends are unknown."""
        self.stop()
        for host in self.hosts:
            if host.command is not None:
                host.command.abandon()

    # --- its life ----------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        began = self._around.clock.monotonic()
        try:
            if not await self._around.dangers(_named(self.spec.hosts), self.spec.command):
                await self._around.permit(self.spec.hosts, self.spec.command.command)
            await self._run_all()
        except FairleadError as error:
            self.error = error
        except Exception as bug:
            log.exception("the run %s failed inside Fairlead", self.id)
            self.error = FairleadError(Code.INTERNAL, evidence={"reason": type(bug).__name__})
        finally:
            for host in self.hosts:
                host.skipped = host.skipped or (host.outcome is None and host.command is None)
            self.seconds = self._around.clock.monotonic() - began
            self._pulse.stop()
            self._around.bus.publish(GroupChanged("", self.id, over=True))

    async def _run_all(self) -> None:
        bus = self._around.bus
        agreed = self.spec.one_password
        with self._around.asked.for_all(self.spec.hosts, agreed=agreed) as crowd:
            listening = (
                bus.subscribe(SessionChanged, partial(self._heard, crowd)),
                bus.subscribe(CommandChanged, partial(self._moved, crowd)),
            )
            try:
                async with self._around.book.expecting(self.spec.hosts):
                    await for_each(self.hosts, partial(self._one, crowd), at_once=max(1, self.spec.parallel))
                if self._leaving:
                    await asyncio.wait(self._leaving)
            finally:
                for subscription in listening:
                    subscription.cancel()

    def _heard(self, crowd: Crowd, event: SessionChanged) -> None:
        if event.host in crowd.hosts and event.new in CONNECTED:
            crowd.came_to(event.host, let_in=True, kinds=LOGIN)

    def _moved(self, crowd: Crowd, event: CommandChanged) -> None:
        if event.command_id.startswith(f"{self.id}."):
            self._pulse.touch()
            if event.state is CommandState.RUNNING:
                crowd.came_to(event.host, let_in=True, kinds=ELEVATION)

    async def _one(self, crowd: Crowd, host: HostRun) -> None:
        if self._stopping or self._enough_have_failed:
            host.skipped = True
            return
        session = self._around.sessions.get(host.host)
        ours_alone = session.state in RESTING
        host.command = command = self._around.commands.make(
            f"{self.id}.{host.host}",
            host.host,
            self._spec_for(host),
            partial(self._take, host),
            permit=partial(self._admit, host.host),
        )
        host.outcome = await command.wait()
        host.save_error = command.save_error
        host.command = None
        crowd.came_to(host.host, let_in=False)
        self._pulse.touch()
        if ours_alone:
            await self._leave(session)

    async def _admit(self, host: str) -> None:
        """The person has agreed to what is dangerous, for all of them; a host's own list may deny it still."""
        await self._around.commands.admit(host, self.spec.command, agreed=True)

    async def _leave(self, session: Session) -> None:
        """Disconnect from a host that was connected for this alone. The next one need not wait for the farewell, but
        there are never more of them than hosts at work."""
        task = asyncio.create_task(session.disconnect())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        if len(self._leaving) > self.spec.parallel:
            await asyncio.wait(self._leaving, return_when=asyncio.FIRST_COMPLETED)

    def _spec_for(self, host: HostRun) -> CommandSpec:
        directory = self.spec.save_in
        file = None if directory is None else directory / quote(host.host, safe=" @:[]%+=,")
        return replace(self.spec.command, keep_output=False, save_to=file)

    def _take(self, host: HostRun, chunk: Chunk) -> Awaitable[None] | None:
        host.kept.take(chunk)
        self._pulse.touch()
        return None if self._sink is None else self._sink(host.host, chunk)

    @property
    def _enough_have_failed(self) -> bool:
        most = self.spec.max_fail
        return most is not None and sum(host.outcome is not None and not host.succeeded for host in self.hosts) >= most


def _named(hosts: Sequence[str]) -> str:
    """The hosts, for a question."""
    return hosts[0] if len(hosts) == 1 else f"{len(hosts):,} hosts"
