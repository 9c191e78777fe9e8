"""`fairlead history`: the command lines that were typed in the workbench, by host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import click

from backend.clock import SystemClock
from backend.commands.history import CommandHistory, Entry, once_each
from backend.store import Store
from backend.text import clean_line, show_bytes
from cli.arguments import Filled, HostName
from cli.configuration import paths_of
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.statuses import Status
from cli.units import counted

R = TypeVar("R")


@click.group()
@global_flags()
def history() -> None:
    """The command lines that were typed in the workbench, by host. A line that began with a blank was not kept.

    \b
    Examples:
      fairlead history list web-1
      fairlead history search nginx
      fairlead history clear web-1
    """


@history.command(name="list")
@click.argument("host", type=HostName(), required=False)
@click.option("-n", "--lines", type=click.IntRange(min=1), default=50, show_default=True, help="So many, the last.")
@global_flags()
@pass_flags
def list_(flags: GlobalFlags, host: str | None, *, lines: int) -> int:
    """Show the last lines, of HOST or of all hosts, the newest last.

    \b
    Examples:
      fairlead history list -n 10
    """
    return _show(flags, _with_history(flags, lambda kept: kept.entries(host, most=lines)))


@history.command()
@click.argument("text", type=Filled())
@click.option("--host", type=Filled(), metavar="HOST", help="Of this host only.")
@global_flags()
@pass_flags
def search(flags: GlobalFlags, text: str, *, host: str | None) -> int:
    """Show the lines that hold TEXT, each once for each host, the newest last.

    \b
    Examples:
      fairlead history search --host web-1 systemctl
    """
    return _show(flags, once_each(_with_history(flags, lambda kept: kept.entries(host, holds=text))))


@history.command()
@click.argument("host", type=HostName(), required=False)
@click.option("--holding", default="", metavar="TEXT", help="Only lines that hold this.")
@click.option("--all", "everything", is_flag=True, help="The lines of all hosts.")
@global_flags()
@pass_flags
def clear(flags: GlobalFlags, host: str | None, *, holding: str, everything: bool) -> int:
    """Forget the lines of HOST, or those that hold a text.

    \b
    Examples:
      fairlead history clear --holding token=
      fairlead history clear --all
    """
    if not (host or holding or everything):
        raise click.UsageError("Name a HOST, or say --holding TEXT or --all.", click.get_current_context())
    gone = _with_history(flags, lambda kept: kept.forget(host, holds=holding))
    if flags.json:
        print_json({"forgotten": gone})
    else:
        click.echo(f"{counted(gone, 'line')} forgotten.", err=True)
    return Status.OK


def _with_history(flags: GlobalFlags, work: Callable[[CommandHistory], Coroutine[Any, Any, R]]) -> R:
    """What `work` makes of it."""

    async def opened() -> R:
        store = Store(paths_of(flags).state / "fairlead.db")
        try:
            return await work(CommandHistory(store=store, clock=SystemClock()))
        finally:
            await store.close()

    return asyncio.run(opened())


def _show(flags: GlobalFlags, entries: Sequence[Entry]) -> int:
    for entry in reversed(entries):
        if flags.json:
            print_json(_json(entry))
        else:
            moment = entry.at.astimezone().strftime("%Y-%m-%d %H:%M")
            place = f"{clean_line(entry.host)}:{show_bytes(entry.cwd) if entry.cwd else '~'}"
            click.echo(f"{moment}  {entry.end or '?':>4}  {place}$ {clean_line(entry.line)}")
    return Status.OK


def _json(entry: Entry) -> dict[str, object]:
    return {
        "host": entry.host,
        "line": entry.line,
        "cwd": show_bytes(entry.cwd) if entry.cwd is not None else None,
        "at": entry.at.isoformat(),
        "end": entry.end or None,
        "exit_status": entry.status,
        "seconds": None if entry.seconds is None else round(entry.seconds, 3),
    }
