"""`fairlead ps` and `fairlead kill`: the processes of a host, and signals to them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from backend.commands.processes.arranging import Order, as_tree, in_order, matching, rows_of
from backend.commands.processes.model import ProcessTable, Row
from backend.commands.processes.service import SIGNALS
from backend.errors import Code, SessionError
from backend.sizes import size_text
from backend.text import show_bytes
from backend.tty import size_of
from cli.arguments import Filled, HostName
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.listing import name_json
from cli.statuses import Status

HOST = click.argument("host", type=HostName())


@click.command()
@HOST
@click.option("--tree", is_flag=True, help="Each one below the one that started it.")
@click.option("--sort", type=click.Choice([order.value for order in Order]), help="Left out: by PID.")
@click.option("--user", "account", type=Filled(), metavar="NAME", help="Only those of this account on the host.")
@click.option("--memory", "pid", type=click.IntRange(1), metavar="PID", help="Only the memory and name of this one.")
@global_flags(without=("--user",))
@pass_flags
def ps(flags: GlobalFlags, host: str, tree: bool, sort: str | None, account: str | None, pid: int | None) -> int:
    """List the processes of HOST: account, PID, processor, memory, state, age, command.

    Processor is per cent of one, over the life of the process, as ps(1) has it. `--memory` prints megabytes (of
    1,000,000 bytes) in memory and the name. `--user` is whose processes; as whom to log in is `-l`.

    \b
    Examples:
      fairlead ps web-1 --sort memory
      fairlead ps web-1 --tree --user deploy
      fairlead ps web-1 --memory 812
    """

    async def work(services: Services) -> int:
        if pid is not None:
            megabytes, name = await services.container.processes.memory_of(host, pid)
            if flags.json:
                print_json({"host": host, "pid": pid, "megabytes": round(megabytes, 3), "name": name})
            else:
                click.echo(f"{megabytes:.1f} MB  {show_bytes(name.encode('utf-8', 'replace'))}")
            return Status.OK
        table = await services.container.processes.table(host)
        order = Order.PID if sort is None else Order(sort)
        rows = matching(rows_of(table), user=account)
        rows = as_tree(rows, order) if tree else in_order(rows, order)
        _print(table, rows, flags)
        if table.odd:
            services.narration.say(f"{table.odd} lines of the host's answer could not be read and were left out")
        return Status.OK

    return execute(flags, work, host=host)


def _print(table: ProcessTable, rows: Sequence[Row], flags: GlobalFlags) -> None:
    if flags.json:
        print_json({"host": table.host, "memory": table.memory, "processes": [_row_json(row) for row in rows]})
        return
    width = size_of(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
    users = max([4, *(len(row.process.user) for row in rows)])
    click.echo(f"{'USER':<{users}} {'PID':>7} {'CPU%':>6} {'MEMORY':>8} {'TIME':>9} {'AGE':>9} S COMMAND")
    for row in rows:
        one = row.process
        line = (
            f"{one.user:<{users}} {one.pid:>7} {row.cpu:>6.1f} {size_text(one.resident):>8} "
            f"{_clock(one.cpu_seconds):>9} {'?' if one.age is None else _clock(one.age):>9} {one.state} "
            f"{'  ' * min(row.depth, 20)}{show_bytes(one.command)}"
        )
        click.echo(line if width is None else line[:width])


def _clock(seconds: float) -> str:
    """`3:20`, `2:05:00`, `4d 02:05`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _row_json(row: Row) -> dict[str, Any]:
    one = row.process
    return {
        "pid": one.pid,
        "parent": one.parent,
        "user": one.user,
        "state": one.state,
        "cpu": round(row.cpu, 2),
        "cpu_seconds": one.cpu_seconds,
        "rss": one.resident,
        "age": one.age,
        "start": one.start,
        "depth": row.depth,
        **name_json(one.command, "command"),
    }


@click.command()
@HOST
@click.argument("pids", metavar="PID…", nargs=-1, required=True, type=click.IntRange(1))
@click.option("-s", "--signal", type=click.Choice(SIGNALS, case_sensitive=False), default="TERM", show_default=True,
              help="Which signal.")  # fmt: skip
@global_flags()
@pass_flags
def kill(flags: GlobalFlags, host: str, pids: tuple[int, ...], signal: str) -> int:
    """Send a signal to processes of HOST.

    A process is looked up first, and signalled only if its PID is still its own then.

    \b
    Examples:
      fairlead kill web-1 4711
      fairlead kill web-1 -s HUP 812 815

    Exit status: 4 when one of them was not there, or the host did not let the signal through.
    """

    async def work(services: Services) -> int:
        service = services.container.processes
        known = (await service.table(host)).by_pid()
        failed = False
        for pid in dict.fromkeys(pids):
            try:
                if pid not in known:
                    evidence = {"pid": pid, "fate": "is not there; nothing was signalled"}
                    raise SessionError(Code.PROCESS_GONE, evidence=evidence, host=host)
                await service.signal(host, known[pid], signal)
            except SessionError as error:
                await services.report(error.located(host=host))
                failed = True
                continue
            if flags.json:
                print_json({"host": host, "pid": pid, "signal": signal, "sent": True})
            else:
                services.narration.say(f"{pid}: {signal} sent to {known[pid].name}")
        return Status.SOME_FAILED if failed else Status.OK

    return execute(flags, work, host=host)
