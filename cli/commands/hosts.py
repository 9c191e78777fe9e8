"""`fairlead hosts list|show`: who can be named, and who a name is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Coroutine
from typing import Any

import click

from backend.connection.target import Hop, Target
from backend.hosts.book import HostBook, HostEntry
from backend.text import clean_line
from cli.compose import configure, open_book
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.listing import cells_of
from cli.logs import logged
from cli.statuses import Status
from cli.supervise import supervise


@click.group()
@global_flags()
def hosts() -> None:
    """The hosts that can be named: own entries of config.toml, and every Host of ~/.ssh/config.

    \b
    Examples:
      fairlead hosts list
      fairlead hosts show web-1
    """


@hosts.command("list")
@global_flags()
@pass_flags
def list_hosts(flags: GlobalFlags) -> int:
    """All hosts that have a name.

    \b
    Examples:
      fairlead hosts list
      fairlead hosts list --json
    """

    async def work(book: HostBook) -> int:
        entries = await book.list()
        if flags.json:
            print_json({"hosts": [_entry_json(entry) for entry in entries]})
        elif entries:
            _print_table(entries)
        else:
            click.echo("No hosts yet: see `fairlead config locate`, or look around with `fairlead demo`.", err=True)
        return Status.OK

    return _with_book(flags, work)


@hosts.command("show")
@click.argument("host")
@global_flags()
@pass_flags
def show_host(flags: GlobalFlags, host: str) -> int:
    """How HOST is reached: every hop with address, user, keys and known hosts. Nothing is connected.

    \b
    Examples:
      fairlead hosts show web-1
      fairlead hosts show --json deploy@10.0.4.7:2222
    """

    async def work(book: HostBook) -> int:
        target = await book.resolve(host)
        if flags.json:
            print_json(_target_json(target))
        else:
            click.echo("\n".join(clean_line(line) for line in _target_lines(target)))
        return Status.OK

    return _with_book(flags, work)


def _with_book(flags: GlobalFlags, work: Callable[[HostBook], Coroutine[Any, Any, int]]) -> int:
    configuration = configure(flags)

    async def with_book() -> int:
        async with open_book(configuration) as book:
            return await work(book)

    with logged(flags, configuration.vault):
        return supervise(with_book)


def _entry_json(entry: HostEntry) -> dict[str, Any]:
    return {**dataclasses.asdict(entry), "source": entry.source.value, "tags": list(entry.tags)}


def _print_table(entries: tuple[HostEntry, ...]) -> None:
    rows = [[clean_line(cell) for cell in _cells(entry)] for entry in entries]
    widths = [max(cells_of(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        padded = (cell + " " * (width - cells_of(cell)) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _cells(entry: HostEntry) -> list[str]:
    address = f"{entry.user}@{entry.address}" if entry.user and entry.address else entry.address
    if entry.port is not None:
        address = f"{address}:{entry.port}"
    marks = [*([entry.group] if entry.group else []), *entry.tags, *(["production"] if entry.production else [])]
    return [entry.name, address, " ".join(marks), entry.where, entry.note]


def _target_json(target: Target) -> dict[str, Any]:
    return {"name": target.name, "production": target.production, "hops": [_hop_json(hop) for hop in target.hops]}


def _hop_json(hop: Hop) -> dict[str, Any]:
    return {
        "name": hop.name,
        "address": hop.address,
        "port": hop.port,
        "user": hop.user,
        "host_key_alias": hop.host_key_alias,
        "identity_files": [str(path) for path in hop.identity_files],
        "identities_only": hop.identities_only,
        "agent_socket": None if hop.agent_socket is None else str(hop.agent_socket),
        "auth_methods": list(hop.auth_methods),
        "known_hosts": [str(path) for path in (*hop.known_hosts.user, *hop.known_hosts.system)],
        "host_key_policy": hop.host_key_policy.value,
        "keepalive": dataclasses.asdict(hop.keepalive),
        "timeouts": dataclasses.asdict(hop.timeouts),
        "source": hop.source,
        "notes": list(hop.notes),
    }


def _target_lines(target: Target) -> list[str]:
    lines = [f"{target.name}{'  (production: changes are confirmed)' if target.production else ''}"]
    for number, hop in enumerate(target.hops, start=1):
        what = "host" if hop is target.host else f"jump {number}"
        lines.append(f"  {what:<12} {hop.user}@{hop.address}:{hop.port}")
        known = ", ".join(str(path) for path in (*hop.known_hosts.user, *hop.known_hosts.system))
        details = {
            "keys": ", ".join(str(path) for path in hop.identity_files) or "none named",
            "agent": str(hop.agent_socket or "none"),
            "methods": ", ".join(hop.auth_methods),
            "known hosts": f"{known or 'none'} ({hop.host_key_policy})",
            "from": hop.source or "typed",
        }
        lines += [f"    {name:<11} {value}" for name, value in details.items()]
        lines += [f"    {'ssh_config':<11} {note}" for note in hop.notes]
    return lines
