"""What the queue writes down is what it reads: requests with any bytes in their names, problems, errors."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Advice, Code, FairleadError, FileError
from backend.files.model import (
    ConflictPolicy,
    Direction,
    ItemNote,
    ItemProblem,
    TransferOutcome,
    TransferProgress,
    TransferRequest,
)
from backend.files.paths import to_text
from backend.files.queue.codec import (
    items_of,
    items_text,
    outcome_of,
    outcome_text,
    progress_of,
    progress_text,
    request_of,
    request_text,
)
from backend.files.queue.record import retry_of_failed, without_items

paths = st.binary(min_size=1, max_size=40).map(to_text)
requests = st.builds(
    TransferRequest,
    direction=st.sampled_from(Direction),
    host=st.text(max_size=10),
    sources=st.lists(paths, max_size=3).map(tuple),
    destination=paths,
    verify=st.booleans(),
    on_conflict=st.sampled_from(ConflictPolicy),
    rate_limit=st.none() | st.integers(1, 10**12),
    parallel=st.integers(1, 64),
    follow_symlinks=st.booleans(),
    as_copy=st.booleans(),
    only=st.lists(paths, max_size=3).map(tuple),
)
counts = st.integers(0, 10**15)
progresses = st.builds(
    TransferProgress,
    files_total=st.none() | counts,
    bytes_done=counts,
    rate=st.none() | st.floats(0, 1e12),
    current=st.text(max_size=20),
    restarts=counts,
)


@given(requests)
def test_a_request_is_read_as_it_was_written(request: TransferRequest) -> None:
    assert request_of(request_text(request)) == request
    assert request_text(request).isascii(), "SQLite takes no lone surrogates"


@given(progresses)
def test_progress_is_read_as_it_was_written(progress: TransferProgress) -> None:
    assert progress_of(progress_text(progress)) == progress


def test_what_an_older_version_did_not_write_has_its_default_and_what_a_newer_one_did_is_left_out() -> None:
    request = TransferRequest(Direction.PUT, "web-1", ("/a",), "/b")
    kept = json.loads(request_text(request))
    del kept["as_copy"]
    assert request_of(json.dumps({**kept, "colour": "green"})) == request


def _outcome() -> TransferOutcome:
    error = FileError(
        Code.PERMISSION, "No.", evidence={"path": "/srv/x"}, host="web-1", advice=(Advice("Ask.", "sudo ls"),)
    )
    problems = (
        ItemProblem("/srv/x", error, "No.", "/srv/\udcffx"),
        ItemProblem("/srv/fifo", None, "it is a device", "/srv/fifo"),
    )
    return TransferOutcome(
        progress=TransferProgress(files_done=3, failed=1, skipped=1),
        seconds=2.5,
        problems=problems,
        error=FairleadError(Code.SOME_FAILED, evidence={"failed": 1, "total": 5}),
        notes=(ItemNote("/srv/y", "it changed"),),
    )


def test_how_it_ended_is_kept_with_its_items_counted_and_the_items_beside_it() -> None:
    outcome = _outcome()
    kept = outcome_of(outcome_text(without_items(outcome)), outcome.progress)
    assert (kept.problems, kept.problems_dropped, kept.notes_dropped) == ((), 2, 1)
    assert kept.error is not None
    assert outcome.error is not None
    assert kept.error.to_json() == outcome.error.to_json()
    whole = items_of(items_text(outcome)).of(kept)
    assert [(one.path, one.note, one.source) for one in whole.problems] == [
        (one.path, one.note, one.source) for one in outcome.problems
    ]
    assert whole.problems[0].error is not None
    assert outcome.problems[0].error is not None
    assert whole.problems[0].error.to_json() == outcome.problems[0].error.to_json()
    assert (whole.notes, whole.problems_dropped, whole.notes_dropped) == (outcome.notes, 0, 0)


def test_what_failed_is_asked_for_again_and_nothing_else() -> None:
    request = TransferRequest(Direction.PUT, "web-1", ("/srv",), "/b")
    again = retry_of_failed(request, _outcome())
    assert again is not None
    assert again.only == ("/srv/\udcffx",)
    assert retry_of_failed(request, TransferOutcome(TransferProgress(), 0.0)) is None


def test_where_not_all_failures_are_listed_the_same_is_asked_for_again() -> None:
    request = TransferRequest(Direction.PUT, "web-1", ("/srv",), "/b", only=("/srv/a",))
    assert retry_of_failed(request, without_items(_outcome())) == request
