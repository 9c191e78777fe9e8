"""A climb as the screen keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

from backend.diagnostics.ladder import Rung, RungId, RungStatus
from tui.ladder import HopHeading, Ladder, Skipped

NOW = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)


def _ladder(*rungs: Rung, climbing: bool = False) -> Ladder:
    ladder = Ladder("web-1", NOW)
    for rung in rungs:
        ladder.put(rung)
    ladder.climbing = climbing
    return ladder


def _rung(rung: RungId, status: RungStatus = RungStatus.PASS, hop: str = "web-1", ms: float | None = 10.0) -> Rung:
    return Rung(rung, status, hop, ms=ms)


def test_a_verdict_takes_the_place_of_the_beginning() -> None:
    ladder = _ladder(_rung(RungId.TCP, RungStatus.RUNNING, ms=None), _rung(RungId.TCP))
    assert [rung.status for rung in ladder.rungs] == [RungStatus.PASS]


def test_the_times_of_all_rungs_make_the_whole() -> None:
    assert _ladder(_rung(RungId.TCP, ms=12), _rung(RungId.KEX, ms=30), _rung(RungId.AUTH, ms=None)).seconds == 0.042


def test_verdicts_are_sentences() -> None:
    warned = _rung(RungId.FILES, RungStatus.WARN)
    assert _ladder(climbing=True).verdict() == "climbing"
    assert _ladder().verdict() == "stopped"
    assert _ladder(_rung(RungId.TCP)).verdict() == "all is well"
    assert _ladder(_rung(RungId.TCP), warned).verdict() == "works, with 1 warning"
    assert _ladder(_rung(RungId.HOST_KEY, RungStatus.FAIL)).verdict() == "failed at host key"


def test_a_machine_that_comes_up_twice_has_two_headings() -> None:
    ladder = _ladder(
        _rung(RungId.CONFIG), _rung(RungId.TCP, hop="bastion"), _rung(RungId.AUTH, hop="bastion"), _rung(RungId.TCP)
    )
    headings = [row for row in ladder.rows() if isinstance(row, HopHeading)]
    assert [row.hop for row in headings] == ["web-1", "bastion", "web-1"]
    assert len(set(headings)) == 3


def test_what_was_not_climbed_takes_one_row_for_each_machine_and_reason() -> None:
    skipped = {hop: [_rung(rung, RungStatus.SKIP, hop, None) for rung in RungId] for hop in ("bastion", "web-1")}
    rows = _ladder(*skipped["bastion"], _rung(RungId.TCP), *skipped["web-1"][-2:]).rows()
    folded = [row for row in rows if isinstance(row, Skipped)]
    assert [(row.hop, row.why) for row in folded] == [("bastion", "not reached"), ("web-1", "not reached")]
    assert folded[0].rungs == tuple(RungId)
    assert len(rows) == 5


def test_a_single_machine_needs_no_heading() -> None:
    assert not any(isinstance(row, HopHeading) for row in _ladder(_rung(RungId.TCP)).rows())
