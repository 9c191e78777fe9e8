"""Jobs and processes through the services, the same on every kind of host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from backend.clock import SystemClock
from backend.commands.jobs.model import Job, JobSpec, JobState, LogPiece
from backend.connection.connector import StdStream
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.errors import Code, FileError, SessionError
from backend.hosts.book import HostBook
from tests.support.transfer_world import OneHost
from tests.support.worlds import Person, Rig

HOST = "server"


@pytest.fixture
async def services(rig: Rig, tmp_path: Path) -> AsyncIterator[Container]:
    async with open_container(
        connector=rig.connector,
        book=cast(HostBook, OneHost(rig.target)),
        interaction=Person(),
        state_dir=tmp_path / "state",
        vault=Vault(),
        clock=SystemClock(),
        bulk_apart=False,
    ) as container:
        yield container


async def _said(services: Container, job: Job) -> tuple[bytes, bytes, Job]:
    logs = await services.jobs.logs(HOST, job.id)
    said = {StdStream.OUT: b"", StdStream.ERR: b""}
    async for piece in logs.pieces():
        assert isinstance(piece, LogPiece)
        said[piece.stream] += piece.data
    return said[StdStream.OUT], said[StdStream.ERR], logs.job


async def test_a_job_says_what_it_says_and_ends_with_its_status(services: Container, rig: Rig) -> None:
    spec = JobSpec(b'pwd; echo "$A"; echo err >&2; exit 3', name="mine", cwd=rig.work, env={"A": "it's\nso"})
    job = await services.jobs.start(HOST, spec)
    out, err, ended = await _said(services, job)
    assert (out, err) == (rig.work + b"\nit's\nso\n", b"err\n")
    assert (ended.state, ended.status, ended.out_size, ended.err_size) == (JobState.ENDED, 3, len(out), len(err))
    (listed,) = (await services.jobs.listing(HOST)).jobs
    assert (listed.id, listed.name, listed.command, listed.cwd) == (job.id, "mine", spec.command, rig.work)
    assert (listed.variables, listed.status) == (("A",), 3)
    await services.jobs.remove(HOST, job.id)
    assert (await services.jobs.listing(HOST)).jobs == ()
    with pytest.raises(SessionError) as unknown:
        await services.jobs.stop(HOST, job.id)
    assert unknown.value.code is Code.JOB_UNKNOWN


async def test_a_job_runs_until_it_is_stopped(services: Container) -> None:
    job = await services.jobs.start(HOST, JobSpec(b"sleep 600"))
    assert job.state is JobState.RUNNING
    with pytest.raises(SessionError) as running:
        await services.jobs.remove(HOST, job.id)
    assert running.value.code is Code.JOB_RUNNING
    stopped = await services.jobs.stop(HOST, job.id)
    assert (stopped.job.state, stopped.job.signal, stopped.killed) == (JobState.ENDED, "TERM", False)
    await services.jobs.remove(HOST, job.id)


async def test_a_job_does_not_start_in_a_directory_that_is_not_there(services: Container, rig: Rig) -> None:
    await services.files.on(HOST).create(rig.work + b"/file")
    for cwd, code in ((b"/no/such", Code.NOT_FOUND), (rig.work + b"/file", Code.NOT_DIRECTORY)):
        with pytest.raises(FileError) as failed:
            await services.jobs.start(HOST, JobSpec(b"true", cwd=cwd))
        assert failed.value.code is code
        assert failed.value.evidence["path"] == cwd.decode()
    assert (await services.jobs.listing(HOST)).jobs == ()
    assert await services.jobs.noted() == ()


async def test_processes_are_told_and_signalled(services: Container) -> None:
    job = await services.jobs.start(HOST, JobSpec(b"sleep 600"))
    assert job.pid is not None
    keeper = (await services.processes.table(HOST)).by_pid()[job.pid]
    assert await services.processes.memory_of(HOST, job.pid) == (keeper.resident / 1e6, "sh")
    await services.processes.signal(HOST, keeper, "KILL")
    await asyncio.sleep(0)
    with pytest.raises(SessionError) as gone:
        async with asyncio.timeout(10):
            while True:
                await services.processes.signal(HOST, keeper, "KILL")
    assert gone.value.code is Code.PROCESS_GONE
    await services.jobs.remove(HOST, job.id, force=True)
