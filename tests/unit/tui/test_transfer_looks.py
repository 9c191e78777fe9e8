"""A transfer in one line, in all its states and in little room."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Code, FileError, Interrupted, LinkLost
from backend.files.model import Lane
from backend.files.transfer import (
    Direction,
    Priority,
    TransferOutcome,
    TransferProgress,
    TransferRecord,
    TransferRequest,
    TransferState,
    Wish,
)
from tui.glyphs import UNICODE
from tui.transfer_looks import panel_footer, subject, transfer_line

PUT = TransferRequest(Direction.PUT, "web-1", ("/home/ann/model.bin",), "/srv/app/")
HALF_WAY = TransferProgress(
    files_total=1, bytes_total=4_200_000_000, bytes_done=2_604_000_000, rate=48.2e6, seconds_left=31, restarts=1
)


NOW = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)


def _record(
    state: TransferState = TransferState.COPYING, progress: TransferProgress = HALF_WAY, **more: Any
) -> TransferRecord:
    values = {"id": "kf3q9x", "request": PUT, "priority": Priority.NORMAL, "place": 1.0, "asked": NOW, **more}
    return TransferRecord(state=state, progress=progress, **values)


def _line(width: int = 120, **values: Any) -> str:
    return transfer_line(_record(**values), UNICODE, width).plain


def _ended(state: TransferState, width: int = 120, **outcome: Any) -> str:
    return _line(width, state=state, outcome=TransferOutcome(seconds=0.4, **outcome))


def test_a_moving_transfer_tells_how_far_how_fast_and_how_long() -> None:
    line = _line()
    assert line.startswith("⬆ model.bin → web-1:/srv/app")
    for part in ("━", " 62 %", "2.6 of 4.2 GB", "48.2 MB/s", "31 s left", "resumed ×1"):
        assert part in line


def test_many_small_files_in_one_stream_are_told_as_that_where_there_is_room() -> None:
    progress = replace(HALF_WAY, files_total=1812, files_done=507, lane=Lane.ARCHIVE)
    assert _line(160, progress=progress).endswith("resumed ×1  archive lane")
    assert "archive lane" not in _line(90, progress=progress)
    assert "lane" not in _line(160, progress=replace(progress, lane=Lane.FILE))


def test_in_little_room_share_and_time_left_stay() -> None:
    line = _line(74)
    assert " 62 %" in line
    assert "31 s left" in line
    assert "resumed" not in line


@given(
    width=st.integers(30, 200),
    state=st.sampled_from([s for s in TransferState if s.value not in ("done", "failed", "cancelled")]),
    done=st.integers(0, 10**15),
    total=st.one_of(st.none(), st.integers(0, 10**15)),
    files=st.one_of(st.none(), st.integers(0, 10**6)),
)
def test_a_line_never_outgrows_its_room(
    width: int, state: TransferState, done: int, total: int | None, files: int | None
) -> None:
    progress = TransferProgress(
        files_total=files, bytes_total=total, bytes_done=done, rate=1e6, seconds_left=99, failed=3, restarts=2
    )
    line = transfer_line(_record(state, progress), UNICODE, width)
    assert line.cell_length <= width


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (TransferState.WAITING, "waiting"),
        (TransferState.SCANNING, "reading the tree"),
        (TransferState.PAUSED, "paused"),
        (TransferState.RECONNECTING, "waiting for the link"),
    ],
)
def test_what_holds_it_up_is_said(state: TransferState, word: str) -> None:
    assert word in _line(state=state)


def test_while_the_tree_is_read_no_share_is_made_up() -> None:
    line = _line(state=TransferState.SCANNING, progress=TransferProgress(bytes_done=5000))
    assert "%" not in line
    assert "5.0 kB" in line


def test_what_is_done_says_whether_it_was_verified() -> None:
    progress = TransferProgress(files_total=1, files_done=1, bytes_total=3100, bytes_done=3100, verified=1)
    assert "verified SHA-256 · 3.1 kB in 0.4 s" in _ended(TransferState.DONE, progress=progress)
    unverified = TransferProgress(files_total=1, files_done=1, bytes_total=3100, bytes_done=3100)
    assert "verified" not in _ended(TransferState.DONE, progress=unverified)


def test_a_transfer_that_stands_still_has_no_rate_and_no_time_left() -> None:
    line = transfer_line(_record(), UNICODE, 120, still=12.0).plain
    assert "no progress for 12 s" in line
    assert "MB/s" not in line
    assert "left" not in line
    assert "MB/s" in transfer_line(_record(), UNICODE, 120, still=2.0).plain
    paused = transfer_line(_record(TransferState.PAUSED), UNICODE, 120, still=12.0).plain
    assert "no progress" not in paused


def test_one_that_was_told_to_stop_says_so_until_it_has_ended() -> None:
    moving = transfer_line(_record(), UNICODE, 120, stopping=True).plain
    assert "stopping…" in moving
    assert "MB/s" not in moving
    ended = _record(TransferState.CANCELLED, outcome=TransferOutcome(seconds=0.4, progress=HALF_WAY))
    assert "cancelled" in transfer_line(ended, UNICODE, 120, stopping=True).plain


def test_while_the_link_is_awaited_what_is_kept_is_not_called_nothing() -> None:
    progress = TransferProgress(files_total=1, bytes_total=600, bytes_done=0, restarts=1)
    line = _line(state=TransferState.RECONNECTING, progress=progress)
    assert "waiting for the link" in line
    assert "0 %" not in line
    assert "0 B" not in line


def test_what_went_on_after_a_lost_link_says_so() -> None:
    progress = TransferProgress(files_total=1, files_done=1, bytes_done=3100, verified=1, restarts=2)
    assert "resumed ×2 · 3.1 kB in 0.4 s" in _ended(TransferState.DONE, progress=progress)


def test_skipped_files_are_counted() -> None:
    progress = TransferProgress(files_total=3, files_done=2, bytes_done=9, skipped=1, verified=2)
    assert "1 skipped · 2 files, 9 B" in _ended(TransferState.DONE, progress=progress)


def test_a_failure_names_its_code() -> None:
    error = FileError(Code.DISK_FULL, evidence={"path": "/srv"})
    assert "DISK_FULL: The disk that holds /srv is full." in _ended(
        TransferState.FAILED, progress=HALF_WAY, error=error
    )


def test_a_cancelled_one_says_what_is_kept() -> None:
    error = Interrupted(Code.INTERRUPTED)
    assert "cancelled; 2.6 GB kept for the next time" in _ended(TransferState.CANCELLED, progress=HALF_WAY, error=error)


def test_names_from_a_server_are_harmless() -> None:
    request = TransferRequest(Direction.GET, "web-1", ("/srv/\x1b[31mevil\n",), "/home/ann/")
    assert subject(request, UNICODE).isprintable()


def test_a_place_at_home_is_written_short() -> None:
    request = TransferRequest(Direction.GET, "web-1", ("/srv/a",), "/home/ann/shop/")
    assert subject(request, UNICODE, home="/home/ann") == "a → ~/shop"


def test_several_sources_are_counted() -> None:
    request = TransferRequest(Direction.GET, "web-1", ("/srv/a", "/srv/b", "/srv/c"), "/home/ann/")
    assert subject(request, UNICODE) == "a and 2 more → /home/ann"


def test_a_copy_between_hosts_names_both() -> None:
    request = TransferRequest(Direction.BETWEEN, "web-1", ("/srv/model.bin",), "/data/", to_host="web-2")
    assert subject(request, UNICODE) == "web-1:model.bin → web-2:/data"


def test_the_panel_adds_up() -> None:
    transfers = [_record(), _record(TransferState.WAITING), _record(TransferState.PAUSED), _record()]
    assert panel_footer(transfers) == "2 running · 1 waiting · 1 paused · 96.4 MB/s"


def test_what_was_cut_off_says_how_far_it_is() -> None:
    line = _line(state=TransferState.INTERRUPTED)
    for part in (" 62 %", "interrupted", "2.6 of 4.2 GB"):
        assert part in line
    assert "MB/s" not in line


def test_one_that_is_interrupted_with_an_error_is_no_failure() -> None:
    outcome = TransferOutcome(HALF_WAY, 1.0, error=LinkLost(Code.CONNECTION_LOST, host="web-1"))
    assert "interrupted" in _line(state=TransferState.INTERRUPTED, outcome=outcome)


def test_what_another_process_does_and_was_asked_to_do_is_said() -> None:
    line = _line(owner="4711-abc", wish=Wish.PAUSE, width=140)
    assert "process 4711" in line
    assert "asked to pause…" in line
    assert "process" not in _line(owner="4711-abc", ours=True, width=140)
