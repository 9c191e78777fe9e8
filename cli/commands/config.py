"""`fairlead config locate|show|check`."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import click

from backend.hosts.book import HostBook
from backend.hosts.effective import effective_rows
from backend.hosts.entries import Overrides
from backend.hosts.inventory import read_inventory
from backend.settings import Layer
from backend.settings.problems import Problem
from backend.settings.reading import check_settings
from backend.settings.show import SettingRow, setting_rows
from backend.text import clean_line
from cli.arguments import Filled
from cli.compose import HostRoom, overrides_of
from cli.configuration import paths_of, settings_of
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.host_room import in_host_room
from cli.statuses import Status


def _ssh_config_of(flags: GlobalFlags) -> Path:
    """The person's own ssh configuration."""
    return flags.ssh_config or Path("~/.ssh/config").expanduser()


@click.group()
@global_flags()
def config() -> None:
    """The configuration: where it is, what it says, whether it is right.

    \b
    Examples:
      fairlead config locate
      fairlead config check && fairlead run web-1 -- uptime
    """


@config.command()
@global_flags()
@pass_flags
def locate(flags: GlobalFlags) -> int:
    """Where the files are.

    \b
    Examples:
      fairlead config locate
      $EDITOR "$(fairlead config locate --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["config"])')"
    """
    paths = paths_of(flags)
    places = {
        "config": paths.config,
        "state": paths.state,
        "ssh_config": _ssh_config_of(flags),
    }
    if flags.json:
        print_json({name: str(path) for name, path in places.items()})
        return Status.OK
    for name, path in places.items():
        click.echo(f"{name:<11} {clean_line(str(path))}{'' if path.exists() else '  (not there yet)'}")
    return Status.OK


@config.command()
@click.option("--host", type=Filled(), metavar="HOST", help="What is in force for HOST, from all layers.")
@global_flags()
@pass_flags
def show(flags: GlobalFlags, host: str | None) -> int:
    """Every value that is in force, and the layer and the line it comes from.

    For one host: its entry, its profile, [defaults], the environment and the flags laid over what ssh says. Nothing is
    connected.

    \b
    Examples:
      fairlead config show
      fairlead config show --host web-1
      fairlead config show --host web-1 --host-key strict --json
    """
    if host is None:
        return _show(flags, setting_rows(settings_of(flags)))

    async def work(room: HostRoom) -> int:
        environment = Overrides.from_environment(os.environ)
        target = await room.book.resolve(host)
        rows = effective_rows(
            target,
            room.book.settings,
            flags=overrides_of(flags),
            environment=environment,
            ssh=await room.book.places(host),
        )
        return _show(flags, rows)

    return in_host_room(flags, work)


def _show(flags: GlobalFlags, rows: tuple[SettingRow, ...]) -> int:
    if flags.json:
        print_json({"settings": [row.to_json() for row in rows]})
        return Status.OK
    for row in rows:
        value, origin = json.dumps(row.value, ensure_ascii=False), row.origin
        layer = f"{origin.layer}: " if origin.layer in {Layer.PROFILE, Layer.SSH} and origin.where else ""
        click.echo(clean_line(f"{row.key} = {value}  # {layer}{origin.where or origin.layer}"))
    return Status.OK


def _ssh_mistakes(flags: GlobalFlags) -> tuple[Problem, ...]:
    """What ssh has against its own files; the simulated world has none."""
    book = HostBook(overrides=overrides_of(flags))
    return () if flags.demo else asyncio.run(book.mistakes())


@config.command()
@click.option(
    "--inventory",
    "inventories",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Look through this inventory as well; may be repeated.",
)
@global_flags()
@pass_flags
def check(flags: GlobalFlags, inventories: tuple[Path, ...]) -> int:
    """Every mistake in config.toml, in the environment and in the ssh configuration, with its line and the key that was
    probably meant.

    \b
    Examples:
      fairlead config check
      fairlead config check --config new.toml
      fairlead config check --inventory distributed_hosts.yaml

    Exit status: 0 without mistakes, 2 with some.
    """
    problems = check_settings(flags.config) + _ssh_mistakes(flags)
    read = [read_inventory(path) for path in inventories]
    problems += tuple(problem for one in read for problem in one.problems)
    remarks = [problem for one in read for problem in one.remarks]
    if flags.json:
        found = {"problems": problems, "remarks": remarks}
        told = {name: [problem.to_json() for problem in some] for name, some in found.items()}
        print_json({"file": str(paths_of(flags).config), **told})
    else:
        for problem in problems:
            click.echo(clean_line(str(problem)))
        for remark in remarks:
            click.echo(clean_line(str(remark)), err=True)
        if not problems:
            looked_in = clean_line(f"{paths_of(flags).config}, {_ssh_config_of(flags)}")
            click.echo(f"{looked_in}: no mistakes", err=True)
    return Status.USAGE if problems else Status.OK
