"""`fairlead jobs`: commands on hosts that outlive the connection."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click

from backend.commands.jobs.model import Job, JobSpec
from backend.commands.jobs.service import GRACE
from backend.connection.connector import StdStream
from backend.errors import FairleadError
from backend.text import clean_line, shell_word
from cli.arguments import Assignment, CommandLine, Filled, HostName
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.job_logs import show_logs
from cli.job_looks import describe_job, describe_usage, job_json, job_table, usage_json
from cli.statuses import Status

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_HOST_GIVEN = "cli.commands.jobs.host"
"""In a context's `meta` while a shell completes what follows a host."""


_ASKS_FOR_HELP = frozenset({"-h", "--help"})


class _AfterHost(click.Group):
    """A group whose commands stand behind the host: `jobs HOST start …`."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        if _HOST_GIVEN in ctx.meta:
            return super().shell_complete(ctx, incomplete)
        return HostName().shell_complete(ctx, self.params[0], incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        host, *rest = args
        if host in self.commands and rest and set(rest) <= _ASKS_FOR_HELP:
            return f"HOST {host}", self.commands[host], ["HOST", *rest]
        if host in self.commands and (not rest or rest[0] not in self.commands):
            ctx.fail(f"the host comes first: fairlead jobs HOST {host}")
        if ctx.resilient_parsing and not rest:
            ctx.meta[_HOST_GIVEN] = host
            return None, None, []
        name, command, further = super().resolve_command(ctx, rest or ["list"])
        return f"{shell_word(clean_line(host))} {name}", command, [host, *further]


@click.group(cls=_AfterHost, invoke_without_command=True, subcommand_metavar="[HOST COMMAND [ARGS]...]")
@global_flags()
@pass_flags
@click.pass_context
def jobs(context: click.Context, /, flags: GlobalFlags) -> int:
    """Commands that outlive the connection: start them, find them again from any machine, follow, stop.

    Without a host: what this machine remembers of all hosts, and as of when; nothing is connected.

    \b
    Examples:
      fairlead jobs gpu-7 start -- ./train.sh
      fairlead jobs gpu-7 list
      fairlead jobs
    """
    return Status.OK if context.invoked_subcommand is not None else _list(flags, None)


class _BeforeCommand(click.Argument):
    """The host, which stands before the name of the command and so in no list of what follows it."""

    def get_usage_pieces(self, ctx: click.Context) -> list[str]:
        return []


ID = click.argument("job", metavar="ID", type=Filled())
HOST = click.argument("host", type=HostName(), cls=_BeforeCommand)


@jobs.command(cls=CommandLine, short_help="Start COMMAND on HOST and leave it running there.")
@HOST
@click.argument("command", nargs=-1, required=True)
@click.option("--cwd", type=Filled(), metavar="DIR", help="Run it in this directory on the host.")
@click.option("--env", multiple=True, type=Assignment(), metavar="NAME=VALUE", help="Set a variable; may be repeated.")
@click.option("--name", type=Filled(), metavar="NAME", help="Call it so; other commands take the name for the ID.")
@global_flags()
@pass_flags
def start(
    flags: GlobalFlags,
    host: str,
    command: tuple[str, ...],
    cwd: str | None,
    env: tuple[tuple[str, str], ...],
    name: str | None,
) -> int:
    """Start COMMAND on HOST and leave it running there. Prints its ID.

    The words of COMMAND are joined with blanks and read by the login shell on the host, as with `run`. It has no
    terminal and no stdin; what it says is kept on the host, below ~/.local/state/fairlead/jobs, for your account alone.

    \b
    Examples:
      fairlead jobs gpu-7 start --cwd '~/runs' --name night -- python train.py --epochs 90
      fairlead jobs web-1 start -- 'tar c /srv | zstd > /backup/srv.tar.zst'
    """
    spec = JobSpec(
        os.fsencode(" ".join(command)),
        name=clean_line(name or ""),
        cwd=None if cwd is None else os.fsencode(cwd),
        env=dict(env),
    )

    async def work(services: Services) -> int:
        job = await services.container.jobs.start(host, spec)
        if flags.json:
            print_json(job_json(job))
            return Status.OK
        click.echo(job.id)
        services.narration.say(
            f"started on {host} as process {job.pid}; its output: fairlead jobs {host} logs -f {job.id}"
        )
        if job.risk:
            services.narration.say(f"but {job.risk}")
        return Status.OK

    return execute(flags, work, host=host)


@jobs.command(name="list", short_help="List the jobs of HOST.")
@HOST
@global_flags()
@pass_flags
def list_(flags: GlobalFlags, host: str) -> int:
    """List the jobs of HOST: all of your account there, from whatever machine they were started.

    A host that cannot be reached is listed as it was, and the status is that of the failure.

    \b
    Examples:
      fairlead jobs gpu-7 list
      fairlead jobs gpu-7 list --json
    """
    return _list(flags, host)


def _list(flags: GlobalFlags, host: str | None) -> int:
    """List the jobs of a host, or what is remembered of all of them."""

    async def work(services: Services) -> int:
        found, status = await _listed(services, host)
        if flags.json:
            print_json([job_json(job) for job in found])
        else:
            for line in job_table(found, services.container.clock.now(), several=host is None):
                click.echo(line)
            if not found and status == Status.OK:
                services.narration.say("no jobs; start one with: fairlead jobs HOST start -- COMMAND")
        return status

    return execute(flags, work, host=host)


async def _listed(services: Services, host: str | None) -> tuple[list[Job], int]:
    """The jobs, and the exit status."""
    service = services.container.jobs
    if host is None:
        return list(await service.noted()), Status.OK
    try:
        listing = await service.listing(host)
    except FairleadError as error:
        return list(await service.noted((host,))), await services.report(error.located(host=host))
    if listing.left_out:
        services.narration.say(f"{host}: {listing.left_out} older jobs are not listed")
    return list(listing.jobs), Status.OK


@jobs.command(short_help="Show what a job has said, and follow it.")
@HOST
@ID
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until the job ends.")
@click.option("--from", "begin", type=click.IntRange(0), default=0, metavar="BYTE", help="Begin at this byte.")
@click.option("--stderr", is_flag=True, help="Only what it says on stderr; --from counts there.")
@global_flags()
@pass_flags
def logs(flags: GlobalFlags, host: str, job: str, follow: bool, begin: int, stderr: bool) -> int:
    """Show what a job has said: its stdout on stdout, its stderr on stderr, byte for byte.

    With -f a connection that is lost is made again, and the next byte is the next byte. `--from` is a byte of stdout;
    both streams begin at their first byte otherwise. ctrl+c leaves the job alone and says how to go on.

    \b
    Examples:
      fairlead jobs gpu-7 logs night
      fairlead jobs gpu-7 logs -f 3f9ac2d17b --from 48210
      fairlead jobs gpu-7 logs night --stderr

    Exit status: with -f the job's own; 128+n when a signal ended it; 255 when how it ended is not known. Else 0.
    """
    streams = {StdStream.ERR: begin} if stderr else {StdStream.OUT: begin, StdStream.ERR: 0}
    return _about(flags, host, job, lambda services, job_id: show_logs(services, host, job_id, streams, live=follow))


@jobs.command(short_help="Show all that is known of a job.")
@HOST
@ID
@global_flags()
@pass_flags
def show(flags: GlobalFlags, host: str, job: str) -> int:
    """Show all that is known of a job: how it stands, what it runs, where, memory and processor of all of it.

    \b
    Examples:
      fairlead jobs gpu-7 show night
    """

    async def work(services: Services, job_id: str) -> int:
        found = await services.container.jobs.look(host, job_id)
        if flags.json:
            print_json(job_json(found))
        else:
            for line in describe_job(found, services.container.clock.now()):
                click.echo(line)
        return Status.OK

    return _about(flags, host, job, work)


@jobs.command(short_help="Show what a job takes of memory and processor.")
@HOST
@ID
@global_flags()
@pass_flags
def memory(flags: GlobalFlags, host: str, job: str) -> int:
    """Show the memory and the processor time that a job takes now, all its processes together.

    \b
    Examples:
      fairlead jobs gpu-7 memory night
      fairlead jobs gpu-7 memory night --json
    """

    async def work(services: Services, job_id: str) -> int:
        found = await services.container.jobs.look(host, job_id)
        if flags.json:
            print_json({"host": host, "id": found.id, "memory": usage_json(found.usage)})
        else:
            for line in describe_usage(found):
                click.echo(line)
        return Status.OK

    return _about(flags, host, job, work)


@jobs.command(short_help="Stop a job: TERM, then KILL.")
@HOST
@ID
@click.option("--grace", type=click.IntRange(0, 600), default=GRACE, show_default=True, metavar="SECONDS",
              help="From TERM to KILL.")  # fmt: skip
@global_flags()
@pass_flags
def stop(flags: GlobalFlags, host: str, job: str, grace: int) -> int:
    """Stop a job: TERM for all its processes, and KILL for those that are left after a while.

    \b
    Examples:
      fairlead jobs gpu-7 stop night
      fairlead jobs gpu-7 stop night --grace 60

    Exit status: 4 when processes of it are still there.
    """

    async def work(services: Services, job_id: str) -> int:
        stopped = await services.container.jobs.stop(host, job_id, grace=grace)
        if flags.json:
            print_json({**job_json(stopped.job), "killed": stopped.killed})
        elif stopped.killed:
            services.narration.say(f"{job_id}: ended; it took KILL")
        else:
            services.narration.say(f"{job_id}: {describe_job(stopped.job, services.container.clock.now())[0]}")
        return Status.OK

    return _about(flags, host, job, work)


@jobs.command(short_help="Remove a job that has ended, its output with it.")
@HOST
@ID
@click.option("--force", is_flag=True, help="Stop it first where it still runs.")
@global_flags()
@pass_flags
def remove(flags: GlobalFlags, host: str, job: str, force: bool) -> int:
    """Remove a job that has ended, its output with it.

    \b
    Examples:
      fairlead jobs gpu-7 remove night
    """

    async def work(services: Services, job_id: str) -> int:
        await services.container.jobs.remove(host, job_id, force=force)
        if flags.json:
            print_json({"host": host, "id": job_id, "removed": True})
        else:
            services.narration.say(f"{job_id}: removed")
        return Status.OK

    return _about(flags, host, job, work)


def _about(flags: GlobalFlags, host: str, word: str, work: Callable[[Services, str], Coroutine[Any, Any, int]]) -> int:
    """Do `work` with the job that `word` names."""

    async def found(services: Services) -> int:
        return await work(services, await services.container.jobs.find(host, word))

    return execute(flags, found, host=host)
