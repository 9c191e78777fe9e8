"""Series of which the truth is known: hourly values of made hosts, the same for the same seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

START = 1_700_006_400.0
"""Midnight, UTC."""
HOUR = 3600.0
DAY = 86400.0

Points = list[tuple[float, float]]
Noise = Callable[[random.Random], Iterator[float]]
"""Endless values of about unit spread, one an hour from midnight on."""


def gaussian(chance: random.Random) -> Iterator[float]:
    """Stationary, independent."""
    while True:
        yield chance.gauss(0, 1)


def heavy_tailed(chance: random.Random) -> Iterator[float]:
    """Student's t with three degrees of freedom: its largest values are far out."""
    while True:
        yield chance.gauss(0, 1) / math.sqrt(max(1e-3, chance.gammavariate(1.5, 1 / 1.5)))


def skewed(chance: random.Random) -> Iterator[float]:
    """Log-normal, as round trips are: never far below the middle, at times far above."""
    while True:
        yield math.exp(chance.gauss(0, 1)) - 1


def seasonal(chance: random.Random) -> Iterator[float]:
    """A wave each day, and a backup between two and three o'clock."""
    for hour in _hours():
        yield chance.gauss(0, 1) + 4 * math.sin(2 * math.pi * hour / 24) + (8 if hour % 24 == 2 else 0)


def hanging(chance: random.Random) -> Iterator[float]:
    """Autocorrelated: neighbours have a correlation of 0.6."""
    value = 0.0
    while True:
        value = 0.6 * value + 0.8 * chance.gauss(0, 1)
        yield value


def spiky(chance: random.Random) -> Iterator[float]:
    """One value in thirty is 20 or 40 deviations out."""
    while True:
        yield chance.gauss(0, 1) + (chance.choice((20, 40)) if chance.random() < 0.03 else 0)


def _hours() -> Iterator[int]:
    hour = 0
    while True:
        yield hour
        hour += 1


def latency(noise: Noise, seed: int, hours: int, *, shift: float = 0.0, shifted_at: int = 0) -> Points:
    """Round trips of 20 ms with a deviation of 3 ms; from the hour `shifted_at` on `shift` deviations more."""
    values = noise(random.Random(f"{noise.__name__} {seed}"))
    return [
        (START + hour * HOUR, 0.020 + 0.003 * (next(values) + (shift if hour >= shifted_at else 0.0)))
        for hour in range(hours)
    ]


@dataclass(frozen=True)
class Disk:
    """How a disk fills; all of it in parts of the disk."""

    start: float = 0.75
    grows: float = 0.01
    """A day."""
    rough: float = 0.0
    """Deviation of a day's growth."""
    cleaned: tuple[float, float] = (0.0, 0.0)
    """How much is removed, and how many days lie in between."""
    once: float = 0.0
    """Removed on the tenth day."""
    backup: tuple[float, int] = (0.0, 0)
    """On top each night, and for how many hours."""
    spike: float = 0.0
    """On top for two hours of the ninth day."""
    step: float = 0.0
    """Added at once on the tenth day."""
    noise: float = 0.001
    hang: float = 0.0
    """The correlation of neighbouring noise."""
    flood: tuple[float, float] = (0.0, 0.0)
    """Growth a day on top, from which day on."""

    def points(self, seed: int, days: int = 20) -> tuple[Points, float | None]:
        """What is seen in `days`, and when the disk is truly full, if that ever comes within 90 days."""
        chance = random.Random(f"{self} {seed}")
        seen: Points = []
        level, noise = self.start, 0.0
        for hour in range(90 * 24):
            before, at = level, START + hour * HOUR
            level += self._change(hour, chance)
            noise = self.hang * noise + chance.gauss(0, self.noise)
            if hour < days * 24:
                seen.append((at, level + self._on_top(hour) + noise))
            elif level >= 1:
                return seen, at - HOUR * (level - 1) / (level - before)
        return seen, None

    def _change(self, hour: int, chance: random.Random) -> float:
        change = self.grows / 24 + chance.gauss(0, self.rough) / math.sqrt(24)
        amount, days = self.cleaned
        if amount and hour % round(days * 24) == round(days * 14):
            change -= amount
        if hour == 240:
            change += self.step - self.once
        pace, begins = self.flood
        return change + (pace / 24 if hour >= begins * 24 else 0.0)

    def _on_top(self, hour: int) -> float:
        amount, hours = self.backup
        nightly = amount if 2 <= hour % 24 < 2 + hours else 0.0
        return nightly + (self.spike if hour in (200, 201) else 0.0)


@dataclass(frozen=True)
class Memory:
    """How the available part of a host's memory goes, with neighbours that hang together."""

    lost: float = 0.0
    """A day."""
    wave: float = 0.0
    """Of a day's rhythm."""
    cache: tuple[float, float] = (0.0, 1.0)
    """What warms up after a start, and in how many days most of it."""
    restarts: float = math.inf
    """Days between two starts of the host."""

    def points(self, seed: int, days: int = 12) -> tuple[Points, list[float]]:
        """What is seen, and when the host started."""
        chance = random.Random(f"{self} {seed}")
        seen: Points = []
        starts, noise = [START], 0.0
        for hour in range(days * 24):
            at = START + hour * HOUR
            if at - starts[-1] >= self.restarts * DAY:
                starts.append(at)
            up = (at - starts[-1]) / DAY
            noise = 0.8 * noise + chance.gauss(0, 0.01)
            amount, pace = self.cache
            warm = amount * (1 - math.exp(-up / pace))
            seen.append((at, 0.6 - self.lost * up - warm - self.wave * math.sin(2 * math.pi * hour / 24) + noise))
        return seen, starts
