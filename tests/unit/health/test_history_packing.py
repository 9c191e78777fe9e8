"""Readings as bytes, and their sums: what goes in comes out, within what is promised."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.health.history.packing import (
    Block,
    Sum,
    can_be_kept,
    pack_block,
    pack_check,
    unpack_block,
    unpack_check,
)
from backend.health.history.summing import by_day, by_hour, median, merged

values = st.floats(allow_nan=False, allow_infinity=False, width=32).filter(can_be_kept)
checks = st.dictionaries(st.integers(0, 254), values, max_size=60)
sums = (
    st.tuples(values, values, values)
    .map(sorted)
    .flatmap(lambda three: st.integers(1, 5000).map(lambda count: Sum(three[0], three[1], three[2], count)))
)
blocks = st.dictionaries(st.tuples(st.integers(0, 254), st.integers(0, 31)), sums, max_size=60)


@given(checks)
def test_a_check_comes_back_as_it_was(check: dict[int, float]) -> None:
    assert unpack_check(pack_check(check)) == check


@given(blocks)
def test_a_block_comes_back_rounded_to_fifteen_bits(block: Block) -> None:
    back = unpack_block(pack_block(block))
    assert back.keys() == block.keys()
    for key, one in block.items():
        assert back[key].count == one.count
        for before, after in ((one.low, back[key].low), (one.middle, back[key].middle), (one.high, back[key].high)):
            assert after == pytest.approx(before, rel=2**-15, abs=1e-38)


@given(st.binary(max_size=200))
def test_bytes_of_somebody_else_are_refused_not_believed(data: bytes) -> None:
    for unpack in (unpack_check, unpack_block):
        try:
            unpack(data)
        except ValueError:
            continue


@given(st.floats())
def test_what_can_be_kept_fits_a_float_of_four_bytes(value: float) -> None:
    if can_be_kept(value):
        struct.pack("<f", value)


moments = st.floats(1.7e9, 1.7e9 + 5 * 86400)


@given(st.lists(st.tuples(moments, checks), max_size=30))
def test_hours_hold_every_reading_between_their_low_and_high(all_checks: list[tuple[float, dict[int, float]]]) -> None:
    days = by_hour(all_checks)
    for at, readings in all_checks:
        block = days.get(int(at // 86400), {})
        for number, value in readings.items():
            one = block[number, int(at % 86400 // 3600)]
            assert one.low <= value <= one.high
            assert one.low <= one.middle <= one.high
    assert sum(one.count for block in days.values() for one in block.values()) == sum(len(r) for _, r in all_checks)


@given(blocks, blocks)
def test_merging_loses_no_check(one: Block, other: Block) -> None:
    both = merged(one, other)
    for key in one.keys() | other.keys():
        parts = [block[key] for block in (one, other) if key in block]
        assert both[key].count == sum(part.count for part in parts)
        assert both[key].low == min(part.low for part in parts)
        assert both[key].high == max(part.high for part in parts)
        assert both[key].low <= both[key].middle <= both[key].high


def test_a_day_has_the_median_of_its_hours() -> None:
    hours = {(3, hour): Sum(hour - 1.0, float(hour), hour + 1.0, 12) for hour in range(24)}
    assert by_day(hours) == {3: Sum(-1.0, 11.5, 24.0, 288)}
    assert median([5.0, 1.0, 3.0]) == 3.0
