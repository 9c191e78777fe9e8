"""The demo's hosts answer the deep check, and their past leads to where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.health.deep.values import Level
from tests.support.demo import open_demo

DAY = 86400.0


async def test_the_past_is_there_from_the_start_and_leads_to_now(tmp_path: Path) -> None:
    async with open_demo(tmp_path) as demo:
        history, now = demo.services.metric_history, demo.clock.now().timestamp()
        assert len(await history.hosts()) == 7
        for host, name in (
            ("web-1", "disk./.used_ratio"),
            ("gpu-7", "disk./data.used_ratio"),
            ("db-2", "memory.available_ratio"),
        ):
            past = await history.series(host, name, 0)
            assert past[-1].at - past[0].at > 27 * DAY
            check = await demo.services.deep_checks.check(host)
            reading = check.reading(name)
            assert reading is not None
            assert reading.value == pytest.approx(past[-1].middle, abs=0.03)
        disk = await history.series("web-1", "disk./.used_ratio", now - 7 * DAY)
        assert disk[-1].middle - disk[0].middle == pytest.approx(7 * 0.0085, abs=0.01)


@pytest.mark.parametrize(
    ("host", "name", "level"),
    [
        ("db-2", "units.failed", Level.WARN),
        ("db-2", "disk./.used_ratio", Level.WARN),
        ("gpu-7", "disk./data.used_ratio", Level.WARN),
        ("bastion", "memory.available_ratio", Level.OK),
    ],
)
async def test_some_hosts_are_not_well(host: str, name: str, level: Level, tmp_path: Path) -> None:
    async with open_demo(tmp_path) as demo:
        check = await demo.services.deep_checks.check(host)
    reading = check.reading(name)
    assert reading is not None
    assert reading.level is level
    assert check.problems == ()
