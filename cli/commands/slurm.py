"""`fairlead slurm`: the jobs of a cluster."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from backend.commands.slurm.values import Job, Submission
from backend.errors import Advice, Code, ConfigError
from cli.arguments import Filled, HostName
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.slurm import print_jobs, print_partitions, told_job
from cli.statuses import Status

_DOES = ("queue", "past", "show", "nodes", "submit", "cancel", "follow")


@click.command()
@click.argument("host", type=HostName())
@click.argument("what", type=click.Choice(_DOES), default="queue")
@click.argument("words", nargs=-1, metavar="[JOB|SCRIPT]...")
@click.option("--all", "everybody", is_flag=True, help="queue: everybody's jobs.")
@click.option("--wrap", type=Filled(), metavar="COMMAND", help="submit: run this command line.")
@click.option("--there", is_flag=True, help="submit: SCRIPT is a file on HOST.")
@click.option("--name", type=Filled(), metavar="NAME", help="submit: the job's name.")
@click.option("--partition", type=Filled(), metavar="NAME", help="submit: where it runs.")
@click.option("--time", type=Filled(), metavar="SPAN", help="submit: minutes, HH:MM:SS or D-HH.")
@click.option("--nodes", type=Filled(), metavar="N", help="submit: how many nodes.")
@click.option("--tasks", type=Filled(), metavar="N", help="submit: how many processes.")
@click.option("--cpus", type=Filled(), metavar="N", help="submit: processors for each process.")
@click.option("--gpus", type=Filled(), metavar="N", help="submit: GPUs on each node, as 2 or a100:2.")
@click.option("--memory", type=Filled(), metavar="SIZE", help="submit: memory on each node, as 4G.")
@click.option("--output", type=Filled(), metavar="FILE", help="submit: where its output goes.")
@click.option("--cwd", type=Filled(), metavar="DIR", help="submit: where it runs on the host.")
@click.option(
    "--sbatch", "extra", multiple=True, metavar="OPTION", help="submit: an option of sbatch; may be repeated."
)
@click.option("--offset", type=click.IntRange(min=0), default=0, metavar="BYTE", help="follow: begin there.")
@click.option("-f", "--follow", "then_follow", is_flag=True, help="submit: follow its output.")
@global_flags()
@pass_flags
def slurm(flags: GlobalFlags, host: str, what: str, words: tuple[str, ...], **options: Any) -> int:
    """Jobs of the cluster that HOST belongs to.

    \b
    queue    own jobs, or everybody's with --all, and why those that wait do so
    past     own jobs that have ended: of a week, or of some minutes without accounting
    show     one job
    nodes    partitions, and the states of their nodes
    submit   a script of this machine, of the host (--there), or a command line (--wrap)
    cancel   jobs
    follow   a job's output until it ends; before it starts, why it waits

    \b
    Examples:
      fairlead slurm cluster
      fairlead slurm cluster submit train.sh --time 2:00:00 --gpus 1 --follow
      fairlead slurm cluster submit --wrap './tides 7' --partition short
      fairlead slurm cluster follow 48213 > job.log
      fairlead slurm cluster cancel 48213 48214

    Exit status: 0; follow: the job's own, 1 where it failed without one; 4 where Slurm refused, does not answer, or is
    not there; 255 for no connection or no login.
    """
    _check(what, words, options)
    works = {
        "queue": _queue, "past": _past, "show": _show, "nodes": _nodes,
        "submit": _submit, "cancel": _cancel, "follow": _follow,
    }  # fmt: skip
    return execute(flags, lambda services: works[what](services, host, words, options), host=host)


def _check(what: str, words: Sequence[str], options: dict[str, Any]) -> None:
    problem = ""
    if what in {"show", "follow"} and len(words) != 1:
        problem = f"{what} needs one job"
    elif what == "cancel" and not words:
        problem = "cancel needs the jobs that are to end"
    elif what == "submit" and bool(words) == bool(options["wrap"]):
        problem = "submit needs a script, or a command line after --wrap"
    elif what in {"queue", "past", "nodes"} and words:
        problem = f"{what} takes no further words"
    if problem:
        raise ConfigError(Code.USAGE, evidence={"problem": problem})


Options = dict[str, Any]


async def _queue(services: Services, host: str, words: Sequence[str], options: Options) -> int:
    queue = await services.container.slurm.poll(host, everybody=options["everybody"]).now()
    jobs = [job for job in queue.jobs if not job.ended]
    return print_jobs(services.flags, host, jobs, nothing="No job waits or runs.", narration=services.narration)


async def _past(services: Services, host: str, words: Sequence[str], options: Options) -> int:
    jobs = await services.container.slurm.past(host)
    return print_jobs(services.flags, host, jobs, nothing="No job is remembered.", narration=services.narration)


async def _show(services: Services, host: str, words: Sequence[str], options: Options) -> int:
    detail = await services.container.slurm.job(host, words[0])
    return told_job(services.flags, host, detail)


async def _nodes(services: Services, host: str, words: Sequence[str], options: Options) -> int:
    return print_partitions(services.flags, host, await services.container.slurm.nodes(host))


async def _submit(services: Services, host: str, words: Sequence[str], options: Options) -> int:
    job_id = await services.container.slurm.submit(host, _submission(words, options))
    if services.flags.json:
        print_json({"host": host, "job": job_id})
    elif options["then_follow"]:
        services.narration.say(f"Submitted as job {job_id}.")
    else:
        click.echo(job_id)
    return await _follow(services, host, [job_id], options) if options["then_follow"] else Status.OK


def _submission(words: Sequence[str], options: Options) -> Submission:
    names = ("name", "partition", "time", "nodes", "tasks", "cpus", "gpus", "memory", "output")
    given: dict[str, Any] = {name: options[name] or "" for name in names}
    directory = None if options["cwd"] is None else os.fsencode(options["cwd"])
    common = Submission(directory=directory, extra=tuple(options["extra"]), **given)
    if options["wrap"] is not None:
        return replace(common, command=os.fsencode(options["wrap"]))
    arguments = tuple(os.fsencode(word) for word in words[1:])
    if options["there"]:
        return replace(common, path=os.fsencode(words[0]), arguments=arguments)
    if arguments:
        raise ConfigError(Code.USAGE, evidence={"problem": "only a script on the host (--there) takes arguments"})
    path = Path(words[0])
    return replace(common, script=_read(path), name=common.name or path.name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}"
        steps = (Advice("A script on the host is named with --there."),)
        raise ConfigError(Code.USAGE, evidence={"problem": problem}, advice=steps) from error


async def _cancel(services: Services, host: str, words: Sequence[str], options: Options) -> int:
    ended: list[Job] = []
    for word in words:
        ended.append(await services.container.slurm.cancel(host, word))
        if not services.flags.json:
            services.narration.say(f"Job {word}: {ended[-1].state}")
    if services.flags.json:
        print_json({"host": host, "jobs": [job.to_json() for job in ended]})
    return Status.OK


async def _follow(services: Services, host: str, words: Sequence[str], options: Options) -> int:
    from cli.slurm import follow_job  # most of these commands follow nothing

    return await follow_job(services, host, words[0], options["offset"])
