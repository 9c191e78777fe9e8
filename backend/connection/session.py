"""A session supervises one name of a host: it owns the state machine, the links, keepalive and reconnect.

Everybody asks the session for a link and waits while it is being restored; nobody opens a connection of their own. The
connection under the link may be shared with other names of the same login.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from typing import Any

from backend.clock import Clock
from backend.connection.companion import Companion
from backend.connection.connector import (
    FileChannel,
    Link,
    LinkFacts,
    PhaseEvent,
    PhaseStarted,
)
from backend.connection.heartbeat import SLICE, Heartbeat, pause
from backend.connection.idleness import IdleEnds, Use
from backend.connection.interaction import Interaction
from backend.connection.outcomes import RouteOutcome
from backend.connection.race import Observe
from backend.connection.retry import STABLE, delay, may_repeat
from backend.connection.route_memory import Remembered, RouteMemory
from backend.connection.routing import Lead, Routing, state_of
from backend.connection.sharing import SharedConnector
from backend.connection.state import ATTEMPTING, CONNECTED, SessionChanged, SessionState, StateMachine, climb
from backend.connection.stretch import Stretch
from backend.connection.target import Keepalive, Target
from backend.connection.vault import Vault
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError, Interrupted, LinkLost, SessionError
from backend.events import Event, EventBus
from backend.hosts.book import HostBook

log = logging.getLogger(__name__)

CLOSE_LIMIT = 5.0
"""Seconds for all farewells of a session; then it counts as closed."""


@dataclass(frozen=True, slots=True)
class LatencyMeasured(Event):
    """A keepalive was answered."""

    seconds: float


NO_SFTP = "no SFTP: files over commands"
"""How people are told of `FilesOverCommands`."""


@dataclass(frozen=True, slots=True)
class FilesOverCommands(Event):
    """The host offers no SFTP: its files are reached by commands. Told once for each session."""


@dataclass(frozen=True, slots=True)
class PhaseSeen(Event):
    """A hop of a connection attempt has entered, left or failed a phase."""

    phase: PhaseEvent
    route: str = ""
    """Of which of the host's routes."""


