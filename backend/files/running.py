"""One transfer on its way: begun when it is its turn, held up, gone on with, stopped; and how it ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from backend.clock import Clock
from backend.connection.interaction import Interaction
from backend.connection.sessions import Sessions
from backend.dataclass import dataclass
from backend.errors import Code, ConnectError, FairleadError, Interrupted, LinkLost
from backend.events import Event, EventBus
from backend.files.carrier import Carrier
from backend.files.carry_between import BetweenCarrier
from backend.files.carry_get import GetCarrier, steadily
from backend.files.carry_put import PutCarrier
from backend.files.contract import FileSystem
from backend.files.data_line import DataConnection, Line
from backend.files.disk import Disk
from backend.files.engine import Engine
from backend.files.itinerary import Itinerary, expect_the_only_source, plan_itinerary, refuse_itself, request_name
from backend.files.journal import Journal, journal_key
from backend.files.lane import Context
from backend.files.ledger import Ledger
from backend.files.local import LocalFileSystem
from backend.files.locks import DestinationLocks
from backend.files.meter import Meter
from backend.files.model import (
    ConflictPolicy,
    Direction,
    FileProgress,
    ItemProblem,
    TransferOutcome,
    TransferProgress,
    TransferRequest,
    TransferState,
)
from backend.files.pace import Gate, Pace
from backend.files.paths import to_bytes
from backend.files.queue.record import TransferRecord
from backend.files.remote import RemoteFileSystem
from backend.files.taken import Questions
from backend.priority import Priority
from backend.production.guard import Permit
from backend.text import show_bytes

log = logging.getLogger(__name__)

NAMED = 20
"""Sources that a question about all of them names."""


@dataclass(frozen=True, slots=True)
class TransferChanged(Event):
    """A transfer entered another state."""

    transfer_id: str
    state: TransferState
    outcome: TransferOutcome | None = None
    """How it ended; None before it has."""


@dataclass(frozen=True, slots=True)
class TransferProgressed(Event):
    """A transfer went on; at most ten a second for each."""

    transfer_id: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What transfers share."""

    sessions: Sessions
    journal: Journal
    locks: DestinationLocks
    disk: Disk
    bus: EventBus
    clock: Clock
    person: Interaction
    """Who is asked about names that are taken."""
    permit: Permit
    """Asked before a host is changed."""
    save: Callable[[Transfer], Awaitable[None]]
    """Write down now what must not be forgotten."""
    told: Callable[[Transfer], None]
    """Hears of every change; who may move is to be settled anew."""


@dataclass(slots=True)
class Standing:
    """Where a transfer stands among the others."""

    priority: Priority = Priority.NORMAL
    place: float = 0.0
    by_itself: bool = True
    """Once interrupted, it goes on as soon as its host is connected."""
    agreed: bool = False
    """The person has agreed to a change of the host that is copied to."""
    asked: datetime | None = None
    """When it was asked for first, in an earlier run."""
    progress: TransferProgress | None = None
    """How far it was in an earlier run, shown until that is known anew."""


