"""`fairlead hosts unlock`: lets a login be tried that the lock-out guard would hold back."""

from __future__ import annotations

import click

from cli.arguments import HostName
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.statuses import Status
from cli.units import counted


@click.command()
@click.argument("host", type=HostName())
@global_flags()
@pass_flags
def unlock(flags: GlobalFlags, host: str) -> int:
    """Forget the logins that HOST, and the jump hosts on the way to it, have refused lately.

    After four refused logins within ten minutes the next one is held back, so that the server does not shut this
    address out. Only do this when you know what was wrong.

    \b
    Examples:
      fairlead hosts unlock web-1
    """

    async def work(services: Services) -> int:
        container = services.container
        forgotten = sum([await container.guard.forget(target) for target in await container.book.routes(host)])
        if flags.json:
            print_json({"name": host, "forgotten": forgotten})
        else:
            services.narration.say(f"{host}: {counted(forgotten, 'refused login')} forgotten")
        return Status.OK

    return execute(flags, work)
