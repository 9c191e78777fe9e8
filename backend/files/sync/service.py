"""Syncs: compared, approved, carried out, and compared again until nothing differs. The service owns them."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from backend.clock import Clock
from backend.connection.sessions import Sessions
from backend.dataclass import dataclass
from backend.errors import Code, ConfigError, FairleadError, IntegrityError, Interrupted
from backend.events import Event, EventBus
from backend.files.disk import Disk
from backend.files.itinerary import Itinerary
from backend.files.lane import Parts
from backend.files.model import Direction, TransferOutcome, TransferRequest
from backend.files.paths import Location
from backend.files.sync.account import Account, source_of
from backend.files.sync.apply import Application, Applied
from backend.files.sync.compare import Comparison, Plan
from backend.files.sync.model import (
    Approval,
    Counts,
    SyncOutcome,
    SyncProgress,
    SyncRequest,
    SyncState,
)
from backend.files.sync.roots import find_roots
from backend.files.sync.rounds import Remaining, Tried
from backend.files.sync.selection import Selection, displaced
from backend.files.sync.sides import HostSide, LocalSide, Side
from backend.files.transfer import Transfer, TransferService

log = logging.getLogger(__name__)

ROUNDS = 3
"""How often what has changed meanwhile is synced again, the first time included."""
YOUNG = 60.0
"""Seconds before the sync began: files changed since may have changed again within the second that times are told in,
and are compared by content when the trees are looked at again. Covers clocks that differ by as much."""
REPORT_EVERY = 0.1

Approve = Callable[[Plan], Awaitable[Approval | None]]
"""What a person says to a plan; None for: do nothing."""


@dataclass(frozen=True, slots=True)
class SyncChanged(Event):
    """A sync went on, or ended; at most ten a second for each that goes on."""

    sync_id: str


@dataclass(frozen=True, slots=True)
class _Services:
    sessions: Sessions
    transfers: TransferService
    bus: EventBus
    clock: Clock
    disk: Disk
    spools: Path

    def marked(self, plan: Plan, request: SyncRequest) -> Plan:
        """`plan`, which says whether its goal is a host in production."""
        target = None if request.goal.host is None else self.sessions.get(request.goal.host).target
        plan.production = target is not None and target.production
        return plan


def refusal(plan: Plan, request: SyncRequest) -> FairleadError | None:
    """Why nothing of the plan may be deleted, where there are more deletions than the request allows."""
    count, most = plan.counts.deletions, request.max_delete
    if most is None or count <= most:
        return None
    return FairleadError(Code.DELETE_LIMIT, evidence={"count": count, "most": most}, host=request.goal.host)


async def select(plan: Plan, approval: Approval) -> Selection:
    """What is done of a plan. Where part of the source could not be read, nothing is deleted, whatever was approved."""
    if plan.source_failed:
        approval = replace(approval, delete=False)
    waiting: set[Parts] = set()
    if not approval.delete:
        async for batch in plan.changes.batches():
            waiting |= displaced(batch)
    return Selection(approval, frozenset(waiting))


class Sync:
    """One sync on its way."""

    def __init__(self, identity: str, request: SyncRequest, approve: Approve, services: _Services) -> None:
        self.id = identity
        self.request = request
        self.outcome: SyncOutcome | None = None
        self.transfer: Transfer | None = None
        """What copies, while something is copied."""
        self._approve = approve
        self._services = services
        self._began = services.clock.monotonic()
        self._reported = self._began - REPORT_EVERY
        self._began_at = services.clock.now().timestamp()
        self._progress = SyncProgress(SyncState.COMPARING)
        self._account = Account()
        self._task = asyncio.create_task(self._run(), name=f"sync {identity}")

    @property
    def progress(self) -> SyncProgress:
        return self._progress

    async def wait(self) -> SyncOutcome:
        """How it ended; does not raise for the sync's own fate. Cancelling the wait does not stop it."""
        await asyncio.wait([self._task])
        assert self.outcome is not None
        return self.outcome

    async def cancel(self) -> SyncOutcome:
        """Stop; what has arrived is kept for the next time."""
        self._task.cancel()
        if not self._task.done() and self.outcome is None:
            await asyncio.wait([self._task])
        if self.outcome is None:  # it had not begun
            self._end(Interrupted(Code.INTERRUPTED))
        assert self.outcome is not None
        return self.outcome

    # --- its life --------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        error: FairleadError | None
        try:
            error = await self._sync()
        except asyncio.CancelledError:
            error = Interrupted(Code.INTERRUPTED)
        except FairleadError as failure:
            error = failure
        except Exception as failure:
            log.exception("sync %s failed", self.id)
            error = FairleadError(Code.INTERNAL, evidence={"reason": repr(failure)})
        self._end(error)

    def _end(self, error: FairleadError | None) -> None:
        seconds = self._services.clock.monotonic() - self._began
        self.outcome = self._account.outcome(seconds, error)
        state = SyncState.DONE if error is None else SyncState.FAILED
        self._enter(SyncState.CANCELLED if isinstance(error, Interrupted) else state)

    async def _sync(self) -> FairleadError | None:
        """Why not all is the same now. Raises what ended it early."""
        tried, selection = Tried(), Selection()
        refused: FairleadError | None = None
        async with _sides(self.request, self._services) as (source, goal):
            while True:
                plan = await self._compare(source, goal)
                try:
                    remaining = await Remaining.of(plan, selection, tried)
                    self._account.look(plan, remaining)
                    if not remaining.fresh or self._progress.round > ROUNDS:
                        return self._verdict(plan, remaining, refused)
                    refused = refused or refusal(plan, self.request)
                    selection = await self._approved(plan, selection, refused)
                    tried = await Tried.of(plan, selection)
                    await self._apply(plan, selection, tried.counts, (source, goal))
                finally:
                    plan.close()
                self._progress = replace(self._progress, round=self._progress.round + 1)
                self._enter(SyncState.COMPARING)

    async def _compare(self, source: Side, goal: Side) -> Plan:
        roots = await find_roots(self.request, source, goal)
        options, young = self.request.options, None
        if self._progress.round > 1:
            # Whatever was copied was verified: only what has changed since is in doubt, and young files may have.
            options, young = replace(options, checksum=False), self._began_at - YOUNG
        comparison = Comparison(source, goal, options, spools=self._services.spools, young=young, report=self._seen)
        return self._services.marked(await comparison.run(roots), self.request)

    async def _approved(self, plan: Plan, before: Selection, refused: FairleadError | None) -> Selection:
        """What is to be done of the plan. What was left out once is left out for good."""
        self._enter(SyncState.ASKING)
        approval = await self._approve(plan)
        if approval is None:
            raise Interrupted(Code.INTERRUPTED, "Nothing was changed.", advice=())
        delete = approval.delete and before.approval.delete and refused is None
        return await select(plan, Approval(delete, approval.left_out | before.approval.left_out))

    async def _apply(self, plan: Plan, selection: Selection, wanted: Counts, sides: tuple[Side, Side]) -> None:
        applied = Applied()
        self._enter(SyncState.COPYING)

        def report() -> None:
            deleted = self._account.deleted + applied.deleted
            self._tell(replace(self._progress, deleted=deleted, adjusted=applied.adjusted))

        async def carry(itinerary: Itinerary) -> TransferOutcome:
            for side in sides:
                await side.rest()
            try:
                return await self._carry(itinerary)
            finally:
                self._enter(SyncState.DELETING)

        try:
            await Application(plan, selection, sides[1], carry, applied, report).run()
        finally:
            self._account.applied(plan, wanted, applied)

    async def _carry(self, itinerary: Itinerary) -> TransferOutcome:
        self.transfer = self._services.transfers.carry(carried_by(self.request), itinerary)
        try:
            outcome = await self.transfer.wait()
        except asyncio.CancelledError:
            self._account.carried(await self.transfer.cancel())
            raise
        finally:
            self.transfer = None
        self._account.carried(outcome)
        return outcome

    def _verdict(self, plan: Plan, remaining: Remaining, refused: FairleadError | None) -> FairleadError | None:
        account = self._account
        if plan.source_failed and plan.counts.deletions:
            account.note(source_of(plan), "part of the source could not be read: nothing was deleted")
        problems = account.conclude(plan, remaining)
        differing = next((one.error for one in problems if isinstance(one.error, IntegrityError)), None)
        if differing is not None:
            return differing
        if refused is not None:
            return refused
        if remaining.fresh:
            return FairleadError(
                Code.STILL_DIFFERS, evidence={"count": remaining.fresh, "rounds": ROUNDS}, host=self.request.goal.host
            )
        if account.failed:
            total = account.files + account.failed
            return FairleadError(Code.SOME_FAILED, evidence={"failed": account.failed, "total": total})
        return None

    # --- telling ---------------------------------------------------------------------------------------------------

    def _seen(self, seen: int) -> None:
        self._tell(replace(self._progress, seen=seen))

    def _enter(self, state: SyncState) -> None:
        self._progress = replace(self._progress, state=state)
        self._publish()

    def _tell(self, progress: SyncProgress) -> None:
        self._progress = progress
        now = self._services.clock.monotonic()
        if now - self._reported >= REPORT_EVERY:
            self._reported = now
            self._publish()

    def _publish(self) -> None:
        host = self.request.goal.host or self.request.source.host or ""
        self._services.bus.publish(SyncChanged(host, self.id))


