"""A climb as the screen keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

from backend.diagnostics.ladder import Rung, RungId, RungStatus
from backend.errors import AuthError, Code
from tui.ladder import HopHeading, Ladder, markdown

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


def test_a_single_machine_needs_no_heading() -> None:
    assert not any(isinstance(row, HopHeading) for row in _ladder(_rung(RungId.TCP)).rows())


def test_markdown_keeps_bars_in_their_cells_and_explains_what_broke() -> None:
    error = AuthError(Code.AUTH_DENIED, "web-1 refused | denied", host="web-1", evidence={"tried": "publickey"})
    broken = Rung(RungId.AUTH, RungStatus.FAIL, "web-1", error.code, "a | b", 5.0, error.evidence, error.advice, error)
    text = markdown(_ladder(_rung(RungId.TCP), broken))
    assert "| auth | web-1 | fail | 5 | a \\| b |" in text
    assert "## auth: AUTH_DENIED" in text
    assert "- tried: `publickey`" in text
    assert text.endswith("\n")
