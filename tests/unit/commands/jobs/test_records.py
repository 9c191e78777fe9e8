"""What hosts tell of jobs is read for what it is, and hostile files change nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.jobs.model import Job, JobState, is_id, new_id
from backend.commands.jobs.records import decode, encode, jobs_of, read

SEEN = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
ID = "20260302-094000-0123456789"
OTHER = "20260301-000000-aaaaaaaaaa"
HEAD = b"boot b1\nnow 1772444460\nbase %2fh%20x\nticks 100\n"


def _answer(*about: bytes, signs: bytes = b"", job_id: str = ID, end: bytes = b"end\n") -> bytes:
    lines = b"".join(b"| " + line + b"\n" for line in (b"fairlead-job 1", *about))
    return HEAD + b"job " + job_id.encode() + b"\n" + lines + signs + end


def _only(answer: bytes) -> Job:
    (job,) = jobs_of(read(answer), "h", SEEN)
    return job


STARTED = b"started 1772444400"


@given(st.binary(max_size=400))
def test_any_bytes_travel_on_one_line(raw: bytes) -> None:
    text = encode(raw)
    assert b"\n" not in text
    assert text.isascii()
    assert decode(text) == raw


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2999, 1, 1)))
def test_ids_are_valid_and_sort_by_time(moment: datetime) -> None:
    made = new_id(moment.replace(tzinfo=UTC))
    assert is_id(made)
    assert made != new_id(moment.replace(tzinfo=UTC))
    assert made < new_id(moment.replace(tzinfo=UTC, year=moment.year + 1, day=1))


@pytest.mark.parametrize(
    ("about", "signs", "state"),
    [
        ((b"boot b1", STARTED), b"pid 7\nkeeper lives\n", JobState.RUNNING),
        ((b"boot b1", STARTED), b"pid 7\nkeeper gone\nuse " + ID.encode() + b" 2 30 40 50 0 0\n", JobState.RUNNING),
        ((b"boot b1", STARTED), b"pid 7\nkeeper gone\n", JobState.VANISHED),
        ((b"boot b1", STARTED), b"pid 7\nkeeper other\n", JobState.VANISHED),
        ((b"boot b0", STARTED), b"pid 7\nkeeper lives\n", JobState.REBOOTED),
        ((b"boot b0", STARTED), b"pid 7\nrc 3 1772444430\n", JobState.ENDED),
        ((b"boot b1", b"started 1772444450"), b"", JobState.STARTING),
        ((b"boot b1", STARTED), b"", JobState.VANISHED),
        ((b"boot b1",), b"", JobState.VANISHED),
    ],
)
def test_how_a_job_stands_is_judged_from_the_signs(about: tuple[bytes, ...], signs: bytes, state: JobState) -> None:
    assert _only(_answer(*about, signs=signs)).state is state


def test_all_of_a_job_is_read() -> None:
    about = (
        b"name n%20%c3%a4",
        b"command make  %0a",
        b"length 12",
        b"variables A B",
        b"cwd %2fsrv%0a",
        STARTED,
        b"boot b1",
    )
    signs = b"pid 812\nkeeper lives\nuse " + ID.encode() + b" 2 300 400 250 90 0\n"
    job = _only(_answer(*about, signs=signs, end=b"size 5 6\nend\n"))
    assert (job.name, job.command, job.command_size, job.cwd) == ("n ä", b"make  \n", 12, b"/srv")
    assert (job.variables, job.pid, job.directory) == (("A", "B"), 812, b"/h x/" + ID.encode())
    assert (job.out_size, job.err_size, job.running_for) == (5, 6, 60.0)
    assert job.usage is not None
    assert (job.usage.processes, job.usage.resident, job.usage.peak) == (2, 300 * 1024, 400 * 1024)
    assert (job.usage.cpu, job.usage.proportional) == (2.5, 90 * 1024)


def test_the_status_tells_a_signal_as_shells_do() -> None:
    job = _only(_answer(b"boot b1", STARTED, signs=b"rc 143 1772444430\n"))
    assert (job.status, job.signal, job.running_for) == (143, "TERM", 30.0)
    assert _only(_answer(b"boot b1", signs=b"rc 7 1772444430\n")).signal is None
    assert _only(_answer(b"boot b1", signs=b"rc 99999 1772444430\n")).status is None


def test_the_newest_job_comes_first_and_names_that_are_none_are_left_out() -> None:
    answer = HEAD + b"".join(b"job %s\n| fairlead-job 1\n" % name for name in (OTHER.encode(), b"../..", ID.encode()))
    assert [job.id for job in jobs_of(read(answer), "h", SEEN)] == [ID, OTHER]


@given(st.lists(st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b" ")), max_size=8))
def test_what_stands_in_a_jobs_own_file_stays_with_that_job(lines: list[bytes]) -> None:
    about = b"".join(b"| " + line + b"\n" for line in lines)
    innocent = b"job " + OTHER.encode() + b"\n| fairlead-job 1\n| boot b1\nrc 0 1772444400\n"
    told = read(HEAD + b"job " + ID.encode() + b"\n" + about + innocent + b"end\n")
    jobs = {job.id: job for job in jobs_of(told, "h", SEEN)}
    assert set(jobs) == {ID, OTHER}
    assert (jobs[OTHER].state, jobs[OTHER].status) == (JobState.ENDED, 0)


@given(st.binary(max_size=300))
def test_any_answer_can_be_read(answer: bytes) -> None:
    for job in jobs_of(read(answer), "h", SEEN):
        assert is_id(job.id)


def test_an_answer_that_breaks_off_is_known_as_such() -> None:
    assert read(_answer()).complete
    assert not read(_answer(end=b"")).complete
