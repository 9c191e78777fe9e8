"""From checks to hours, from hours to days: low, middle, high and how many. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from backend.health.history.packing import Block, Sum

HOUR = 3600
DAY = 86400
STRETCH = 32
"""Days in a block of days."""


def by_hour(checks: Iterable[tuple[float, Mapping[int, float]]]) -> dict[int, Block]:
    """Checks (when, readings by number) summed up by the hour of the day, by days since 1970 (UTC)."""
    heaps: defaultdict[int, defaultdict[tuple[int, int], list[float]]] = defaultdict(lambda: defaultdict(list))
    for at, values in checks:
        day, second = divmod(at, DAY)
        heap, hour = heaps[int(day)], int(second // HOUR)
        for number, value in values.items():
            heap[number, hour].append(value)
    return {day: {key: _sum(values) for key, values in heap.items()} for day, heap in heaps.items()}


def by_day(block: Block) -> dict[int, Sum]:
    """The hours of one day as one sum for each reading. The middle is the median of the hours' middles."""
    heaps: defaultdict[int, list[Sum]] = defaultdict(list)
    for (number, _), one in block.items():
        heaps[number].append(one)
    return {number: _together(sums) for number, sums in heaps.items()}


def merged(one: Block, other: Block) -> Block:
    """Both; where both know a slot, their middles count by how many checks each has."""
    together = dict(one)
    for key, added in other.items():
        had = together.get(key)
        together[key] = added if had is None else _both(had, added)
    return together


def _sum(values: Sequence[float]) -> Sum:
    return Sum(min(values), median(values), max(values), len(values))


def _together(sums: Sequence[Sum]) -> Sum:
    return Sum(
        min(one.low for one in sums),
        median([one.middle for one in sums]),
        max(one.high for one in sums),
        sum(one.count for one in sums),
    )


def _both(one: Sum, other: Sum) -> Sum:
    count = one.count + other.count
    low, high = min(one.low, other.low), max(one.high, other.high)
    middle = one.middle * (one.count / count) + other.middle * (other.count / count) if count else one.middle
    return Sum(low, min(max(middle, low), high), high, count)


def median(values: Sequence[float]) -> float:
    """Of at least one value. (The module `statistics` takes longer to import than all of this.)"""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else ordered[half - 1] / 2 + ordered[half] / 2
