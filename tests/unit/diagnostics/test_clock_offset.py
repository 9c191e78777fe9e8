"""How far two clocks are apart: the truth lies within what is told, and more answers only narrow it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.diagnostics.clock_offset import Reading, offset_of, parse_date

START = 1_772_000_000.0
WAYS = st.floats(min_value=0, max_value=2)


def reading(ahead: float, there: float, back: float, resolution: float = 0.0, at: float = START) -> Reading:
    """What is read of a clock that is `ahead`, when the question takes `there` seconds and the answer `back`."""
    now = at + there + ahead
    told = math.floor(now / resolution) * resolution if resolution else now
    return Reading(at, at + there + back, told, resolution)


@given(
    ahead=st.floats(min_value=-10_000, max_value=10_000),
    ways=st.lists(st.tuples(WAYS, WAYS), min_size=1, max_size=5),
    resolution=st.sampled_from([0.0, 1.0]),
)
def test_the_true_difference_is_within_the_uncertainty(
    ahead: float, ways: list[tuple[float, float]], resolution: float
) -> None:
    readings = [reading(ahead, there, back, resolution, START + 5 * n) for n, (there, back) in enumerate(ways)]
    offset = offset_of(readings)
    assert abs(offset.seconds - ahead) <= offset.uncertainty + 1e-5
    assert offset.uncertainty <= min(offset_of([one]).uncertainty for one in readings) + 1e-5


def test_an_even_way_there_and_back_gives_the_difference_itself() -> None:
    offset = offset_of([reading(77.0, 0.1, 0.1)])
    assert offset.seconds == pytest.approx(77.0, abs=1e-6)
    assert offset.uncertainty == pytest.approx(0.1, abs=1e-6)
    assert offset.at_least == pytest.approx(76.9, abs=1e-6)


def test_a_difference_that_may_be_none_is_none() -> None:
    assert offset_of([reading(0.3, 0.0, 1.0)]).at_least == 0.0


def test_where_a_clock_was_set_between_two_answers_the_closest_one_counts() -> None:
    offset = offset_of([reading(0.0, 1.0, 1.0), reading(60.0, 0.01, 0.01, at=START + 5)])
    assert offset.seconds == pytest.approx(60.0, abs=0.02)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"M1772000000.250000000", (1772000000.25, 1e-9)),
        (b"M1772000000.25\r\n", (1772000000.25, 0.01)),
        (b"M1772000000.N", (1772000000.0, 1.0)),
        (b"M1772000000.%N", (1772000000.0, 1.0)),
        (b"M1772000000", (1772000000.0, 1.0)),
        (b"1772000000", None),
        (b"welcome M1772000000", None),
        (b"M", None),
        (b"M99999999999999999999", None),
    ],
)
def test_only_a_marked_time_is_taken_for_one(line: bytes, expected: tuple[float, float] | None) -> None:
    assert parse_date(line, b"M") == expected


@given(line=st.binary(max_size=40))
def test_no_line_of_a_host_can_break_it(line: bytes) -> None:
    parse_date(line, b"M")
    parse_date(b"M" + line, b"M")
