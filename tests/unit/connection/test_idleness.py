"""Connections that nobody uses are closed where that is asked for, and not made over and over for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.idleness import BULK_IDLE, ENDS, SILENT_END, IdleEnds, Use, idle_limit
from backend.connection.state import SessionState
from backend.connection.target import Keepalive
from backend.errors import Code, LinkLost
from backend.settings import HostSettings, Settings
from mocks.clock import VirtualClock
from tests.support.waiting import no_tasks_left, until
from tests.unit.connection.test_session import Bench

S = SessionState
LIMITED = Settings(hosts={"web-1": HostSettings(address="192.0.2.7", idle_close=600)})


def silent_end() -> LinkLost:
    return LinkLost(Code.CONNECTION_LOST, evidence={"reason": SILENT_END})


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench(LIMITED)
    async with no_tasks_left():
        yield made
        await made.sessions.close()


@given(st.floats(1.0, 86_400.0), st.lists(st.floats(0.9, 1.0), min_size=ENDS, max_size=ENDS))
def test_links_that_end_after_the_same_time_show_the_servers_limit(limit: float, shares: list[float]) -> None:
    quiet = [max(1.0, limit * share) for share in shares]
    told = idle_limit(quiet)
    assert told is not None
    assert min(quiet) - 0.01 <= told <= max(quiet) + 0.01


@pytest.mark.parametrize("quiet", [[], [60.0, 60.0], [60.0, 60.0, 200.0], [0.1, 0.1, 0.1], [0.0, 60.0, 60.0]])
def test_few_ends_ends_after_different_times_and_quick_ones_show_nothing(quiet: list[float]) -> None:
    assert idle_limit(quiet) is None


def test_an_end_in_use_and_an_end_of_another_kind_begin_the_count_anew() -> None:
    for between in ((silent_end(), 0.0), (LinkLost(Code.KEEPALIVE_LOST), 60.0)):
        ends = IdleEnds()
        for reason, quiet in [(silent_end(), 60.0), (silent_end(), 60.0), between, (silent_end(), 60.0)]:
            assert ends.judged(reason, quiet=quiet) is reason


async def test_what_is_held_is_not_quiet_however_long_it_lasts() -> None:
    clock = VirtualClock(automatic=False)
    use = Use(clock)
    let_go = use.hold()
    await clock.advance(1000)
    assert use.quiet == 0.0
    let_go()
    await clock.advance(7)
    assert use.quiet == pytest.approx(7)


async def _unused_for(bench: Bench, seconds: float) -> None:
    """The live link is closed by the server after so many seconds."""
    await bench.reaches(S.READY)
    link = bench.session._link
    await bench.clock.advance(seconds)
    link.lose(silent_end())  # type: ignore[union-attr]
    await until(lambda: bench.session.state is not S.READY)


async def _restored(bench: Bench) -> None:
    await bench.reaches(S.RECONNECTING)
    await bench.clock.advance(60)
    (await bench.attempt()).succeed()


async def test_a_server_that_closes_what_is_not_used_is_left_alone_until_something_is_asked() -> None:
    bench = Bench()
    await bench.connected()
    for _ in range(ENDS - 1):
        await _unused_for(bench, 120)
        await _restored(bench)
    await _unused_for(bench, 120)
    assert bench.session.state is S.EXPIRED
    assert bench.error is not None
    assert bench.error.message == "web-1 ended the session: it closes idle connections after about 120 s"
    asked = asyncio.create_task(bench.session.link())
    link = (await bench.attempt()).succeed()
    assert await asked is link
    await _unused_for(bench, 120)
    assert bench.session.state is S.EXPIRED, "the habit is known by now"
    await bench.sessions.close()


async def test_what_somebody_needs_is_restored_however_often_the_server_closes_it() -> None:
    bench = Bench()
    await bench.connected()
    let_go = bench.session.use.hold()
    for _ in range(2 * ENDS):
        await _unused_for(bench, 120)
        await _restored(bench)
    await bench.reaches(S.READY)
    let_go()
    await bench.sessions.close()


async def test_a_host_is_disconnected_when_it_was_not_used_for_as_long_as_its_entry_says(bench: Bench) -> None:
    link = await bench.connected()
    await bench.clock.advance(599)
    assert await bench.session.link() is link
    await bench.clock.advance(599)
    assert bench.session.state is S.READY
    await bench.clock.advance(Keepalive().interval + 1)
    await bench.reaches(S.CLOSED)
    assert bench.session.last_change is not None
    assert bench.session.last_change.reason == "not used for 600 s"
    assert link.was_closed


async def test_what_is_open_on_the_link_is_use_and_the_shared_file_channel_alone_is_none(bench: Bench) -> None:
    link = await bench.connected()
    await bench.session.files()
    link.carries = 2
    await bench.clock.advance(3000)
    assert bench.session.state is S.READY
    link.carries = 1
    await bench.clock.advance(700)
    await bench.reaches(S.CLOSED)


async def test_without_a_word_in_its_entry_a_host_stays_connected() -> None:
    bench = Bench()
    await bench.connected()
    await bench.clock.advance(100_000)
    assert bench.session.state is S.READY
    await bench.sessions.close()


async def test_the_second_connection_is_closed_when_nothing_was_copied_for_long() -> None:
    bench = Bench()
    first = await bench.connected()
    asked = asyncio.create_task(bench.session.bulk())
    second = (await bench.attempt()).succeed()
    await asked
    second.carries = 1
    await bench.clock.advance(3 * BULK_IDLE)
    assert not second.was_closed
    second.carries = 0
    await bench.clock.advance(BULK_IDLE + 2 * Keepalive().interval)
    await until(lambda: second.was_closed)
    assert not first.was_closed
    again = asyncio.create_task(bench.session.bulk())
    third = (await bench.attempt()).succeed()
    assert await again is third
    await bench.sessions.close()
