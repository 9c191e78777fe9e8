"""Rising failures: how soon they are seen, and how often they are seen where there are none."""

from __future__ import annotations

import random

import pytest

from backend.health.deep.values import Level
from backend.health.trends.failures import Tries, fisher, rising_failures, wilson
from backend.health.trends.values import Trend, TrendKind
from tests.unit.health.trends.series import DAY, START

RUNS = 200


def days_of(seed: int, rates: list[float], bunches: float = 0.0) -> list[Tries]:
    """4 to 30 attempts a day; with the chance `bunches` a day has 2 to 12 failures more: an outage."""
    chance = random.Random(f"{rates} {bunches} {seed}")
    days = []
    for day, rate in enumerate(rates):
        attempts = chance.randint(4, 30)
        failures = sum(chance.random() < rate for _ in range(attempts))
        more = chance.randint(2, 12) if chance.random() < bunches else 0
        days.append(Tries(START + day * DAY, failures + more, attempts + more))
    return days


def look(days: list[Tries]) -> Trend | None:
    return rising_failures("logins", days, now=days[-1].at)


@pytest.mark.parametrize(
    ("rate", "bunches", "bound"),
    [(0.02, 0.0, 0.03), (0.2, 0.0, 0.03), (0.0, 0.06, 0.15)],
    ids=("few", "many", "bunches"),
)
def test_a_steady_rate_hardly_ever_alarms(rate: float, bunches: float, bound: float) -> None:
    """Of 200 hosts that are looked at on 50 days, at most `bound` are told on any of them.

    The reason of the bounds: a look is wrong once in a thousand at most; 50 looks at windows of up to seven days are
    some 15 independent ones: 1.5 %. Outages are seen as what they are where earlier days or the days themselves show
    that failures come in bunches; two of them in a week after a month without any are told, in one case of eight.
    """
    told = 0
    for seed in range(RUNS):
        days = days_of(seed, [rate] * 60, bunches)
        told += any(look(days[:count]) for count in range(11, 61))
    print(f"rate {rate}, bunches {bunches}: {told / RUNS:.1%} of {RUNS} runs alarm without a cause, bound {bound:.0%}")
    assert told / RUNS <= bound


@pytest.mark.parametrize(("was", "becomes", "median"), [(0.02, 0.2, 4), (0.02, 0.4, 3), (0.1, 0.4, 5)])
def test_a_step_is_seen_within_days(was: float, becomes: float, median: int) -> None:
    """Of 100 steps 95 % are seen within 14 days, half of them within `median` days.

    The reason of the bounds: two days must agree, so none is seen on the first. 17 attempts a day at 20 % are 7
    failures in two days where there was less than one: sure in two to four days. From 10 to 40 % it takes 3 days, as
    the days before are known to vary more.
    """
    delays = []
    for seed in range(100):
        days = days_of(seed, [was] * 30 + [becomes] * 14)
        delays.append(next((count - 30 for count in range(31, 45) if look(days[:count])), 99))
    delays.sort()
    print(f"{was} to {becomes}: after {delays[49]} days (median), {delays[89]} (9 of 10)")
    assert 2 <= delays[49] <= median
    assert delays[94] < 99


def test_one_bad_day_is_an_outage_and_no_trend() -> None:
    days = days_of(1, [0.0] * 30)
    assert look([*days, Tries(days[-1].at + DAY, 40, 60)]) is None


def test_the_sentence_has_both_rates() -> None:
    days = [Tries(START + day * DAY, 0 if day % 5 else 1, 10) for day in range(30)]
    days += [Tries(START + (30 + day) * DAY, 4, 10) for day in range(2)]
    trend = look(days)
    assert trend is not None
    assert trend.kind is TrendKind.FAILURES
    assert trend.sentence.startswith("40 % of attempts fail since ")
    assert trend.sentence.endswith(", before it was 1.8 %")
    assert trend.reasons[0] == "Since then 8 of 20 failed, before 5 of 280."
    assert trend.level is Level.WARN


def test_nothing_is_compared_with_next_to_nothing() -> None:
    assert rising_failures("logins", [], now=START) is None
    few = [Tries(START + day * DAY, day // 3, 2) for day in range(8)]
    assert look(few) is None


def test_fisher_and_wilson_are_right() -> None:
    """Fisher's tea (8 cups, all 4 named right: 1 in 70), and Wilson's interval of 10 in 100."""
    assert fisher(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert fisher(0, 10, 3, 10) == pytest.approx(1.0)
    assert fisher(1, 1, 0, 1) == pytest.approx(0.5)
    assert wilson(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
