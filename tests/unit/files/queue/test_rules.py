"""The queue's rules: what follows what, who moves, and that a place in the queue is never lost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.files.model import TransferState
from backend.files.queue.rules import (
    BECOMES,
    ENDED,
    FOLLOWS,
    GRANTED,
    MOVING,
    OPEN,
    UNHELD,
    Entrant,
    Limits,
    Move,
    Queued,
    Wish,
    allotted,
    fulfilled,
    left_behind,
    moved,
)
from backend.priority import Priority

S = TransferState

entrants = st.lists(
    st.builds(
        Entrant,
        id=st.integers(0, 10**6).map(str),
        host=st.sampled_from(["a", "b", "c"]),
        priority=st.sampled_from(Priority),
        place=st.floats(0, 100),
        moves=st.booleans(),
    ),
    max_size=20,
    unique_by=lambda one: one.id,
)
limits = st.builds(Limits, st.integers(1, 8), st.integers(1, 8))
queues = st.lists(
    st.builds(Queued, st.integers(0, 10**6).map(str), st.sampled_from(Priority)),
    max_size=12,
    unique_by=lambda one: one.id,
).map(lambda queue: tuple(sorted(queue, key=lambda one: -one.priority)))


@given(entrants, limits)
def test_never_more_move_than_may_and_never_fewer_than_could(found: list[Entrant], limits: Limits) -> None:
    chosen = allotted(found, limits)
    of_host = Counter(one.host for one in found if one.id in chosen)
    assert len(chosen) <= limits.in_all
    assert all(count <= limits.of_host for count in of_host.values())
    if len(chosen) < limits.in_all:
        waiting = [one for one in found if one.id not in chosen]
        assert all(of_host[one.host] == limits.of_host for one in waiting)


@given(entrants, limits)
def test_nobody_overtakes_at_a_host_and_nobody_who_moves_is_stopped_for_another(
    found: list[Entrant], limits: Limits
) -> None:
    chosen = allotted(found, limits)
    for waits in (one for one in found if one.id not in chosen):
        for goes in (one for one in found if one.id in chosen and one.host == waits.host):
            assert goes.moves >= waits.moves
            if goes.moves == waits.moves:
                assert goes.priority >= waits.priority
                assert goes.priority > waits.priority or goes.place <= waits.place


@given(queues, st.integers(0, 14), st.sampled_from(Move))
def test_moving_keeps_everybody_and_the_order_of_the_others(queue: tuple[Queued, ...], index: int, move: Move) -> None:
    chosen = queue[index].id if index < len(queue) else "nobody"
    after = moved(queue, chosen, move)
    assert [one for one in after if one.id != chosen] == [one for one in queue if one.id != chosen]
    assert sorted(one.id for one in after) == sorted(one.id for one in queue)
    assert list(after) == sorted(after, key=lambda one: -one.priority), "it takes the priority of those it passes"


@given(queues, st.integers(0, 11))
def test_a_step_earlier_and_a_step_later_is_where_one_was(queue: tuple[Queued, ...], index: int) -> None:
    if 0 < index < len(queue):
        chosen = queue[index].id
        there_and_back = moved(moved(queue, chosen, Move.EARLIER), chosen, Move.LATER)
        assert [one.id for one in there_and_back] == [one.id for one in queue]


@pytest.mark.parametrize("state", TransferState)
def test_every_state_has_its_followers_and_every_wish_leads_to_one_of_them(state: TransferState) -> None:
    assert state not in FOLLOWS[state]
    for wish in Wish:
        if state in GRANTED[wish]:
            assert BECOMES[wish] in FOLLOWS[state], f"{wish} of {state}"
            assert fulfilled(wish, BECOMES[wish])


def test_a_state_is_open_or_ended_and_what_is_done_stays_so() -> None:
    assert set(TransferState) == OPEN | ENDED
    assert not OPEN & ENDED
    assert FOLLOWS[S.DONE] == frozenset()
    assert all(S.DONE not in GRANTED[wish] for wish in Wish)


@given(st.sampled_from(TransferState), st.none() | st.sampled_from(Wish))
def test_what_a_dead_process_leaves_behind_moves_no_more(state: TransferState, wish: Wish | None) -> None:
    after = left_behind(state, wish)
    assert after in UNHELD
    if wish is Wish.CANCEL:
        assert after is S.CANCELLED
    if state in MOVING and wish is None:
        assert after is S.INTERRUPTED
