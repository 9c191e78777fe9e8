"""`fairlead get|put|copy`: files and trees, resumable; and streams from stdin and to stdout."""

from __future__ import annotations

import os
import shlex
from collections.abc import AsyncIterator, Callable
from typing import Any, NoReturn, TypeVar

import click

from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError
from backend.files.modes import OwnerChange, parse_mode, parse_owner
from backend.files.transfer import ConflictPolicy, Direction, TransferRequest
from backend.settings import TransferSettings
from backend.sizes import size_text
from backend.tty import Reader
from cli.arguments import LocalPath, Rate
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.follow import follow
from cli.iterate import closing
from cli.output import stdout_for_data
from cli.paths import RemotePath, absolute, one_host, parse_remote, remote
from cli.statuses import Status
from cli.units import seconds_text

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
@click.argument("local", type=LocalPath(), metavar="LOCAL")
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
        raise _two_hosts(sources, local)
    wanted = Wanted(Direction.GET, host, tuple(path.path for path in paths), absolute(local), options)
    return execute(flags, lambda services: _copy(services, wanted), host=host)


@click.command()
@click.argument("sources", type=LocalPath(), metavar="LOCAL…", nargs=-1)
@click.argument("destination", metavar="HOST:PATH")
@click.option("--mode", metavar="MODE", help="For stdin: the new file's mode, as 640.")
@click.option("--owner", metavar="OWNER", help="For stdin: USER, USER:GROUP or :GROUP, by name or number.")
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
      openssl rand 32 | fairlead put --mode 600 - web-1:secret.key
    """
    if not sources:
        _one_end_only(destination, "put", "HOST:")
    target = remote(destination)
    if STREAM in sources:
        if len(sources) > 1:
            raise ConfigError(Code.USAGE, "stdin (-) is copied alone.", evidence={"problem": STREAM})
        _only_whole_streams(flags, options)
        as_made = Made.of(options["mode"], options["owner"])
        return execute(flags, lambda services: _from_stdin(services, target, as_made), host=target.host)
    if options["mode"] or options["owner"]:
        problem = "--mode and --owner are for stdin; files keep their modes, and chmod and chown change them"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    if all(_only_remote(text) for text in sources):
        raise _two_hosts(sources, destination)
    wanted = Wanted(Direction.PUT, target.host, tuple(map(absolute, sources)), target.path, options)
    return execute(flags, lambda services: _copy(services, wanted), host=target.host)


@click.command()
@click.argument("sources", metavar="HOST:PATH…", nargs=-1)
@click.argument("destination", metavar="HOST:PATH")
@_transfer_options
@global_flags()
@pass_flags
def copy(flags: GlobalFlags, sources: tuple[str, ...], destination: str, **options: Any) -> int:
    """Copy files and trees from a host to another one, or to another place of its own.

    From one host to another, what is copied passes through this machine, and not over its disk; the hosts need no way
    to each other. On one host, it copies by itself where it can. HOST:PATH is taken as `cp -r` takes it. A file appears
    under its own name only when it is complete and both ends have the same SHA-256. The same command given again goes
    on where it stopped.

    \b
    Examples:
      fairlead copy web-1:/var/www web-2:/var/www/
      fairlead copy --limit 20M db-1:dump.sql backup:/srv/dumps/
      fairlead copy web-1:app.toml web-1:app.toml.bak
    """
    if not sources:
        _one_end_only(destination, "copy", "HOST:")
    paths, target = tuple(remote(text) for text in sources), remote(destination)
    host = one_host(paths)
    wanted = Wanted(Direction.BETWEEN, host, tuple(path.path for path in paths), target.path, options, target.host)
    return execute(flags, lambda services: _copy(services, wanted), host=host)


def _only_remote(text: str) -> bool:
    """Whether it names a path of a host, and nothing here."""
    return parse_remote(text) is not None and not os.path.lexists(text)


def _two_hosts(sources: tuple[str, ...], destination: str) -> ConfigError:
    """Both ends are hosts, and the command has this machine as one of them."""
    problem = "Both ends are on hosts; fairlead copy is for that."
    words = " ".join(map(shlex.quote, (*sources, destination)))
    advice = (
        Advice("From one host to another, or on one host:", f"fairlead copy {words}"),
        Advice("See how it is used.", "fairlead copy --help"),
    )
    return ConfigError(Code.USAGE, problem, evidence={"problem": problem}, advice=advice)


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
    to_host: str | None = None

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
            to_host=self.to_host,
        )


# --- files and trees ---------------------------------------------------------------------------------------------


async def _copy(services: Services, wanted: Wanted) -> int:
    if wanted.options["on_conflict"] == ConflictPolicy.ASK and not services.somebody:
        problem = "--on-conflict ask needs somebody to ask: a terminal, and no --batch."
        raise ConfigError(Code.USAGE, problem, evidence={"problem": problem})
    return await follow(services, (services.container.transfers.submit(wanted.request(services.settings.transfers)),))


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


@dataclass(frozen=True, slots=True)
class Made:
    """What a file from stdin is to be like; None: as one that is there, else as usual."""

    mode: int | None
    owner: OwnerChange

    @classmethod
    def of(cls, mode: str | None, owner: str | None) -> Made:
        """As written. Raises ConfigError (USAGE)."""
        change = parse_mode(mode) if mode else None
        if change is not None and change.exact is None:
            raise ConfigError(Code.USAGE, evidence={"problem": f"{mode} is no mode for a new file: write it as 640"})
        return cls(change.exact if change else None, parse_owner(owner) if owner else OwnerChange(None, None))


async def _from_stdin(services: Services, target: RemotePath, made: Made) -> int:
    clock = services.container.clock
    began = clock.monotonic()
    files = services.container.files.on(target.host)
    async with closing(_stdin()) as content:
        owner = await files.account_ids(made.owner)
        count = await files.write(await files.resolve(target.path), content, mode=made.mode, owner=owner)
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
