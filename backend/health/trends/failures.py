"""More attempts that fail than before. Pure.

The last days are compared with those before by Fisher's exact test (1934). Failures come in bunches (one night without
a network is many of them), so both are counted in bunches: divided by how much the days vary beyond chance; and without
the worst of the last days there must still be more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from backend.dataclass import dataclass
from backend.health.deep.values import Level
from backend.health.trends.values import DAY, HORIZON_DAYS, Trend, TrendKind
from backend.health.trends.words import date_words, moment, percent_words

_WINDOWS = (2, 4, 7)
"""Days that are compared with those before."""
_CHANCE = 0.001
"""By chance alone one quiet look in a thousand is worse, all windows together."""
_CHANCE_OF_REST = 0.05
"""The same without the worst day: one bad day is an outage, which is told elsewhere, and no trend."""
_FEWEST = 3
"""Failures; fewer are bad luck."""
_FEWEST_BEFORE = 20
"""Attempts without which there is nothing to compare with."""
_WORSE = 2.0
"""How many times the rate must be what it was."""
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Tries:
    """The attempts of one day, or any other stretch."""

    at: float
    """Its end, seconds since 1970."""
    failures: int
    attempts: int


def rising_failures(metric: str, tries: Sequence[Tries], *, now: float) -> Trend | None:
    """Whether more fail than before: the shortest window for which that is sure."""
    known = [one for one in tries if now - HORIZON_DAYS * DAY < one.at <= now and 0 <= one.failures <= one.attempts]
    for days in _WINDOWS:
        cut = now - days * DAY
        before = [one for one in known if one.at <= cut]
        recent = [one for one in known if one.at > cut]
        trend = _compared(metric, before, recent, cut, now)
        if trend is not None:
            return trend
    return None


def _sum(tries: Sequence[Tries]) -> tuple[int, int]:
    return sum(one.failures for one in tries), sum(one.attempts for one in tries)


def _compared(metric: str, before: Sequence[Tries], recent: Sequence[Tries], cut: float, now: float) -> Trend | None:
    failed, attempts = _sum(recent)
    failed_before, attempts_before = _sum(before)
    if failed < _FEWEST or attempts_before < _FEWEST_BEFORE:
        return None
    rate, rate_before = failed / attempts, failed_before / attempts_before
    if rate < _WORSE * rate_before:
        return None
    bunch = max(_bunch(before, rate_before), _bunch(recent, rate))
    chance = _chance(recent, before, bunch) * len(_WINDOWS)
    worst = max(recent, key=lambda one: one.failures)
    if chance >= _CHANCE or _chance([one for one in recent if one is not worst], before, bunch) >= _CHANCE_OF_REST:
        return None
    low, high = wilson(failed / bunch, attempts / bunch)
    since = date_words(cut, now)
    return Trend(
        kind=TrendKind.FAILURES,
        metric=metric,
        sentence=f"{percent_words(rate)} of attempts fail since {since}, before it was {percent_words(rate_before)}",
        reasons=(
            f"Since then {failed} of {attempts} failed, before {failed_before} of {attempts_before}.",
            f"The true rate lies between {percent_words(low)} and {percent_words(high)}, 19 times in 20.",
            f"Chance alone does that {chance:.1g} times; failures were counted in bunches of {bunch:.1f}.",
        ),
        level=Level.CRITICAL if low >= 0.5 else Level.WARN,
        short=f"{percent_words(rate)} of attempts fail",
        confidence=min(0.999, 1 - chance),
        since=moment(cut),
    )


def _chance(recent: Sequence[Tries], before: Sequence[Tries], bunch: float) -> float:
    return fisher(*(round(count / bunch) for count in (*_sum(recent), *_sum(before))))


def _bunch(tries: Sequence[Tries], rate: float) -> float:
    """How much the stretches vary beyond chance (Pearson's chi-squared by its degrees of freedom); 1 or more."""
    known = [one for one in tries if one.attempts]
    if len(known) < 2 or not 0 < rate < 1:
        return 1.0
    squares = sum((one.failures - one.attempts * rate) ** 2 / (one.attempts * rate * (1 - rate)) for one in known)
    return max(1.0, squares / (len(known) - 1))


def fisher(failed: int, attempts: int, failed_before: int, attempts_before: int) -> float:
    """The chance of `failed` or more among `attempts` where all attempts fail alike (hypergeometric, one-sided)."""
    every, bad = attempts + attempts_before, failed + failed_before
    total = _choices(every, attempts)
    most = min(bad, attempts)
    return min(
        1.0,
        sum(
            math.exp(_choices(bad, one) + _choices(every - bad, attempts - one) - total)
            for one in range(max(failed, attempts + bad - every), most + 1)
        ),
    )


def _choices(count: int, taken: int) -> float:
    """The logarithm of the number of ways to take `taken` of `count`."""
    return math.lgamma(count + 1) - math.lgamma(taken + 1) - math.lgamma(count - taken + 1)


def wilson(failed: float, attempts: float) -> tuple[float, float]:
    """Wilson's interval (1927): it holds the true rate 19 times in 20."""
    rate = failed / attempts
    middle = rate + _Z**2 / (2 * attempts)
    reach = _Z * math.sqrt(rate * (1 - rate) / attempts + _Z**2 / (4 * attempts**2))
    divisor = 1 + _Z**2 / attempts
    return max(0.0, (middle - reach) / divisor), min(1.0, (middle + reach) / divisor)
