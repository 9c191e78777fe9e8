"""`fairlead health`: how reaching hosts has gone, and a look at them now; for people, JSON, Prometheus and Nagios."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from backend.container import Container
from backend.errors import Code, ConfigError
from backend.health.nagios import Limits
from backend.health.values import SshHealth
from cli.arguments import HostName
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.health_exports import DEFAULT_ADDRESS, EVERY, Export, serve
from cli.health_found import gather, only
from cli.health_plugin import as_plugin
from cli.health_told import print_found
from cli.statuses import Status, status_of
from cli.units import counted


@click.command()
@click.argument("hosts", nargs=-1, type=HostName(), metavar="[HOST]...")
@click.option("--deep", is_flag=True, help="Look into each HOST as well: load, memory, disks, units, clock and more.")
@click.option("--watch", is_flag=True, help="Go on looking into hosts, and tell each change, until ctrl+c.")
@click.option(
    "--recovery", is_flag=True, help="Show what auto-recovery may do to each HOST, would do now, and has done."
)
@click.option("--prometheus", is_flag=True, help="Print metrics in Prometheus' text format.")
@click.option("--jsonl", is_flag=True, help="Print JSON lines: one for each value, with host and time.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write FILE in one step, --prometheus, --jsonl.",
)
@click.option(
    "--serve",
    "address",
    is_flag=False,
    flag_value=DEFAULT_ADDRESS,
    metavar="[ADDRESS:]PORT",
    help=f"Let Prometheus scrape /metrics here; without a value {DEFAULT_ADDRESS}, which only this machine reaches.",
)
@click.option("--every", type=click.FloatRange(min=5), help="Seconds between looks, --serve.  [default: 60]")
@click.option("--nagios", is_flag=True, help="Answer as a monitoring plugin: status 0, 1, 2 or 3 and one line.")
@click.option("--warning", type=click.FloatRange(min=0), help="Round trip in seconds, --nagios.  [default: 0.4]")
@click.option("--critical", type=click.FloatRange(min=0), help="Round trip in seconds, --nagios.")
@click.option("--forget", is_flag=True, help="Forget the history of each HOST; nothing is connected.")
@global_flags()
@pass_flags
def health(
    flags: GlobalFlags,
    hosts: tuple[str, ...],
    *,
    deep: bool,
    watch: bool,
    recovery: bool,
    prometheus: bool,
    jsonl: bool,
    output: Path | None,
    address: str | None,
    every: float | None,
    nagios: bool,
    warning: float | None,
    critical: float | None,
    forget: bool,
) -> int:
    """How reaching hosts has gone. With HOST, connect to each once and measure the round trip now.

    What the past of HOST leads to is told as well, with its date and how sure that is: a full disk, memory that leaks,
    a slower way, more failures, a certificate that ends.

    With --deep, one command on the host also tells its load, memory, pressure, disks and inodes, failed units, clock,
    sockets and more, each judged by the limits in your settings. --watch does so again and again, gently, and tells
    what changes; without HOST it watches those that the settings name.

    \b
    Examples:
      fairlead health
      fairlead health web-1 db-2
      fairlead health --deep web-1
      fairlead health --watch --json web-1 db-2
      fairlead health --nagios --deep --batch web-1
      fairlead health --prometheus -o /var/lib/prometheus/node-exporter/fairlead.prom
      fairlead health --serve=9822 --batch web-1 db-2

    Exit status: 0; for a HOST that is not reached, that of its failure. With --nagios: 0 OK, 1 warning, 2 critical,
    3 unknown. --serve and --watch are meant to be stopped: 0 then. What a person declined, or this machine's
    configuration lacked, does not count against a host.
    """
    look_every = EVERY if every is None else every
    export = Export.asked(prometheus=prometheus, jsonl=jsonl, output=output, serve=address, every=look_every, deep=deep)
    exports = {"prometheus": prometheus, "jsonl": jsonl, "serve": address is not None}
    form = _form(**exports, nagios=nagios, forget=forget, recovery=recovery, watch=watch, json=flags.json)
    _check(hosts, form, deep=deep)
    _check_goes_with("--nagios", form, warning=warning, critical=critical)
    _check_goes_with("--serve", form, every=every)
    if export is not None and export.serve is not None:
        return execute(flags, lambda services: serve(services, hosts, export), host=only(hosts), unattended=None)
    if forget:
        return execute(flags, lambda services: _forget(services, hosts))
    if recovery:
        from cli.health_recovery import show_recovery

        return execute(flags, lambda services: show_recovery(services, hosts), host=only(hosts))
    if watch:
        from cli.health_watch import watch_hosts

        return execute(flags, lambda services: watch_hosts(services, hosts), host=only(hosts))
    if nagios:
        return as_plugin(flags, hosts, Limits(Limits().warning if warning is None else warning, critical), deep=deep)
    return execute(flags, lambda services: _show(services, hosts, export, deep=deep), host=only(hosts))


_WITH_JSON = frozenset({"--watch", "--recovery"})


def _form(**flags: bool) -> frozenset[str]:
    """The forms of the answer that were asked for."""
    return frozenset(f"--{name}" for name, given in flags.items() if given)


def _check(hosts: Sequence[str], form: frozenset[str], *, deep: bool) -> None:
    problem = ""
    others = form - {"--json"} if form & _WITH_JSON else form
    if len(others) > 1:
        problem = f"{' and '.join(sorted(others))} exclude each other"
    elif not hosts and form & {"--forget", "--recovery"}:
        problem = f"{next(iter(others))} needs the hosts that are meant"
    elif deep and not hosts and "--watch" not in form:
        problem = "--deep needs the hosts that are to be looked into"
    if problem:
        raise ConfigError(Code.USAGE, evidence={"problem": problem})


def _check_goes_with(needed: str, form: frozenset[str], **options: float | None) -> None:
    """What would be ignored is a mistake. Raises ConfigError (USAGE)."""
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given and needed not in form:
        problem = f"{' and '.join(given)} {'goes' if len(given) == 1 else 'go'} with {needed}"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})


async def _forget(services: Services, hosts: Sequence[str]) -> int:
    health, readings = services.container.health, services.container.metric_history
    for host in hosts:
        known, names = await health.of(host), await readings.names(host)
        await health.forget(host)
        await readings.forget(host)
        services.narration.say(f"{host}: {_forgotten(known, len(names))}")
    return Status.OK


def _forgotten(known: SshHealth, readings: int) -> str:
    """What is no more."""
    lost = []
    if known.since is not None:
        lost += [
            counted(known.successes, "login"),
            counted(known.failures, "failure"),
            counted(known.losses, "loss", "losses"),
            f"since {known.since.astimezone():%Y-%m-%d}",
        ]
    lost += [f"the history of {counted(readings, 'reading')}"] if readings else []
    return f"forgotten: {', '.join(lost)}" if lost else "nothing was known of it"


async def _show(services: Services, hosts: Sequence[str], export: Export | None, *, deep: bool) -> int:
    found = await gather(services, hosts, deep=deep)
    services.narration.end_progress()
    container = services.container
    if services.flags.json:
        trouble = container.health.trouble
        print_json(
            {"hosts": [one.to_json() for one in found], "trouble": None if trouble is None else trouble.to_json()}
        )
    elif export is not None:
        await export.put(services, found)
    else:
        _say_trouble(services, container)
        print_found(found, container.clock.now(), named=bool(hosts))
    failures = [one.error for one in found if one.error is not None]
    if failures:
        return status_of(failures[0])
    return Status.OK


def _say_trouble(services: Services, container: Container) -> None:
    if (trouble := container.health.trouble) is not None:
        services.narration.say(f"The history is not kept: {trouble.message}")
