"""`fairlead shell`: a login shell on this terminal."""

from __future__ import annotations

import os

import click

from backend.commands.workplace import shell_command
from backend.errors import Code, ConfigError
from cli.arguments import HostName
from cli.bridge import join_terminal
from cli.execute import Services, execute
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.statuses import Status, status_of_exit


@click.command()
@click.argument("host", type=HostName())
@global_flags()
@pass_flags
def shell(flags: GlobalFlags, host: str) -> int:
    """Open a login shell on HOST, on this terminal. `~.` after a new line ends it, `~?` helps.

    \b
    Examples:
      fairlead shell web-1
      fairlead shell -J bastion deploy@10.0.4.7

    Exit status: the shell's own; 255 for no connection, a lost one, or `~.`.
    """
    if not os.isatty(0) or not os.isatty(1):
        problem = "a shell needs a terminal; for commands from a pipe: fairlead run HOST -- sh"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    return execute(flags, lambda services: _shell(services, host), host=host)


async def _shell(services: Services, host: str) -> int:
    await services.container.production.ask(host, "Open a shell")
    session = services.container.sessions.get(host)
    link = await session.link()
    report = await join_terminal(link, shell_command(session.target))
    services.narration.say(f"session on {host} {'ended by ~.' if report is None else 'ended'}")
    return Status.NO_CONNECTION if report is None else status_of_exit(report)
