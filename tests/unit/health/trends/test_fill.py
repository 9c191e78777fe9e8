"""Disks that fill: the date, how wide its error is, and that clean-ups, backups and spikes do not move it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backend.health.deep.values import Level
from backend.health.trends.fill import Vessel, fill
from backend.health.trends.values import Trend, TrendKind
from tests.unit.health.trends.series import DAY, HOUR, START, Disk, Points

ROOT = Vessel("disk./.used_ratio", "/")
RUNS = 60


def look(points: Points) -> Trend | None:
    return fill(ROOT, points, now=points[-1][0])


@pytest.mark.parametrize(
    ("disk", "within"),
    [
        pytest.param(Disk(), 1.0, id="linear"),
        pytest.param(Disk(start=0.72, noise=0.01), 2.0, id="noisy"),
        pytest.param(Disk(rough=0.003), 2.0, id="rough"),
        pytest.param(Disk(once=0.15), 2.0, id="cleaned once"),
        pytest.param(Disk(spike=0.4), 1.0, id="spike"),
        pytest.param(Disk(backup=(0.15, 1)), 1.0, id="nightly backup"),
        pytest.param(Disk(grows=0.03, cleaned=(0.02, 1)), 2.0, id="rotated daily, and yet growing"),
        pytest.param(Disk(start=0.7, grows=0.0, flood=(0.1, 18)), 0.5, id="flooded since yesterday"),
    ],
)
def test_a_filling_disk_has_its_date_and_an_honest_error(disk: Disk, within: float) -> None:
    """Of 60 disks at least 95 % are told, half of the dates are right to `within` days, and the error holds 80 %.

    The reason of the bounds: the error is made to hold the true date nine times in ten; among 60 runs a rate of 90 %
    falls below 80 % once in a hundred. `within` is what the noise leaves: growth of 1 % a day with a deviation of 0.3 %
    strays by 1.3 % in 20 days, that is 1.3 days; a log that is rotated daily meets the limit at a peak, which may be
    one later; a clean-up leaves half of the time to know the slope by; what flooded yesterday is known from 30 hours,
    and its end is two days away.
    """
    told, held, errors = 0, 0, []
    for seed in range(RUNS):
        points, truth = disk.points(seed)
        trend = look(points)
        if trend is None or trend.eta is None or trend.uncertainty is None:
            continue
        assert truth is not None
        told += 1
        error = abs(trend.eta.timestamp() - truth)
        errors.append(error / DAY)
        held += error <= trend.uncertainty.total_seconds()
    middle = sorted(errors)[len(errors) // 2]
    print(f"{disk}: told {told} of {RUNS}, {held / told:.0%} within their error, half within {middle:.2f} days")
    assert told >= 0.95 * RUNS
    assert held >= 0.80 * told
    assert middle <= within


@pytest.mark.parametrize(
    "disk",
    [
        pytest.param(Disk(grows=0.0), id="still"),
        pytest.param(Disk(grows=0.0, noise=0.004, hang=0.9), id="hanging noise"),
        pytest.param(Disk(grows=0.0, rough=0.01), id="random walk"),
        pytest.param(Disk(grows=0.0, backup=(0.15, 1)), id="nightly backup"),
        pytest.param(Disk(grows=0.0, backup=(0.15, 4)), id="long nightly backup"),
        pytest.param(Disk(grows=0.0, step=0.15), id="something installed"),
        pytest.param(Disk(start=0.6, grows=0.02, cleaned=(0.02, 1)), id="rotated daily"),
        pytest.param(Disk(start=0.6, grows=0.01, cleaned=(0.07, 7)), id="cleaned weekly"),
        pytest.param(Disk(start=0.5, grows=0.005), id="more than 30 days away"),
    ],
)
def test_a_disk_that_does_not_fill_soon_is_not_told(disk: Disk) -> None:
    """At most 1 of 40 is told, each looked at on four days (a random walk: 4).

    The reason of the bound: a series without a trend passes Mann-Kendall once in a thousand looks and the test of gains
    once in a hundred, and must also come to its limit within 30 days and five times the time that was seen, which next
    to none does. A random walk passes the first easily, so that the second decides, and it does stray.
    """
    false = 0
    for seed in range(40):
        points, _ = disk.points(seed)
        false += any(look(points[: day * 24 + 9]) for day in (10, 13, 16, 19))
    print(f"{disk}: {false} of 40 are told without a cause")
    assert false <= (4 if disk.rough else 1)


def test_a_flood_is_seen_within_a_day() -> None:
    """Half of 20 disks that fill by 10 % a day from one day on are told within a day.

    The reason of the bound: the last sixteenth of eighteen days is 27 hours, and most of it must rise to be believed.
    """
    delays = []
    for seed in range(20):
        points, _ = Disk(start=0.6, grows=0.0, flood=(0.1, 18)).points(seed, days=21)
        hours = range(18 * 24 + 2, len(points), 2)
        delays.append(next((hour - 18 * 24 for hour in hours if look(points[:hour])), 999))
    delays.sort()
    print(f"a flood is told after {delays[10]} hours (median), at the latest after {delays[-1]}")
    assert delays[10] <= 24


def test_the_clean_up_that_did_not_come_is_told() -> None:
    """A disk that was cleaned every week, and is not any more, is told before it is full."""
    points, _ = Disk(start=0.80, grows=0.012, cleaned=(0.084, 7)).points(1, days=24)
    last = max(hour for hour in range(len(points) - 24) if points[hour][1] - points[hour + 24][1] > 0.05)
    missed = points[: last + 30]
    while missed[-1][1] < 0.995:
        at, value = missed[-1]
        missed.append((at + HOUR, value + 0.012 / 24))
    told = [hour for hour in range(last + 30, len(missed), 4) if look(missed[:hour])]
    assert told
    assert missed[told[0]][1] < 0.97
    assert "overdue" in " ".join(look(missed[: told[-1]]).reasons)  # type: ignore[union-attr]


def test_the_sentence_has_the_date_the_error_and_the_pace() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
    points = [(now - 9 * DAY + hour * HOUR, 0.70 + 0.02 * hour / 24) for hour in range(9 * 24 + 1)]
    trend = fill(replace(ROOT, size=60e9), points, now=now)
    assert trend is not None
    assert trend.kind is TrendKind.FILL
    assert trend.sentence == "/ is full on 30 Nov (±66 minutes): it grew by 1.2 GB a day over the last 9 days"
    assert trend.short == "/ full on 30 Nov (±66 minutes)"
    assert trend.eta == datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert trend.level is Level.WARN
    assert trend.reasons[0] == "It is at 88 % of its limit now."
    assert "It has not fallen in all that time." in trend.reasons


def test_the_level_is_worse_the_nearer_it_is() -> None:
    levels = []
    for left in (0.02, 0.1, 0.25):
        points, _ = Disk(start=1 - left - 0.2, grows=0.01).points(1)
        trend = look(points)
        assert trend is not None
        levels.append(trend.level)
    assert levels == [Level.CRITICAL, Level.WARN, Level.OK]


def test_other_things_fill_as_well() -> None:
    inodes = Vessel("inodes./.used_ratio", "/", full="has no inodes left", short="out of inodes", grew="their use grew")
    points, _ = Disk().points(1)
    trend = fill(inodes, points, now=START + 20 * DAY)
    assert trend is not None
    assert trend.sentence.startswith("/ has no inodes left on ")
    assert "their use grew by 1 % a day" in trend.sentence


def test_a_full_disk_is_full_now() -> None:
    points, _ = Disk(start=0.9).points(1)
    full = [(at, min(1.0, value)) for at, value in points]
    trend = look([point for point in full if point[0] <= START + 10 * DAY])
    assert trend is None or trend.eta is not None
