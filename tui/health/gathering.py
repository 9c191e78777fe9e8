"""What the screens know of a host's health, read from the services. Nothing is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.health.deep.values import DeepCheck
from backend.health.history.values import Point
from backend.health.trends.values import Trend
from backend.health.values import SshHealth

if TYPE_CHECKING:
    from backend.container import Container

LATENCY = "latency"


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one host."""

    ssh: SshHealth
    check: DeepCheck | None = None
    """The last one."""
    trends: tuple[Trend, ...] = ()
    """The worst first."""
    problem: FairleadError | None = None
    """Why the rest cannot be read."""

    @property
    def is_known(self) -> bool:
        """Whether anything was ever seen of it."""
        return self.ssh.known or self.check is not None


async def health_of(services: Container, host: str) -> Health:
    """All of it. Never raises for a history that cannot be read."""
    ssh = await services.health.of(host)
    try:
        return Health(ssh, await services.metric_history.last(host), await services.trends.of(host))
    except FairleadError as error:
        return Health(ssh, problem=error)


async def series_of(services: Container, host: str, ssh: SshHealth, since: float) -> dict[str, tuple[Point, ...]]:
    """Every reading of a host by name, from `since` (seconds since 1970) on. Raises ConfigError or FileError.

    Where its round trips were measured by connections more often than by checks, those are taken.
    """
    history = services.metric_history
    series = await history.several(host, await history.names(host), since)
    trips = tuple(
        Point(one.hour.timestamp() + 1800.0, one.low, one.middle, one.high, one.count)
        for one in ssh.hours
        if one.hour.timestamp() >= since
    )
    if len(trips) > len(series.get(LATENCY, ())):
        series = {**series, LATENCY: trips}
    return series
