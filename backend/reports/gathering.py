"""Finding out what a report tells: one login, and everything over it; the history that is there; what it leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING

from backend.connection.connector import Link
from backend.connection.target import Hop
from backend.dataclass import dataclass
from backend.diagnostics.checks import Check
from backend.diagnostics.rungs import Diagnosis, Rung, RungStatus
from backend.diagnostics.server_side.findings import NotSeen, ServerSide
from backend.diagnostics.slowness.report import SlowReport
from backend.diagnostics.slowness.values import Progress
from backend.errors import FairleadError
from backend.health.deep.values import DeepCheck
from backend.health.history.values import Point
from backend.health.trends.values import DAY, HORIZON_DAYS, Trend
from backend.reports.model import Report
from backend.reports.program import ProgramFacts

if TYPE_CHECKING:
    from backend.container import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What is tried over the login of a report."""

    verify: bool = True
    """What people do with a host."""
    deep: bool = True
    """What the host says of itself."""
    slow: bool = False
    """What limits it: takes a while, and sends bytes for their speed alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found over a login, as far as it was tried."""

    checks: tuple[Check, ...] | None = None
    slow: SlowReport | None = None
    deep: DeepCheck | None = None
    server_side: ServerSide | NotSeen | None = None
    problem: FairleadError | None = None


async def report_of(
    services: Container, host: str, extent: Extent | None = None, *, on_step: Callable[[str], None] = lambda _: None
) -> Report:
    """Connect once and tell everything about `host`. `on_step` hears what is under way, in a few words."""
    login = _Login(services, host, extent or Extent(), on_step)
    diagnosis = await login.climb()
    return await told(services, diagnosis, login.found())


class _Login:
    """One climb, and what is done over its login afterwards."""

    def __init__(self, services: Container, host: str, extent: Extent, on_step: Callable[[str], None]) -> None:
        self._services, self._host, self._extent, self._on_step = services, host, extent, on_step
        self._checks: list[Check] = []
        self._slow: SlowReport | None = None
        self._deep: DeepCheck | None = None
        self._problem: FairleadError | None = None

    async def climb(self) -> Diagnosis:
        rungs: list[Rung] = []
        climbing = self._services.diagnostics.climb(
            self._host, on_check=self._checks.append if self._extent.verify else None, afterwards=self._afterwards
        )
        async with aclosing(climbing) as climb:
            async for rung in climb:
                self._on_step(f"{rung.id.value.replace('_', ' ')} {rung.hop}")
                if rung.status is not RungStatus.RUNNING:
                    rungs.append(rung)
        return Diagnosis(self._host, tuple(rungs))

    def found(self) -> Found:
        checks = tuple(self._checks) if self._extent.verify else None
        return Found(checks=checks, slow=self._slow, deep=self._deep, problem=self._problem)

    async def _afterwards(self, link: Link, hop: Hop, rungs: Sequence[Rung]) -> None:
        """What cannot be found out is told in the report; the rest is found out all the same."""
        if self._extent.deep:
            self._on_step("inside the host")
            try:
                target = await self._services.book.resolve(self._host)
                self._deep = await self._services.deep_checks.check_over(self._host, link, target)
            except FairleadError as error:
                self._problem = error
        if self._extent.slow:
            await self._services.slowness.after_a_ladder(self._host, self._hear)(link, hop, rungs)

    def _hear(self, item: Progress | SlowReport) -> None:
        if isinstance(item, SlowReport):
            self._slow = item
        else:
            self._on_step(f"{item.step.value.replace('_', ' ')} {item.text}")


async def told(
    services: Container, diagnosis: Diagnosis, found: Found | None = None, *, at: datetime | None = None
) -> Report:
    """A report around a climb that is over, which began `at`: with what is known of the host besides. Nothing is
    connected; without a look into the host, the last one of its history is told."""
    host, found = diagnosis.host, found or Found()
    history = await _history(services, host)
    return Report(
        host=host,
        made_at=at or services.clock.now(),
        program=await asyncio.to_thread(ProgramFacts.here),
        diagnosis=diagnosis,
        server_side=found.server_side,
        checks=found.checks,
        slow=found.slow,
        deep=found.deep or history.last,
        health=await services.health.of(host),
        trends=history.trends,
        courses=history.courses,
        problem=found.problem or history.problem or services.health.trouble,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    """What is kept of a host's readings."""

    last: DeepCheck | None = None
    trends: tuple[Trend, ...] | None = None
    courses: Mapping[str, tuple[Point, ...]]
    problem: FairleadError | None = None


async def _history(services: Container, host: str) -> _History:
    since = services.clock.now().timestamp() - HORIZON_DAYS * DAY
    try:
        trends = await services.trends.of(host)
        names = [trend.metric for trend in trends]
        courses = await services.metric_history.several(host, names, since)
        return _History(last=await services.metric_history.last(host), trends=trends, courses=courses)
    except FairleadError as error:
        return _History(courses={}, problem=error)
