"""The health of connections over restarts and processes: nothing lost, nothing blocked, nothing counted twice."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from backend.connection.session import LatencyMeasured
from backend.connection.state import SessionChanged, SessionState
from backend.errors import Code, ConnectError, FairleadError, LinkLost
from backend.events import EventBus
from backend.health import records
from backend.health.changes import HealthChanged
from backend.health.keeper import BATCH, HealthKeeper, Past
from backend.health.reading import load
from backend.health.records import HOURS_KEPT, RAW_HOURS
from backend.health.tally import Addition
from backend.health.values import SshHealth
from backend.store import Store
from mocks.clock import VirtualClock
from tests.support.waiting import until

S = SessionState


class Bench:
    """A keeper over a real state file, and what happens to its host."""

    def __init__(self, path: Path, clock: VirtualClock | None = None, past: Past | None = None) -> None:
        self.clock = clock or VirtualClock(automatic=False)
        self.bus = EventBus()
        self.store = Store(path)
        self.keeper = HealthKeeper(bus=self.bus, store=self.store, clock=self.clock, past=past)
        self.changed: list[str] = []
        self.bus.subscribe(HealthChanged, lambda event: self.changed.append(event.host))

    def change(self, old: SessionState, new: SessionState, error: FairleadError | None = None) -> None:
        self.bus.publish(SessionChanged("web-1", old, new, "", self.clock.now(), error))

    def connects(self) -> None:
        self.change(S.AUTHENTICATING, S.READY)

    def fails(self, code: Code = Code.TCP_REFUSED) -> None:
        self.change(S.CONNECTING, S.FAILED, ConnectError(code))

    async def close(self) -> None:
        await self.keeper.close()
        await self.store.close()


@asynccontextmanager
async def bench(path: Path, clock: VirtualClock | None = None, past: Past | None = None) -> AsyncIterator[Bench]:
    made = Bench(path, clock, past)
    try:
        yield made
    finally:
        await made.close()


async def read(path: Path, host: str = "web-1") -> SshHealth:
    async with bench(path) as made:
        return await made.keeper.of(host)


async def test_what_was_seen_is_there_after_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path / "a.db") as made:
        made.fails()
        made.connects()
        made.bus.publish(LatencyMeasured("web-1", 0.012))
        await made.clock.advance(90)
        made.change(S.READY, S.RECONNECTING, LinkLost(Code.KEEPALIVE_LOST))
        made.connects()
    found = await read(tmp_path / "a.db")
    assert (found.successes, found.failures, found.losses, found.reconnects) == (2, 1, 1, 1)
    assert (found.connected_seconds, found.latency) == (90, 0.012)
    assert found.last_failure is not None
    assert found.last_failure.code == "KEEPALIVE_LOST"
    assert [(kind.code, kind.count) for kind in found.kinds] == [("KEEPALIVE_LOST", 1), ("TCP_REFUSED", 1)]
    assert found.success_rate == pytest.approx(2 / 3)


async def test_a_host_that_was_never_reached_is_not_healthy_from_its_first_failure_on(tmp_path: Path) -> None:
    async with bench(tmp_path / "a.db") as made:
        assert (await made.keeper.of("web-1")).to_json()["healthy"] is None
        made.fails()
        found = await made.keeper.of("web-1")
        assert (found.healthy, found.state) == (False, "never reached, 1 failed in a row")


async def test_three_failures_in_a_row_are_unhealthy_and_one_success_mends_it(tmp_path: Path) -> None:
    async with bench(tmp_path / "a.db") as made:
        made.connects()
        for expected in (True, True, False):
            made.fails()
            assert (await made.keeper.of("web-1")).healthy is expected
        made.connects()
        assert (await made.keeper.of("web-1")).healthy


async def test_a_streak_goes_on_over_a_restart(tmp_path: Path) -> None:
    for _ in range(3):
        async with bench(tmp_path / "a.db") as made:
            made.fails()
    assert (await read(tmp_path / "a.db")).consecutive_failures == 3


async def test_looking_at_a_connected_host_is_no_news_of_it(tmp_path: Path) -> None:
    """Who looks again whenever there is news would never come to rest."""
    async with bench(tmp_path / "a.db") as made:
        made.connects()
        await made.keeper.of("web-1")
        made.changed.clear()
        for _ in range(3):
            await made.clock.advance(5)
            await made.keeper.of("web-1")
        assert made.changed == []
        assert (await made.keeper.of("web-1")).connected_seconds == 15


async def test_a_host_that_nothing_is_known_of_says_so(tmp_path: Path) -> None:
    found = await read(tmp_path / "a.db", "nobody")
    assert (found.known, found.healthy, found.success_rate) == (False, True, None)


async def test_all_hosts_with_a_history_are_listed_by_name(tmp_path: Path) -> None:
    async with bench(tmp_path / "a.db") as made:
        for host in ("web-1", "db-2"):
            made.bus.publish(LatencyMeasured(host, 0.01))
        assert [one.host for one in await made.keeper.all()] == ["db-2", "web-1"]


async def test_nothing_is_written_where_nothing_happened(tmp_path: Path) -> None:
    async with bench(tmp_path / "state" / "a.db"):
        pass
    assert not (tmp_path / "state").exists()


async def test_an_outcome_is_written_at_once_and_told(tmp_path: Path) -> None:
    async with bench(tmp_path / "a.db") as made:
        made.connects()
        await until(lambda: made.changed == ["web-1"])
        assert (await read(tmp_path / "a.db")).successes == 1


async def test_round_trips_are_written_in_batches(tmp_path: Path) -> None:
    async with bench(tmp_path / "a.db") as made:
        for _ in range(BATCH - 1):
            made.bus.publish(LatencyMeasured("web-1", 0.01))
        await asyncio.sleep(0)
        assert not (tmp_path / "a.db").exists()
        made.bus.publish(LatencyMeasured("web-1", 0.01))
        await until(lambda: bool(made.changed))


async def test_old_round_trips_are_summed_up_by_the_hour_and_dropped_after_weeks(tmp_path: Path) -> None:
    clock = VirtualClock(automatic=False)
    async with bench(tmp_path / "a.db", clock) as made:
        for seconds in (0.010, 0.012, 0.050):
            made.bus.publish(LatencyMeasured("web-1", seconds))
        before = await made.keeper.of("web-1")
        await clock.advance((RAW_HOURS + 2) * 3600)
        made.bus.publish(LatencyMeasured("web-1", 0.020))
        after = await made.keeper.of("web-1")
    (hour, now) = after.hours
    assert (hour.count, hour.low, hour.middle, hour.high) == (3, 0.010, 0.012, 0.050)
    assert before.hours == (hour,)
    assert [one.seconds for one in after.recent] == [0.020]
    assert now.count == 1
    await clock.advance(timedelta(hours=HOURS_KEPT + 2).total_seconds())
    async with bench(tmp_path / "a.db", clock) as made:
        made.bus.publish(LatencyMeasured("web-1", 0.030))
        await made.keeper.of("web-1")
    async with bench(tmp_path / "a.db", clock) as made:
        assert hour not in (await made.keeper.of("web-1")).hours


async def test_failures_leave_the_success_rate_after_a_month(tmp_path: Path) -> None:
    clock = VirtualClock(automatic=False)
    async with bench(tmp_path / "a.db", clock) as made:
        made.fails()
        await made.keeper.of("web-1")
        await clock.advance(timedelta(days=31).total_seconds())
        made.connects()
        found = await made.keeper.of("web-1")
    assert (found.success_rate, found.kinds) == (1.0, ())
    assert (found.failures, found.successes) == (1, 1)


async def test_what_is_forgotten_is_gone_from_memory_and_file(tmp_path: Path) -> None:
    async with bench(tmp_path / "a.db") as made:
        made.connects()
        made.bus.publish(LatencyMeasured("db-2", 0.01))
        await made.keeper.forget("web-1")
    async with bench(tmp_path / "a.db") as made:
        assert [one.host for one in await made.keeper.all()] == ["db-2"]


async def test_an_unwritable_state_directory_stops_nothing_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        async with bench(tmp_path / "file" / "a.db") as made:
            made.connects()
            await until(lambda: made.keeper.trouble is not None)
            for _ in range(3):
                await made.clock.advance(100)
                made.fails()
                found = await made.keeper.of("web-1")
    assert (found.successes, found.failures, found.healthy) == (1, 3, False)
    assert len([record for record in caplog.records if "memory only" in record.message]) == 1


async def test_what_waited_is_written_once_the_directory_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    async with bench(tmp_path / "state" / "a.db") as made:
        made.connects()
        await until(lambda: made.keeper.trouble is not None)
        (tmp_path / "state").unlink()
        await made.clock.advance(100)
        made.fails()
        await until(lambda: made.changed == ["web-1"])
        assert made.keeper.trouble is None
    found = await read(tmp_path / "state" / "a.db")
    assert (found.successes, found.failures) == (1, 1)


async def test_somebody_who_gives_up_waiting_for_an_answer_counts_nothing_twice(tmp_path: Path) -> None:
    async with bench(tmp_path / "a.db") as made:
        made.connects()
        asking = asyncio.create_task(made.keeper.of("web-1"))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})
        assert (await made.keeper.of("web-1")).successes == 1


async def test_a_past_is_brought_in_where_there_is_none_and_only_there(tmp_path: Path) -> None:
    def past(connection: sqlite3.Connection, now: float) -> None:
        before = Addition()
        before.succeeded(now - 3600)
        records.add(connection, "web-1", before, now)

    for _ in range(2):
        async with bench(tmp_path / "a.db", past=past) as made:
            assert (await made.keeper.of("web-1")).successes == 1


WRITER = """
import asyncio, sys
from pathlib import Path
from backend.health import records
from backend.health.tally import Addition
from backend.store import Store

async def main():
    store = Store(Path(sys.argv[1]))
    for number in range(25):
        addition = Addition()
        addition.succeeded(1000.0 + number)
        addition.measured(1000.0 + number, 0.01)
        await store.run(lambda c: records.add(c, "web-1", addition, 2000.0))
    await store.close()

asyncio.run(main())
"""


async def test_several_processes_add_to_one_history(tmp_path: Path) -> None:
    path = tmp_path / "state" / "a.db"
    writers = [await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(path)) for _ in range(3)]
    assert [await writer.wait() for writer in writers] == [0, 0, 0]
    store = Store(path)
    found = await store.run(lambda connection: load(connection, "web-1", 2000.0))
    await store.close()
    assert (found.successes, found.window_successes, sum(hour.count for hour in found.hours)) == (75, 75, 75)
