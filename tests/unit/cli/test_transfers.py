"""How a transfer reads: progress, problems, summary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.errors import Code, FileError
from backend.files.model import Lane
from backend.files.transfer import ItemNote, ItemProblem, TransferOutcome, TransferProgress
from cli.transfers import problem_json, problem_line, progress_line, remarks, summary


def test_progress_says_only_what_is_known() -> None:
    assert progress_line(TransferProgress()).split("  ") == ["0 B", "0 files", ""]
    known = TransferProgress(
        files_total=12,
        files_done=3,
        bytes_total=4_200_000_000,
        bytes_done=2_600_000_000,
        rate=48_200_000.0,
        seconds_left=31.0,
        failed=1,
        current="model.bin",
    )
    assert progress_line(known) == (" 61 %  2.6 GB of 4.2 GB  48.2 MB/s  31 s left  3 of 12 files  1 failed  model.bin")


def test_the_lane_is_told_where_many_go_in_one_stream() -> None:
    progress = TransferProgress(files_total=9, files_done=3, lane=Lane.ARCHIVE, current="a")
    assert progress_line(progress) == "0 B  3 of 9 files  archive lane  a"
    assert "lane" not in progress_line(replace(progress, lane=Lane.BLOCK))


def test_a_transfer_that_stands_still_has_no_rate_and_no_time_left() -> None:
    progress = TransferProgress(files_total=1, bytes_total=200, bytes_done=100, rate=1e6, seconds_left=3.0, current="a")
    assert progress_line(progress, still=12.0) == " 50 %  100 B of 200 B  no progress for 12 s  a"
    assert "1.0 MB/s" in progress_line(progress, still=2.0)


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (TransferProgress(files_done=1, bytes_done=11), "1 file, 11 B in 2.0 s"),
        (TransferProgress(files_done=3, verified=3), "3 files, 0 B in 2.0 s, 3 verified (SHA-256)"),
        (
            TransferProgress(files_done=1, bytes_done=10_000_000, sent_bytes=4_000_000, resumed_bytes=6_000_000),
            "1 file, 10.0 MB in 2.0 s, 4.0 MB sent, 6.0 MB were there already",
        ),
        (
            TransferProgress(files_done=2, skipped=1, failed=2, restarts=1),
            "2 files, 0 B in 2.0 s, 1 skipped, 2 failed, went on after being cut off once",
        ),
    ],
)
def test_the_summary_counts_everything_that_was_not_simply_copied(progress: TransferProgress, line: str) -> None:
    assert summary(TransferOutcome(progress, 2.0)) == line


def test_problems_that_are_not_listed_are_counted() -> None:
    assert "7 problems not listed" in summary(TransferOutcome(TransferProgress(failed=1007), 2.0, problems_dropped=7))


def test_a_problem_is_one_line_with_its_code_and_json_with_its_path() -> None:
    failed = ItemProblem("/srv/a", FileError(Code.PERMISSION, evidence={"path": "/srv/a"}))
    assert problem_line(failed) == "failed /srv/a: /srv/a: permission denied. (PERMISSION)"
    body = problem_json(failed)["error"]
    assert isinstance(body, dict)
    assert (body["code"], body["path"]) == ("PERMISSION", "/srv/a")


def test_what_was_skipped_on_purpose_is_no_error() -> None:
    skipped = ItemProblem("/dev/sda", None, "a device")
    assert problem_line(skipped) == "skipped /dev/sda: a device"
    assert problem_json(skipped) == {"skipped": {"path": "/dev/sda", "note": "a device"}}


def test_each_kind_of_failure_is_followed_by_its_advice_once_and_notes_are_told() -> None:
    full = [ItemProblem(path, FileError(Code.DISK_FULL, evidence={"path": path})) for path in ("/a", "/b")]
    notes = (ItemNote("/c", "started again"),)
    told = remarks(TransferOutcome(TransferProgress(), 1.0, tuple(full), notes=notes))
    assert told[0] == "note /c: started again"
    assert [line for line in told if "Free some space" in line] == told[1:]
