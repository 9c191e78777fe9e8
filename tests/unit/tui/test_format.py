"""Numbers and times as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sizes import size_text
from tui.format import ago_text, bytes_text, clock_text, duration_text, latency_text, left_text, rate_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (3140, "3.1 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (4_200_000_000, "4.2 GB"),
        (10**18, "1000 PB"),
    ],
)
def test_sizes_have_a_unit_and_at_most_three_digits(count: int, text: str) -> None:
    assert size_text(count) == text


@given(st.integers(min_value=0, max_value=10**15))
def test_a_size_never_takes_more_than_seven_cells(count: int) -> None:
    assert len(size_text(count)) <= 7


def test_a_rate_is_a_size_for_each_second() -> None:
    assert rate_text(48_200_000) == "48.2 MB/s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.42, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (8040, "2 h 14 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s left"), (31, "31 s left"), (170, "3 min left"), (7_300, "2 h left")]
)
def test_time_left_is_rough(seconds: float, text: str) -> None:
    assert left_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 ms"), (0.0004, "0.4 ms"), (0.00096, "1 ms"), (0.0123, "12 ms"), (0.9991, "999 ms"), (1.24, "1.2 s")],
)
def test_latencies_are_told_in_milliseconds_below_a_second(seconds: float, text: str) -> None:
    assert latency_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "just now"), (42, "42 s ago"), (260, "4 min ago"), (7_300, "2 h ago"), (200_000, "2 d ago")],
)
def test_moments_are_told_by_how_long_ago_they_were(seconds: float, text: str) -> None:
    now = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
    assert ago_text(now - timedelta(seconds=seconds), now) == text


def test_the_time_of_day_is_the_persons() -> None:
    assert clock_text(datetime(2026, 3, 2, 9, 41, tzinfo=UTC)) == "09:41"


def test_a_single_byte_is_one() -> None:
    assert [bytes_text(count) for count in (0, 1, 4_200_000)] == ["0 bytes", "1 byte", "4,200,000 bytes"]
