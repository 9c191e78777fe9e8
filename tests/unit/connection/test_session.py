"""Sessions: one connection for all who ask, kept alive, restored when lost, and honest about why it is not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import cast

import pytest

from backend.connection.connector import Phase
from backend.connection.interaction import Nobody
from backend.connection.retry import SlowLogin
from backend.connection.session import LatencyMeasured, PhaseSeen, Session
from backend.connection.sessions import Sessions
from backend.connection.state import SessionChanged, SessionState
from backend.connection.target import Keepalive, Target
from backend.connection.vault import Secret, Vault
from backend.errors import (
    AuthError,
    Code,
    ConfigError,
    ConnectError,
    FairleadError,
    HostKeyError,
    Interrupted,
    LinkLost,
    SessionError,
)
from backend.events import Event, EventBus
from backend.hosts.book import HostBook
from backend.settings import HostSettings, Settings
from mocks.clock import VirtualClock
from tests.support.links import Attempt, SteeredConnector, SteeredFiles, SteeredLink
from tests.support.waiting import no_tasks_left, until

S = SessionState
ENTRY = HostSettings(address="192.0.2.7", user="deploy")


class LongWaits(Random):
    """Chance that always picks the longest wait."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Person(Nobody):
    """Somebody who could be asked."""


@dataclass
class Bench:
    """Sessions over a connector that the test steers, on a clock that it moves."""

    settings: Settings = field(default_factory=lambda: Settings(hosts={"web-1": ENTRY}))
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(automatic=False))

    def __post_init__(self) -> None:
        self.connector = SteeredConnector()
        self.bus = EventBus()
        self.events: list[Event] = []
        self.bus.subscribe(Event, self.events.append)
        self.vault = Vault()
        self.sessions = Sessions(
            connector=self.connector,
            book=HostBook.of_entries(self.settings),
            interaction=Person(),
            bus=self.bus,
            clock=self.clock,
            vault=self.vault,
            chance=LongWaits(),
        )
        self.session: Session = self.sessions.get("web-1")

    async def attempt(self) -> Attempt:
        """The attempt that is waiting to be decided."""
        await until(lambda: bool(self.connector.waiting))
        return self.connector.waiting[0]

    async def connected(self) -> SteeredLink:
        asked = asyncio.create_task(self.session.link())
        link = (await self.attempt()).succeed()
        assert await asked is link
        return link

    async def reaches(self, state: SessionState) -> None:
        await until(lambda: self.session.state is state)

    @property
    def states(self) -> list[SessionState]:
        return [event.new for event in self.events if isinstance(event, SessionChanged)]

    @property
    def error(self) -> FairleadError | None:
        change = self.session.last_change
        return change.error if change is not None else None


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    async with no_tasks_left():
        yield made
        await made.sessions.close()


# --- connecting --------------------------------------------------------------------------------------------------


async def test_everybody_who_asks_at_once_shares_one_connection(bench: Bench) -> None:
    asked = [asyncio.create_task(bench.session.link()) for _ in range(5)]
    link = (await bench.attempt()).succeed()
    assert set(await asyncio.gather(*asked)) == {link}
    assert await bench.session.link() is link
    assert len(bench.connector.attempts) == 1
    assert bench.session.facts == link.facts


async def test_a_session_is_the_same_for_the_same_name(bench: Bench) -> None:
    assert bench.sessions.get("web-1") is bench.session
    assert bench.sessions.get("web-2") is not bench.session
    assert {session.host for session in bench.sessions.all()} == {"web-1", "web-2"}


async def test_an_idle_session_has_no_target_no_facts_and_no_history(bench: Bench) -> None:
    session = bench.session
    assert (session.state, session.target, session.facts, session.last_change) == (S.IDLE, None, None, None)
    session.retry_now()
    session.stop()
    await session.disconnect()
    assert bench.events == []


async def test_the_phases_of_every_hop_drive_the_state(bench: Bench) -> None:
    asked = asyncio.create_task(bench.session.link())
    attempt = await bench.attempt()
    for _ in ("the jump host", "the host itself"):
        for phase in Phase:
            attempt.enter(phase)
    attempt.succeed()
    await asked
    hop = [S.CONNECTING, S.VERIFYING, S.AUTHENTICATING]
    assert bench.states == [S.RESOLVING, *hop, *hop, S.READY]
    assert len([event for event in bench.events if isinstance(event, PhaseSeen)]) == 2 * len(Phase)


