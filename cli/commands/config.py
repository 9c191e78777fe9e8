"""`fairlead config locate|show|check`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from backend.settings import check_settings, setting_rows
from backend.text import clean_line
from cli.compose import paths_of, settings_of
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.statuses import Status


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
        "ssh_config": flags.ssh_config or Path("~/.ssh/config").expanduser(),
    }
    if flags.json:
        print_json({name: str(path) for name, path in places.items()})
        return Status.OK
    for name, path in places.items():
        click.echo(f"{name:<11} {clean_line(str(path))}{'' if path.exists() else '  (not there yet)'}")
    return Status.OK


@config.command()
@global_flags()
@pass_flags
def show(flags: GlobalFlags) -> int:
    """Every value that is in force, and where it comes from.

    \b
    Examples:
      fairlead config show
      fairlead config show --json
    """
    rows = setting_rows(settings_of(flags))
    if flags.json:
        print_json({"settings": [row.to_json() for row in rows]})
        return Status.OK
    for row in rows:
        value = json.dumps(row.value, ensure_ascii=False)
        click.echo(clean_line(f"{row.key} = {value}  # {row.origin.where or row.origin.layer}"))
    return Status.OK


@config.command()
@global_flags()
@pass_flags
def check(flags: GlobalFlags) -> int:
    """Every mistake in config.toml and in the environment, with its line and the key that was probably meant.

    \b
    Examples:
      fairlead config check
      fairlead config check --config new.toml

    Exit status: 0 without mistakes, 2 with some.
    """
    problems = check_settings(flags.config)
    if flags.json:
        print_json({"file": str(paths_of(flags).config), "problems": [problem.to_json() for problem in problems]})
    else:
        for problem in problems:
            click.echo(clean_line(str(problem)))
        if not problems:
            click.echo(f"{clean_line(str(paths_of(flags).config))}: no mistakes", err=True)
    return Status.USAGE if problems else Status.OK
