"""`fairlead health --recovery`: the dry run of auto-recovery, and what it has done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from backend.clock import iso
from backend.errors import FairleadError
from backend.health.history.values import CHANGES_DAYS, Deed
from backend.health.recovery.values import Planned
from backend.text import clean_line
from cli.execute import Services
from cli.failures import print_json
from cli.statuses import Status, status_of


async def show_recovery(services: Services, hosts: Sequence[str]) -> int:
    """Look into each host and tell; nothing is done to it. The status of the first that could not be looked into."""
    told = [await _of(services, host) for host in hosts]
    services.narration.end_progress()
    if services.flags.json:
        print_json({"hosts": [{key: value for key, value in one.items() if key != "failure"} for one in told]})
    else:
        for host in told:
            click.echo("\n".join(clean_line(line) for line in _lines(host)))
    failures = [one["failure"] for one in told if one["failure"] is not None]
    return status_of(failures[0]) if failures else Status.OK


async def _of(services: Services, host: str) -> dict[str, Any]:
    container = services.container
    recovery = container.recovery
    failure: FairleadError | None = None
    now: tuple[Planned, ...] = ()
    try:
        now = await recovery.dry_run(host, await container.deep_checks.check(host))
    except FairleadError as error:
        failure = error.located(host=host)
    since = container.clock.now() - timedelta(days=CHANGES_DAYS)
    return {
        "host": host,
        "allowed": [one.to_json() for one in await recovery.dry_run(host)],
        "now": [one.to_json() for one in now],
        "done": [_deed(one) for one in await recovery.deeds(host, since.timestamp())],
        "error": None if failure is None else failure.to_json(),
        "failure": failure,
    }


def _deed(one: Deed) -> dict[str, Any]:
    at = iso(datetime.fromtimestamp(one.at, UTC))
    return {"at": at, "action": one.action, "outcome": one.outcome, "text": one.text}


def _lines(one: dict[str, Any]) -> Iterator[str]:
    yield one["host"]
    failure: FairleadError | None = one["failure"]
    if not one["allowed"]:
        yield "  nothing is allowed: see `health` of a host in config.toml"
    for planned in one["allowed"]:
        yield f"  may          {planned['action']}: {planned['text']}"
        if planned["command"]:
            yield f"               {planned['command']}"
    if failure is not None:
        yield f"  now          ✕ {failure.code}: {failure.message}"
    elif not one["now"]:
        yield "  now          nothing: the host calls for none of it"
    for planned in one["now"]:
        held = "" if planned["allowed"] else " (not now: it was done as often as it may be)"
        yield f"  now          would {planned['action']}{held}: {planned['why']}"
    for deed in one["done"]:
        yield f"  {deed['at']} {deed['action']}, {deed['outcome']}: {deed['text']}"
