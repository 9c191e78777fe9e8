"""The retry schedule: full jitter under a doubling ceiling, and what is repeated at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalogue import CATALOGUE, Category, Code
from backend.connection.retry import BASE, CAP, SLEPT, SleepWatch, ceiling, delay, may_repeat
from backend.errors import FairleadError


@given(failures=st.integers(0, 10_000), seed=st.integers())
def test_a_wait_lies_between_zero_and_its_ceiling(failures: int, seed: int) -> None:
    assert 0 <= delay(failures, Random(seed)) <= ceiling(failures) <= CAP


@given(failures=st.integers(0, 10_000))
def test_the_ceiling_never_falls(failures: int) -> None:
    assert ceiling(failures) <= ceiling(failures + 1)


def test_the_ceiling_doubles_from_the_base_to_the_cap() -> None:
    assert [ceiling(failures) for failures in range(8)] == [BASE, 2, 4, 8, 16, 32, CAP, CAP]


def test_many_clients_are_spread_over_the_whole_wait() -> None:
    chance = Random(7)
    waits = [delay(5, chance) for _ in range(1000)]
    for quarter in range(4):
        assert 200 < sum(quarter * 8 <= wait < (quarter + 1) * 8 for wait in waits) < 300


def test_the_same_chance_gives_the_same_waits() -> None:
    assert [delay(n, Random(1)) for n in range(5)] == [delay(n, Random(1)) for n in range(5)]


@pytest.mark.parametrize("code", Code)
def test_nothing_about_logins_host_keys_or_configuration_is_repeated(code: Code) -> None:
    if CATALOGUE[code].category in {Category.AUTH, Category.HOST_KEY, Category.CONFIG, Category.SESSION}:
        assert not may_repeat(FairleadError(code))


@pytest.mark.parametrize("code", [Code.TCP_REFUSED, Code.TCP_TIMEOUT, Code.NAME_NOT_FOUND, Code.CONNECTION_LOST])
def test_the_network_coming_back_is_waited_for(code: Code) -> None:
    assert may_repeat(FairleadError(code))


def test_a_server_that_speaks_another_protocol_is_not_waited_for() -> None:
    assert not may_repeat(FairleadError(Code.BANNER_NOT_SSH))
    assert not may_repeat(FairleadError(Code.KEX_NO_MATCH))


class Clocks:
    """A wall clock and a monotonic one that are moved apart."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 1, 1, tzinfo=UTC)
        self.steady = 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    def live(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.steady += seconds


def test_time_that_passes_as_expected_is_no_sleep() -> None:
    clocks = Clocks()
    watch = SleepWatch(clocks)
    for _ in range(100):
        clocks.live(2)
        assert not watch.slept(2)


def test_a_wall_clock_that_ran_ahead_is_a_sleep_and_is_told_once() -> None:
    clocks = Clocks()
    watch = SleepWatch(clocks)
    clocks.wall += timedelta(hours=1)
    assert watch.slept()
    assert not watch.slept()


def test_a_wait_that_took_far_too_long_is_a_sleep() -> None:
    clocks = Clocks()
    watch = SleepWatch(clocks)
    clocks.live(2 + SLEPT + 1)
    assert watch.slept(2)


def test_a_wall_clock_that_is_set_back_is_no_sleep() -> None:
    clocks = Clocks()
    watch = SleepWatch(clocks)
    clocks.wall -= timedelta(hours=1)
    clocks.live(2)
    assert not watch.slept(2)
