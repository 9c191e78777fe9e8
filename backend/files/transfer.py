"""Transfers as the service runs them: submitted, watched, paused, stopped. The service owns them; no screen does."""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass
from datetime import datetime

from backend.clock import Clock
from backend.connection.session import Session
from backend.connection.sessions import Sessions
from backend.errors import Code, FairleadError, Interrupted, LinkLost
from backend.events import Event, EventBus
from backend.files.carrier import Carrier
from backend.files.carry_get import GetCarrier, steadily
from backend.files.carry_put import PutCarrier
from backend.files.contract import FileSystem
from backend.files.data_line import DataConnection, Line
from backend.files.disk import Disk
from backend.files.engine import Engine
from backend.files.itinerary import Itinerary, plan_itinerary, request_name
from backend.files.journal import Journal, journal_key
from backend.files.lane import Context
from backend.files.ledger import Ledger
from backend.files.local import LocalFileSystem
from backend.files.locks import DestinationLocks
from backend.files.meter import Meter
from backend.files.model import (
    ConflictPolicy,
    Direction,
    ItemNote,
    ItemProblem,
    TransferOutcome,
    TransferProgress,
    TransferRequest,
    TransferState,
)
from backend.files.pace import Gate, Pace
from backend.files.remote import RemoteFileSystem
from backend.store import Store

__all__ = [
    "ConflictPolicy",
    "Direction",
    "ItemNote",
    "ItemProblem",
    "Transfer",
    "TransferChanged",
    "TransferOutcome",
    "TransferProgress",
    "TransferProgressed",
    "TransferRequest",
    "TransferService",
    "TransferState",
]

log = logging.getLogger(__name__)

ENDED = frozenset({TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED})
KEPT = 100
"""Transfers that have ended and are still listed."""
CLOSE_SECONDS = 5.0


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
class _Services:
    """What transfers share."""

    sessions: Sessions
    journal: Journal
    locks: DestinationLocks
    disk: Disk
    bus: EventBus
    clock: Clock


