"""Jobs and partitions as text and JSON, and a job's output as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click

from backend.commands.slurm.reasons import explain
from backend.commands.slurm.service import JobDetail
from backend.commands.slurm.values import Job, Partition
from backend.commands.values import CommandSpec
from backend.connection.connector import Chunk, StdStream
from backend.fd_writer import FdWriter
from backend.text import clean_line, show_bytes
from cli.columns import in_columns
from cli.execute import Services
from cli.failures import print_json
from cli.flags import GlobalFlags
from cli.narration import Narration
from cli.statuses import Status, status_of_exit
from cli.units import seconds_text

_JOBS = ("job", "name", "user", "partition", "state", "time", "left", "nodes", "where or why")
_PARTITIONS = ("partition", "nodes", "state", "time limit", "cpus a/i/o/all", "MiB", "gpus", "which")


def print_jobs(flags: GlobalFlags, host: str, jobs: Sequence[Job], *, nothing: str, narration: Narration) -> int:
    """A table, or JSON."""
    if flags.json:
        print_json({"host": host, "jobs": [_job_json(job) for job in jobs]})
    elif not jobs:
        narration.say(nothing)
    else:
        _table([_JOBS, *(_job_cells(job) for job in jobs)])
    return Status.OK


def print_partitions(flags: GlobalFlags, host: str, partitions: Sequence[Partition]) -> int:
    """A table, or JSON."""
    if flags.json:
        print_json({"host": host, "partitions": [one.to_json() for one in partitions]})
    else:
        _table([_PARTITIONS, *(_partition_cells(one) for one in partitions)])
    return Status.OK


def told_job(flags: GlobalFlags, host: str, detail: JobDetail) -> int:
    """All about one job."""
    job, files = detail.job, detail.files
    if flags.json:
        more = {} if files is None else {
            "stdout": files.stdout.decode("utf-8", "replace"), "stderr": files.stderr.decode("utf-8", "replace"),
            "exit_status": files.exit_status, "exit_signal": files.exit_signal,
        }  # fmt: skip
        print_json({"host": host, **_job_json(job), **more})
        return Status.OK
    reason = explain(job.reason)
    lines = {
        "job": f"{job.id} {job.name}",
        "state": f"{job.state} {f'({job.reason})' if job.reason else ''}",
        "why": reason.words,
        "do": reason.advice,
        "partition": f"{job.partition}, {job.nodes} nodes, {job.cpus} processors {job.memory} {job.gpus}",
        "nodes": job.where,
        "ran": _span(job.used),
        "time left": _span(job.left) if job.runs else "",
        "start": job.start,
        "submitted": job.submitted,
        "directory": job.directory,
        "output": "" if files is None else show_bytes(files.stdout),
        "errors": "" if files is None or files.stderr == files.stdout else show_bytes(files.stderr),
        "exit": str(files.exit_status) if files is not None and job.ended else "",
    }
    for name, text in lines.items():
        if text.strip():
            click.echo(clean_line(f"{name:<10} {text.strip()}"))
    return Status.OK


async def follow_job(services: Services, host: str, job_id: str, offset: int) -> int:
    """A job's output on stdout, what is said about it on stderr; the job's own exit status."""
    from backend.commands.slurm.following import following

    out = FdWriter(1)

    async def take(chunk: Chunk) -> None:
        if chunk.stream is StdStream.OUT:
            await out.write(chunk.data)
        else:
            services.narration.say(clean_line(show_bytes(chunk.data.rstrip(b"\n"))))

    slurm = services.container.slurm
    command = f"squeue -j {job_id}".encode()  # what the production guard is asked about: it only looks
    spec = CommandSpec(command, opening=following(slurm, job_id, offset), keep_output=False)
    running = services.container.commands.start(host, spec, take)
    try:
        outcome = await running.wait()
    except asyncio.CancelledError:
        await running.cancel()
        raise
    if outcome.error is not None:
        raise outcome.error
    assert outcome.exit is not None
    return status_of_exit(outcome.exit)


def _job_json(job: Job) -> dict[str, object]:
    reason = explain(job.reason)
    return {**job.to_json(), "why": reason.words, "advice": reason.advice}


def _job_cells(job: Job) -> tuple[str, ...]:
    told = job.where or explain(job.reason).words if not job.waits else f"{job.reason}: {explain(job.reason).words}"
    return (
        job.id, job.name, job.user, job.partition, job.state, _span(job.used), _span(job.left) if job.runs else "",
        str(job.nodes), told,
    )  # fmt: skip


def _partition_cells(one: Partition) -> tuple[str, ...]:
    name = f"{one.name}{'*' if one.default else ''}{'' if one.up else ' (down)'}"
    limit = "none" if one.limit is None else seconds_text(one.limit)
    state = f"{one.state}{f' ({one.why})' if one.why else ''}"
    return name, str(one.nodes), state, limit, one.cpus, one.memory, one.gpus, one.where


def _span(seconds: float | None) -> str:
    return "" if seconds is None else seconds_text(seconds)


def _table(rows: Sequence[Sequence[str]]) -> None:
    click.echo("\n".join(in_columns([[clean_line(cell) for cell in row] for row in rows])))
