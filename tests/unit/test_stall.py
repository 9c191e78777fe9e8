"""A count that stands still is told from one that moves."""

from __future__ import annotations

from backend.stall import StallWatch


def test_the_first_look_is_the_beginning() -> None:
    assert StallWatch().look(7, 100.0) == 0.0


def test_the_time_counts_from_the_last_change() -> None:
    watch = StallWatch()
    watch.look(0, 0.0)
    watch.look(5, 3.0)
    assert watch.look(5, 10.0) == 7.0
    assert watch.look(6, 11.0) == 0.0


def test_a_count_that_falls_moves_too() -> None:
    watch = StallWatch()
    watch.look(9, 0.0)
    assert watch.look(0, 4.0) == 0.0
