"""`fairlead queue`: what is to be done on hosts that are away, and is done when they are there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from backend.errors import Advice, Code, ConfigError, FairleadError, Interrupted
from backend.files.model import UNATTENDED, ConflictPolicy, Direction
from backend.moments import read_deadline
from backend.priority import Priority
from backend.requests.model import (
    Action,
    CopyFiles,
    Request,
    RequestsChanged,
    RequestState,
    RunCommand,
)
from cli.arguments import Assignment, CommandLine, Filled, HostName, LocalPath, Rate
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.iterate import closing
from cli.output import stdout_for_data
from cli.paths import absolute, one_host, remote
from cli.statuses import Status, status_of

F = TypeVar("F", bound=Callable[..., Any])
_PRIORITIES = [priority.name.lower() for priority in Priority]


class Deadline(click.ParamType[datetime]):
    """When it is too late to begin."""

    name = "deadline"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return read_deadline(str(value), datetime.now().astimezone())
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


def _request_options(function: F) -> F:
    for option in reversed(
        (
            click.option("--deadline", type=Deadline(), metavar="WHEN", help="Not after: 2h, 30m, 18:00 or a date."),
            click.option(
                "--priority",
                type=click.Choice(_PRIORITIES),
                default="normal",
                show_default=True,
                help="Higher ones go first.",
            ),
        )
    ):
        function = option(function)
    return function


@click.group()
@global_flags()
def queue() -> None:
    """What is to be done on hosts that are away.

    A request waits, over a restart too, until its host is connected: by the workbench, or by `fairlead queue run`. Then
    it is done once. What was begun and cut off is told as unknown, and done again only where it is marked repeatable.

    \b
    Examples:
      fairlead queue add gpu-7 --deadline 18:00 -- ./train.sh
      fairlead queue put report.csv web-1:/srv/reports/
      fairlead queue list
      fairlead queue run gpu-7
    """


@queue.command(cls=CommandLine)
@click.argument("host", type=HostName())
@click.argument("command", nargs=-1, required=True)
@click.option("--cwd", type=Filled(), metavar="DIR", help="Run it in this directory on the host.")
@click.option("--env", multiple=True, type=Assignment(), metavar="NAME=VALUE", help="Set a variable; may be repeated.")
@click.option(
    "-t", "--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop it then."
)
@click.option("--repeatable", is_flag=True, help="It may be begun again when the link was lost in the middle of it.")
@_request_options
@global_flags()
@pass_flags
def add(flags: GlobalFlags, host: str, command: tuple[str, ...], **options: Any) -> int:
    """Have COMMAND run on HOST when it is there.

    The command line is kept on disk until then: no place for secrets.

    \b
    Examples:
      fairlead queue add web-1 -- systemctl reload nginx
      fairlead queue add db-2 --repeatable --deadline 2h -- ./nightly-backup
    """
    cwd = None if options["cwd"] is None else os.fsencode(options["cwd"])
    action = RunCommand(os.fsencode(" ".join(command)), cwd, dict(options["env"]), options["time_limit"])
    return execute(flags, lambda services: _keep(services, host, action, options))


def _copy_options(function: F) -> F:
    for option in reversed(
        (
            click.option("--no-verify", is_flag=True, help="Do not compare SHA-256 of both ends."),
            click.option("--limit", type=Rate(), metavar="RATE", help="Bytes a second at most, as 500k or 2M."),
            click.option(
                "--on-conflict",
                type=click.Choice([policy.value for policy in UNATTENDED]),
                default=ConflictPolicy.OVERWRITE.value,
                show_default=True,
                help="What to do when a name is taken by another file.",
            ),
        )
    ):
        function = option(function)
    return function


@queue.command()
@click.argument("sources", metavar="HOST:PATH…", nargs=-1, required=True)
@click.argument("local", type=LocalPath(), metavar="LOCAL")
@_copy_options
@_request_options
@global_flags()
@pass_flags
def get(flags: GlobalFlags, sources: tuple[str, ...], local: str, **options: Any) -> int:
    """Have files and trees copied from a host when it is there; as `fairlead get`.

    \b
    Examples:
      fairlead queue get gpu-7:runs/latest .
    """
    paths = tuple(remote(text) for text in sources)
    action = _copy(Direction.GET, tuple(path.path for path in paths), absolute(local), options)
    return execute(flags, lambda services: _keep(services, one_host(paths), action, options))


@queue.command()
@click.argument("sources", type=LocalPath(), metavar="LOCAL…", nargs=-1, required=True)
@click.argument("destination", metavar="HOST:PATH")
@_copy_options
@_request_options
@global_flags()
@pass_flags
def put(flags: GlobalFlags, sources: tuple[str, ...], destination: str, **options: Any) -> int:
    """Have files and trees copied to a host when it is there; as `fairlead put`. They are read then, not now.

    \b
    Examples:
      fairlead queue put site/ web-1:/srv/www --priority high
    """
    target = remote(destination)
    if missing := [name for name in sources if not os.path.lexists(name)]:
        problem = f"there is no {missing[0]} here"
        raise ConfigError(Code.USAGE, f"Cannot be queued: {problem}.", evidence={"problem": problem})
    action = _copy(Direction.PUT, tuple(map(absolute, sources)), target.path, options)
    return execute(flags, lambda services: _keep(services, target.host, action, options))


def _copy(direction: Direction, sources: tuple[str, ...], destination: str, options: dict[str, Any]) -> CopyFiles:
    return CopyFiles(
        direction,
        sources,
        destination,
        verify=not options["no_verify"],
        on_conflict=ConflictPolicy(options["on_conflict"]),
        rate_limit=options["limit"],
    )


async def _keep(services: Services, host: str, action: Action, options: dict[str, Any]) -> int:
    await services.container.book.resolve(host)  # a mistake in the name is told now, not then
    request = await services.container.requests.submit(
        host,
        action,
        priority=Priority[options["priority"].upper()],
        deadline=options["deadline"],
        repeatable=options.get("repeatable", False),
    )
    if services.flags.json:
        print_json(request.to_json())
    else:
        services.narration.say(f"{request.number} waits for {host}; it goes with: fairlead queue run {host}")
    return Status.OK


# --- what there is -----------------------------------------------------------------------------------------------


@queue.command(name="list")
@click.argument("host", type=HostName(), required=False, default=None)
@global_flags()
@pass_flags
def list_(flags: GlobalFlags, host: str | None) -> int:
    """What waits, in the order in which it will go, and what came of the last ones.

    \b
    Examples:
      fairlead queue list
      fairlead queue list web-1 --json
    """

    async def work(services: Services) -> int:
        requests = await services.container.requests.all(host)
        if services.flags.json:
            print_json([request.to_json() for request in requests])
            return Status.OK
        for line in _table(requests):
            click.echo(line)
        if not requests:
            services.narration.say("nothing waits")
        return Status.OK

    return execute(flags, work)


def _table(requests: Sequence[Request]) -> list[str]:
    rows = [(str(one.number), one.host, _stand(one), _when(one), one.action.words) for one in requests]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows]


def _stand(request: Request) -> str:
    """`waiting, high` or `done, exit 3`."""
    result = request.result
    if request.state is RequestState.WAITING:
        return "waiting" if request.priority is Priority.NORMAL else f"waiting, {request.priority.name.lower()}"
    if result is None:
        return request.state.value
    if result.signal is not None:
        return f"{request.state.value}, signal {result.signal}"
    if result.exit_status is not None:
        return f"{request.state.value}, exit {result.exit_status}"
    return request.state.value if result.code is None else f"{request.state.value}, {result.code}"


def _when(request: Request) -> str:
    if request.ended is not None:
        return f"ended {request.ended.astimezone():%d %b %H:%M}"
    if request.deadline is not None:
        return f"until {request.deadline.astimezone():%d %b %H:%M}"
    return f"since {request.asked.astimezone():%d %b %H:%M}"


@queue.command()
@click.argument("number", metavar="ID", type=int)
@global_flags()
@pass_flags
def show(flags: GlobalFlags, number: int) -> int:
    """All about one request; what its command said goes to stdout.

    \b
    Examples:
      fairlead queue show 12
    """

    async def work(services: Services) -> int:
        request = _found(await services.container.requests.all(), number)
        output = services.container.requests.output_of(request)
        said = await asyncio.to_thread(output.exists)
        if services.flags.json:
            print_json({**request.to_json(), "output": str(output) if said else None})
            return Status.OK
        services.narration.say(f"{number} on {request.host}: {request.action.words}")
        told = request.result.message if request.result else ""
        services.narration.say(f"{_stand(request)}, {_when(request)}{': ' if told else ''}{told}")
        if said:
            await _pass_on(services, output)
        return Status.OK

    return execute(flags, work)


async def _pass_on(services: Services, output: Path) -> None:
    out = stdout_for_data()
    async with closing(services.container.files.local.read(bytes(output))) as content:
        async for data in content:
            await out.write(data)


def _found(requests: Sequence[Request], number: int) -> Request:
    for request in requests:
        if request.number == number:
            return request
    raise ConfigError(
        Code.USAGE,
        f"There is no request {number}.",
        evidence={"problem": f"no request {number}"},
        advice=(Advice("See which there are.", "fairlead queue list"),),
    )


# --- changing it -------------------------------------------------------------------------------------------------


@queue.command()
@click.argument("numbers", metavar="ID…", nargs=-1, type=int, required=True)
@global_flags()
@pass_flags
def cancel(flags: GlobalFlags, numbers: tuple[int, ...]) -> int:
    """Take requests out that still wait.

    \b
    Examples:
      fairlead queue cancel 12 13
    """

    async def work(services: Services) -> int:
        taken = await services.container.requests.cancel(numbers)
        return _told(services, numbers, taken, "taken out")

    return execute(flags, work)


@queue.command()
@click.argument("number", metavar="ID", type=int)
@click.option("--priority", type=click.Choice(_PRIORITIES), help="Its new priority.")
@click.option("--before", metavar="ID", type=int, help="Put it before this one of the same host.")
@global_flags()
@pass_flags
def move(flags: GlobalFlags, number: int, priority: str | None, before: int | None) -> int:
    """Have a waiting request go earlier or later.

    \b
    Examples:
      fairlead queue move 12 --priority high
      fairlead queue move 12 --before 7
    """
    if priority is None and before is None:
        problem = "say --priority or --before"
        raise ConfigError(Code.USAGE, f"Where to? {problem.capitalize()}.", evidence={"problem": problem})

    async def work(services: Services) -> int:
        wanted = None if priority is None else Priority[priority.upper()]
        moved = await services.container.requests.move(number, priority=wanted, before=before)
        return _told(services, (number,), (number,) if moved else (), "moved")

    return execute(flags, work)


class DeadlineOrNone(Deadline):
    """When it is too late to begin, or `none` for never."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return _NEVER if value in ("none", _NEVER) else super().convert(value, param, ctx)


