"""Whatever a history holds (gaps, duplicates, disorder, infinities), a trend is finite, or there is none."""

from __future__ import annotations

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from backend.health.trends.drops import drops_of
from backend.health.trends.failures import Tries, rising_failures
from backend.health.trends.fill import Vessel, fill
from backend.health.trends.leak import leak
from backend.health.trends.robust import cleaned, spread
from backend.health.trends.shift import shift
from backend.health.trends.values import Trend
from tests.unit.health.trends.series import DAY, HOUR, START, Disk

VESSEL = Vessel("disk./.used_ratio", "/")
anything = st.floats(allow_nan=True, allow_infinity=True)
moments = st.one_of(
    anything, st.floats(START, START + 30 * DAY), st.integers(0, 700).map(lambda hour: START + hour * HOUR)
)
wild = st.lists(st.tuples(moments, st.one_of(anything, st.floats(0, 1))), max_size=80)
regular = st.lists(st.one_of(st.floats(0, 2), st.sampled_from((0.0, 0.5, 1.0))), min_size=100, max_size=300).map(
    lambda values: [(START + hour * HOUR, value) for hour, value in enumerate(values)]
)
NOW = START + 30 * DAY


def is_sound(trend: Trend | None) -> bool:
    if trend is None:
        return True
    words = " ".join((trend.sentence, trend.short, *trend.reasons))
    return (
        0 <= trend.confidence <= 1
        and (trend.eta is None) == (trend.uncertainty is None)
        and (trend.eta is None or trend.eta.timestamp() >= NOW - 1)
        and "nan" not in words
        and "inf" not in words
        and bool(trend.to_json()["sentence"])
    )


@given(st.one_of(wild, regular))
def test_every_trend_is_sound(points: list[tuple[float, float]]) -> None:
    assert is_sound(fill(VESSEL, points, now=NOW))
    assert is_sound(leak("memory", points, now=NOW, starts=[math.nan, START, math.inf]))
    assert is_sound(shift("latency", "latency", points, now=NOW))


@given(wild)
def test_what_is_used_is_sorted_finite_and_single(points: list[tuple[float, float]]) -> None:
    kept = cleaned(points)
    times = [at for at, _ in kept]
    assert times == sorted(set(times))
    assert all(math.isfinite(at) and math.isfinite(value) for at, value in kept)


@given(st.floats(-1e6, 1e6), st.integers(1, 300))
def test_a_constant_has_no_trend(value: float, count: int) -> None:
    points = [(NOW - hour * HOUR, value) for hour in range(count)]
    assert spread([value] * count, value) == 0
    assert drops_of(cleaned(points), least=0.01) == ()
    assert leak("memory", points, now=NOW) is None
    assert shift("latency", "latency", points, now=NOW) is None
    assert fill(VESSEL, points, now=NOW) is None


@given(st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(chance: random.Random) -> None:
    points, _ = Disk().points(3, days=15)
    mixed = [*points, *chance.sample(points, 20)]
    chance.shuffle(mixed)
    now = points[-1][0]
    assert fill(VESSEL, mixed, now=now) == fill(VESSEL, points, now=now)


@given(st.lists(st.tuples(st.floats(START, NOW), st.integers(-2, 50), st.integers(-2, 50)), max_size=60))
def test_any_counts_of_failures_are_borne(days: list[tuple[float, int, int]]) -> None:
    assert is_sound(rising_failures("logins", [Tries(*day) for day in days], now=NOW))
