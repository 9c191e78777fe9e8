"""What Slurm's programs print, read whatever people call their jobs; reasons in plain words; the pace of questions."""

from __future__ import annotations

import asyncio
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.slurm import reading, script
from backend.commands.slurm.poll import AFTER_FAILURE, FIRST, LAST, QueuePoll, next_period
from backend.commands.slurm.reasons import REASONS, explain
from backend.commands.slurm.values import Job, Submission, checked_job, seconds_of
from backend.errors import Code, FairleadError, SessionError
from mocks.clock import VirtualClock
from tests.support.waiting import until

MARK = "0123456789abcdef01234567"
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
NAMES = st.text(max_size=30).filter(lambda text: MARK not in text)


def squeue_line(job_id: str, name: str, state: str = "PENDING") -> bytes:
    fields = [job_id, name, "ada", "gpu", state, "Priority", "0:00", "1-00:00:00", "1:02:03", "2", "8", "0", "gpu:2"]
    fields += ["", "N/A", "2026-11-27T01:51:14", "/home/ada"]
    return "".join(f"{MARK}{field}" for field in fields).encode("utf-8", "surrogatepass") + f"{MARK}end\n".encode()


@given(names=st.lists(NAMES, max_size=4))
def test_no_name_of_a_job_is_taken_for_another_field_or_job(names: list[str]) -> None:
    answer = b"welcome\n" + b"".join(squeue_line(str(number), name) for number, name in enumerate(names))
    jobs = reading.jobs(answer, MARK)
    assert [job.id for job in jobs] == [str(number) for number in range(len(names))]
    for job in jobs:
        assert (job.user, job.state, job.left, job.limit, job.gpus) == ("ada", "PENDING", 3723.0, 86400.0, "gpu:2")
        assert "\n" not in job.name
        assert "\x1b" not in job.name


@given(name=st.text(st.characters(codec="utf-8"), max_size=60))
def test_where_a_job_writes_is_not_for_its_name_to_say(name: str) -> None:
    text = (
        f"JobId=5 JobName={name} UserId=ada(1) JobState=FAILED ExitCode=9:9 RunTime=1 Reason=None"
        " ExitCode=7:0 RunTime=0 Command=/a b/run.sh WorkDir=/a b StdErr=/a b/err StdIn=/dev/null"
        " StdOut=/a b/out Power= "
    )
    found = reading.files(text.encode())
    assert found is not None
    assert (found.stdout, found.stderr) == (b"/a b/out", b"/a b/err")
    assert (found.exit_status, found.exit_signal) == (7, 0)


@given(raw=st.binary(max_size=300))
def test_no_answer_breaks_the_reading(raw: bytes) -> None:
    reading.jobs(raw, MARK)
    reading.partitions(raw, MARK)
    reading.past_jobs(raw, MARK)
    reading.files(raw)
    reading.submitted_id(raw)
    assert reading.failure(raw, "cluster").message


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"slurm_load_jobs error: Unable to contact slurm controller (connect failure)", Code.SLURM_SILENT),
        (b"squeue: error: munge: Unable to access socket", Code.SLURM_SILENT),
        (
            b"squeue: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\n"
            b"squeue: error: fetch_config: DNS SRV lookup failed\n"
            b"squeue: fatal: Could not establish a configuration source\n",
            Code.SLURM_UNCONFIGURED,
        ),
        (b"squeue: fatal: Unable to process configuration file", Code.SLURM_UNCONFIGURED),
        (b"slurm_load_jobs error: Invalid job id specified", Code.SLURM_JOB_UNKNOWN),
        (b"sbatch: error: Batch job submission failed: Invalid qos specification", Code.SLURM_REFUSED),
    ],
)
def test_complaints_are_told_apart(said: bytes, code: Code) -> None:
    error = reading.failure(said, "cluster", "7")
    assert error.code is code
    assert error.evidence["reason"]


@pytest.mark.parametrize("said", [b"error: Unable to contact slurm controller", b"fatal: fetch_config: no"])
def test_a_cluster_that_is_not_there_is_told_in_our_words(said: bytes) -> None:
    error = reading.failure(said, "cluster")
    assert error.evidence["reason"] not in error.message
    assert error.advice


