"""The flight: a few blocks where the path is short, the bandwidth-delay product where it is long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.files.flight import LEAST, MOST, Flight

BLOCK = 261120


def fly(*, round_trip: float, link_rate: float, seconds: float = 5.0) -> Flight:
    """A path that carries `link_rate` bytes a second at most, and one flight each round trip."""
    now = 0.0
    flight = Flight(block=BLOCK, round_trip=round_trip, now=now)
    while now < seconds:
        now += max(BLOCK / link_rate, round_trip / flight.blocks)
        flight.landed(BLOCK, now)
    return flight


def test_on_a_short_path_a_few_are_in_hand_where_it_is_fast_and_the_least_where_it_is_slow() -> None:
    assert fly(round_trip=0.0003, link_rate=400e6).blocks == 6
    assert fly(round_trip=0.0003, link_rate=10e6).blocks == LEAST


def test_on_a_long_fat_path_it_grows_until_the_path_is_full() -> None:
    flight = fly(round_trip=0.05, link_rate=100e6)
    assert flight.blocks * BLOCK >= 100e6 * 0.05
    assert flight.blocks <= MOST


def test_on_a_long_fat_path_it_doubles_each_round_trip_though_a_whole_flight_lands_at_once() -> None:
    flight = Flight(block=BLOCK, round_trip=0.05, now=0.0)
    landing, trips = flight.blocks, 0
    while flight.blocks < MOST:
        trips += 1
        under_way = landing
        for _ in range(landing):
            flight.landed(BLOCK, trips * 0.0502)
        landing = flight.blocks
        assert landing == min(2 * under_way, MOST)
    assert trips <= 4


def test_on_a_long_thin_path_it_does_not_grow_beyond_use() -> None:
    assert fly(round_trip=0.2, link_rate=1e6).blocks <= 6


def test_it_shrinks_again_when_the_path_gets_slow() -> None:
    flight = fly(round_trip=0.05, link_rate=100e6)
    grown, now = flight.blocks, 5.0
    for _ in range(200):
        now += 0.5
        flight.landed(BLOCK, now)
    assert flight.blocks == LEAST < grown


@given(
    st.floats(0, 10),
    st.lists(st.tuples(st.integers(1, 1 << 20), st.floats(0, 2)), max_size=50),
    st.integers(1, 128),
)
def test_it_never_leaves_its_bounds(round_trip: float, landings: list[tuple[int, float]], most: int) -> None:
    flight = Flight(block=BLOCK, round_trip=round_trip, now=0.0, most=most)
    now = 0.0
    for size, elapsed in landings:
        now += elapsed
        flight.landed(size, now)
        assert LEAST <= flight.blocks <= max(LEAST, most)