class Session:
    """One host's supervised connection."""

    def __init__(
        self,
        host: str,
        *,
        connector: SharedConnector,
        bulk_connector: SharedConnector,
        book: HostBook,
        interaction: Interaction,
        bus: EventBus,
        clock: Clock,
        vault: Vault,
        chance: Random,
        memory: RouteMemory | None = None,
        bulk_apart: bool = True,
        in_use: Callable[[str], bool] = lambda name: False,
        keepalive: Keepalive | None = None,
    ) -> None:
        """`bulk_apart`: bulk data has a connection of its own, made by `bulk_connector`, for somebody types on the
        first. `in_use`: whether another name is connected, which may be one of the same login. `keepalive`: how a
        silent link is tested in place of what the host's entry says; nobody sits before it, so that may be slow."""
        self.host = host
        self.target: Target | None = None
        """Who the host is, once resolved, over the route that is live or was tried first."""
        self.latencies: deque[float] = deque(maxlen=60)
        """The last round trips in seconds, newest last."""
        self._routing = Routing(
            host, connector=connector, book=book, interaction=interaction, bus=bus, clock=clock, memory=memory
        )
        self._bus = bus
        self._clock = clock
        self._vault = vault
        self._chance = chance
        self._machine = StateMachine(host, clock)
        self.use = Use(clock)
        """Who needs the link: hold it where it is needed though nothing is open on it."""
        self._idle_ends = IdleEnds()
        self._last_change: SessionChanged | None = None
        self._stretch: Stretch | None = None
        self._link: Link | None = None
        self._bulk_apart = bulk_apart
        self._companion = Companion(bulk_connector, clock)
        self._connectors = (connector, bulk_connector)
        self._in_use = in_use
        self._keepalive = keepalive
        self._files: tuple[Link, asyncio.Task[FileChannel]] | None = None
        self._told_of_commands = False
        self._closing: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[Any]] = set()

    @property
    def state(self) -> SessionState:
        return self._machine.state

    @property
    def last_change(self) -> SessionChanged | None:
        """Why it is in this state, since when."""
        return self._last_change

    @property
    def facts(self) -> LinkFacts | None:
        """Of the live link; None when there is none."""
        return self._link.facts if self._link is not None else None

    @property
    def live(self) -> Link | None:
        """The link, where it is up now. To look at it is no use of the host: nothing is connected by it, and the host
        is no less idle."""
        return self._link if self._link is not None and self._link.lost is None else None

    @property
    def shared_with(self) -> tuple[str, ...]:
        """The other names of the same login that use the connection as well."""
        return self._link.others if self._link is not None else ()

    @property
    def routes(self) -> tuple[RouteOutcome, ...]:
        """What came of each of the host's routes in the last attempt, in the order in which they were tried."""
        return self._routing.outcomes

    @property
    def remembered(self) -> Remembered | None:
        """Why the first of `routes` was the first, where that is because it worked on this network before."""
        return self._routing.remembered

    async def link(self) -> Link:
        """The live link. Connects when there is none, waits while one is being made or restored.

        Raises what ended the attempt: ConnectError, AuthError, ConfigError, LinkLost after `stop`, or Interrupted
        after `disconnect`. Cancelling the wait does not stop the attempt.
        """
        self.use.touch()
        if self._link is not None and self._link.lost is None:
            return self._link
        if self.state is SessionState.CLOSING:
            raise self._interrupted("{} is being disconnected.")
        stretch = self._stretch or self._begin()
        if self._link is not None:
            stretch.renew()  # the link has just died; its supervisor is about to see it
        return await stretch.link()

    async def bulk(self) -> Link:
        """A second connection for bulk data, with the same credentials; the first one where a second is refused, or
        nobody types on it."""
        while (first := await self.link()) is not self._link:  # it went, or was closed, before this task had its turn
            if self.state in {SessionState.CLOSING, SessionState.CLOSED}:
                raise self._interrupted("{} was disconnected.")
        assert self.target is not None
        return await self._companion.get(first, self.target) if self._bulk_apart else first

    async def files(self) -> FileChannel:
        """The shared SFTP channel of the interactive link, opened at first use and anew when it or the link ended."""
        link = await self.link()
        if self._files is None or self._files[0] is not link or _has_ended(self._files[1]):
            opening = asyncio.ensure_future(self.open_files(link))
            opening.add_done_callback(self._files_opened)
            self._files = (link, opening)
        return await asyncio.shield(self._files[1])

    async def open_files(self, link: Link) -> FileChannel:
        """A new file channel of one of its links: over SFTP, and over commands where the host offers no SFTP."""
        from backend.connection.command_files.channel import over_commands  # hardly any host needs it

        try:
            return await link.open_files()
        except SessionError as refused:
            if refused.code is not Code.SFTP_UNAVAILABLE or (channel := await over_commands(link)) is None:
                raise
        if not self._told_of_commands:
            self._told_of_commands = True
            self._bus.publish(FilesOverCommands(self.host))
        return channel

    def retry_now(self) -> None:
        """While reconnecting: do not wait for the countdown."""
        if self.state is SessionState.RECONNECTING and self._stretch is not None:
            self._stretch.hurry()

    def stop(self) -> None:
        """While reconnecting: give up; the session fails with the error that caused it. While connecting: as well."""
        stretch = self._stretch
        if stretch is None or self.state in CONNECTED:
            return
        self._leave(stretch)
        self._fail(stretch, stretch.lost_by or self._interrupted("Connecting to {} was stopped."), "stopped")

    async def disconnect(self) -> None:
        """Close the links and wipe this host's secrets; bounded, never raises. Where the connection is shared, what was
        open under this name is closed, and the others keep the connection and what it needs to be made again."""
        if self._closing is None and self.state in {SessionState.IDLE, SessionState.CLOSED}:
            self._forget()
            return
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name=f"closing {self.host}")
        await asyncio.shield(self._closing)

    # --- the supervisor ------------------------------------------------------------------------------------------

    def _begin(self) -> Stretch:
        stretch = self._stretch = Stretch()
        self._change(SessionState.RESOLVING, "asked for")
        if self._stretch is stretch:  # no listener has stopped it meanwhile
            stretch.task = asyncio.create_task(self._supervise(stretch), name=f"session {self.host}")
        return stretch

    async def _supervise(self, stretch: Stretch) -> None:
        """Connect, hold, restore; until an error ends it."""
        try:
            await self._attempt(stretch)
            flaps = 0
            while True:
                since = self._clock.monotonic()
                reason = await self._hold(stretch)
                flaps = flaps + 1 if self._clock.monotonic() - since < STABLE else 0
                await self._restore(stretch, reason, flaps)
        except FairleadError as error:
            self._fail(stretch, error)
        except Exception as error:
            log.exception("the supervisor of %s failed", self.host)
            self._fail(stretch, FairleadError(Code.INTERNAL, evidence={"reason": repr(error)}))

    async def _attempt(self, stretch: Stretch) -> None:
        """One connection attempt, from RESOLVING; the session is ready afterwards."""
        targets = await self._routing.targets()
        self._vault.part(self.host)  # its entry may have changed; it joins what it connects to
        self.target = targets[0]
        self._climb(stretch, SessionState.CONNECTING, f"reaching {targets[0].hops[0].name}")
        link, self.target = await self._routing.connect(targets, self._observer(stretch))
        self._later(self._routing.finish())
        self._link = link
        self.use.touch()
        self._climb(stretch, SessionState.READY, _how_ready(link))
        stretch.fulfil(link)

    async def _hold(self, stretch: Stretch) -> FairleadError:
        """Watch over the live link until it has ended; why it did. What it carried is told by its own end."""
        link, target = self._link, self.target
        assert link is not None and target is not None
        heart = Heartbeat(
            link,
            self._keepalive or target.host.keepalive,
            self._clock,
            on_answer=self._answered,
            on_late=self._answer_is_late,
            slice_=SLICE if self._keepalive is None else self._keepalive.interval,
        )
        ended = await heart.run()
        reason = self._idle_ends.judged(ended, quiet=0.0 if link.carries else self.use.quiet)
        self._drop_link(ended)
        if reason.code is Code.SERVER_ENDED:
            raise reason
        stretch.renew()
        return reason.located(host=self.host)

    async def _restore(self, stretch: Stretch, lost_by: FairleadError, flaps: int) -> None:
        """Try until there is a link again; raises the first error that is not to be repeated."""
        stretch.lost_by, error, failures = lost_by, lost_by, 0
        while True:
            wait = delay(failures + flaps, self._chance)
            nudge = stretch.count_down()
            retry_at = self._clock.monotonic() + wait
            self._step(
                stretch, SessionState.RECONNECTING, error.message, error=error, attempt=failures, retry_at=retry_at
            )
            await pause(wait, (nudge,), self._clock)
            self._step(stretch, SessionState.RESOLVING, "connecting again")
            try:
                await self._attempt(stretch)
            except FairleadError as failure:
                if not may_repeat(failure):
                    raise
                error, failures = failure.located(host=self.host), failures + 1
            else:
                stretch.lost_by = None
                return

    def _observer(self, stretch: Stretch) -> Observe:
        lead = Lead()

        def observe(target: Target, event: PhaseEvent) -> None:
            if self._stretch is not stretch or self.state not in ATTEMPTING:
                return
            if lead.is_of(target, event, self.state) and isinstance(event, PhaseStarted):
                with suppress(asyncio.CancelledError):  # a listener has just stopped it
                    self._climb(stretch, state_of(event), f"{event.phase}: {event.hop.name}")
            self._bus.publish(PhaseSeen(self.host, event, target.route))

        return observe

    def _answered(self, seconds: float) -> None:
        self.latencies.append(seconds)
        self._mind_idleness()
        if self.state is SessionState.DEGRADED:
            self._change(SessionState.READY, "answers again")
        self._bus.publish(LatencyMeasured(self.host, seconds))

    def _mind_idleness(self) -> None:
        """Disconnect where the host's entry asks for it and nobody has used the link for long. The shared file channel
        alone is no use: who uses it asks for it."""
        link, limit = self._link, self.target.host.idle_close if self.target is not None else None
        if link is None or limit is None or self._closing is not None:
            return
        own = self._files is not None and not _has_ended(self._files[1])
        if link.carries > own or self._companion.in_use:
            self.use.touch()
        elif self.use.quiet >= limit:
            told = f"not used for {limit:g} s"
            self._closing = asyncio.create_task(self._close(told), name=f"closing idle {self.host}")

    def _answer_is_late(self, seconds: float, left: float) -> None:
        if self.state is SessionState.READY:
            told = f"no answer for {seconds:g} s, given up at {seconds + left:g} s"
            self._change(SessionState.DEGRADED, told, given_up_at=self._clock.monotonic() + left)

    # --- endings -------------------------------------------------------------------------------------------------

    def _fail(self, stretch: Stretch, error: FairleadError, reason: str = "") -> None:
        """End the stretch; everybody who waits for its link gets the error."""
        if self._stretch is not stretch:
            return
        self._stretch = None
        self._drop_link()
        error.located(host=self.host)
        expired = error.code is Code.SERVER_ENDED and self.state in CONNECTED
        self._change(SessionState.EXPIRED if expired else SessionState.FAILED, reason or error.message, error=error)
        stretch.fail(error)

    def _leave(self, stretch: Stretch) -> None:
        """Cancel a stretch's work; `disconnect` waits for it."""
        if stretch.task is not None:
            stretch.task.cancel()
            self._later(stretch.task)

    def _drop_link(self, ended: FairleadError | None = None) -> None:
        """Let go of a link that has ended, or is given up; its farewell is bounded and nobody waits for it."""
        if self._link is not None:
            self._later(self._link.close(ended if isinstance(ended, LinkLost) else None))
        self._link, self._files = None, None

    async def _close(self, why: str = "disconnected") -> None:
        self._change(SessionState.CLOSING, "disconnecting")
        stretch, self._stretch = self._stretch, None
        if others := self.shared_with:
            why = f"{why}; the connection stays up for {' and '.join(others)}"
        if stretch is not None:
            self._leave(stretch)
            stretch.fail(self._interrupted("{} was disconnected."))
        self._drop_link()
        self._later(self._companion.close())
        _, late = await asyncio.wait(self._leaving, timeout=CLOSE_LIMIT)
        for task in late:
            task.cancel()
        self._forget()
        self._closing = None
        self._change(SessionState.CLOSED, why)

    def _forget(self) -> None:
        for connector in self._connectors:
            connector.tidy()
        self._vault.forget(self.host, in_use=self._in_use)

    def _later(self, work: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> None:
        task = work if isinstance(work, asyncio.Task) else asyncio.create_task(work)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _files_opened(self, opening: asyncio.Task[FileChannel]) -> None:
        """A channel that could not be opened is tried anew by the next who asks."""
        failed = opening.cancelled() or opening.exception() is not None
        if failed and self._files is not None and self._files[1] is opening:
            self._files = None

    def _interrupted(self, sentence: str) -> Interrupted:
        return Interrupted(Code.INTERRUPTED, sentence.format(self.host), host=self.host)

    # --- state ---------------------------------------------------------------------------------------------------

    def _climb(self, stretch: Stretch, wanted: SessionState, reason: str) -> None:
        self._expect(stretch)
        for state in climb(self.state, wanted):
            self._step(stretch, state, reason)

    def _step(self, stretch: Stretch, new: SessionState, reason: str, **details: Any) -> None:
        """A change by the supervisor of `stretch`."""
        self._expect(stretch)
        self._change(new, reason, **details)

    def _expect(self, stretch: Stretch) -> None:
        """The supervisor of `stretch` ends here when a listener has stopped it meanwhile."""
        if self._stretch is not stretch:
            raise asyncio.CancelledError

    def _change(self, new: SessionState, reason: str, **details: Any) -> None:
        """`details`: as `StateMachine.change` takes them."""
        change = self._last_change = self._machine.change(new, reason, **details)
        self._bus.publish(change)


def _how_ready(link: Link) -> str:
    """How a session came by its link, for people."""
    first = link.facts.first
    return f"shares the connection of {' and '.join(link.others) or first}" if first else "logged in"


def _has_ended(opening: asyncio.Task[FileChannel]) -> bool:
    """Whether what it opened is of no more use; False while it is being opened."""
    return opening.done() and not opening.cancelled() and opening.exception() is None and opening.result().ended
