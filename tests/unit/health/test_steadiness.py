"""Levels that do not flutter, looks that are spread, and who is not asked again."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import (
    AuthError,
    Code,
    ConfigError,
    ConnectError,
    FairleadError,
    HostKeyError,
    LinkLost,
    SessionError,
)
from backend.health.deep.values import Level
from backend.health.monitor.schedule import CAP, FLOOR, JITTER, may_look_again, next_wait, wait_after_failures
from backend.health.monitor.steadiness import DOWN_AFTER, UP_AFTER, Reach, SteadyLevel

OK, WARN, CRITICAL, UNKNOWN = Level.OK, Level.WARN, Level.CRITICAL, Level.UNKNOWN
levels = st.sampled_from(list(Level))


def told(looks: list[Level]) -> list[tuple[Level, Level]]:
    steady = SteadyLevel()
    return [change for look in looks if (change := steady.look(look)) is not None]


@pytest.mark.parametrize(
    ("looks", "changes"),
    [
        ([OK, OK, OK], []),
        ([WARN], [(UNKNOWN, WARN)]),
        ([OK, WARN, OK, OK], []),
        ([OK, WARN, WARN], [(OK, WARN)]),
        ([OK, WARN, OK, WARN], [(OK, WARN)]),
        ([OK, OK, CRITICAL, WARN], [(OK, WARN)]),
        ([WARN, OK, WARN, OK, WARN], [(UNKNOWN, WARN)]),
        ([WARN, OK, OK], [(UNKNOWN, WARN), (WARN, OK)]),
        ([CRITICAL, WARN, OK], [(UNKNOWN, CRITICAL), (CRITICAL, WARN)]),
        ([OK, UNKNOWN, UNKNOWN, OK, OK], [(OK, UNKNOWN), (UNKNOWN, OK)]),
    ],
)
def test_a_level_changes_when_looks_agree(looks: list[Level], changes: list[tuple[Level, Level]]) -> None:
    assert told(looks) == changes


@given(st.lists(levels, min_size=1, max_size=60))
def test_changes_chain_and_every_level_told_was_seen_twice(looks: list[Level]) -> None:
    changes = told(looks)
    for before, after in itertools.pairwise(changes):
        assert before[1] is after[0]
    for _, new in changes[1:]:
        assert looks.count(new) >= 1
    assert all(old is not new for old, new in changes)


@given(st.lists(st.sampled_from([OK, WARN]), max_size=100).map(lambda looks: [OK, OK, OK, *looks]))
def test_it_changes_at_most_every_second_look(looks: list[Level]) -> None:
    assert len(told(looks)) <= len(looks) // 2


def test_a_host_is_down_after_three_misses_and_up_after_two_looks() -> None:
    reach = Reach()
    assert [reach.missed() for _ in range(DOWN_AFTER + 1)] == [False, False, True, False]
    assert [reach.reached(), reach.missed(), reach.reached(), reach.reached()] == [False, False, False, True]
    assert UP_AFTER == 2


@given(st.floats(10, 86400), st.integers(0, 500), st.integers())
def test_waits_are_spread_and_bounded(interval: float, failures: int, seed: int) -> None:
    chance = Random(seed)
    assert (1 - JITTER) * interval <= next_wait(interval, chance) <= (1 + JITTER) * interval
    wait = wait_after_failures(failures, interval, chance)
    assert FLOOR <= wait <= max(CAP, FLOOR)


def test_waits_grow_with_failures() -> None:
    means = [sum(wait_after_failures(n, 60.0, Random(seed)) for seed in range(300)) / 300 for n in range(6)]
    assert means == sorted(means)
    assert means[5] > 10 * means[0]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectError(Code.TCP_TIMEOUT), True),
        (ConnectError(Code.NAME_NOT_FOUND), True),
        (LinkLost(Code.KEEPALIVE_LOST), True),
        (SessionError(Code.NO_ANSWER), True),
        (AuthError(Code.LOGIN_HELD_BACK), True),
        (AuthError(Code.AUTH_DENIED), False),
        (AuthError(Code.AUTH_TOO_MANY), False),
        (FairleadError(Code.NEEDS_PERSON), False),
        (HostKeyError(Code.HOST_KEY_CHANGED), False),
        (HostKeyError(Code.HOST_KEY_UNKNOWN), False),
        (SessionError(Code.SESSION_REFUSED), False),
        (ConfigError(Code.CONFIG_INVALID), False),
    ],
)
def test_who_is_asked_again_by_itself(error: FairleadError, again: bool) -> None:
    assert may_look_again(error) is again
