"""Counting a session's changes: attempts, losses and time, each once, and nothing of what a person declined."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.connection.state import SessionChanged, SessionState
from backend.errors import AuthError, Code, ConnectError, FairleadError, Interrupted, LinkLost
from backend.health.tally import MOST_SAMPLES, Addition, Outcome, Tally

S = SessionState
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Story:
    """A session's life as its tally hears it; each step takes ten seconds."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.steady = 0.0
        self.state = S.IDLE

    def goes(self, new: SessionState, error: FairleadError | None = None) -> Story:
        self.steady += 10
        at = START + timedelta(seconds=self.steady)
        self.tally.hear(SessionChanged("web-1", self.state, new, "", at, error), self.steady)
        self.state = new
        return self

    def connects(self) -> Story:
        for state in (S.RESOLVING, S.CONNECTING, S.VERIFYING, S.AUTHENTICATING, S.READY):
            self.goes(state)
        return self

    def fails(self, error: FairleadError, into: SessionState = S.FAILED) -> Story:
        return self.goes(S.RESOLVING).goes(S.CONNECTING).goes(into, error)

    @property
    def counted(self) -> Addition:
        return self.tally.take(self.steady) or Addition()


def refused() -> ConnectError:
    return ConnectError(Code.TCP_REFUSED)


def counts(addition: Addition) -> tuple[int, int, int]:
    return addition.total(Outcome.SUCCESS), addition.total(Outcome.FAILURE), addition.total(Outcome.LOSS)


def test_a_login_counts_once_and_the_time_connected_is_kept() -> None:
    story = Story().connects().goes(S.DEGRADED).goes(S.READY).goes(S.CLOSING)
    counted = story.counted
    assert counts(counted) == (1, 0, 0)
    assert counted.connected == 30
    assert counted.last_success == (START + timedelta(seconds=50)).timestamp()


def test_time_goes_on_being_counted_over_several_writes() -> None:
    story = Story().connects()
    first = story.tally.take(story.steady + 5)
    second = story.tally.take(story.steady + 12)
    assert first is not None and second is not None
    assert (first.connected, second.connected) == (5, 7)


def test_failed_attempts_add_up_until_one_succeeds() -> None:
    assert Story().fails(refused()).fails(refused()).counted.streak == 2
    after = Story().fails(refused()).fails(refused()).connects().goes(S.CLOSING).goes(S.CLOSED).fails(refused())
    assert (after.counted.streak, after.tally.take(0)) == (1, None)


def test_the_code_and_the_jump_host_of_a_failure_are_kept() -> None:
    counted = Story().fails(ConnectError(Code.TCP_TIMEOUT, hop="bastion")).counted
    assert counted.last_failure == ((START + timedelta(seconds=30)).timestamp(), "TCP_TIMEOUT", "bastion")
    assert [code for _, _, code in counted.days] == ["TCP_TIMEOUT"]


def test_a_lost_link_is_a_loss_and_its_restoration_a_reconnect() -> None:
    lost = LinkLost(Code.CONNECTION_LOST)
    counted = Story().connects().goes(S.RECONNECTING, lost).connects().counted
    assert counts(counted) == (2, 0, 1)
    assert (counted.reconnects, counted.streak) == (1, 0)


def test_every_failed_attempt_to_restore_a_link_counts() -> None:
    story = Story().connects().goes(S.RECONNECTING, LinkLost(Code.CONNECTION_LOST))
    story.fails(refused(), into=S.RECONNECTING).fails(refused(), into=S.RECONNECTING)
    assert counts(story.counted) == (1, 2, 1)


def test_a_stop_while_a_link_is_restored_does_not_count_its_loss_twice() -> None:
    lost = LinkLost(Code.CONNECTION_LOST)
    assert counts(Story().connects().goes(S.RECONNECTING, lost).goes(S.FAILED, lost).counted) == (1, 0, 1)
    midway = Story().connects().goes(S.RECONNECTING, lost).goes(S.RESOLVING).goes(S.FAILED, lost)
    assert counts(midway.counted) == (1, 0, 1)


def test_what_a_person_declined_or_stopped_says_nothing_about_the_host() -> None:
    story = Story().fails(Interrupted(Code.INTERRUPTED)).fails(AuthError(Code.NEEDS_PERSON))
    assert story.tally.take(story.steady) is None


def test_a_session_that_the_server_ended_is_neither_a_loss_nor_a_failure() -> None:
    counted = Story().connects().goes(S.EXPIRED, LinkLost(Code.SERVER_ENDED)).counted
    assert (counts(counted), counted.expiries) == ((1, 0, 0), 1)


def test_what_could_not_be_written_comes_before_what_came_meanwhile() -> None:
    story = Story().fails(refused())
    taken = story.tally.take(story.steady)
    assert taken is not None
    story.connects()
    story.tally.give_back(taken)
    counted = story.counted
    assert (counts(counted), counted.streak, counted.ends_streak) == ((1, 1, 0), 0, True)


def test_round_trips_that_cannot_be_written_are_bounded() -> None:
    tally = Tally()
    for number in range(MOST_SAMPLES + 10):
        tally.measured(float(number), 0.01)
    assert tally.waiting == MOST_SAMPLES
    taken = tally.take(0)
    assert taken is not None
    assert taken.samples[-1] == (MOST_SAMPLES + 9.0, 0.01)


STEPS = st.lists(st.sampled_from(["success", "failure", "loss"]), max_size=30)


def told(steps: list[str], start: int = 0) -> Addition:
    addition = Addition()
    for at, step in enumerate(steps, start):
        if step == "success":
            addition.succeeded(float(at))
        else:
            (addition.failed if step == "failure" else addition.lost)(float(at), "TCP_REFUSED")
    return addition


@given(before=STEPS, after=STEPS)
def test_two_additions_say_together_what_one_would_have_said(before: list[str], after: list[str]) -> None:
    parts = told(before)
    parts.merge(told(after, len(before)))
    assert vars(parts) == vars(told(before + after))
