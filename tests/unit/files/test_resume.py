"""The resume planner: nothing is trusted that could be wrong, nothing proven is thrown away."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backend.files.resume import Fingerprint, PartialRecord, Restart, plan_resume, sample_offsets

sizes = st.integers(0, 1 << 32)
fingerprints = st.builds(Fingerprint, sizes, st.floats(0, 1e10), st.binary(min_size=1, max_size=2))
records = st.builds(PartialRecord, fingerprints, sizes)


@given(fingerprints, st.none() | records, st.none() | sizes, st.booleans(), st.integers(0, 1 << 24))
def test_candidates_never_exceed_what_is_there_or_what_there_is(
    source: Fingerprint, record: PartialRecord | None, there: int | None, in_order: bool, flight: int
) -> None:
    plan = plan_resume(source, record, there, in_order=in_order, flight=flight)
    assert all(0 < length <= min(there or 0, source.size) for length in plan.candidates)
    assert list(plan.candidates) == sorted(set(plan.candidates), reverse=True)


@given(fingerprints, records, sizes)
def test_a_changed_source_keeps_nothing_and_says_why(source: Fingerprint, record: PartialRecord, there: int) -> None:
    if record.source == source:
        record = replace(record, source=replace(source, ends=source.ends + b"!"))
    plan = plan_resume(source, record, there)
    assert plan.candidates == ()
    assert plan.restart is (Restart.SOURCE_CHANGED if there else None)


@given(fingerprints, st.integers(1, 1 << 32))
def test_an_unknown_partial_keeps_nothing_and_says_why(source: Fingerprint, there: int) -> None:
    plan = plan_resume(source, None, there)
    assert (plan.candidates, plan.restart) == ((), Restart.NO_RECORD)


@given(fingerprints, sizes, sizes)
def test_a_file_written_in_order_goes_on_at_its_size_then_at_its_mark(
    source: Fingerprint, mark: int, there: int
) -> None:
    plan = plan_resume(source, PartialRecord(source, mark), there)
    most = min(there, source.size)
    assert plan.candidates == tuple(sorted({most, min(mark, most)} - {0}, reverse=True))


def test_a_file_that_is_acknowledged_to_its_end_is_whole() -> None:
    source = Fingerprint(10, 1.0, b"x")
    plan = plan_resume(source, PartialRecord(source, 10), 10, in_order=False, flight=5)
    assert plan.candidates == (10,)


@given(fingerprints, sizes, sizes, st.integers(1, 1 << 24))
def test_a_file_that_may_have_gaps_goes_on_one_flight_before_what_was_acknowledged(
    source: Fingerprint, mark: int, there: int, flight: int
) -> None:
    plan = plan_resume(source, PartialRecord(source, mark), there, in_order=False, flight=flight)
    whole = mark == there == source.size
    sure = min(mark, there, source.size) - (0 if whole else flight)
    assert plan.candidates == ((sure,) if sure > 0 else ())


def test_nothing_there_is_no_reason_to_say_anything() -> None:
    source = Fingerprint(10, 1.0, b"x")
    for there in (None, 0):
        assert plan_resume(source, PartialRecord(source, 5), there) == plan_resume(source, None, there)
        assert plan_resume(source, None, there).restart is None


def test_a_prefix_that_could_not_be_proven_says_so() -> None:
    source = Fingerprint(10, 1.0, b"x")
    assert "proven" in plan_resume(source, PartialRecord(source, 5), 5).why_from_start


@given(st.integers(1, 1 << 30), st.integers(1, 1 << 18))
def test_samples_lie_in_the_prefix_and_cover_its_end_and_its_beginning(length: int, block: int) -> None:
    offsets = sample_offsets(length, block)
    assert all(0 <= offset < length for offset in offsets)
    assert offsets[0] == max(0, length - block)
    assert 0 in offsets
    assert len(set(offsets)) == len(offsets)
