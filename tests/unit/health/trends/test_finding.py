"""Which trend is sought in which reading, and that the service reads what is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.health.deep.values import DeepCheck, Level, Reading
from backend.health.trends.failures import Tries
from backend.health.trends.finding import Known, find_trends, is_wanted, vessel_of
from backend.health.trends.values import TrendKind
from mocks.host import SimulatedHost
from tests.support.demo import open_demo
from tests.unit.health.trends.series import DAY, START, Disk, Memory, gaussian, latency

NOW = START + 20 * DAY


def a_check(*readings: Reading) -> DeepCheck:
    return DeepCheck("web-1", datetime.fromtimestamp(NOW, UTC), 0.1, readings)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("disk./srv.used_ratio", True),
        ("inodes./.used_ratio", True),
        ("latency", True),
        ("memory.available_ratio", True),
        ("conntrack.used_ratio", True),
        ("files.used_ratio", True),
        ("disk./.free_bytes", False),
        ("swap.used_ratio", False),
        ("load.5m", False),
        ("units.failed", False),
    ],
)
def test_trends_are_sought_in_what_can_fill_leak_or_slow_down(name: str, wanted: bool) -> None:
    assert is_wanted(name) is wanted
    of_its_own = name in ("latency", "memory.available_ratio")
    assert (vessel_of(name, None) is not None) is (wanted and not of_its_own)


def test_the_size_of_a_disk_is_known_from_what_is_free() -> None:
    used = Reading("disk./.used_ratio", 0.75, "ratio", Level.OK, "")
    check = a_check(used, Reading("disk./.free_bytes", 25e9, "bytes", Level.OK, ""))
    vessel = vessel_of("disk./.used_ratio", check)
    assert vessel is not None
    assert vessel.name == "/"
    assert vessel.size == 100e9
    unknown = vessel_of("disk./.used_ratio", None)
    assert unknown is not None
    assert unknown.size is None


def test_all_kinds_are_found_and_the_worst_comes_first() -> None:
    full, _ = Disk(start=0.78).points(1)
    soon, _ = Disk(start=0.7, grows=0.0, flood=(0.1, 18)).points(1)
    memory, _ = Memory(lost=0.03).points(1, days=18)
    trips = latency(gaussian, 1, 480, shift=5, shifted_at=450)
    tries = [Tries(START + day * DAY, int(day > 17) * 6, 12) for day in range(21)]
    ends = Reading("certificate.host.seconds_left", 10 * DAY, "seconds", Level.WARN, "")
    readings = {"disk./.used_ratio": full, "disk./srv.used_ratio": soon, "memory.available_ratio": memory}
    found = find_trends(Known(readings, trips, tries, a_check(ends)), now=NOW)
    assert {one.kind for one in found} == set(TrendKind)
    assert {one.metric for one in found[:2]} == {"disk./srv.used_ratio", "memory.available_ratio"}
    assert [one.level for one in found] == sorted(
        (one.level for one in found), key=[Level.CRITICAL, Level.WARN, Level.OK].index
    )


def test_round_trips_are_taken_from_where_there_are_more() -> None:
    shifted = latency(gaussian, 1, 480, shift=5, shifted_at=450)
    still = latency(gaussian, 1, 400)
    assert find_trends(Known({"latency": shifted}, still), now=NOW)
    assert not find_trends(Known({"latency": shifted[:200]}, still), now=NOW)


@pytest.mark.parametrize(
    ("level", "days", "told"), [(Level.OK, 0.3, False), (Level.WARN, 0.1, True), (Level.OK, 20, True)]
)
def test_a_certificate_that_is_made_for_a_day_is_judged_by_its_life(level: Level, days: float, told: bool) -> None:
    ends = Reading("certificate.user.seconds_left", days * DAY, "seconds", level, "")
    assert bool(find_trends(Known(check=a_check(ends)), now=NOW)) is told


def test_nothing_known_leads_to_nothing() -> None:
    assert find_trends(Known(), now=NOW) == ()


async def test_the_service_reads_histories_connections_and_checks(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as demo:
        trends = demo.services.trends
        (full,) = await trends.of("web-1")
        assert full.metric == "disk./.used_ratio"
        assert "% a day" in full.sentence, "the size of the disk is not known before the first look"
        assert full.eta is not None
        truth = demo.clock.now() + timedelta(days=(1 - _used(demo.world["web-1"])) / 0.0085)
        assert abs(full.eta - truth) < timedelta(days=1)
        assert await trends.of("bastion") == ()
        assert await trends.of("never-heard-of") == ()


def _used(host: SimulatedHost) -> float:
    space = host.tree.space()
    return float(1 - space.free / space.total)
