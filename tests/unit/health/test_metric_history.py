"""The history of readings: what was checked can be read, by the check, the hour and the day, by several processes."""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.errors import ConfigError
from backend.health.deep.values import DeepCheck, Level, Reading
from backend.health.history.service import MOST_WAITING, MetricHistory
from backend.health.history.values import DAY_DAYS, HOUR_DAYS, MOST_NAMES, RAW_HOURS, Change
from backend.store import Store
from mocks.clock import VirtualClock

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = 86400


class SetClock(VirtualClock):
    """A clock that is set by hand."""

    def set(self, seconds: float) -> None:
        self._elapsed = seconds


@pytest.fixture
def clock() -> SetClock:
    return SetClock(START)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "state" / "fairlead.db")
    yield store
    await store.close()


@pytest.fixture
def history(store: Store, clock: SetClock) -> MetricHistory:
    return MetricHistory(store=store, clock=clock)


def check(host: str, clock: SetClock, *readings: Reading, boot_id: str = "b1") -> DeepCheck:
    return DeepCheck(host, clock.now(), 0.2, readings, ("df gave up on /mnt/nfs",), boot_id, system="Linux 6.8")


async def test_what_is_kept_can_be_read_at_once(history: MetricHistory, clock: SetClock) -> None:
    full = Reading("disk./.used_ratio", 0.93, "ratio", Level.WARN, "/ is 93 % full.")
    silent = Reading("clock.offset", None, "seconds", Level.UNKNOWN, "The host does not tell the time.")
    told = check("web-1", clock, full, silent)
    history.keep(told)
    assert [round(one.middle, 4) for one in await history.series("web-1", "disk./.used_ratio", 0)] == [0.93]
    assert await history.names("web-1") == ("disk./.used_ratio",)
    assert await history.hosts() == ("web-1",)
    assert await history.last("web-1") == told
    assert await history.series("web-1", "clock.offset", 0) == ()
    assert await history.series("db-2", "load.1m", 0) == ()
    assert await history.last("db-2") is None


async def test_old_checks_become_hours_and_old_hours_days(history: MetricHistory, clock: SetClock) -> None:
    days, first = 40, START.timestamp()
    for number in range(days * 96):
        clock.set(number * 900.0)
        history.add("web-1", clock.now().timestamp(), {"load.1m": float(number % 4), "units.failed": 0.0})
        await history.flush()
    points = await history.series("web-1", "load.1m", 0)
    ages = [clock.now().timestamp() - one.at for one in points]
    raw = [one for one, age in zip(points, ages, strict=True) if age <= RAW_HOURS * 3600]
    assert len(raw) >= RAW_HOURS * 4
    assert all(one.count == 1 and one.low == one.middle == one.high for one in raw)
    hours = [one for one, age in zip(points, ages, strict=True) if one.count == 4]
    assert all((one.low, one.middle, one.high) == (0.0, 1.5, 3.0) for one in hours)
    assert (HOUR_DAYS - 2) * 24 <= len(hours) <= (HOUR_DAYS + 1) * 24
    by_day = [one for one in points if one.count == 96]
    assert [one.at - first for one in by_day] == [(day + 0.5) * DAY for day in range(len(by_day))]
    assert len(by_day) == days - HOUR_DAYS - 1
    assert sum(one.count for one in points) == days * 96
    assert [one.at for one in points] == sorted(one.at for one in points)


async def test_nothing_is_kept_for_ever(history: MetricHistory, clock: SetClock) -> None:
    history.add("web-1", clock.now().timestamp(), {"load.1m": 1.0})
    history.changed("web-1", Change(START.timestamp(), "load.1m", "ok", "warn", "busy"))
    await history.flush()
    for day in (HOUR_DAYS + 3, DAY_DAYS + 40):
        clock.set(day * DAY)
        history.add("web-1", clock.now().timestamp(), {"load.1m": 2.0})
        await history.flush()
    assert [one.middle for one in await history.series("web-1", "load.1m", 0)] == [2.0, 2.0]
    assert await history.changes("web-1", 0) == ()


async def test_two_processes_write_about_the_same_host(tmp_path: Path, clock: SetClock) -> None:
    stores = [Store(tmp_path / "state" / "fairlead.db") for _ in range(2)]
    both = [MetricHistory(store=store, clock=clock) for store in stores]
    for number in range(200):
        clock.set(number * 900.0)
        at = clock.now().timestamp()
        for place, history in enumerate(both):
            history.add("web-1", at + place, {"load.1m": float(place), f"only.{place}": 1.0})
            await history.flush()
    for history in both:
        assert sum(one.count for one in await history.series("web-1", "load.1m", 0)) == 400
        assert await history.names("web-1") == ("load.1m", "only.0", "only.1")
    for store in stores:
        await store.close()


