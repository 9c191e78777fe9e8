"""`fairlead hosts`: who can be named, and who a name is; changing entries is `hosts_edit`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from backend.connection.race import preferred
from backend.connection.target import Hop, Target, Workplace
from backend.connection.ways import described
from backend.hosts.book import HostEntry
from backend.hosts.entries import by_use
from backend.matching import best
from backend.settings.editing import shown
from backend.settings.show import json_value
from backend.text import clean_line
from cli.arguments import HostName
from cli.columns import in_columns
from cli.commands import hosts_edit
from cli.commands.hosts_import import import_hosts
from cli.commands.hosts_unlock import unlock
from cli.compose import HostRoom
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.host_room import in_host_room
from cli.statuses import Status


@click.group()
@global_flags()
def hosts() -> None:
    """The hosts that can be named: own entries of config.toml, and every Host of ~/.ssh/config.

    \b
    Examples:
      fairlead hosts list
      fairlead hosts show web-1
      fairlead hosts add web-1 --address 10.0.4.7 --user deploy
    """


for command in (
    hosts_edit.add,
    hosts_edit.change,
    hosts_edit.remove,
    hosts_edit.pin,
    hosts_edit.unpin,
    import_hosts,
    unlock,
):
    hosts.add_command(command)


@hosts.command("list")
@click.argument("words", metavar="[FILTER]…", nargs=-1)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only hosts with this tag; all of several.")
@click.option("--group", metavar="GROUP", help="Only hosts of this group.")
@global_flags()
@pass_flags
def list_hosts(flags: GlobalFlags, words: tuple[str, ...], tags: tuple[str, ...], group: str | None) -> int:
    """All hosts that have a name: pinned ones first, then those used last. FILTER is a few letters of what is shown.

    \b
    Examples:
      fairlead hosts list
      fairlead hosts list --tag prod web
      fairlead hosts list --json
    """

    async def work(room: HostRoom) -> int:
        known = await room.book.list()
        wanted = (one for one in known if set(tags) <= set(one.tags) and group in (None, one.group))
        entries = best(" ".join(words), by_use(wanted), _texts)
        if flags.json:
            print_json({"hosts": [_entry_json(entry) for entry in entries]})
        elif entries:
            _print_table(entries)
        elif known:
            click.echo("None of the hosts is meant by that; see `fairlead hosts list`.", err=True)
        else:
            click.echo("No hosts yet: see `fairlead config locate`, or look around with `fairlead demo`.", err=True)
        return Status.OK

    return in_host_room(flags, work)


@hosts.command("show")
@click.argument("host", type=HostName())
@global_flags()
@pass_flags
def show_host(flags: GlobalFlags, host: str) -> int:
    """How HOST is reached: every hop with address, user, keys and known hosts. Nothing is connected.

    \b
    Examples:
      fairlead hosts show web-1
      fairlead hosts show --json deploy@10.0.4.7:2222
    """

    async def work(room: HostRoom) -> int:
        routes = await room.book.routes(host)
        remembered = await room.memory.recall(host) if room.memory is not None and len(routes) > 1 else None
        routes = preferred(routes, remembered.route if remembered is not None else None)
        target = routes[0]
        own = room.book.settings.hosts.get(host)
        extra = {} if own is None else own.extra
        if flags.json:
            names = [one.route for one in routes]
            known = None if remembered is None else {"route": remembered.route, "at": remembered.at.isoformat()}
            print_json({**_target_json(target), "routes": names, "worked_here": known, "extra": json_value(extra)})
        else:
            why = "" if remembered is None else remembered.told(datetime.now(UTC))
            lines = [*_target_lines(target), *_route_lines(routes, why)]
            lines += [*_workplace_lines(target.workplace), *_extra_lines(extra)]
            click.echo("\n".join(clean_line(line) for line in lines))
        return Status.OK

    return in_host_room(flags, work)


def _entry_json(entry: HostEntry) -> dict[str, Any]:
    used = None if entry.last_used is None else entry.last_used.isoformat()
    return {**dataclasses.asdict(entry), "source": entry.source.value, "tags": list(entry.tags), "last_used": used}


def _texts(entry: HostEntry) -> Iterable[str]:
    """What a filter looks at."""
    return (entry.name, entry.group, *entry.tags, entry.address, entry.user)


def _print_table(entries: Sequence[HostEntry]) -> None:
    click.echo("\n".join(in_columns([[clean_line(cell) for cell in _cells(entry)] for entry in entries])))


def _cells(entry: HostEntry) -> list[str]:
    address = f"{entry.user}@{entry.address}" if entry.user and entry.address else entry.address
    if entry.port is not None:
        address = f"{address}:{entry.port}"
    marks = [*([entry.group] if entry.group else []), *entry.tags, *(["production"] if entry.production else [])]
    marks += ["pinned"] if entry.pinned else []
    return [entry.name, address, " ".join(marks), entry.where, entry.note]


def _target_json(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "production": target.production,
        "hops": [_hop_json(hop) for hop in target.hops],
        "directory": target.workplace.directory,
        "env": dict(target.workplace.env),
        "roots": dict(target.workplace.roots),
        "modules": list(target.workplace.modules),
    }


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
        "way": described(hop.way),
        "source": hop.source,
        "notes": list(hop.notes),
    }


def _route_lines(routes: Sequence[Target], why: str) -> list[str]:
    """The routes in the order in which they are tried, and why the first is the first, where there are several."""
    if len(routes) == 1:
        return []
    first = f"  {'tried first':<12} {routes[0].route}: {_way(routes[0])}"
    return [
        f"{first} ({why})" if why else first,
        *(f"  {'or by route':<12} {one.route}: {_way(one)}" for one in routes[1:]),
    ]


def _way(target: Target) -> str:
    places = " → ".join(f"{hop.user}@{hop.address}:{hop.port}" for hop in target.hops)
    told = described(target.hops[0].way)
    return f"{places}, {told}" if told else places


def _workplace_lines(place: Workplace) -> list[str]:
    lines = [] if place.directory is None else [f"  {'begins in':<12} {place.directory}"]
    lines += [f"  {'root':<12} {name}: {directory}" for name, directory in place.roots.items()]
    lines += [f"  {'variable':<12} {name}={value}" for name, value in place.env.items()]
    return lines + ([f"  {'modules':<12} {' '.join(place.modules)}"] if place.modules else [])


def _extra_lines(extra: Mapping[str, Any]) -> list[str]:
    """What an inventory said that nothing reads."""
    return [f"  {'extra':<12} {name} = {shown(value)}" for name, value in extra.items()]


def _target_lines(target: Target) -> list[str]:
    lines = [f"{target.name}{'  (production)' if target.production else ''}"]
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
        details |= {"way": told} if (told := described(hop.way)) else {}
        lines += [f"    {name:<11} {value}" for name, value in details.items()]
        lines += [f"    {'ssh_config':<11} {note}" for note in hop.notes]
    return lines
