"""The trends of hosts, from what is kept of them: reads in the store's thread, reckons in another one."""

from __future__ import annotations

import asyncio

from backend.clock import Clock
from backend.health.history.service import MetricHistory
from backend.health.keeper import HealthKeeper
from backend.health.trends.finding import Known, find_trends, is_wanted
from backend.health.trends.tries import tries
from backend.health.trends.values import DAY, Trend
from backend.store import Store

DAYS = 34
"""As far back as there is a value for each hour."""


class Trends:
    """Says what the past of a host means for what comes. Nothing is connected."""

    def __init__(self, *, history: MetricHistory, health: HealthKeeper, store: Store, clock: Clock) -> None:
        self._history = history
        self._health = health
        self._store = store
        self._clock = clock

    async def of(self, host: str) -> tuple[Trend, ...]:
        """The trends of `host`, the worst first. Raises ConfigError or FileError, as `Store.run`."""
        now = self._clock.now().timestamp()
        names = [name for name in await self._history.names(host) if is_wanted(name)]
        series = await self._history.several(host, names, now - DAYS * DAY)
        health = await self._health.of(host)
        known = Known(
            readings={name: [(one.at, one.middle) for one in points] for name, points in series.items()},
            trips=[(one.hour.timestamp(), one.middle) for one in health.hours],
            tries=await self._store.run(lambda connection: tries(connection, host, now)),
            check=await self._history.last(host),
        )
        return await asyncio.to_thread(find_trends, known, now=now)
