"""The health of hosts, as tests lay it out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from backend.errors import FairleadError
from backend.events import EventBus
from backend.health.deep.values import DeepCheck, DeepChecked
from backend.health.history.values import Point
from backend.health.trends.values import Trend


@dataclass
class FakeMetricHistory:
    """Series by host and reading, and the last check of each host."""

    kept: dict[str, dict[str, tuple[Point, ...]]] = field(default_factory=dict)
    checks: dict[str, DeepCheck] = field(default_factory=dict)
    failure: FairleadError | None = None
    """Why it cannot be read."""

    async def names(self, host: str) -> tuple[str, ...]:
        self._fail()
        return tuple(sorted(self.kept.get(host, {})))

    async def several(self, host: str, wanted: Sequence[str], since: float) -> dict[str, tuple[Point, ...]]:
        self._fail()
        series = self.kept.get(host, {})
        return {name: tuple(one for one in series[name] if one.at >= since) for name in wanted if name in series}

    async def last(self, host: str) -> DeepCheck | None:
        self._fail()
        return self.checks.get(host)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@dataclass
class FakeTrends:
    """Trends by host."""

    known: dict[str, tuple[Trend, ...]] = field(default_factory=dict)

    async def of(self, host: str) -> tuple[Trend, ...]:
        return self.known.get(host, ())


class FakeDeepChecks:
    """Finds what a test has laid out, when `answer` is set."""

    def __init__(self, history: FakeMetricHistory, bus: EventBus) -> None:
        self.found: Callable[[str], DeepCheck] | None = None
        self.failure: FairleadError | None = None
        self.answer = asyncio.Event()
        self.answer.set()
        self.asked: list[str] = []
        self._history = history
        self._bus = bus

    async def check(self, host: str) -> DeepCheck:
        self.asked.append(host)
        await self.answer.wait()
        if self.failure is not None:
            raise self.failure
        assert self.found is not None
        check = self.found(host)
        self._history.checks[host] = check
        self._bus.publish(DeepChecked(host, check))
        return check
