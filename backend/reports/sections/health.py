"""How reaching the host has gone, in blocks: figures, kinds of failure, the course of the round trips. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from backend.clock import iso
from backend.health.values import WINDOW_DAYS, SshHealth
from backend.reports.blocks import Block, Facts, Paragraph, Plot, Row, Section, Span, Table

_FEWEST_HOURS = 2


def health_section(health: SshHealth) -> Section:
    """The whole history."""
    return Section("Health", tuple(_blocks(health)))


def _blocks(health: SshHealth) -> Iterator[Block]:
    if not health.known:
        yield Paragraph(
            "Nothing is known yet: the history begins with the first attempt that says something of the host."
        )
        return
    yield Facts(tuple(_facts(health)))
    if health.kinds:
        rows = tuple(Row((kind.code, str(kind.count))) for kind in health.kinds)
        yield Table(f"Failures and losses of the last {WINDOW_DAYS} days", ("code", "times"), rows, frozenset({1}))
    if len(health.hours) >= _FEWEST_HOURS:
        spans = tuple(Span(one.hour.timestamp(), one.low, one.middle, one.high) for one in health.hours)
        yield Plot("Round trip by the hour: median, and from the lowest to the highest", spans, "s")


def _facts(health: SshHealth) -> Iterator[tuple[str, str]]:
    rate, last = health.success_rate, health.last_failure
    yield "state", health.state
    if rate is not None:
        yield f"success, {WINDOW_DAYS} days", f"{rate:.1%} of attempts"
    yield "last login", _moment(health.last_success)
    yield (
        "last failure",
        "never" if last is None else f"{iso(last.at)}, {last.code}{f' at {last.hop}' if last.hop else ''}",
    )
    yield (
        "in all",
        (f"{health.successes} logins, {health.failures} failed, {health.losses} lost, {health.reconnects} restored"),
    )
    if health.since is not None:
        yield "history since", iso(health.since)
    if health.latency is not None:
        yield "newest round trip", f"{health.latency * 1000:.1f} ms"


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else iso(moment)
