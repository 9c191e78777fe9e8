"""Blocks in any order come out in order; acknowledgements in any order make one honest mark."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.files.assembler import Acknowledged, InOrder

blocks = st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=30)


def with_offsets(parts: list[bytes], start: int = 0) -> list[tuple[int, bytes]]:
    placed = []
    for part in parts:
        placed.append((start, part))
        start += len(part)
    return placed


@given(blocks, st.randoms(use_true_random=False), st.integers(1, 64), st.integers(0, 1000))
def test_whatever_the_order_of_arrival_the_content_comes_out_whole(
    parts: list[bytes], chance: random.Random, most: int, start: int
) -> None:
    arriving = with_offsets(parts, start)
    chance.shuffle(arriving)
    assembler = InOrder(start)
    out = []
    for offset, data in arriving:
        assembler.add(offset, data)
        while taken := assembler.take(most):
            assert sum(map(len, taken)) <= max(most, len(taken[0]))
            out += taken
        assert assembler.position == start + sum(map(len, out))
    assert b"".join(out) == b"".join(parts)
    assert assembler.held == 0


@given(blocks, st.randoms(use_true_random=False))
def test_nothing_is_given_out_before_what_precedes_it(parts: list[bytes], chance: random.Random) -> None:
    arriving = with_offsets(parts)[1:]
    chance.shuffle(arriving)
    assembler = InOrder()
    for offset, data in arriving:
        assembler.add(offset, data)
    assert assembler.take(1 << 20) == []
    assert assembler.held == sum(len(data) for _, data in arriving)


def test_a_block_that_comes_twice_is_refused() -> None:
    assembler = InOrder()
    assembler.add(0, b"ab")
    assembler.take(10)
    for offset, data in ((0, b"ab"), (2, b"")):
        with pytest.raises(ValueError, match="there before"):
            assembler.add(offset, data)


@given(blocks, st.randoms(use_true_random=False), st.data())
def test_the_mark_is_the_end_of_the_first_stretch_without_a_gap(
    parts: list[bytes], chance: random.Random, data: st.DataObject
) -> None:
    placed = with_offsets(parts)
    arrived = data.draw(st.lists(st.sampled_from(range(len(placed))), unique=True))
    acknowledged = Acknowledged()
    for index in arrived:
        acknowledged.add(placed[index][0], len(placed[index][1]))
    expected = 0
    for index, (offset, part) in enumerate(placed):
        if index not in arrived:
            break
        expected = offset + len(part)
    assert acknowledged.mark == expected
