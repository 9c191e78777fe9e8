"""The state machine: the table is the law, and no course of events leads a session out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from backend.connection.connector import Phase
from backend.connection.interaction import Nobody
from backend.connection.sessions import Sessions
from backend.connection.state import (
    ATTEMPTING,
    BUSY,
    CONNECTED,
    TRANSITIONS,
    IllegalTransition,
    SessionChanged,
    SessionState,
    StateMachine,
    climb,
)
from backend.connection.vault import Vault
from backend.errors import Code, FairleadError, LinkLost
from backend.events import EventBus
from backend.hosts.book import HostBook
from backend.settings import HostSettings, Settings
from mocks.clock import VirtualClock
from tests.support.links import SteeredConnector, SteeredLink

S = SessionState
ALL = tuple(SessionState)
PAIRS = [(old, new) for old in ALL for new in ALL]


def machine_at(state: SessionState) -> StateMachine:
    """A machine that has come to `state` by legal changes."""
    clock = VirtualClock(automatic=False)
    ways: dict[SessionState, list[SessionState]] = {S.IDLE: []}
    while state not in ways:
        ways |= {new: [*way, new] for old, way in list(ways.items()) for new in TRANSITIONS[old] if new not in ways}
    machine = StateMachine("web-1", clock)
    for step in ways[state]:
        machine.change(step, "on the way")
    return machine


def test_every_state_has_successors() -> None:
    assert set(TRANSITIONS) == set(SessionState)
    assert all(TRANSITIONS.values())


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=lambda state: state.value)
def test_a_change_is_made_exactly_if_the_table_has_it(old: SessionState, new: SessionState) -> None:
    machine = machine_at(old)
    if new in TRANSITIONS[old]:
        change = machine.change(new, "why", attempt=3, retry_at=1.5)
        assert (change.host, change.old, change.new, change.reason) == ("web-1", old, new, "why")
        assert (change.attempt, change.retry_at) == (3, 1.5)
        assert machine.state is new
    else:
        with pytest.raises(IllegalTransition, match=f"web-1: {old} -> {new}"):
            machine.change(new, "why")
        assert machine.state is old


def test_a_person_can_disconnect_from_every_state() -> None:
    assert all(S.CLOSING in TRANSITIONS[state] for state in ALL if state is not S.CLOSING)


def test_the_groups_of_states_do_not_overlap() -> None:
    assert not CONNECTED & BUSY
    assert ATTEMPTING < BUSY


@given(st.sampled_from(sorted(ATTEMPTING)), st.sampled_from([*sorted(ATTEMPTING), S.READY]))
def test_climbing_within_an_attempt_takes_legal_steps_to_where_it_wants(
    current: SessionState, wanted: SessionState
) -> None:
    assume(wanted is not S.RESOLVING or current is S.RESOLVING)
    steps = climb(current, wanted)
    machine = machine_at(current)
    for step in steps:
        machine.change(step, "climbing")
    assert machine.state is wanted


# --- any course of events ----------------------------------------------------------------------------------------

CODES = [
    Code.TCP_REFUSED,
    Code.NAME_NOT_FOUND,
    Code.AUTH_DENIED,
    Code.HOST_KEY_CHANGED,
    Code.NEEDS_PERSON,
    Code.SERVER_ENDED,
    Code.CONNECTION_LOST,
]


class AnyCourse(RuleBasedStateMachine):
    """A session, its person, its server and time do whatever they like, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.waiters: list[asyncio.Task[Any]] = []
        self.changes: list[SessionChanged] = []
        self.links: list[SteeredLink] = []
        self.connector = SteeredConnector()
        self.clock = VirtualClock(automatic=False)
        bus = EventBus()
        bus.subscribe(SessionChanged, self.changes.append)
        self.sessions = Sessions(
            connector=self.connector,
            book=HostBook.of_entries(Settings(hosts={"web-1": HostSettings(address="192.0.2.7")})),
            interaction=Nobody(),
            bus=bus,
            clock=self.clock,
            vault=Vault(),
            chance=Random(0),
        )
        self.session = self.sessions.get("web-1")

    def run_in_loop(self, work: Coroutine[Any, Any, Any]) -> None:
        self.loop.run_until_complete(work)
        self.loop.run_until_complete(self.clock.advance(0))

    def do(self, action: Callable[[], object]) -> None:
        """`action` in the loop, as a key or a callback would be; what it sets off has not had its turn yet."""

        async def act() -> None:
            action()

        self.loop.run_until_complete(act())

    @rule(bulk=st.booleans())
    def somebody_asks(self, bulk: bool) -> None:
        work = self.session.bulk if bulk else self.session.link
        self.do(lambda: self.waiters.append(asyncio.ensure_future(work())))

    @precondition(lambda self: self.waiters)
    @rule(which=st.integers(0, 99))
    def somebody_stops_waiting(self, which: int) -> None:
        self.waiters[which % len(self.waiters)].cancel()

    @precondition(lambda self: self.connector.attempts)
    @rule(which=st.integers(0, 99), phase=st.sampled_from(Phase))
    def a_phase_begins(self, which: int, phase: Phase) -> None:
        self.do(lambda: self.connector.attempts[which % len(self.connector.attempts)].enter(phase))

    @precondition(lambda self: self.connector.waiting)
    @rule()
    def an_attempt_succeeds(self) -> None:
        self.links.append(self.connector.waiting[0].succeed())

    @precondition(lambda self: self.connector.waiting)
    @rule(code=st.sampled_from(CODES))
    def an_attempt_fails(self, code: Code) -> None:
        self.connector.waiting[0].fail(FairleadError(code))

    @precondition(lambda self: self.links)
    @rule(which=st.integers(0, 99), code=st.sampled_from(CODES))
    def a_link_ends(self, which: int, code: Code) -> None:
        self.links[which % len(self.links)].lose(LinkLost(code))

    @precondition(lambda self: self.links)
    @rule(which=st.integers(0, 99), answers=st.booleans())
    def a_link_falls_silent_or_answers(self, which: int, answers: bool) -> None:
        link = self.links[which % len(self.links)]
        (link.answer if answers else link.fall_silent)()

    @rule()
    def everything_has_its_turn(self) -> None:
        """Then whoever still waits, waits for something that is under way."""
        self.run_in_loop(asyncio.sleep(0))
        idle = self.session.state in {S.IDLE, S.FAILED, S.EXPIRED, S.CLOSED}
        assert not idle or self.connector.waiting or all(waiter.done() for waiter in self.waiters)

    @rule(seconds=st.sampled_from([0.5, 3, 15, 60]))
    def time_passes(self, seconds: float) -> None:
        self.run_in_loop(self.clock.advance(seconds))

    @rule()
    def the_person_retries(self) -> None:
        self.do(self.session.retry_now)

    @rule()
    def the_person_stops_it(self) -> None:
        self.do(self.session.stop)

    @rule()
    def the_person_begins_to_disconnect(self) -> None:
        self.do(lambda: self.waiters.append(asyncio.ensure_future(self.session.disconnect())))

    @invariant()
    def every_change_was_legal_and_follows_the_one_before(self) -> None:
        state = SessionState.IDLE
        for change in self.changes:
            assert change.old is state
            assert change.new in TRANSITIONS[change.old]
            state = change.new
        assert self.session.state is state
        assert not [change for change in self.changes if change.error and change.error.code is Code.INTERNAL]

    @invariant()
    def there_is_a_link_exactly_when_the_state_says_so(self) -> None:
        assert (self.session.facts is not None) == (self.session.state in CONNECTED)

    def teardown(self) -> None:
        self.run_in_loop(self.sessions.close())
        assert all(waiter.done() for waiter in self.waiters)
        for waiter in self.waiters:
            waiter.cancelled() or waiter.exception()
        assert self.session.state in {S.IDLE, S.CLOSED}
        self.run_in_loop(asyncio.sleep(0))
        assert not asyncio.all_tasks(self.loop)
        self.loop.close()


def test_no_course_of_events_makes_an_illegal_change_or_leaves_somebody_waiting() -> None:
    few = settings(max_examples=40, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow])
    run_state_machine_as_test(AnyCourse, settings=few)


@pytest.mark.slow
def test_no_course_of_events_does_in_the_long_run() -> None:
    many = settings(max_examples=2000, stateful_step_count=60, suppress_health_check=[HealthCheck.too_slow])
    run_state_machine_as_test(AnyCourse, settings=many)
