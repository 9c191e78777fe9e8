"""Certificates that end: a date is known, and how near it is decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from backend.health.deep.values import Level
from backend.health.trends.expiry import expiry
from tests.unit.health.trends.series import DAY, HOUR, START


@pytest.mark.parametrize(
    ("days", "level"),
    [(31, None), (29, Level.OK), (13, Level.WARN), (2, Level.CRITICAL), (-1, Level.CRITICAL)],
)
def test_the_nearer_the_worse(days: float, level: Level | None) -> None:
    trend = expiry("certificate", "the host certificate", START + days * DAY, now=START)
    assert (trend and trend.level) == level


def test_the_date_is_known() -> None:
    trend = expiry("certificate", "the host certificate", START + 20 * DAY, now=START)
    assert trend is not None
    assert trend.sentence.startswith("the host certificate ends on ")
    assert trend.sentence.endswith(", in 20 days")
    assert trend.uncertainty == timedelta(0)
    assert trend.confidence == 1.0


def test_what_has_ended_is_said_so() -> None:
    trend = expiry("certificate", "the host certificate", START - 5 * HOUR, now=START)
    assert trend is not None
    assert trend.sentence.startswith("the host certificate ended on ")
    assert trend.sentence.endswith(", 5 hours ago")


@pytest.mark.parametrize(("hours", "told"), [(10, False), (3, True)])
def test_one_that_is_renewed_every_day_is_told_late_in_its_life(hours: float, told: bool) -> None:
    ends = START + hours * HOUR
    trend = expiry("certificate", "your certificate", ends, now=START, begins=ends - 16 * HOUR)
    assert (trend is not None) is told
