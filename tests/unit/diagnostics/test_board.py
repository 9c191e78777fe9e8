"""The order of a ladder holds whatever a connector tells, in whatever order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.connection.target import Target
from backend.diagnostics.board import Board
from backend.diagnostics.rungs import Diagnosis, Rung, RungId, RungStatus, plan
from backend.errors import Code
from tests.support.scripted import hop

TARGET = Target("db-2", (hop("bastion"), hop("db-2")))
PLACES = plan("db-2", TARGET)
VERDICTS = [RungStatus.PASS, RungStatus.WARN, RungStatus.FAIL]

places = st.sampled_from([*PLACES, ("elsewhere", RungId.TCP), ("db-2", RungId.NAME)])
steps = st.lists(st.tuples(places, st.sampled_from([None, *VERDICTS])), max_size=40)


def climbed(moves: list[tuple[tuple[str, RungId], RungStatus | None]]) -> list[Rung]:
    told: list[Rung] = []
    board = Board("db-2", told.append)
    board.plan = PLACES
    for place, verdict in moves:
        if verdict is None:
            board.begin(place)
        else:
            board.settle(Rung(place[1], verdict, place[0]))
    board.finish()
    return told


@given(moves=steps)
def test_every_rung_gets_exactly_one_verdict_in_the_order_of_the_plan(
    moves: list[tuple[tuple[str, RungId], RungStatus | None]],
) -> None:
    verdicts = [(one.hop, one.id) for one in climbed(moves) if one.status is not RungStatus.RUNNING]
    assert verdicts == list(PLACES)


@given(moves=steps)
def test_a_rung_is_told_as_running_at_most_once_and_never_after_its_verdict(
    moves: list[tuple[tuple[str, RungId], RungStatus | None]],
) -> None:
    told = climbed(moves)
    for place in PLACES:
        of_this = [one.status for one in told if (one.hop, one.id) == place]
        assert of_this.count(RungStatus.RUNNING) <= 1
        assert RungStatus.RUNNING not in of_this[1:]


def test_what_was_passed_over_was_not_needed_and_what_came_after_was_not_reached() -> None:
    told = climbed([(("bastion", RungId.KEX), RungStatus.FAIL)])
    summaries = {one.id: one.summary for one in told if one.hop == "bastion"}
    assert summaries[RungId.TCP] == "not needed"
    assert summaries[RungId.AUTH] == "not reached"


def test_the_verdict_is_that_of_the_worst_rung_and_its_code_the_first_ones() -> None:
    slow = Rung(RungId.PERFORMANCE, RungStatus.WARN, "h", code=Code.SLOW_LINK)
    noisy = Rung(RungId.SESSION, RungStatus.WARN, "h", code=Code.SHELL_NOISE)
    broken = Rung(RungId.FILES, RungStatus.FAIL, "h", code=Code.SFTP_UNAVAILABLE)
    fine = Rung(RungId.TCP, RungStatus.PASS, "h")
    assert (Diagnosis("h", (fine,)).verdict, Diagnosis("h", (fine,)).code) == ("ok", None)
    assert (Diagnosis("h", (fine, noisy, slow)).verdict, Diagnosis("h", (noisy, slow)).code) == ("warn", noisy.code)
    assert (Diagnosis("h", (noisy, broken)).verdict, Diagnosis("h", (noisy, broken)).code) == ("failed", broken.code)
