"""Counters, gauges and histograms by label, bounded in number. Pure: nothing here listens, waits or is written.

A family takes at most `MOST_SERIES` sets of labels; what comes beyond is counted under the label value `other`, so that
a program that meets ten thousand hosts does not grow without end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import TypeVar

from backend.text import clean_line

MOST_SERIES = 500
OTHER = "other"

LabelValues = tuple[str, ...]
F = TypeVar("F", bound="Family")


class Family:
    """One metric with its series. `kind` is what Prometheus calls its type."""

    kind = ""

    def __init__(self, name: str, help_text: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        self.help = help_text
        self.labels = tuple(labels)

    def _place(self, values: LabelValues, known: Iterable[LabelValues], count: int) -> LabelValues:
        """Where to count: under `values` as they can be shown, or under `other` when there are too many."""
        if len(values) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}")
        values = tuple(map(clean_line, values))
        if values in known or count < MOST_SERIES or not values:
            return values
        return (OTHER,) * len(values)


class Counter(Family):
    """Something that only grows. Its name ends in `_total`."""

    kind = "counter"

    def __init__(self, name: str, help_text: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, help_text, labels)
        self.series: dict[LabelValues, float] = {}

    def add(self, amount: float, *values: str) -> None:
        place = self._place(values, self.series, len(self.series))
        self.series[place] = self.series.get(place, 0.0) + amount


class Gauge(Family):
    """Something that goes up and down."""

    kind = "gauge"

    def __init__(self, name: str, help_text: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, help_text, labels)
        self.series: dict[LabelValues, float] = {}

    def set(self, value: float, *values: str) -> None:
        self.series[self._place(values, self.series, len(self.series))] = float(value)

    def drop(self, *values: str) -> None:
        """It has no value any more."""
        self.series.pop(tuple(map(clean_line, values)), None)


class Distribution:
    """What was observed under one set of labels."""

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * (buckets + 1)
        """By bucket, not cumulative; the last one is for what is above all bounds."""
        self.sum = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)


class Histogram(Family):
    """How a measured value is distributed; `bounds` are upper bounds, ascending."""

    kind = "histogram"

    def __init__(self, name: str, help_text: str, labels: Sequence[str] = (), *, bounds: Sequence[float]) -> None:
        super().__init__(name, help_text, labels)
        self.bounds = tuple(float(bound) for bound in bounds)
        self.series: dict[LabelValues, Distribution] = {}

    def observe(self, value: float, *values: str) -> None:
        place = self._place(values, self.series, len(self.series))
        if place not in self.series:
            self.series[place] = Distribution(len(self.bounds))
        found = self.series[place]
        found.counts[bisect_left(self.bounds, value)] += 1
        found.sum += value


class Registry:
    """All families, in the order in which they are shown."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}

    def counter(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Counter:
        return self._add(Counter(name, help_text, labels))

    def gauge(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Gauge:
        return self._add(Gauge(name, help_text, labels))

    def histogram(self, name: str, help_text: str, labels: Sequence[str] = (), *, bounds: Sequence[float]) -> Histogram:
        return self._add(Histogram(name, help_text, labels, bounds=bounds))

    def families(self) -> tuple[Family, ...]:
        return tuple(self._families.values())

    def _add(self, family: F) -> F:
        if family.name in self._families:
            raise ValueError(f"there is a metric called {family.name} already")
        self._families[family.name] = family
        return family
