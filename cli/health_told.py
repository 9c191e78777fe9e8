"""How hosts are reached, for people: a table of all that have a history, or everything about those that are named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from backend.health.live import LiveLook
from backend.health.values import WINDOW_DAYS, SshHealth
from backend.text import clean_line
from cli.columns import in_columns
from cli.health_deep import deep_lines
from cli.health_found import Found
from cli.health_trends import ahead_lines
from cli.units import counted, seconds_text

_SHOWN_HOURS = 24
_HEADINGS = ("host", "health", "success", "last login", "last failure", "round trip")


def print_found(found: Sequence[Found], now: datetime, *, named: bool) -> None:
    """Each host in full where they were `named`, else a table of all that have a history."""
    if not found:
        click.echo("No host has a history yet: it begins with the first connection.", err=True)
    elif named:
        click.echo("\n".join(clean_line(line) for one in found for line in _lines(one, now)))
    else:
        _print_table([_HEADINGS, *(_cells(one.health, now) for one in found)])


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    click.echo("\n".join(in_columns([[clean_line(cell) for cell in row] for row in rows])))


def _cells(one: SshHealth, now: datetime) -> tuple[str, ...]:
    return one.host, one.state, _rate(one), _ago(one.last_success, now), _failure(one, now), _trip(one.latency)


def _lines(found: Found, now: datetime) -> list[str]:
    """One host, in full."""
    lines = [found.health.host]
    if found.live is not None:
        lines += _live_lines(found.live)
    lines += _past_lines(found.health, now)
    lines += [] if found.ahead is None else ahead_lines(found.ahead)
    return [*lines, *([] if found.deep is None else deep_lines(found.deep))]


def _past_lines(one: SshHealth, now: datetime) -> list[str]:
    if not one.known:
        return ["  history      none: nothing but what a person declined or this machine lacked"]
    kinds = ", ".join(f"{kind.code} {kind.count}" for kind in one.kinds) or "none"
    return [
        f"  health       {one.state}, {_rate(one)} of attempts in {WINDOW_DAYS} days",
        f"  last login   {_ago(one.last_success, now)}",
        f"  last failure {_failure(one, now)}",
        f"  failures     {kinds}",
        f"  in all       {counted(one.successes, 'login')}, {counted(one.failures, 'failure')},"
        f" {counted(one.losses, 'loss', 'losses')}, {one.reconnects} restored,"
        f" {seconds_text(one.connected_seconds)} connected",
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
    return f"{_trip(low)} to {_trip(high)} in the last {counted(len(hours), 'hour')} connected"


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