class Transfer:
    """One request on its way. It does nothing before `give_turn`."""

    def __init__(
        self,
        identity: str,
        request: TransferRequest,
        around: Surroundings,
        standing: Standing | None = None,
        itinerary: Itinerary | None = None,
    ) -> None:
        """`itinerary`: what to copy, where that has been found out; else the request says it."""
        self.id = identity
        self.request = request
        self._itinerary = itinerary
        self.standing = standing or Standing()
        self.started_at: datetime = around.clock.now()
        self.stopped_at: datetime | None = None
        self.outcome: TransferOutcome | None = None
        self._around = around
        self._state = TransferState.WAITING
        self._gate = Gate()
        self._gate.close()
        self._paused = False
        self._turn = False
        self._lost: set[str] = set()
        """Hosts whose link is being restored."""
        self._leaving: TransferState | None = None
        """What it is to be called when it was told to stop."""
        self._began = around.clock.monotonic()
        self._meter = Meter(around.clock, self._progressed)
        if self.standing.progress is not None:
            self._meter.restarts = self.standing.progress.restarts
        self._name = journal_key(*request_name(request))
        self._ledger = Ledger(self._meter, around.journal, self._name)
        self._pace = Pace(request.rate_limit, around.clock)
        self._task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    # --- what is seen --------------------------------------------------------------------------------------------

    @property
    def state(self) -> TransferState:
        """Where it stands. What a person or the link holds up goes before what would go on."""
        if self.outcome is not None:
            return self._state
        if self._paused:
            return TransferState.PAUSED
        if self._lost:
            return TransferState.RECONNECTING
        return self._state if self._turn else TransferState.WAITING

    @property
    def progress(self) -> TransferProgress:
        if self.outcome is not None:
            return self.outcome.progress
        if self.standing.progress is not None and not self._meter.scanned:  # what is there has not been counted yet
            return replace(
                self.standing.progress, rate=None, seconds_left=None, current="", sent_bytes=0, resumed_bytes=0
            )
        return self._meter.snapshot()

    @property
    def problems(self) -> list[ItemProblem]:
        return self._ledger.problems

    @property
    def record(self) -> TransferRecord:
        """It as one of the list, as it stands now."""
        standing, ours = self.standing, self.outcome is None
        return TransferRecord(
            id=self.id,
            request=self.request,
            state=self.state,
            priority=standing.priority,
            place=standing.place,
            asked=standing.asked or self.started_at,
            stopped=self.stopped_at,
            progress=self.progress,
            outcome=self.outcome,
            by_itself=standing.by_itself,
            ours=ours,
        )

    @property
    def files(self) -> tuple[FileProgress, ...]:
        """The large files that are under way."""
        return tuple(self._meter.large.values()) if self.outcome is None else ()

    @property
    def moves(self) -> bool:
        """Whether it has its turn."""
        return self._turn

    @property
    def competes(self) -> bool:
        """Whether it could move now: not paused, and not waiting for its link."""
        return self.outcome is None and not self._paused and not self._lost

    # --- what is done with it ------------------------------------------------------------------------------------

    async def wait(self) -> TransferOutcome:
        """How it ended; does not raise for the transfer's own fate. Cancelling the wait does not stop it."""
        await self._over.wait()
        assert self.outcome is not None
        return self.outcome

    def give_turn(self) -> None:
        """It may move: begin, or go on."""
        if self._turn or self.outcome is not None:
            return
        self._turn = True
        if not self._paused:
            self._gate.open()
        if self._task is None:
            self._began = self._around.clock.monotonic()
            self._task = asyncio.create_task(self._run(), name=f"transfer {self.id}")
            self._task.add_done_callback(self._never_began)
        self._publish()

    def take_turn(self) -> None:
        """Others move now; what is in flight arrives."""
        if self._turn and self.outcome is None:
            self._turn = False
            self._hold()
            self._publish()

    def pause(self) -> None:
        """No more is asked for or sent until `resume`; what is in flight arrives."""
        if self.outcome is None and not self._paused:
            self._paused = True
            self._hold()
            self._tell()

    def resume(self) -> None:
        """Go on after `pause`, when it is its turn."""
        if self.outcome is None and self._paused:
            self._paused = False
            if self._turn:
                self._gate.open()
            self._tell()

    def limit(self, rate: int | None) -> None:
        """Bytes a second from now on; None for as many as there can be."""
        self.request = replace(self.request, rate_limit=rate)
        self._pace.change(rate)
        self._tell()

    async def cancel(self) -> TransferOutcome:
        """Stop; what has arrived is kept for the next time."""
        return await self.leave(TransferState.CANCELLED)

    async def leave(self, state: TransferState) -> TransferOutcome:
        """Stop it, to be called `state` from then on: CANCELLED, PAUSED or INTERRUPTED. What has arrived is kept."""
        if self.outcome is None and self._leaving is None:
            self._leaving = state
            if self._task is None:
                self._end(state, Interrupted(Code.INTERRUPTED, host=self.request.host))
            else:
                self._task.cancel()
        return await self.wait()

    def fail(self, error: FairleadError) -> None:
        """It cannot begin."""
        if self.outcome is None and self._task is None:
            self._end(TransferState.FAILED, error)

    # --- its life ------------------------------------------------------------------------------------------------

    def _hold(self) -> None:
        self._gate.close()
        self._meter.idle()

    async def _run(self) -> None:
        error: FairleadError | None
        state = TransferState.FAILED
        alone = False
        try:
            alone = await self._transfer()
            error = self._ledger.verdict(alone=alone)
            state = TransferState.DONE if error is None else TransferState.FAILED
        except asyncio.CancelledError:
            error = Interrupted(Code.INTERRUPTED, host=self.request.host)
            state = self._leaving or TransferState.CANCELLED
        except FairleadError as failure:
            error, state = failure, _after(failure)
        except Exception as failure:
            log.exception("transfer %s failed", self.id)
            error = FairleadError(Code.INTERNAL, evidence={"reason": repr(failure)})
        self._end(state, error)

    async def _permitted(self) -> None:
        """Ask once, before anything is copied to a production host."""
        goal = self.request.changed_host
        if goal is None or self.standing.agreed:
            return
        sources = self.request.sources
        more = [f"and {len(sources) - NAMED:,} more"] if len(sources) > NAMED else []
        names = "\n".join([*(show_bytes(to_bytes(source)) for source in sources[:NAMED]), *more])
        await self._around.permit(goal, f"Copy to {show_bytes(to_bytes(self.request.destination))}:\n{names}")
        self.standing.agreed = True

    def _never_began(self, task: asyncio.Task[None]) -> None:
        if self.outcome is None:
            self._end(self._leaving or TransferState.CANCELLED, Interrupted(Code.INTERRUPTED, host=self.request.host))

    def _end(self, state: TransferState, error: FairleadError | None) -> None:
        ledger = self._ledger
        progress = self.progress if self._task is None else self._meter.snapshot()
        self._turn = False
        self.stopped_at = self._around.clock.now()
        self.outcome = TransferOutcome(
            progress=replace(progress, rate=None, seconds_left=None),
            seconds=self._around.clock.monotonic() - self._began,
            problems=tuple(ledger.problems),
            error=error,
            problems_dropped=ledger.dropped,
            notes=tuple(ledger.notes),
        )
        self._enter(state)
        self._over.set()

    async def _transfer(self) -> bool:
        """Whether it was a single file; its failures are in the ledger. Raises what ended it early."""
        around, request = self._around, self.request
        await self._permitted()
        state = await around.journal.identity()
        data = self._connection(request.to_host or request.host)
        context = Context(
            request=request,
            data=data,
            journal=around.journal,
            meter=self._meter,
            gate=self._gate,
            pace=self._pace,
            disk=around.disk,
            clock=around.clock,
            state=state,
            name=self._name,
            note=self._ledger.note,
            questions=Questions(around.person, self._settled),
        )
        carrier = self._carrier(context)
        try:
            return await self._carry(context, carrier)
        finally:
            await self._ledger.write()
            await carrier.close()
            await data.close()

    def _connection(self, host: str) -> DataConnection:
        return DataConnection(
            self._around.sessions.get(host),
            self._around.clock,
            progress=lambda: self._meter.moved + self._meter.files_done,
            on_state=lambda loss: self._line_changed(host, loss),
            tools_ahead=self.request.verify,
        )

    def _carrier(self, context: Context) -> Carrier:
        request = self.request
        if request.direction is Direction.BETWEEN:
            there = request.host == context.host
            return BetweenCarrier(context, context.data if there else self._connection(request.host))
        return GetCarrier(context) if request.direction is Direction.GET else PutCarrier(context)

    async def _carry(self, context: Context, carrier: Carrier) -> bool:
        self._enter(TransferState.SCANNING)
        await self._around.journal.drop_old()
        itinerary = self._itinerary
        if itinerary is None:
            await self._ledger.load()
            itinerary = await self._plan(context, carrier)
        if itinerary.as_copy and not self.request.as_copy:
            self.request = replace(self.request, as_copy=True)
            await self._around.save(self)
        await Engine(context, carrier, self._ledger, self._enter).run(itinerary, self._around.locks)
        await self._ledger.close(complete=not self._meter.failed)
        return itinerary.alone

    async def _plan(self, context: Context, carrier: Carrier) -> Itinerary:
        here, host = LocalFileSystem(), self.request.host
        if isinstance(carrier, BetweenCarrier):
            return await carrier.steadily(self._plan_between)
        if self.request.direction is Direction.GET:
            return await steadily(context, lambda line: self._plan_on(self._files(host, line), here))
        await expect_the_only_source(self.request, here)  # before anybody is asked for a password
        return await steadily(context, lambda line: self._plan_on(here, self._files(host, line)))

    async def _plan_between(self, origin: Line, goal: Line) -> Itinerary:
        host = self.request.host
        itinerary = await self._plan_on(self._files(host, origin), self._files(self.request.to_host or host, goal))
        if origin is goal:
            await refuse_itself(itinerary, goal.channel)
        return itinerary

    def _files(self, host: str, line: Line) -> RemoteFileSystem:
        return RemoteFileSystem(self._around.sessions.get(host), line.give_channel)

    async def _plan_on(self, origin: FileSystem, goal: FileSystem) -> Itinerary:
        return await plan_itinerary(self.request, origin=origin, goal=goal, missing=self._ledger.missing)

    def _settled(self, policy: ConflictPolicy) -> None:
        """A question was answered for all names: it is not asked again, in a later run either."""
        self.request = replace(self.request, on_conflict=policy)
        self._tell()

    def _line_changed(self, host: str, loss: LinkLost | None) -> None:
        self._lost.discard(host)
        if loss is not None:
            self._lost.add(host)
            self._meter.restarts += 1
            self._meter.idle()
        self._tell()

    def _progressed(self) -> None:
        self._around.bus.publish(TransferProgressed(self.request.host, self.id))

    def _enter(self, state: TransferState) -> None:
        self._state = state
        self._tell()

    def _tell(self) -> None:
        self._publish()
        self._around.told(self)

    def _publish(self) -> None:
        self._around.bus.publish(TransferChanged(self.request.host, self.id, self.state, self.outcome))


def _after(failure: FairleadError) -> TransferState:
    """What becomes of a transfer that ended so: what a connection alone has stopped may go on with the next one."""
    lost = isinstance(failure, LinkLost) or (isinstance(failure, ConnectError) and failure.retryable)
    return TransferState.INTERRUPTED if lost else TransferState.FAILED
