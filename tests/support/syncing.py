"""Syncs for tests: the service over a workbench's sessions, either way, and a person who approves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from backend.clock import Clock, SystemClock
from backend.files.paths import Location
from backend.files.sync.compare import Plan
from backend.files.sync.model import Action, Approval, Options, SyncOutcome, SyncRequest
from backend.files.sync.service import SyncService
from backend.files.transfer import Direction
from tests.support.transfer_world import Workbench


@dataclass
class Approver:
    """Says yes, and remembers what to."""

    answer: Approval | None = field(default_factory=Approval)
    plans: list[list[Action]] = field(default_factory=list)

    async def __call__(self, plan: Plan) -> Approval | None:
        self.plans.append(await all_of(plan))
        return self.answer


async def all_of(plan: Plan) -> list[Action]:
    """Every action of a plan that was written down."""
    return [one for spool in (plan.changes, plan.deletions) async for batch in spool.batches() for one in batch]


@dataclass
class Syncs:
    """Syncs of one directory to another, whichever way."""

    service: SyncService
    direction: Direction
    source: Path
    goal: Path

    def request(self, options: Options | None = None, *, itself: bool = False, **more: object) -> SyncRequest:
        put = self.direction is Direction.PUT
        source = Location(str(self.source) + ("" if itself else "/"), None if put else "server")
        goal = Location(str(self.goal), "server" if put else None)
        return replace(SyncRequest(source, goal, options or Options()), **more)  # type: ignore[arg-type]

    async def run(self, options: Options | None = None, **more: object) -> SyncOutcome:
        """Sync, and wait; everything is approved."""
        return await self.service.submit(self.request(options, **more), Approver()).wait()  # type: ignore[arg-type]

    async def plan(self, options: Options | None = None, **more: object) -> list[Action]:
        """What would be done."""
        request = self.request(options, **more)  # type: ignore[arg-type]
        async with self.service.planned(request, lambda seen: None) as plan:
            return await all_of(plan)


@asynccontextmanager
async def syncing(
    bench: Workbench, direction: Direction, source: Path, goal: Path, clock: Clock | None = None
) -> AsyncIterator[Syncs]:
    """The service over `bench`."""
    service = SyncService(
        sessions=bench.sessions,
        transfers=bench.transfers,
        bus=bench.bus,
        clock=clock or SystemClock(),
        spools=bench.store.path.parent,
    )
    try:
        yield Syncs(service, direction, source, goal)
    finally:
        await service.close()
