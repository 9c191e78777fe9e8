"""`fairlead health --nagios`: what is found, as a monitoring plugin tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import click

from backend.errors import FairleadError
from backend.health.nagios import Limits, NagiosState, Verdict, judge, report, unknown
from cli.execute import Services, execute
from cli.flags import GlobalFlags
from cli.health_found import Found, gather, only


def as_plugin(flags: GlobalFlags, hosts: Sequence[str], limits: Limits, *, deep: bool) -> int:
    """Look, print, and return the plugin's status. Whatever goes wrong on our side is UNKNOWN: the other statuses are
    about hosts."""

    async def work(services: Services) -> int:
        found = await gather(services, hosts, deep=deep)
        state, text = report([_verdict(services, one, limits) for one in found])
        click.echo(text)
        return int(state)

    try:
        return execute(flags, work, host=only(hosts))
    except FairleadError as error:
        click.echo(unknown(f"{error.code}: {error.message}"))
        return int(NagiosState.UNKNOWN)


def _verdict(services: Services, found: Found, limits: Limits) -> Verdict:
    verdict, deep = judge(found.health, found.live, limits), found.deep
    if deep is None:
        return verdict
    if deep.check is None:
        assert deep.error is not None
        return replace(verdict, state=NagiosState.UNKNOWN, text=f"{deep.error.code}: {deep.error.message}")
    from backend.health.deep.nagios import with_deep
    from backend.health.deep.thresholds import Thresholds

    own = services.container.book.health_options(deep.host).thresholds
    return with_deep(verdict, deep.check, Thresholds(own))
