"""What `fairlead health HOST` says of what comes: each trend with the way its reading went, as bars."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any

from backend.container import Container
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.health.history.values import Point
from backend.health.trends.values import DAY, HORIZON_DAYS, Trend

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 16


@dataclass(frozen=True, slots=True)
class Ahead:
    """The trends of one host, or why they are not known."""

    trends: tuple[Trend, ...] = ()
    bars: tuple[str, ...] = ()
    """Of each trend's reading; empty where it is no reading."""
    error: FairleadError | None = None

    def to_json(self) -> dict[str, Any]:
        """`trends` is null where they are not known."""
        error = self.error
        return {
            "trends": None if error is not None else [one.to_json() for one in self.trends],
            "trends_error": None if error is None else error.to_json(),
        }


async def look_ahead(container: Container, host: str) -> Ahead:
    """What the past of `host` leads to; nothing is connected, nothing raised."""
    try:
        trends = await container.trends.of(host)
        since = container.clock.now().timestamp() - HORIZON_DAYS * DAY
        series = await container.metric_history.several(host, [one.metric for one in trends], since)
    except FairleadError as error:
        return Ahead(error=error)
    return Ahead(trends, tuple(bars(series.get(one.metric, ())) for one in trends))


def ahead_lines(ahead: Ahead) -> list[str]:
    """For people, below the host's other lines."""
    if ahead.error is not None:
        return [f"  ahead        ? {ahead.error.code}: {ahead.error.message}"]
    return [
        f"  {'' if number else 'ahead':<12} {drawn}{' ' if drawn else ''}{trend.sentence}"
        for number, (trend, drawn) in enumerate(zip(ahead.trends, ahead.bars, strict=True))
    ]


def bars(points: Sequence[Point]) -> str:
    """One for each slice of the time that they cover: its middle, from the least to the most of them."""
    if len(points) < 2 or points[-1].at <= points[0].at:
        return ""
    first, length = points[0].at, points[-1].at - points[0].at
    slices: defaultdict[int, list[float]] = defaultdict(list)
    for point in points:
        slices[min(_WIDTH - 1, int((point.at - first) / length * _WIDTH))].append(point.middle)
    middles = {place: median(values) for place, values in slices.items()}
    low, high = min(middles.values()), max(middles.values())
    reach = (high - low) or 1.0
    drawn = {place: _BARS[round((value - low) / reach * (len(_BARS) - 1))] for place, value in middles.items()}
    return "".join(drawn.get(place, " ") for place in range(_WIDTH))