async def test_a_host_that_invents_readings_is_bounded_and_told_of(
    history: MetricHistory, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        invented = {f"disk./{number}-{one}.used_ratio": 0.5 for one in range(100)}
        history.add("evil", clock.now().timestamp() + number, {"load.1m": 1.0, **invented})
        await history.flush()
    assert len(await history.names("evil")) == MOST_NAMES
    assert len(await history.series("evil", "load.1m", 0)) == 4
    assert history.dropped == 401 - MOST_NAMES
    assert "too many different ones" in caplog.text


async def test_a_reading_that_has_left_the_history_leaves_its_place_to_another(
    history: MetricHistory, clock: SetClock
) -> None:
    old = {f"disk./old-{one}.used_ratio": 0.5 for one in range(MOST_NAMES - 1)}
    history.add("web-1", clock.now().timestamp(), {"load.1m": 1.0, **old})
    await history.flush()
    clock.set(400 * DAY)
    history.add("web-1", clock.now().timestamp(), {"load.1m": 2.0, "disk./new.used_ratio": 0.5})
    await history.flush()
    assert "disk./new.used_ratio" not in await history.names("web-1"), "the old ones are still told of by the day"
    clock.set((DAY_DAYS + 40) * DAY)
    for value in (0.6, 0.7):  # places are given back by a look for what is old, which comes after a write
        history.add("web-1", clock.now().timestamp(), {"load.1m": 3.0, "disk./new.used_ratio": value})
        await history.flush()
    assert await history.names("web-1") == ("disk./new.used_ratio", "load.1m")
    assert [round(one.middle, 1) for one in await history.series("web-1", "disk./new.used_ratio", 0)] == [0.7]
    assert [one.middle for one in await history.series("web-1", "load.1m", 0)] == [2.0, 3.0]


async def test_changes_that_wait_are_bounded(history: MetricHistory, clock: SetClock) -> None:
    now = clock.now().timestamp()
    for number in range(MOST_WAITING + 3):
        history.changed("web-1", Change(now + number, "load.per_cpu", "ok", "warn", "Load."))
    told = await history.changes("web-1", 0)
    assert (told[0].at, len(told), history.dropped) == (now + 3, MOST_WAITING, 3)


async def test_values_that_are_no_numbers_are_left_out(history: MetricHistory, clock: SetClock) -> None:
    history.add("web-1", clock.now().timestamp(), {"a": math.nan, "b": math.inf, "c": 1e300, "d": -2.0})
    assert [one.middle for one in await history.series("web-1", "d", 0)] == [-2.0]
    assert await history.series("web-1", "a", 0) == ()
    assert history.dropped == 3


async def test_forgetting_leaves_nothing(history: MetricHistory, clock: SetClock) -> None:
    history.keep(check("web-1", clock, Reading("load.1m", 1.0, "", Level.OK, "calm")))
    history.changed("web-1", Change(START.timestamp(), "load.1m", "ok", "warn", "busy"))
    await history.forget("web-1")
    assert await history.names("web-1") == ()
    assert await history.last("web-1") is None
    assert await history.changes("web-1", 0) == ()


async def test_a_state_directory_that_cannot_be_written_is_said_and_nothing_is_lost(
    tmp_path: Path, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state" / "fairlead.db"
    path.parent.mkdir()
    path.write_text("this is no database, and it is longer than a header would be" * 20)
    store = Store(path)
    history = MetricHistory(store=store, clock=clock)
    history.add("web-1", clock.now().timestamp(), {"load.1m": 1.0})
    await history.flush()
    trouble = history.trouble
    assert trouble is not None
    assert caplog.text.count("in memory only") == 1
    with pytest.raises(ConfigError):
        await history.series("web-1", "load.1m", 0)
    path.unlink()
    clock.set(120.0)
    history.add("web-1", clock.now().timestamp(), {"load.1m": 2.0})
    assert [one.middle for one in await history.series("web-1", "load.1m", 0)] == [1.0, 2.0]
    assert trouble is not history.trouble
    await store.close()


async def test_damaged_rows_do_not_hide_the_others(history: MetricHistory, store: Store, clock: SetClock) -> None:
    history.add("web-1", clock.now().timestamp(), {"load.1m": 1.0})
    await history.flush()

    def damage(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO health_checks VALUES (1, ?, x'ff00')", (START.timestamp() + 1,))
        connection.execute("INSERT INTO health_blocks VALUES (1, 3600, 5, x'00')")

    await store.run(damage)
    assert [one.middle for one in await history.series("web-1", "load.1m", 0)] == [1.0]


async def test_a_host_costs_less_than_its_share_of_the_database(
    history: MetricHistory, store: Store, clock: SetClock
) -> None:
    """200 hosts for a month are to stay below 50 MB: 250 kB for a host with its last day of single checks and its 30
    days of hours. This is what 8 hosts with 34 readings, half of which never stand still, take in ten days; a host's
    hours of a day are what is left when its single checks are taken away."""
    chance = random.Random(5)
    hosts, days = 8, 10
    for number in range(days * 288):
        clock.set(number * 300.0)
        for host in range(hosts):
            noisy = {f"noisy.{one}": chance.uniform(0, 1) for one in range(17)}
            steady = {f"steady.{one}": float(one) for one in range(17)}
            history.add(f"host-{host}", clock.now().timestamp() + host, {**noisy, **steady})
        if number % 12 == 0:
            await history.flush()
            clock.set(clock.monotonic())
    await history.flush()
    sizes = await store.run(_sizes)
    checks, blocks = sizes["health_checks"] / hosts, sizes["health_blocks"] / hosts / (days - 1)
    assert checks + 30 * blocks < 250_000
    await store.run(lambda connection: connection.execute("PRAGMA optimize").fetchone())
    assert store.path.stat().st_size < hosts * 250_000


def _sizes(connection: sqlite3.Connection) -> dict[str, int]:
    """Bytes of rows with what SQLite needs around them, by table; a fifth more for pages that are not full."""
    told = {}
    for table, column in (("health_checks", "readings"), ("health_blocks", "sums")):
        count, length = connection.execute(f"SELECT count(*), sum(length({column})) FROM {table}").fetchone()
        told[table] = int((length + 24 * count) * 1.2)
    return told


def test_readings_and_checks_survive_json() -> None:
    one = DeepCheck(
        "web-1",
        START + timedelta(seconds=5),
        0.25,
        (Reading("gpu.0.temperature", None, "celsius", Level.UNKNOWN, "No GPU.", is_optional=True),),
        rebooted=True,
    )
    assert DeepCheck.from_json(one.to_json()) == one
    assert one.level is Level.UNKNOWN
