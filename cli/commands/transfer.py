"""`fairlead get|put`: files and trees, resumable; and streams from stdin and to stdout."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import click

from backend.errors import Advice, Code, ConfigError
from backend.files.transfer import ConflictPolicy, Direction, Transfer, TransferRequest
from backend.settings import TransferSettings
from cli.arguments import Filled, Rate
from cli.execute import Services, execute
from cli.failures import print_json, report
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.iterate import closing
from cli.output import stdout_for_data
from cli.paths import RemotePath, one_host, parse_remote, remote
from cli.statuses import Status, status_of
from cli.terminal import Reader
from cli.transfers import TransferView, remarks, summary
from cli.units import seconds_text, size_text

F = TypeVar("F", bound=Callable[..., Any])
STREAM = "-"


def _transfer_options(function: F) -> F:
    for option in reversed(
        (
            click.option("--no-verify", is_flag=True, help="Do not compare SHA-256 of both ends."),
            click.option("--limit", type=Rate(), metavar="RATE", help="Bytes a second at most, as 500k or 2M."),
            click.option(
                "--parallel",
                type=click.IntRange(1, 64),
                help="Files at once; when left out: transfers.parallel of config.toml, or 16.",
            ),
            click.option(
                "--on-conflict",
                type=click.Choice([policy.value for policy in ConflictPolicy]),
                default=ConflictPolicy.OVERWRITE.value,
                show_default=True,
                help="What to do when a name is taken by another file.",
            ),
        )
    ):
        function = option(function)
    return function


@click.command()
@click.argument("sources", metavar="HOST:PATH…", nargs=-1)
@click.argument("local", type=Filled(), metavar="LOCAL")
@_transfer_options
@global_flags()
@pass_flags
def get(flags: GlobalFlags, sources: tuple[str, ...], local: str, **options: Any) -> int:
    """Copy files and trees from a host; LOCAL is taken as `cp -r` takes it, and `-` is stdout.

    A file appears under its own name only when it is complete and both ends have the same SHA-256. The same command
    given again goes on where it stopped.

    \b
    Examples:
      fairlead get web-1:/var/log/nginx logs/
      fairlead get web-1:backup.tar .            a file that was cut off is continued
      fairlead get web-1:data.csv - | head
    """
    if not sources:
        _one_end_only(local, "get", ".")
    paths = tuple(remote(text) for text in sources)
    host = one_host(paths)
    if local == STREAM:
        _only_whole_streams(flags, options)
        return execute(flags, lambda services: _to_stdout(services, paths), host=host)
    if parse_remote(local) is not None and not local.startswith(("/", ".")):
        raise ConfigError(Code.USAGE, "Say where to: fairlead get HOST:PATH… LOCAL.", evidence={"problem": local})
    wanted = Wanted(Direction.GET, host, tuple(path.path for path in paths), local, options)
    return execute(flags, lambda services: _copy(services, wanted), host=host)


@click.command()
@click.argument("sources", type=Filled(), metavar="LOCAL…", nargs=-1)
@click.argument("destination", metavar="HOST:PATH")
@_transfer_options
@global_flags()
@pass_flags
def put(flags: GlobalFlags, sources: tuple[str, ...], destination: str, **options: Any) -> int:
    """Copy files and trees to a host; HOST:PATH is taken as `cp -r` takes it. `-` is stdin.

    A file appears under its own name only when it is complete and both ends have the same SHA-256. The same command
    given again goes on where it stopped. What comes from stdin becomes a file in one step, when stdin has ended.

    \b
    Examples:
      fairlead put site/ web-1:/srv/www
      fairlead put --limit 2M model.bin gpu-7:models/
      date | fairlead put - web-1:stamp.txt
    """
    if not sources:
        _one_end_only(destination, "put", "HOST:")
    target = remote(destination)
    if STREAM in sources:
        if len(sources) > 1:
            raise ConfigError(Code.USAGE, "stdin (-) is copied alone.", evidence={"problem": STREAM})
        _only_whole_streams(flags, options)
        return execute(flags, lambda services: _from_stdin(services, target), host=target.host)
    wanted = Wanted(Direction.PUT, target.host, sources, target.path, options)
    return execute(flags, lambda services: _copy(services, wanted), host=target.host)


def _one_end_only(given: str, command: str, other: str) -> NoReturn:
    """One word stands where two ends belong: say which is missing rather than how the parser sees it."""
    problem = f"{given} is one end of the copy; name the other one as well."
    advice = (
        Advice("As here:", f"fairlead {command} {shlex.quote(given)} {other}"),
        Advice("See how it is used.", f"fairlead {command} --help"),
    )
    raise ConfigError(Code.USAGE, problem, evidence={"problem": problem}, advice=advice)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    direction: Direction
    host: str
    sources: tuple[str, ...]
    destination: str
    options: dict[str, Any]

    def request(self, transfers: TransferSettings) -> TransferRequest:
        """What the service is asked for; the settings say what the command line does not."""
        return TransferRequest(
            direction=self.direction,
            host=self.host,
            sources=self.sources,
            destination=self.destination,
            verify=not self.options["no_verify"],
            on_conflict=ConflictPolicy(self.options["on_conflict"]),
            rate_limit=self.options["limit"],
            parallel=self.options["parallel"] or transfers.parallel,
        )


# --- files and trees ---------------------------------------------------------------------------------------------


async def _copy(services: Services, wanted: Wanted) -> int:
    container, narration, flags = services.container, services.narration, services.flags
    transfer = container.transfers.submit(wanted.request(services.settings.transfers))
    view = TransferView(transfer, bus=container.bus, clock=container.clock, narration=narration, as_json=flags.json)
    keeping_up = asyncio.create_task(view.keep_up())
    try:
        outcome = await transfer.wait()
    except asyncio.CancelledError:
        await _stop(transfer, services)
        raise
    finally:
        keeping_up.cancel()
        view.close()
    error = outcome.error
    if error is not None and not any(error is problem.error for problem in outcome.problems):
        report(error, flags)
    if flags.json:
        print_json(outcome.to_json())
    else:
        for line in (*remarks(outcome), summary(outcome)):
            narration.say(line)
    return Status.OK if error is None else status_of(error)


async def _stop(transfer: Transfer, services: Services) -> None:
    outcome = await transfer.cancel()
    if services.flags.json:
        print_json(outcome.to_json())
    else:
        services.narration.say(f"stopped: {summary(outcome)}; what has arrived is kept for the next time")


# --- streams -----------------------------------------------------------------------------------------------------


def _only_whole_streams(flags: GlobalFlags, options: dict[str, Any]) -> None:
    """A stream is neither limited nor renamed: say so rather than ignore what was asked for."""
    if options["limit"] is not None or options["on_conflict"] != ConflictPolicy.OVERWRITE.value:
        problem = "--limit and --on-conflict are for files; - is a stream."
        raise ConfigError(Code.USAGE, problem, evidence={"problem": problem})


async def _to_stdout(services: Services, paths: tuple[RemotePath, ...]) -> int:
    out = stdout_for_data()
    for path in paths:
        files = services.container.files.on(path.host)
        async with closing(files.read(await files.resolve(path.path))) as content:
            async for data in content:
                await out.write(data)
    return Status.OK


async def _from_stdin(services: Services, target: RemotePath) -> int:
    clock = services.container.clock
    began = clock.monotonic()
    files = services.container.files.on(target.host)
    async with closing(_stdin()) as content:
        count = await files.write(await files.resolve(target.path), content)
    seconds = clock.monotonic() - began
    if services.flags.json:
        whole = {"files": 1, "bytes": count, "sent_bytes": count, "resumed_bytes": 0}
        print_json({**whole, "skipped": 0, "failed": 0, "verified": 0, "seconds": seconds})
    else:
        services.narration.say(f"1 file, {size_text(count)} in {seconds_text(seconds)}")
    return Status.OK


async def _stdin() -> AsyncIterator[bytes]:
    async with closing(Reader(0).chunks()) as chunks:
        async for chunk in chunks:
            yield chunk