async def test_a_hop_that_is_connected_anew_after_its_key_was_accepted_goes_back_to_connecting(bench: Bench) -> None:
    asked = asyncio.create_task(bench.session.link())
    attempt = await bench.attempt()
    for phase in (Phase.TCP, Phase.HOST_KEY, Phase.TCP, Phase.HOST_KEY, Phase.AUTH):
        attempt.enter(phase)
    attempt.succeed()
    await asked
    assert bench.states == [
        S.RESOLVING, S.CONNECTING, S.VERIFYING, S.CONNECTING, S.VERIFYING, S.AUTHENTICATING, S.READY,
    ]  # fmt: skip


async def test_a_first_attempt_that_fails_is_not_repeated(bench: Bench) -> None:
    asked = asyncio.create_task(bench.session.link())
    (await bench.attempt()).fail(ConnectError(Code.TCP_REFUSED))
    with pytest.raises(ConnectError) as raised:
        await asked
    assert raised.value.host == "web-1"
    assert bench.session.state is S.FAILED
    assert bench.error is raised.value
    await bench.clock.advance(600)
    assert len(bench.connector.attempts) == 1


async def test_asking_again_after_a_failure_tries_again(bench: Bench) -> None:
    asked = asyncio.create_task(bench.session.link())
    (await bench.attempt()).fail()
    with pytest.raises(ConnectError):
        await asked
    assert await bench.connected()
    assert bench.session.state is S.READY


async def test_a_host_that_cannot_be_resolved_fails_before_anything_is_connected(bench: Bench) -> None:
    with pytest.raises(ConfigError) as raised:
        await bench.sessions.get("-oProxyCommand=x").link()
    assert raised.value.code is Code.HOST_UNKNOWN
    assert bench.states == [S.RESOLVING, S.FAILED]
    assert bench.connector.attempts == []


async def test_who_stops_waiting_does_not_stop_the_attempt_for_the_others(bench: Bench) -> None:
    impatient, patient = (asyncio.create_task(bench.session.link()) for _ in range(2))
    attempt = await bench.attempt()
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    link = attempt.succeed()
    assert await patient is link


