"""What this machine remembers of jobs, in the state file: those of hosts that are away can be shown, too."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from backend.commands.jobs.model import Job, JobState
from backend.store import Store

_PUT = """
    INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (host, id) DO UPDATE SET
        name = excluded.name, command = excluded.command, command_size = excluded.command_size, cwd = excluded.cwd,
        state = excluded.state, status = excluded.status, pid = excluded.pid, started = excluded.started,
        ended = excluded.ended, seen = excluded.seen
"""
_COLUMNS = "host, id, name, command, command_size, cwd, state, status, pid, started, ended, seen"


class JobNotes:
    """The notes. Every method raises as `Store.run`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, jobs: Iterable[Job]) -> None:
        """Note these as they are now."""
        rows = [_row(job) for job in jobs]
        if rows:
            await self._store.run(lambda connection: connection.executemany(_PUT, rows))

    async def forget(self, host: str, ids: Collection[str]) -> None:
        """These are no more."""
        rows = [(host, job_id) for job_id in ids]
        if rows:
            await self._store.run(
                lambda connection: connection.executemany("DELETE FROM jobs WHERE host = ? AND id = ?", rows)
            )

    async def all(self, hosts: Collection[str] | None = None) -> tuple[Job, ...]:
        """Those of `hosts`, or of every host; newest first."""

        def work(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(f"SELECT {_COLUMNS} FROM jobs ORDER BY id DESC").fetchall()  # noqa: S608

        found: list[Job] = []
        for row in await self._store.run(work):
            with suppress(ValueError, TypeError):  # a newer Fairlead may know more states
                job = _job(*row)
                if hosts is None or job.host in hosts:
                    found.append(job)
        return tuple(found)


def _row(job: Job) -> tuple[object, ...]:
    moments = [None if moment is None else moment.timestamp() for moment in (job.started, job.ended, job.seen)]
    name = job.name.encode("utf-8", "replace").decode()
    about = (job.host, job.id, name, job.command, job.command_size, job.cwd)
    return (*about, job.state.value, job.status, job.pid, *moments)


def _job(
    host: str,
    job_id: str,
    name: str,
    command: bytes,
    command_size: int,
    cwd: bytes,
    state: str,
    status: int | None,
    pid: int | None,
    started: float | None,
    ended: float | None,
    seen: float | None,
) -> Job:
    return Job(
        host=host,
        id=job_id,
        state=JobState(state),
        name=name,
        command=command,
        command_size=command_size,
        cwd=cwd,
        started=_moment(started),
        ended=_moment(ended),
        status=status,
        pid=pid,
        seen=_moment(seen),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
