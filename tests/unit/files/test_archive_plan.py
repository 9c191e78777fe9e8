"""When a stream of many pays, and how much of it at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.files.archive_plan import MOST_BYTES, Way, most_bytes, pays

trips = st.floats(0, 2)
at_once = st.integers(1, 64)


@given(st.integers(0, 7), trips, at_once)
def test_a_handful_goes_one_by_one(files: int, round_trip: float, several: int) -> None:
    assert not pays(files, Way(round_trip, several))


@given(st.integers(1000, 100_000), trips, at_once)
def test_a_thousand_go_together_on_every_path(files: int, round_trip: float, several: int) -> None:
    assert pays(files, Way(round_trip, several))


@given(st.integers(0, 2000), st.integers(0, 2000), trips, at_once)
def test_what_pays_for_some_pays_for_more(one: int, other: int, round_trip: float, several: int) -> None:
    way = Way(round_trip, several)
    assert not pays(min(one, other), way) or pays(max(one, other), way)


def test_the_longer_the_way_the_sooner_it_pays_where_few_go_at_once() -> None:
    least = [next(n for n in range(5000) if pays(n, Way(trip, 4))) for trip in (0.0, 0.01, 0.05)]
    assert least == sorted(least, reverse=True)


@given(st.integers(1, 1 << 40))
def test_a_rate_limit_bounds_a_stream_to_a_second_of_it(rate: int) -> None:
    assert most_bytes(Way(0.01, 16, rate)) == min(rate, MOST_BYTES)
    assert most_bytes(Way(0.01, 16)) == MOST_BYTES