_NEVER = object()


@queue.command()
@click.argument("number", metavar="ID", type=int)
@click.argument("when", metavar="WHEN", type=DeadlineOrNone())
@global_flags()
@pass_flags
def deadline(flags: GlobalFlags, number: int, when: Any) -> int:
    """Give a request another deadline: 2h, 30m, 18:00, a date, or none. One that was too late waits again.

    \b
    Examples:
      fairlead queue deadline 12 18:00
      fairlead queue deadline 12 none
    """

    async def work(services: Services) -> int:
        until = None if when is _NEVER else when
        changed = await services.container.requests.set_deadline(number, until)
        return _told(services, (number,), (number,) if changed else (), "changed")

    return execute(flags, work)


def _told(services: Services, asked: Sequence[int], done: Sequence[int], word: str) -> int:
    """Which of `asked` were `word`; the others did not wait any more, or never did."""
    others = [number for number in asked if number not in done]
    if services.flags.json:
        print_json({word.replace(" ", "_"): list(done), "not_waiting": others})
    else:
        for number in done:
            services.narration.say(f"{number} {word}")
        for number in others:
            services.narration.say(f"{number} does not wait; see `fairlead queue list`")
    return Status.OK if not others else Status.SOME_FAILED


@queue.command()
@click.argument("host", type=HostName(), required=False, default=None)
@global_flags()
@pass_flags
def clear(flags: GlobalFlags, host: str | None) -> int:
    """Forget requests that have ended, and what they said. What waits stays.

    \b
    Examples:
      fairlead queue clear
    """

    async def work(services: Services) -> int:
        count = await services.container.requests.clear(host)
        if services.flags.json:
            print_json({"forgotten": count})
        else:
            services.narration.say(f"{count} forgotten")
        return Status.OK

    return execute(flags, work)


