"""What is remembered of jobs, over a restart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from backend.commands.jobs.model import Job, JobState
from backend.commands.jobs.notes import JobNotes
from backend.store import Store

MOMENT = datetime(2026, 3, 2, 9, 41, 0, 250000, tzinfo=UTC)
JOB = Job(
    host="web-1",
    id="20260302-094000-0123456789",
    state=JobState.RUNNING,
    name="n\udcff",
    command=b"make \xff",
    command_size=6,
    cwd=b"/srv",
    pid=812,
    started=MOMENT,
    seen=MOMENT,
)


async def test_notes_outlive_a_restart_and_are_changed_and_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path / "fairlead.db")
    other = replace(JOB, host="db-2", id="20260302-094001-0123456789", state=JobState.UNCONFIRMED)
    await JobNotes(store).put((JOB, other))
    await store.close()
    store = Store(tmp_path / "fairlead.db")
    notes = JobNotes(store)
    assert await notes.all() == (other_name(other), other_name(JOB))
    ended = replace(JOB, state=JobState.ENDED, status=7, ended=MOMENT)
    await notes.put((ended,))
    assert await notes.all(("web-1",)) == (other_name(ended),)
    await notes.forget("web-1", (JOB.id,))
    assert [job.host for job in await notes.all()] == ["db-2"]
    await store.close()


def other_name(job: Job) -> Job:
    """As SQLite keeps a name that is no Unicode."""
    return replace(job, name="n?")


async def test_a_state_that_a_newer_fairlead_has_written_is_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "fairlead.db")
    notes = JobNotes(store)
    await notes.put((JOB,))
    await store.run(lambda connection: connection.execute("UPDATE jobs SET state = 'dreaming'"))
    assert await notes.all() == ()
    await store.close()