@pytest.mark.parametrize(
    ("answer", "job"),
    [(b"123\n", "123"), (b"welcome\n123;east\n", "123"), (b"sbatch: error: no\n", None), (b"12 jobs\n", None)],
)
def test_the_submitted_job_is_the_number_that_stands_alone(answer: bytes, job: str | None) -> None:
    assert reading.submitted_id(answer) == job


@pytest.mark.parametrize(
    ("span", "seconds"),
    [("1-02:03:04", 93784.0), ("02:03", 123.0), ("1:00:00", 3600.0), ("UNLIMITED", None), ("", None)],
)
def test_spans_are_seconds(span: str, seconds: float | None) -> None:
    assert seconds_of(span) == seconds


@pytest.mark.parametrize("text", ["1", "12_3", "12_[4-9%2]", "12+1"])
def test_jobs_ids_are_taken(text: str) -> None:
    assert checked_job(text) == text


@pytest.mark.parametrize("text", ["", "abc", "1;id", "-u root", "1 2", "１"])
def test_other_things_are_no_jobs(text: str) -> None:
    with pytest.raises(FairleadError):
        checked_job(text)


def test_every_reason_is_a_sentence() -> None:
    for code, reason in REASONS.items():
        assert reason.words.endswith("."), code
        assert not reason.advice or reason.advice.endswith("."), code


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("QOSMaxJobsPerUserLimit", "QOS"),
        ("AssocGrpCpuLimit", "account"),
        ("ReqNodeNotAvail, UnavailableNodes:n1", "node"),
        ("SomethingNew", "something new"),
        ("", ""),
    ],
)
def test_reasons_that_stand_in_no_list_are_told_as_well(code: str, words: str) -> None:
    assert words in explain(code).words


@given(values=st.lists(WORDS, min_size=3, max_size=3))
def test_what_is_submitted_is_quoted(values: list[str]) -> None:
    name, partition, command = values
    line = script.submit(Submission(command=command.encode(), name=name, partition=partition)).decode()
    words = shlex.split(line.rpartition("exec sbatch")[2])
    assert f"--wrap={command}" in words
    assert not name or f"--job-name={name}" in words


# --- the pace ----------------------------------------------------------------------------------------------------


def test_questions_come_less_often_while_nothing_changes() -> None:
    period = FIRST
    for _ in range(20):
        period = next_period(period, changed=False, failed=False)
    assert period == LAST
    assert next_period(period, changed=True, failed=False) == FIRST
    assert next_period(next_period(period, changed=False, failed=True), changed=False, failed=True) == AFTER_FAILURE


class Asked:
    """A queue that counts the questions."""

    def __init__(self) -> None:
        self.count = 0
        self.failure: FairleadError | None = None
        self.clock = VirtualClock()
        self.poll = QueuePoll(self._ask, self.clock, everybody=False)

    async def _ask(self) -> tuple[Job, ...]:
        self.count += 1
        if self.failure is not None:
            raise self.failure
        return (Job("1", "a", "ada", "gpu", "PENDING"),)


async def test_all_who_look_share_one_question() -> None:
    asked = Asked()
    first = await asked.poll.now()
    assert await asked.poll.now() is first
    waits = [asyncio.create_task(asked.poll.newer(first)) for _ in range(5)]
    await until(lambda: all(wait.done() for wait in waits))
    assert asked.count == 2
    assert {wait.result().number for wait in waits} == {2}
    await asked.poll.close()


async def test_a_question_that_fails_is_told_and_the_next_one_is_asked_later() -> None:
    asked = Asked()
    first = await asked.poll.now()
    asked.failure = SessionError(Code.SLURM_SILENT, evidence={"reason": "away"})
    with pytest.raises(SessionError):
        await asked.poll.newer(first)
    assert asked.poll.period > FIRST
    assert asked.poll.last is first
    asked.failure = None
    assert (await asked.poll.newer(first)).number == 2
    await asked.poll.close()
