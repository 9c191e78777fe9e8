"""A small picture of a series: a bar for each stretch of time, between the least and the most of it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from backend.health.history.values import Point
from tui.glyphs import Glyphs


def spark(points: Sequence[Point], start: float, end: float, width: int, glyphs: Glyphs, *, least: float) -> str:
    """One bar for each of `width` stretches from `start` to `end`, a blank where there is nothing.

    `least`: a difference below which the bars stay low, so that noise is no mountain.
    """
    if end <= start or width < 1:
        return ""
    heaps: defaultdict[int, list[float]] = defaultdict(list)
    for point in points:
        if start <= point.at <= end:
            heaps[min(width - 1, int((point.at - start) / (end - start) * width))].append(point.middle)
    if not heaps:
        return " " * width
    values = {place: median(heap) for place, heap in heaps.items()}
    low, high = min(values.values()), max(values.values())
    reach = max(high - low, least) or 1.0
    steps = len(glyphs.sparks) - 1
    bars = {place: glyphs.sparks[round((value - low) / reach * steps)] for place, value in values.items()}
    return "".join(bars.get(place, " ") for place in range(width))
