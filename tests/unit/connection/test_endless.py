"""Listings that repeat themselves are told from long ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.connector import Attributes, Entry, FileKind
from backend.connection.endless import MOST_IDLE, ListingWatch

BLANK = Attributes(FileKind.FILE)


def entries(*numbers: int) -> list[Entry]:
    return [Entry(b"%d" % number, BLANK) for number in numbers]


@given(st.lists(st.lists(st.integers(), max_size=20), max_size=40))
def test_a_listing_that_tells_a_name_twice_at_most_is_none_of_it(batches: list[list[int]]) -> None:
    """As while files are renamed: readdir(3) may give such a name once more."""
    seen: dict[int, int] = {}
    watch = ListingWatch()
    for batch in batches:
        for number in batch:
            seen[number] = seen.get(number, 0) + 1
        if max(seen.values(), default=0) <= 2:
            assert watch.look(entries(*batch)) is None


@given(st.integers(1, 300), st.integers(0, 300), st.integers(1, 50))
def test_names_that_come_round_are_noticed_after_a_few_rounds(cycle: int, before: int, batch: int) -> None:
    watch, told = ListingWatch(), 0
    names = [number if number < before else before + number % cycle for number in range(12 * (before + cycle) + batch)]
    while watch.look(entries(*names[told : told + batch])) is None:
        told += batch
        assert told < len(names)


def test_answers_without_names_are_counted_in_a_row() -> None:
    watch = ListingWatch()
    for number in range(3):
        assert {watch.look([]) for _ in range(MOST_IDLE)} == {None}
        assert watch.look(entries(number)) is None
    assert {watch.look([]) for _ in range(MOST_IDLE)} == {None}
    assert "without an end" in (watch.look([]) or "")


def test_there_is_a_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.connection.endless.MOST_NAMES", 10)
    watch = ListingWatch()
    assert watch.look(entries(*range(10))) is None
    assert "more than 10 names" in (watch.look(entries(10)) or "")