class SyncService:
    """Runs syncs."""

    def __init__(
        self, *, sessions: Sessions, transfers: TransferService, bus: EventBus, clock: Clock, spools: Path
    ) -> None:
        """`spools`: a directory for plans that are too large for memory."""
        self._services = _Services(sessions, transfers, bus, clock, Disk(), spools)
        self._numbers = itertools.count(1)
        self._syncs: dict[str, Sync] = {}

    def submit(self, request: SyncRequest, approve: Approve) -> Sync:
        """Start it and return at once; `approve` is asked before anything is changed, in each round."""
        direction(request)
        sync = Sync(f"s{next(self._numbers)}", request, approve, self._services)
        self._syncs = {one.id: one for one in self._syncs.values() if one.outcome is None}
        self._syncs[sync.id] = sync
        return sync

    @property
    def under_way(self) -> int:
        """Syncs that have not ended."""
        return sum(one.outcome is None for one in self._syncs.values())

    @asynccontextmanager
    async def planned(self, request: SyncRequest, report: Callable[[int], None]) -> AsyncIterator[Plan]:
        """What a sync would do, exactly; nothing is changed. `report` hears how many names were seen."""
        direction(request)
        services = self._services
        async with _sides(request, services) as (source, goal):
            comparison = Comparison(source, goal, request.options, spools=services.spools, report=report)
            plan = services.marked(await comparison.run(await find_roots(request, source, goal)), request)
        try:
            yield plan
        finally:
            plan.close()

    async def close(self) -> None:
        """Stop everything in an orderly way."""
        await asyncio.gather(*(one.cancel() for one in self._syncs.values() if one.outcome is None))
        self._services.disk.close()


def direction(request: SyncRequest) -> Direction:
    """Which way copies go. Raises ConfigError where neither side, or both, are hosts."""
    here, there = request.source.host is None, request.goal.host is None
    if here and there:
        problem = "one of the two ends is on a host, written HOST:PATH"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    if not here and not there:
        problem = "one of the two ends is on this machine; nothing is synced from host to host"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    return Direction.PUT if here else Direction.GET


def carried_by(request: SyncRequest) -> TransferRequest:
    """The transfer that copies for a sync: the one place that knows which side is where."""
    host = request.source.host or request.goal.host
    assert host is not None
    return TransferRequest(
        direction=direction(request),
        host=host,
        sources=(request.source.path,),
        destination=request.goal.path,
        verify=request.verify,
        rate_limit=request.rate_limit,
        parallel=request.parallel,
    )


@asynccontextmanager
async def _sides(request: SyncRequest, services: _Services) -> AsyncIterator[tuple[Side, Side]]:
    def side(location: Location) -> Side:
        if location.host is None:
            return LocalSide(services.disk)
        return HostSide(services.sessions.get(location.host), services.clock)

    source, goal = side(request.source), side(request.goal)
    try:
        yield source, goal
    finally:
        await source.close()
        await goal.close()
