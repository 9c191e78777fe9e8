"""Commands of a cluster's login node: Slurm's squeue, sinfo, sbatch, scancel and scontrol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from mocks.host import Job
from mocks.shell.cluster import cluster_of
from mocks.shell.run import Run, command

_FIELD = re.compile(r"%([a-zA-Z])")
_STATES = {"R": "RUNNING", "PD": "PENDING", "CA": "CANCELLED", "CD": "COMPLETED"}
_LIMIT = timedelta(hours=24)


def clock_text(span: timedelta) -> str:
    """`1-02:03:04`, as Slurm writes spans."""
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    if span.days:
        return f"{span.days}-{hours:02}:{minutes:02}:{seconds:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _jobs(run: Run) -> list[Job]:
    """The jobs as they are now: those that run have run for longer."""
    cluster = cluster_of(run)
    since = run.clock.now() - run.host.started
    jobs = [replace(job, running=job.running + since) if job.state == "R" else job for job in cluster.all_jobs]
    return [replace(job, state="CA", where="") if job.id in cluster.cancelled else job for job in jobs]


@command("squeue")
async def squeue(run: Run) -> int:
    options = run.options("ah", valued="uptjo")
    user = run.user.name if "--me" in options.flags else options.values.get("u", "")
    wanted = options.values.get("j")
    jobs = [job for job in _jobs(run) if job.state != "CA" or options.values.get("t") == "all"]
    jobs = [job for job in jobs if (not user or job.user == user) and (wanted is None or str(job.id) == wanted)]
    if wanted is not None and not jobs:
        return await _complain(run, "slurm_load_jobs error: Invalid job id specified")
    if (wished := options.values.get("o")) is not None:
        for job in jobs:
            await run.line(_filled(wished, _job_fields(job)))
        return 0
    if "h" not in options.flags:
        await run.line("             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)")
    for job in jobs:
        elapsed = clock_text(job.running) if job.state == "R" else "0:00"
        await run.line(
            f"{job.id:>18} {job.partition:>9} {job.name[:8]:>8} {job.user[:8]:>8} {job.state:>2} {elapsed:>10} "
            f"{job.nodes:>6} {job.where}"
        )
    return 0


def _filled(wished: str, fields: Mapping[str, str]) -> str:
    """A format of squeue(1) or sinfo(1), without widths, filled in."""
    return _FIELD.sub(lambda found: fields.get(found[1], "N/A"), wished)


def _job_fields(job: Job) -> dict[str, str]:
    waits = job.state == "PD"
    return {
        "i": str(job.id), "j": job.name, "u": job.user, "P": job.partition, "T": _STATES[job.state],
        "r": job.where.strip("()") if waits else "None", "M": clock_text(job.running), "l": clock_text(_LIMIT),
        "L": clock_text(max(timedelta(), _LIMIT - job.running)), "D": str(job.nodes), "C": str(job.nodes * 64),
        "m": "0", "N": "" if waits else job.where, "Z": f"/home/{job.user}/jobs",
    }  # fmt: skip


@command("sinfo")
async def sinfo(run: Run) -> int:
    options = run.options("h", valued="o")
    wished = options.values.get("o")
    if wished is None:
        await run.line("PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST")
    for name, limit, state, nodes, where in cluster_of(run).partitions:
        if wished is None:
            await run.line(f"{name:<9} up    {limit:>10} {nodes:>6} {state:>6} {where}")
        else:
            fields = {"P": name, "a": "up", "l": limit, "D": str(nodes), "T": state, "N": where, "m": "512000"}
            cpus = nodes * 64
            fields["C"] = f"0/{cpus}/0/{cpus}" if state == "idle" else f"{cpus}/0/0/{cpus}"
            await run.line(_filled(wished, fields))
    return 0


@command("sbatch")
async def sbatch(run: Run) -> int:
    options = dict(word[2:].partition("=")[::2] for word in run.arguments if word.startswith("--"))
    names = [word for word in run.arguments if not word.startswith("-")]
    if names:
        run.open(names[0])
    cluster = cluster_of(run)
    default = next(name for name, *_ in cluster.partitions if name.endswith("*")).rstrip("*")
    partition = options.get("partition", default)
    if partition not in {name.rstrip("*") for name, *_ in cluster.partitions}:
        return await _complain(run, "sbatch: error: Batch job submission failed: Invalid partition name specified")
    name = options.get("job-name") or (names[0].rpartition("/")[2] if names else "wrap")
    nodes = int(options.get("nodes") or 1)
    job = Job(48_100 + run.host.new_pid() % 900, partition, name, run.user.name, "PD", timedelta(), nodes, "(Priority)")
    cluster.submitted.append(job)
    await run.line(str(job.id) if "parsable" in options else f"Submitted batch job {job.id}")
    return 0


@command("scancel")
async def scancel(run: Run) -> int:
    own = {job.id for job in _jobs(run) if job.user == run.user.name}
    for word in run.arguments:
        if word.isdecimal() and int(word) not in own and any(job.id == int(word) for job in _jobs(run)):
            return await _complain(run, f"scancel: error: Kill job error on job id {word}: Access/permission denied")
        if word.isdecimal():
            cluster_of(run).cancelled.add(int(word))
    return 0


@command("scontrol")
async def scontrol(run: Run) -> int:
    if run.arguments[:2] != ["show", "job"]:
        return await run.complain("only `show job` is known here")
    for job in _jobs(run):
        if str(job.id) == run.arguments[-1]:
            output = f"/home/{job.user}/jobs/slurm-{job.id}.out"
            await run.line(
                f"JobId={job.id} JobName={job.name} UserId={job.user}(1) JobState={_STATES[job.state]} ExitCode=0:0 "
                f"RunTime={clock_text(job.running)} StdErr={output} StdIn=/dev/null StdOut={output} Power= "
            )
            return 0
    return await _complain(run, "slurm_load_jobs error: Invalid job id specified")


async def _complain(run: Run, text: str) -> int:
    await run.streams.stderr.write(text.encode() + b"\n")
    return 1