# --- carrying it out ---------------------------------------------------------------------------------------------


@queue.command()
@click.argument("hosts", type=HostName(), metavar="[HOST]…", nargs=-1)
@global_flags()
@pass_flags
def run(flags: GlobalFlags, hosts: tuple[str, ...]) -> int:
    """Connect to the hosts for which something waits, and carry it out.

    \b
    Examples:
      fairlead queue run
      fairlead queue run gpu-7

    Exit status: 0 when all of it was done; 4 when some was not, or nobody knows; 255 for no connection.
    """
    return execute(flags, lambda services: _carry_out(services, hosts))


async def _carry_out(services: Services, hosts: Sequence[str]) -> int:
    requests = services.container.requests
    waiting = [one for one in await requests.all() if one.state is RequestState.WAITING]
    wanted = list(hosts) or list(dict.fromkeys(one.host for one in waiting))
    numbers = {one.number for one in waiting if one.host in wanted}
    services.container.bus.subscribe(RequestsChanged, lambda event: _tell(services, event.request))
    failures = [status for host in wanted if (status := await _carry_out_on(services, host)) != Status.OK]
    mine = [one for one in await requests.all() if one.number in numbers]
    if services.flags.json:
        print_json([one.to_json() for one in mine])
    if failures:
        return failures[0] if len(failures) == len(wanted) else Status.SOME_FAILED
    done = all(one.state in {RequestState.DONE, RequestState.CANCELLED} for one in mine)
    return Status.OK if done else Status.SOME_FAILED


async def _carry_out_on(services: Services, host: str) -> int:
    """One host that cannot be reached does not keep the others waiting."""
    try:
        await services.container.sessions.get(host).link()
    except Interrupted:
        raise
    except FairleadError as error:
        if services.flags.json:
            services.narration.say(f"{host}: {error.message}")
            return status_of(error)
        return await services.report(error)
    await services.container.requests.work(host)
    return Status.OK


def _tell(services: Services, request: Request | None) -> None:
    if request is not None:
        services.narration.say(f"{request.number} on {request.host}: {_stand(request)}: {request.action.words}")