async def test_a_bug_in_a_connector_fails_the_session_with_a_code(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    asked = asyncio.create_task(bench.session.link())
    (await bench.attempt()).outcome.set_exception(ZeroDivisionError("oops"))
    with pytest.raises(FairleadError) as raised:
        await asked
    assert raised.value.code is Code.INTERNAL
    assert bench.session.state is S.FAILED
    assert "oops" in caplog.text


async def test_stopping_a_first_attempt_cancels_it(bench: Bench) -> None:
    asked = asyncio.create_task(bench.session.link())
    attempt = await bench.attempt()
    bench.session.stop()
    with pytest.raises(Interrupted):
        await asked
    await until(lambda: attempt.was_cancelled)
    assert bench.session.state is S.FAILED


async def test_phases_of_an_abandoned_attempt_change_nothing(bench: Bench) -> None:
    asked = asyncio.create_task(bench.session.link())
    attempt = await bench.attempt()
    bench.session.stop()
    with pytest.raises(Interrupted):
        await asked
    before = list(bench.events)
    attempt.enter(Phase.AUTH)
    assert bench.events == before


@pytest.mark.parametrize("at", [S.RESOLVING, S.CONNECTING, S.VERIFYING, S.AUTHENTICATING, S.READY])
async def test_a_listener_may_stop_the_session_at_any_change(bench: Bench, at: SessionState) -> None:
    def stop(change: SessionChanged) -> None:
        if change.new is at:
            bench.session.stop()

    bench.bus.subscribe(SessionChanged, stop)
    asked = asyncio.create_task(bench.session.link())
    await until(lambda: bool(bench.connector.attempts) or asked.done())
    for attempt in bench.connector.waiting:
        attempt.enter(Phase.AUTH)
        if bench.session.state is not S.FAILED:
            attempt.succeed()
    await asyncio.wait([asked])
    assert bench.session.state is (S.READY if at is S.READY else S.FAILED)
    assert bench.error is None or bench.error.code is Code.INTERRUPTED


# --- staying connected -------------------------------------------------------------------------------------------


async def test_the_round_trip_is_measured_at_once_and_at_every_interval(bench: Bench) -> None:
    link = await bench.connected()
    await until(lambda: link.pings == 1)
    for expected in (2, 3, 4):
        await bench.clock.advance(Keepalive().interval)
        assert link.pings == expected
    assert list(bench.session.latencies) == [0.012] * 4
    assert len([event for event in bench.events if isinstance(event, LatencyMeasured)]) == 4


async def test_only_the_last_sixty_latencies_are_kept(bench: Bench) -> None:
    await bench.connected()
    for _ in range(70):
        await bench.clock.advance(Keepalive().interval)
    assert len(bench.session.latencies) == 60


async def test_a_late_answer_degrades_the_session_until_it_comes(bench: Bench) -> None:
    link = await bench.connected()
    link.fall_silent()
    await bench.clock.advance(Keepalive().interval)
    assert S.DEGRADED not in bench.states
    await bench.clock.advance(Keepalive().late_after)
    assert bench.session.state is S.DEGRADED
    change = bench.session.last_change
    assert change is not None
    assert change.given_up_at == bench.clock.monotonic() + Keepalive().patience - Keepalive().late_after
    assert change.reason == "no answer for 3 s, given up at 25 s"
    assert await bench.session.link() is link
    link.answer()
    await bench.reaches(S.READY)
    assert bench.states[-2:] == [S.DEGRADED, S.READY]


async def test_a_link_that_misses_its_answers_is_lost_and_cut(bench: Bench) -> None:
    link = await bench.connected()
    link.fall_silent()
    await bench.clock.advance(Keepalive().interval * (1 + Keepalive().misses))
    assert bench.states[-1] == S.RECONNECTING
    assert bench.error is not None
    assert bench.error.code is Code.KEEPALIVE_LOST
    await until(lambda: link.was_closed)
    assert bench.session.facts is None


def test_a_dead_link_shows_within_eight_seconds_and_is_given_up_within_thirty() -> None:
    usual = Keepalive()
    assert usual.interval + usual.late_after <= 8
    assert 20 <= usual.patience <= usual.interval + usual.patience <= 30


async def test_keepalive_follows_the_hosts_own_settings() -> None:
    from backend.settings import KeepaliveOptions

    quick = HostSettings(address="192.0.2.7", keepalive=KeepaliveOptions(interval=2, late_after=1, misses=1))
    bench = Bench(Settings(hosts={"web-1": quick}))
    link = await bench.connected()
    link.fall_silent()
    await bench.clock.advance(4)
    assert bench.session.state is S.RECONNECTING
    await bench.sessions.close()


# --- restoring ---------------------------------------------------------------------------------------------------


async def test_a_lost_link_is_restored_and_who_asks_meanwhile_waits_for_the_new_one(bench: Bench) -> None:
    old = await bench.connected()
    old.lose()
    await bench.reaches(S.RECONNECTING)
    asked = asyncio.create_task(bench.session.link())
    await bench.clock.advance(2)
    new = (await bench.attempt()).succeed()
    assert await asked is new
    assert new is not old
    assert bench.states[-2:] == [S.AUTHENTICATING, S.READY]


async def test_a_link_that_has_just_died_is_handed_to_nobody(bench: Bench) -> None:
    old = await bench.connected()
    old.lose()
    asked = asyncio.create_task(bench.session.link())
    await bench.reaches(S.RECONNECTING)
    await bench.clock.advance(2)
    new = (await bench.attempt()).succeed()
    assert await asked is new


async def test_the_countdown_is_told_and_grows_with_every_failure(bench: Bench) -> None:
    (await bench.connected()).lose()
    waits, attempts = [], []
    for _ in range(8):
        await bench.reaches(S.RECONNECTING)
        change = bench.session.last_change
        assert change is not None
        assert change.retry_at is not None
        waits.append(change.retry_at - bench.clock.monotonic())
        attempts.append(change.attempt)
        await bench.clock.advance(waits[-1])
        (await bench.attempt()).fail()
        await until(lambda: not bench.connector.waiting)
    # The link was lost as soon as it was there, which counts as one failure more.
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert attempts == list(range(8))


async def test_a_link_that_held_for_a_while_is_retried_at_once_again(bench: Bench) -> None:
    link = await bench.connected()
    await bench.clock.advance(60)
    link.lose()
    await bench.reaches(S.RECONNECTING)
    change = bench.session.last_change
    assert change is not None
    assert change.retry_at == bench.clock.monotonic() + 1


async def test_a_slow_login_that_cost_nothing_is_repeated_while_restoring(bench: Bench) -> None:
    (await bench.connected()).lose()
    await bench.reaches(S.RECONNECTING)
    await bench.clock.advance(2)
    (await bench.attempt()).fail(SlowLogin(Code.AUTH_TIMEOUT))
    await bench.reaches(S.RECONNECTING)
    await bench.clock.advance(4)
    assert await bench.attempt()


@pytest.mark.parametrize("code", [Code.TCP_TIMEOUT, Code.NAME_NOT_FOUND, Code.BANNER_SILENT, Code.JUMP_FAILED])
async def test_network_failures_are_repeated_while_restoring(bench: Bench, code: Code) -> None:
    (await bench.connected()).lose()
    await bench.reaches(S.RECONNECTING)
    await bench.clock.advance(2)
    (await bench.attempt()).fail(ConnectError(code))
    await bench.reaches(S.RECONNECTING)
    assert bench.error is not None
    assert bench.error.code is code
    await bench.clock.advance(4)
    assert await bench.attempt()


@pytest.mark.parametrize(
    "error",
    [
        AuthError(Code.AUTH_DENIED),
        AuthError(Code.AUTH_TIMEOUT),
        HostKeyError(Code.HOST_KEY_CHANGED),
        HostKeyError(Code.HOST_KEY_UNKNOWN),
        ConfigError(Code.ROUTE_UNSUPPORTED),
        FairleadError(Code.NEEDS_PERSON),
    ],
    ids=lambda error: error.code.value,
)
async def test_what_repeating_cannot_mend_ends_the_restoring(bench: Bench, error: FairleadError) -> None:
    (await bench.connected()).lose()
    asked = asyncio.create_task(bench.session.link())
    await bench.reaches(S.RECONNECTING)
    await bench.clock.advance(2)
    (await bench.attempt()).fail(error)
    with pytest.raises(type(error)):
        await asked
    assert bench.session.state is S.FAILED
    await bench.clock.advance(600)
    assert bench.connector.waiting == []


async def test_retry_now_skips_the_countdown(bench: Bench) -> None:
    (await bench.connected()).lose()
    await bench.reaches(S.RECONNECTING)
    bench.session.retry_now()
    (await bench.attempt()).succeed()
    await bench.reaches(S.READY)


async def test_stop_gives_up_with_the_loss_that_began_it(bench: Bench) -> None:
    (await bench.connected()).lose(LinkLost(Code.CONNECTION_LOST))
    await bench.reaches(S.RECONNECTING)
    asked = asyncio.create_task(bench.session.link())
    await bench.clock.advance(2)
    (await bench.attempt()).fail(ConnectError(Code.TCP_REFUSED))
    await bench.reaches(S.RECONNECTING)
    bench.session.stop()
    with pytest.raises(LinkLost) as raised:
        await asked
    assert raised.value.code is Code.CONNECTION_LOST
    assert bench.session.state is S.FAILED
    await bench.clock.advance(600)
    assert bench.connector.waiting == []


async def test_stop_cancels_an_attempt_that_restores(bench: Bench) -> None:
    (await bench.connected()).lose()
    await bench.reaches(S.RECONNECTING)
    bench.session.retry_now()
    attempt = await bench.attempt()
    bench.session.stop()
    await until(lambda: attempt.was_cancelled)
    assert bench.session.state is S.FAILED
    assert isinstance(bench.error, LinkLost)


async def test_a_session_that_the_server_ended_is_expired_and_not_restored(bench: Bench) -> None:
    (await bench.connected()).lose(LinkLost(Code.SERVER_ENDED, evidence={"reason": "idle"}))
    await bench.reaches(S.EXPIRED)
    await bench.clock.advance(600)
    assert len(bench.connector.attempts) == 1
    assert await bench.connected()


async def test_waking_from_sleep_retries_at_once() -> None:
    clock = SleepyClock()
    bench = Bench(clock=clock)
    (await bench.connected()).lose()
    for wait in (2, 4, 8, 16, 32):
        await bench.reaches(S.RECONNECTING)
        await clock.advance(wait)
        (await bench.attempt()).fail()
        await until(lambda: not bench.connector.waiting)
    await bench.reaches(S.RECONNECTING)
    clock.suspend(hours=8)
    await clock.advance(2)
    assert await bench.attempt()
    await bench.sessions.close()


async def test_waking_from_sleep_asks_a_live_link_at_once() -> None:
    clock = SleepyClock()
    bench = Bench(Settings(hosts={"web-1": ENTRY}), clock)
    link = await bench.connected()
    await until(lambda: link.pings == 1)
    await clock.advance(1)
    clock.suspend(hours=8)
    await clock.advance(2)
    assert link.pings == 2
    await bench.sessions.close()


class SleepyClock(VirtualClock):
    """A clock of a machine that can be suspended: the wall clock goes on, the monotonic one does not."""

    def __init__(self) -> None:
        super().__init__(automatic=False)
        self._suspended = timedelta()

    def suspend(self, *, hours: float) -> None:
        self._suspended += timedelta(hours=hours)

    def now(self) -> datetime:
        return super().now() + self._suspended


# --- the second connection ---------------------------------------------------------------------------------------


async def test_bulk_data_gets_a_connection_of_its_own_and_nobody_is_asked_for_it(bench: Bench) -> None:
    first = await bench.connected()
    asked = [asyncio.create_task(bench.session.bulk()) for _ in range(3)]
    attempt = await bench.attempt()
    second = attempt.succeed()
    assert set(await asyncio.gather(*asked)) == {second}
    assert second is not first
    assert type(attempt.interaction) is Nobody
    assert await bench.session.bulk() is second
    assert bench.session.state is S.READY


async def test_where_nobody_types_bulk_data_needs_no_connection_of_its_own(bench: Bench) -> None:
    sessions = Sessions(
        connector=bench.connector,
        book=HostBook.of_entries(bench.settings),
        interaction=Person(),
        bus=bench.bus,
        clock=bench.clock,
        vault=bench.vault,
        bulk_apart=False,
    )
    asked = asyncio.create_task(sessions.get("web-1").bulk())
    only = (await bench.attempt()).succeed()
    assert await asked is only
    assert await sessions.get("web-1").link() is only
    await sessions.close()


async def test_where_a_second_connection_is_refused_the_first_serves_and_it_is_not_asked_for_again(
    bench: Bench,
) -> None:
    first = await bench.connected()
    asked = asyncio.create_task(bench.session.bulk())
    (await bench.attempt()).fail(AuthError(Code.AUTH_DENIED))
    assert await asked is first
    assert await bench.session.bulk() is first
    assert len(bench.connector.attempts) == 2
    assert bench.session.state is S.READY


async def test_after_a_login_that_took_a_code_no_second_one_is_tried(bench: Bench) -> None:
    first = await bench.connected()
    first.login_repeats = False
    assert await bench.session.bulk() is first
    assert len(bench.connector.attempts) == 1


async def test_a_bulk_link_that_was_lost_is_made_anew(bench: Bench) -> None:
    await bench.connected()
    asked = asyncio.create_task(bench.session.bulk())
    old = (await bench.attempt()).succeed()
    await asked
    old.lose()
    again = asyncio.create_task(bench.session.bulk())
    new = (await bench.attempt()).succeed()
    assert await again is new
    assert bench.session.state is S.READY


async def test_a_silent_bulk_link_is_cut_so_that_transfers_learn_of_it(bench: Bench) -> None:
    await bench.connected()
    asked = asyncio.create_task(bench.session.bulk())
    second = (await bench.attempt()).succeed()
    await asked
    second.fall_silent()
    await bench.clock.advance(Keepalive().interval * (1 + Keepalive().misses))
    await until(lambda: second.was_closed)
    assert bench.session.state is S.READY


async def test_disconnecting_closes_the_bulk_link_or_stops_making_it(bench: Bench) -> None:
    await bench.connected()
    asked = asyncio.create_task(bench.session.bulk())
    attempt = await bench.attempt()
    await bench.session.disconnect()
    with pytest.raises(Interrupted):
        await asked
    assert attempt.was_cancelled


# --- files -------------------------------------------------------------------------------------------------------


async def test_the_file_channel_is_shared_and_opened_once(bench: Bench) -> None:
    link = await bench.connected()
    channels = await asyncio.gather(*(bench.session.files() for _ in range(4)))
    assert len(set(map(id, channels))) == 1
    assert link.channels == 1


async def test_the_file_channel_is_opened_anew_on_the_new_link(bench: Bench) -> None:
    old = await bench.connected()
    before = await bench.session.files()
    old.lose()
    await bench.reaches(S.RECONNECTING)
    bench.session.retry_now()
    (await bench.attempt()).succeed()
    assert await bench.session.files() is not before


async def test_a_file_channel_that_the_server_ended_is_opened_anew_on_the_same_link(bench: Bench) -> None:
    link = await bench.connected()
    before = await bench.session.files()
    cast(SteeredFiles, before).ended = True
    after = await asyncio.gather(*(bench.session.files() for _ in range(4)))
    assert {id(channel) for channel in after} == {id(after[0])} != {id(before)}
    assert link.channels == 2


async def test_a_file_channel_that_was_refused_is_tried_anew_by_the_next_who_asks(bench: Bench) -> None:
    link = await bench.connected()
    link.refuses_files = True
    with pytest.raises(SessionError):
        await bench.session.files()
    link.refuses_files = False
    assert await bench.session.files()


# --- disconnecting -----------------------------------------------------------------------------------------------


async def test_disconnecting_closes_the_link_and_wipes_the_hosts_secrets(bench: Bench) -> None:
    link = await bench.connected()
    bench.vault.put("web-1", "password", Secret("hunter2"))
    bench.vault.put("web-2", "password", Secret("other"))
    await bench.session.disconnect()
    assert link.was_closed
    assert bench.session.state is S.CLOSED
    assert bench.states[-2:] == [S.CLOSING, S.CLOSED]
    assert bench.vault.get("web-1", "password") is None
    assert bench.vault.get("web-2", "password") is not None


async def test_disconnecting_cancels_an_attempt_under_way(bench: Bench) -> None:
    asked = asyncio.create_task(bench.session.link())
    attempt = await bench.attempt()
    await bench.session.disconnect()
    assert attempt.was_cancelled
    with pytest.raises(Interrupted):
        await asked
    assert bench.session.state is S.CLOSED


async def test_disconnecting_right_after_asking_connects_nothing(bench: Bench) -> None:
    asked = asyncio.create_task(bench.session.link())
    await asyncio.sleep(0)
    await bench.session.disconnect()
    with pytest.raises(Interrupted):
        await asked
    assert bench.session.state is S.CLOSED
    assert bench.connector.waiting == []


async def test_disconnecting_while_restoring_ends_it(bench: Bench) -> None:
    (await bench.connected()).lose()
    await bench.reaches(S.RECONNECTING)
    asked = asyncio.create_task(bench.session.link())
    await asyncio.sleep(0)
    await bench.session.disconnect()
    with pytest.raises(Interrupted):
        await asked
    await bench.clock.advance(600)
    assert bench.connector.waiting == []


async def test_disconnecting_does_not_wait_for_ever_for_a_link_that_will_not_close(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.connection.session.CLOSE_LIMIT", 0.05)
    link = await bench.connected()
    link.will_not_close = True
    await bench.session.disconnect()
    assert bench.session.state is S.CLOSED


async def test_who_disconnects_twice_at_once_waits_for_the_same_end(bench: Bench) -> None:
    await bench.connected()
    await asyncio.gather(bench.session.disconnect(), bench.session.disconnect())
    assert bench.states.count(S.CLOSING) == 1
    await bench.session.disconnect()
    assert bench.states.count(S.CLOSING) == 1


async def test_a_link_asked_for_while_disconnecting_is_refused_and_afterwards_made(bench: Bench) -> None:
    await bench.connected()
    leaving = asyncio.create_task(bench.session.disconnect())
    await bench.reaches(S.CLOSING)
    with pytest.raises(Interrupted):
        await bench.session.link()
    await leaving
    assert await bench.connected()


async def test_closing_all_sessions_closes_every_link(bench: Bench) -> None:
    link = await bench.connected()
    await bench.sessions.close()
    assert link.was_closed
    assert all(session.state in {S.CLOSED, S.IDLE} for session in bench.sessions.all())


async def test_the_target_is_known_once_resolved(bench: Bench) -> None:
    await bench.connected()
    assert isinstance(bench.session.target, Target)
    assert bench.session.target.host.address == "192.0.2.7"
