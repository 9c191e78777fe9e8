"""Jobs as lines and JSON: never more certain than what is known, and nothing of the host's shown raw."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.commands.jobs.model import Job, JobState, Usage
from cli.job_looks import describe_job, job_json, job_table, state_words

NOW = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
JOB = Job(
    host="gpu-7",
    id="20260302-094000-0123456789",
    state=JobState.RUNNING,
    name="night",
    command=b"python \x1b[31mx\xff",
    command_size=3000,
    cwd=b"/srv",
    pid=812,
    started=NOW - timedelta(hours=2),
    running_for=7200.0,
    usage=Usage(3, 22_100_000_000, 24_000_000_000, 3600.0),
    seen=NOW,
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "runs"),
        ({"keeper": False}, "runs, but its keeper was killed: how it ends will not be known"),
        ({"state": JobState.ENDED, "status": 7}, "ended with 7"),
        ({"state": JobState.ENDED, "status": 143}, "ended with 143 (SIGTERM)"),
        ({"state": JobState.ENDED}, "ended, and its status cannot be read"),
        ({"state": JobState.REBOOTED}, "ended when the host was restarted"),
    ],
)
def test_how_it_stands_is_said_in_words(changes: dict[str, object], words: str) -> None:
    assert state_words(replace(JOB, **changes)) == words  # type: ignore[arg-type]


def test_a_look_that_is_old_is_told_with_its_time() -> None:
    (fresh,) = job_table([JOB], NOW, several=False)
    assert fresh == "20260302-094000-0123456789  running  2 h 00 min  22.1 GB  1 h 00 min  night"
    (old,) = job_table([JOB], NOW + timedelta(hours=1), several=True)
    assert old.endswith("night  (not looked at since 2026-03-02 09:41)")
    assert "gpu-7" in old


def test_what_a_host_tells_is_made_safe() -> None:
    text = "\n".join(describe_job(replace(JOB, name="\x1b]0;x\x07"), NOW))
    assert "\x1b" not in text and "\x07" not in text
    assert "python \\x1b[31mx\\xff… (2,986 more bytes)" in text


def test_json_tells_the_three_states_that_scripts_know_and_the_exact_one() -> None:
    states = {state: job_json(replace(JOB, state=state))["state"] for state in JobState}
    assert states[JobState.RUNNING] == states[JobState.STARTING] == "running"
    assert states[JobState.ENDED] == "ended"
    assert {states[state] for state in (JobState.REBOOTED, JobState.VANISHED, JobState.NOT_STARTED)} == {"lost"}
    told = job_json(JOB)
    assert (told["fate"], told["exit_status"], told["memory"]["pss"]) == ("running", None, None)
    assert told["command_base64"]
