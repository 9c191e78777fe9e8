"""`fairlead health`: how reaching hosts has gone, and a look at them now; for people, JSON, Prometheus and Nagios."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import click

from backend.container import Container
from backend.errors import Code, ConfigError, FairleadError
from backend.health.exports import health_metrics
from backend.health.live import LiveLook, look_live
from backend.health.nagios import Limits, NagiosState, judge, report, unknown
from backend.health.values import WINDOW_DAYS, SshHealth
from backend.metrics.render import prometheus_text
from backend.text import clean_line
from cli.arguments import Filled
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.listing import cells_of
from cli.statuses import Status, status_of
from cli.units import seconds_text

_AT_ONCE = 8
"""Hosts that are looked at together, where nobody can be asked anything."""
_SHOWN_HOURS = 24
_HEADINGS = ("host", "health", "success", "last login", "last failure", "round trip")


@click.command()
@click.argument("hosts", nargs=-1, type=Filled(), metavar="[HOST]...")
@click.option("--prometheus", is_flag=True, help="Print metrics in Prometheus' text format.")
@click.option("--nagios", is_flag=True, help="Answer as a monitoring plugin: status 0, 1, 2 or 3 and one line.")
@click.option(
    "--warning", type=click.FloatRange(min=0), default=0.4, show_default=True, help="Round trip in seconds, --nagios."
)
@click.option("--critical", type=click.FloatRange(min=0), help="Round trip in seconds, --nagios.")
@click.option("--forget", is_flag=True, help="Forget the history of each HOST; nothing is connected.")
@global_flags()
@pass_flags
def health(
    flags: GlobalFlags,
    hosts: tuple[str, ...],
    *,
    prometheus: bool,
    nagios: bool,
    warning: float,
    critical: float | None,
    forget: bool,
) -> int:
    """How reaching hosts has gone. With HOST, connect to each once and measure the round trip now.

    \b
    Examples:
      fairlead health
      fairlead health web-1 db-2
      fairlead health --nagios --batch web-1
      fairlead health --prometheus > /var/lib/node_exporter/fairlead.prom

    Exit status: 0; for a HOST that is not reached, that of its failure. With --nagios: 0 OK, 1 warning, 2 critical,
    3 unknown. What a person declined, or this machine's configuration lacked, does not count against a host.
    """
    _check(flags, hosts, prometheus=prometheus, nagios=nagios, forget=forget)
    if forget:
        return execute(flags, lambda services: _forget(services, hosts))
    if nagios:
        return _as_plugin(flags, hosts, Limits(warning, critical))
    return execute(flags, lambda services: _show(services, hosts, prometheus=prometheus), host=_only(hosts))


def _check(flags: GlobalFlags, hosts: Sequence[str], *, prometheus: bool, nagios: bool, forget: bool) -> None:
    problem = ""
    if prometheus + nagios + forget + flags.json > 1:
        problem = "--json, --prometheus, --nagios and --forget exclude each other"
    elif forget and not hosts:
        problem = "--forget needs the hosts whose history is to be forgotten"
    if problem:
        raise ConfigError(Code.USAGE, evidence={"problem": problem})


def _only(hosts: Sequence[str]) -> str | None:
    return hosts[0] if len(hosts) == 1 else None


async def _forget(services: Services, hosts: Sequence[str]) -> int:
    for host in hosts:
        await services.container.health.forget(host)
    return Status.OK


def _as_plugin(flags: GlobalFlags, hosts: Sequence[str], limits: Limits) -> int:
    """Whatever goes wrong on our side is UNKNOWN: the other statuses are about hosts."""

    async def work(services: Services) -> int:
        found = await _gather(services, hosts)
        state, text = report([judge(one, live, limits) for one, live in found])
        click.echo(text)
        return int(state)

    try:
        return execute(flags, work, host=_only(hosts))
    except FairleadError as error:
        click.echo(unknown(f"{error.code}: {error.message}"))
        return int(NagiosState.UNKNOWN)


Found = tuple[SshHealth, LiveLook | None]


async def _gather(services: Services, hosts: Sequence[str]) -> list[Found]:
    """The histories, and for named hosts a look at each."""
    container = services.container
    if not hosts:
        return [(one, None) for one in await container.health.all()]
    turns = asyncio.Semaphore(1 if services.somebody else _AT_ONCE)

    async def look(host: str) -> LiveLook:
        async with turns:
            return await look_live(container.sessions.get(host), bus=container.bus, clock=container.clock)

    lives = await asyncio.gather(*(look(host) for host in hosts))
    return [(await container.health.of(live.host), live) for live in lives]


async def _show(services: Services, hosts: Sequence[str], *, prometheus: bool) -> int:
    found = await _gather(services, hosts)
    services.narration.end_progress()
    container = services.container
    if services.flags.json:
        trouble = container.health.trouble
        told = [{**one.to_json(), "live": None if live is None else live.to_json()} for one, live in found]
        print_json({"hosts": told, "trouble": None if trouble is None else trouble.to_json()})
    elif prometheus:
        click.echo(prometheus_text(health_metrics(one for one, _ in found)), nl=False)
    else:
        _say_trouble(services, container)
        _print(found, container.clock.now(), named=bool(hosts))
    failures = [live.error for _, live in found if live is not None and live.error is not None]
    return status_of(failures[0]) if failures else Status.OK


def _say_trouble(services: Services, container: Container) -> None:
    if (trouble := container.health.trouble) is not None:
        services.narration.say(f"The history is not kept: {trouble.message}")


def _print(found: Sequence[Found], now: datetime, *, named: bool) -> None:
    if not found:
        click.echo("No host has a history yet: it begins with the first connection.", err=True)
    elif named:
        click.echo("\n".join(clean_line(line) for one, live in found for line in _lines(one, live, now)))
    else:
        _print_table([_HEADINGS, *(_cells(one, now) for one, _ in found)])


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    cleaned = [[clean_line(cell) for cell in row] for row in rows]
    widths = [max(cells_of(row[column]) for row in cleaned) for column in range(len(cleaned[0]))]
    for row in cleaned:
        padded = (cell + " " * (width - cells_of(cell)) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _cells(one: SshHealth, now: datetime) -> tuple[str, ...]:
    return one.host, _state(one), _rate(one), _ago(one.last_success, now), _failure(one, now), _trip(one.latency)


def _lines(one: SshHealth, live: LiveLook | None, now: datetime) -> list[str]:
    """One host, in full."""
    lines = [one.host]
    if live is not None:
        lines += _live_lines(live)
    if not one.known:
        return [*lines, "  history      none: nothing but what a person declined or this machine lacked"]
    kinds = ", ".join(f"{kind.code} {kind.count}" for kind in one.kinds) or "none"
    return [
        *lines,
        f"  health       {_state(one)}, {_rate(one)} of attempts in {WINDOW_DAYS} days",
        f"  last login   {_ago(one.last_success, now)}",
        f"  last failure {_failure(one, now)}",
        f"  failures     {kinds}",
        f"  in all       {one.successes} logins, {one.failures} failures, {one.losses} losses,"
        f" {one.reconnects} restored, {seconds_text(one.connected_seconds)} connected",
        f"  latency      {_latency(one)}",
    ]


def _live_lines(live: LiveLook) -> list[str]:
    if live.error is not None:
        return [f"  now          ✕ {live.error.code}: {live.error.message}"]
    took = "" if live.connect_seconds is None else f", connected in {live.connect_seconds:.2f} s"
    phases = " ".join(f"{name} {seconds * 1000:.0f}" for name, seconds in live.phases)
    return [
        f"  now          ✓ round trip {_trip(live.round_trip)}{took}",
        *([f"  phases, ms   {phases}"] if phases else []),
    ]


def _latency(one: SshHealth) -> str:
    hours = one.hours[-_SHOWN_HOURS:]
    if not hours:
        return "never measured"
    low, high = min(hour.low for hour in hours), max(hour.high for hour in hours)
    return f"{_trip(low)} to {_trip(high)} in the last {len(hours)} hours connected"


def _state(one: SshHealth) -> str:
    if not one.consecutive_failures:
        return "healthy"
    return f"{'healthy' if one.healthy else 'unhealthy'}, {one.consecutive_failures} failed in a row"


def _rate(one: SshHealth) -> str:
    return "-" if one.success_rate is None else f"{one.success_rate:.1%}"


def _failure(one: SshHealth, now: datetime) -> str:
    last = one.last_failure
    if last is None:
        return "never"
    return f"{_ago(last.at, now)}, {last.code}{f' at {last.hop}' if last.hop else ''}"


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    passed = now - moment
    return f"{passed.days} d ago" if passed.days > 1 else f"{seconds_text(max(0.0, passed.total_seconds()))} ago"


def _trip(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"