class Transfer:
    """One request on its way."""

    def __init__(self, identity: str, request: TransferRequest, services: _Services) -> None:
        self.id = identity
        self.request = request
        self.started_at: datetime = services.clock.now()
        self.outcome: TransferOutcome | None = None
        self._services = services
        self._state = TransferState.WAITING
        self._gate = Gate()
        self._reconnecting = False
        self._began = services.clock.monotonic()
        self._meter = Meter(services.clock, lambda: services.bus.publish(TransferProgressed(request.host, identity)))
        self._name = journal_key(*request_name(request))
        self._ledger = Ledger(self._meter, services.journal, self._name)
        self._task = asyncio.create_task(self._run(), name=f"transfer {identity}")
        self._task.add_done_callback(self._never_began)

    @property
    def state(self) -> TransferState:
        """Where it stands. What a person or the link holds up goes before what would go on."""
        if self._state in ENDED or self._state is TransferState.WAITING:
            return self._state
        if self._gate.closed:
            return TransferState.PAUSED
        return TransferState.RECONNECTING if self._reconnecting else self._state

    @property
    def progress(self) -> TransferProgress:
        return self.outcome.progress if self.outcome is not None else self._meter.snapshot()

    @property
    def problems(self) -> list[ItemProblem]:
        return self._ledger.problems

    async def wait(self) -> TransferOutcome:
        """How it ended; does not raise for the transfer's own fate. Cancelling the wait does not stop it."""
        await asyncio.wait([self._task])
        assert self.outcome is not None
        return self.outcome

    def pause(self) -> None:
        """No more is asked for or sent until `resume`; what is in flight arrives."""
        if self._state not in ENDED:
            self._gate.close()
            self._meter.idle()
            self._tell()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._gate.open()
        self._tell()

    async def cancel(self) -> TransferOutcome:
        """Stop; what has arrived is kept for the next time."""
        self._task.cancel()
        return await self.wait()

    # --- its life ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        error: FairleadError | None
        state = TransferState.FAILED
        alone = False
        try:
            alone = await self._transfer()
            error = self._ledger.verdict(alone=alone)
            state = TransferState.DONE if error is None else TransferState.FAILED
        except asyncio.CancelledError:
            error, state = Interrupted(Code.INTERRUPTED, host=self.request.host), TransferState.CANCELLED
        except FairleadError as failure:
            error = failure
        except Exception as failure:
            log.exception("transfer %s failed", self.id)
            error = FairleadError(Code.INTERNAL, evidence={"reason": repr(failure)})
        self._end(state, error)

    def _never_began(self, task: asyncio.Task[None]) -> None:
        if self.outcome is None:
            self._end(TransferState.CANCELLED, Interrupted(Code.INTERRUPTED, host=self.request.host))

    def _end(self, state: TransferState, error: FairleadError | None) -> None:
        ledger = self._ledger
        self.outcome = TransferOutcome(
            progress=self._meter.snapshot(),
            seconds=self._services.clock.monotonic() - self._began,
            problems=tuple(ledger.problems),
            error=error,
            problems_dropped=ledger.dropped,
            notes=tuple(ledger.notes),
        )
        self._enter(state)

    async def _transfer(self) -> bool:
        """Whether it was a single file; its failures are in the ledger. Raises what ended it early."""
        services, request = self._services, self.request
        state = await services.journal.identity()
        data = DataConnection(
            services.sessions.get(request.host),
            services.clock,
            progress=lambda: self._meter.moved + self._meter.files_done,
            on_state=self._line_changed,
        )
        context = Context(
            request=request,
            data=data,
            journal=services.journal,
            meter=self._meter,
            gate=self._gate,
            pace=Pace(request.rate_limit, services.clock),
            disk=services.disk,
            clock=services.clock,
            state=state,
            name=self._name,
            note=self._ledger.note,
        )
        carrier: Carrier = GetCarrier(context) if request.direction is Direction.GET else PutCarrier(context)
        try:
            return await self._carry(context, carrier)
        finally:
            await self._ledger.write()
            await carrier.close()
            await data.close()

    async def _carry(self, context: Context, carrier: Carrier) -> bool:
        self._enter(TransferState.SCANNING)
        await self._services.journal.drop_old()
        await self._ledger.load()
        itinerary = await self._plan(context, self._services.sessions.get(self.request.host))
        await Engine(context, carrier, self._ledger, self._enter).run(itinerary, self._services.locks)
        await self._ledger.close(complete=not self._meter.failed)
        return itinerary.alone

    async def _plan(self, context: Context, session: Session) -> Itinerary:
        here = LocalFileSystem()

        async def plan(line: Line) -> Itinerary:
            return await self._plan_on(here, RemoteFileSystem(session, line.give_channel))

        return await steadily(context, plan)

    async def _plan_on(self, here: FileSystem, there: FileSystem) -> Itinerary:
        get = self.request.direction is Direction.GET
        return await plan_itinerary(
            self.request,
            origin=there if get else here,
            goal=here if get else there,
            missing=self._ledger.failed,
        )

    def _line_changed(self, loss: LinkLost | None) -> None:
        self._reconnecting = loss is not None
        if loss is not None:
            self._meter.restarts += 1
            self._meter.idle()
        self._tell()

    def _enter(self, state: TransferState) -> None:
        self._state = state
        self._tell()

    def _tell(self) -> None:
        self._services.bus.publish(TransferChanged(self.request.host, self.id, self.state, self.outcome))


class TransferService:
    """Runs transfers."""

    def __init__(self, *, sessions: Sessions, store: Store, bus: EventBus, clock: Clock) -> None:
        self._services = _Services(
            sessions=sessions,
            journal=Journal(store, clock),
            locks=DestinationLocks(store.path.parent / "transfers.lock"),
            disk=Disk(),
            bus=bus,
            clock=clock,
        )
        self._numbers = itertools.count(1)
        self._transfers: dict[str, Transfer] = {}

    def submit(self, request: TransferRequest) -> Transfer:
        """Start it and return at once."""
        transfer = Transfer(f"t{next(self._numbers)}", request, self._services)
        self._transfers[transfer.id] = transfer
        ended = [one for one in self._transfers.values() if one.outcome is not None]
        for old in ended[:-KEPT]:
            del self._transfers[old.id]
        return transfer

    def all(self) -> tuple[Transfer, ...]:
        """Running ones and the last hundred that ended, oldest first."""
        return tuple(self._transfers.values())

    async def close(self) -> None:
        """Stop everything in an orderly way; the journal keeps what is needed to go on. Bounded."""
        stopping = [asyncio.create_task(one.cancel()) for one in self._transfers.values() if one.outcome is None]
        if stopping:
            await asyncio.wait(stopping, timeout=CLOSE_SECONDS)
        self._services.locks.close()
        self._services.disk.close()
