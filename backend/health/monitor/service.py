"""The monitor: looks into hosts again and again, gently, and tells what changes.

It looks into hosts that a person is connected to, over their link; it connects by itself only to hosts that the person
has asked to have watched, with sessions of its own that ask nobody anything, and it holds those while they live. One
timer serves all hosts. A login that was refused, or a host key that is not trusted, is never tried again by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from random import Random
from typing import Any

from backend.clock import Clock
from backend.connection.connector import Link
from backend.connection.heartbeat import wait_first
from backend.connection.sessions import Sessions
from backend.connection.state import CONNECTED, SessionChanged, SessionState
from backend.connection.target import Target
from backend.errors import Code, FairleadError
from backend.events import EventBus, Subscription
from backend.health.blame import Blame, blame
from backend.health.deep.service import DeepChecks
from backend.health.deep.values import DeepCheck, DeepCheckFailed, HealthLevelChanged
from backend.health.history.service import MetricHistory
from backend.health.history.values import CHANGES_DAYS, Change
from backend.health.monitor.own_sessions import OwnSessions
from backend.health.monitor.schedule import (
    FLOOR,
    PROBE,
    first_wait,
    is_held_back,
    may_look_again,
    next_wait,
    wait_after_failures,
)
from backend.health.monitor.standing import Standing, Verdict
from backend.health.monitor.turns import Turns
from backend.health.recovery.service import Recovery
from backend.health.recovery.values import Action, Kind, Outcome
from backend.settings.model import HealthOptions
from backend.tasks import cancel_all

log = logging.getLogger(__name__)

RECONNECTS = 6
"""Attempts to connect again after the server has ended a session."""


class HealthMonitor:
    """All hosts that are looked after. `start` begins; `close` ends it."""

    def __init__(
        self,
        *,
        checks: DeepChecks,
        sessions: Sessions,
        own_sessions: Callable[[EventBus], Sessions],
        recovery: Recovery,
        history: MetricHistory,
        options: Callable[[str], HealthOptions],
        bus: EventBus,
        clock: Clock,
        chance: Random,
        at_once: int = 8,
    ) -> None:
        """`own_sessions`: as `OwnSessions` takes it."""
        self._checks = checks
        self._sessions = sessions
        self._own = OwnSessions(own_sessions)
        self._recovery = recovery
        self._history = history
        self._options = options
        self._bus = bus
        self._clock = clock
        self._chance = chance
        self._hosts: dict[str, Standing] = {}
        self._turns = Turns(self._hosts, chance, at_once)
        self._subscriptions: list[Subscription] = []
        self._loop: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._nudge: asyncio.Future[None] | None = None

    # --- what others see and ask ---------------------------------------------------------------------------------

    def start(self, watched: Iterable[str] = (), *, live: bool = True) -> None:
        """Look into the hosts of `watched`, and with `live` into those that somebody is connected to. Needs a running
        loop; harmless when repeated."""
        if live and not self._subscriptions:
            self._subscriptions = [self._bus.subscribe(SessionChanged, self._hear)]
            for session in self._sessions.all():
                if session.state in CONNECTED:
                    self._came(session.host)
        for host in watched:
            self.watch(host)
        if self._loop is None:
            self._loop = asyncio.create_task(self._run(), name="health monitor")

    def watch(self, host: str) -> None:
        """Look into `host` although nobody is connected to it."""
        standing = self._standing(host)
        standing.watched = True
        if standing.due is None and not standing.looking:
            self._look_in(standing, first_wait(self._chance))

    def unwatch(self, host: str) -> None:
        """Look into `host` only while somebody is connected to it."""
        standing = self._standing(host)
        standing.watched = False
        if not standing.live:
            standing.due = None
        self._let_go(host)

    def look_now(self, host: str) -> None:
        """Do not wait for the next look at `host`, if it is one that is looked into; it may have been given up."""
        standing = self._hosts.get(host)
        if standing is not None and (standing.watched or standing.live) and not standing.looking:
            standing.held = False
            self._look_in(standing, 0.0)

    def standing(self, host: str) -> Standing | None:
        """What is known of `host` in this run; None where it was never looked into. Not to be changed."""
        return self._hosts.get(host)

    @property
    def hosts(self) -> tuple[Standing, ...]:
        """All of them, in the order in which they came."""
        return tuple(self._hosts.values())

    def link_of(self, host: str) -> Link | None:
        """A link to `host` that is up: the person's, else the monitor's own."""
        return self._sessions.get(host).live or self._own.live(host)

    async def close(self) -> None:
        """End it, and what it has under way; bounded, never raises."""
        for subscription in self._subscriptions:
            subscription.cancel()
        self._subscriptions = []
        await cancel_all([*self._tasks, *([self._loop] if self._loop is not None else [])])
        self._loop = None
        await self._own.close()

    # --- the one timer -------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            self._nudge = nudge = asyncio.get_running_loop().create_future()
            for standing in self._turns.begin(self._clock.monotonic()):
                self._spawn(self._look(standing))
            await wait_first((nudge,), self._turns.wait(self._clock.monotonic()), self._clock)

    def _look_in(self, standing: Standing, seconds: float) -> None:
        standing.due = self._clock.monotonic() + seconds
        self._wake()

    def _wake(self) -> None:
        if self._nudge is not None and not self._nudge.done():
            self._nudge.set_result(None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a look into a host failed", exc_info=error)

    # --- one look ------------------------------------------------------------------------------------------------

    async def _look(self, standing: Standing) -> None:
        try:
            await self._remember(standing)
            found = await self._reach(standing)
            if found is None:
                return
            check = await self._checks.check_over(standing.host, *found)
        except FairleadError as error:
            self._missed(standing, error)
        except Exception as error:
            log.exception("a look into %s failed", standing.host)
            self._missed(standing, FairleadError(Code.INTERNAL, evidence={"reason": repr(error)}))
        else:
            self._reached(standing, check)
        finally:
            self._turns.end(standing)
            self._wake()

    async def _remember(self, standing: Standing) -> None:
        """Once: what earlier runs have said."""
        if standing.remembered:
            return
        standing.remembered = True
        since = self._clock.now().timestamp() - CHANGES_DAYS * 86400
        try:
            standing.remember(await self._history.changes(standing.host, since))
        except FairleadError as error:
            log.warning("what was said of %s before is not known: %s", standing.host, error)

    async def _reach(self, standing: Standing) -> tuple[Link, Target | None] | None:
        """A link to look over; None where nobody is connected any more and nobody wants it watched."""
        session = self._sessions.get(standing.host)
        if session.live is not None and session.state in CONNECTED:
            self._let_go(standing.host)
            return session.live, session.target
        standing.live = False
        if not standing.watched:
            return None
        own = self._own.of(standing.host)
        return await own.link(), own.target

    def _let_go(self, host: str) -> None:
        """End our own connection: a person's is there, or nobody wants one."""
        if self._own.in_use(host):
            self._spawn(self._own.of(host).disconnect())

    def _reached(self, standing: Standing, check: DeepCheck) -> None:
        failing = standing.reach.failures > 0 or not standing.reach.is_up
        self._tell(standing, standing.reached(check))
        before, standing.failed_units = standing.failed_units, frozenset(check.failed_units)
        actions = self._recovery.called_for(check)
        confirmed = [one for one in actions if one.kind is not Kind.RESTART or one.subject in before]
        for action in confirmed:
            self._spawn(self._recover(standing, action))
        interval = self._options(standing.host).interval or 300.0
        soon = failing or len(confirmed) < len(actions)
        self._look_in(standing, min(interval, PROBE) if soon else next_wait(interval, self._chance))

    def _missed(self, standing: Standing, error: FairleadError) -> None:
        again = may_look_again(error)
        self._bus.publish(DeepCheckFailed(standing.host, error, again))
        if is_held_back(error) or blame(error.code, error.category) is not Blame.HOST:
            standing.error, standing.held = error, not again
        else:
            standing.missed_at = self._clock.monotonic()
            self._tell(standing, standing.missed(error, held=not again))
        if again and (standing.watched or standing.live):
            failures = 32 if is_held_back(error) else standing.reach.failures
            interval = self._options(standing.host).interval or 300.0
            self._look_in(standing, wait_after_failures(failures, interval, self._chance))
        elif not again:
            log.warning("%s is not looked into again by itself: %s", standing.host, error.message)

    def _tell(self, standing: Standing, verdicts: Iterable[Verdict]) -> None:
        at = self._clock.now()
        for one in verdicts:
            change = Change(at.timestamp(), one.name, one.old.value, one.new.value, one.text)
            self._history.changed(standing.host, change)
            self._bus.publish(HealthLevelChanged(standing.host, one.name, one.old, one.new, one.text, at))

    # --- hosts that come and go ----------------------------------------------------------------------------------

    def _standing(self, host: str) -> Standing:
        return self._hosts.setdefault(host, Standing(host))

    def _hear(self, change: SessionChanged) -> None:
        if change.new in CONNECTED and change.old not in CONNECTED:
            self._came(change.host)
        elif change.host in self._hosts and change.new not in CONNECTED:
            self._went(self._hosts[change.host], change)

    def _came(self, host: str) -> None:
        standing = self._standing(host)
        standing.live = True
        self._tell(standing, standing.came())
        if not standing.looking:
            self._look_in(standing, first_wait(self._chance))

    def _went(self, standing: Standing, change: SessionChanged) -> None:
        was_live, standing.live = standing.live, False
        error = change.error
        if change.new is SessionState.RECONNECTING and error is not None and change.attempt:
            self._attempt_failed(standing, error)
        if not standing.watched:
            standing.due = None
        if was_live and change.new is SessionState.EXPIRED and error is not None:
            action = self._recovery.reconnecting(standing.host, error.message)
            if action is not None:
                self._spawn(self._connect_again(action))

    def _attempt_failed(self, standing: Standing, error: FairleadError) -> None:
        """A session tries again after seconds. That counts as a look that failed no more often than looks come."""
        if (now := self._clock.monotonic()) - standing.missed_at >= FLOOR:
            standing.missed_at = now
            self._tell(standing, standing.missed(error, held=False))

    # --- recovery ------------------------------------------------------------------------------------------------

    async def _recover(self, standing: Standing, action: Action) -> None:
        if await self._recovery.carry_out(action) is Outcome.DONE:
            self._look_in(standing, min(PROBE, self._options(standing.host).interval or PROBE))

    async def _connect_again(self, action: Action) -> None:
        """Connect again where the server has ended the session, a few times; a person who connects, or who must be
        asked, ends it."""
        session = self._sessions.get(action.host)
        for attempt in range(RECONNECTS):
            await self._clock.sleep(wait_after_failures(attempt, 30.0, self._chance))
            if session.state is not SessionState.EXPIRED and attempt == 0:
                return
            if session.state in CONNECTED or session.state is SessionState.CLOSED:
                return
            outcome = await self._recovery.carry_out(action)
            error = session.last_change.error if session.last_change is not None else None
            gone = error is not None and (error.code is not Code.SERVER_ENDED and not may_look_again(error))
            if outcome is not Outcome.FAILED or gone:
                return
