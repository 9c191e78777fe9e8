"""`fairlead` and `fairlead demo`: open the workbench, or serve the simulated hosts over real SSH."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from backend.connection.interaction import Interaction
from backend.connection.vault import Vault
from backend.errors import Code, ConfigError, Interrupted
from backend.settings import Ascii
from cli.configuration import Configuration, configure
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.logs import logged
from cli.statuses import Status
from cli.supervise import supervise

if TYPE_CHECKING:
    from backend.container import Container
    from cli.compose import ServedDemo


@click.command()
@click.option(
    "--over-ssh", is_flag=True, help="Serve the simulated hosts on loopback, for any SSH client, until ctrl+c."
)
@global_flags()
@pass_flags
def demo(flags: GlobalFlags, over_ssh: bool) -> int:
    """Open the workbench in a simulated world: half a dozen hosts with histories. No network is touched.

    \b
    Examples:
      fairlead demo
      fairlead demo --over-ssh
    """
    flags.demo = True
    return _serve(flags) if over_ssh else open_workbench(flags)


def _serve(flags: GlobalFlags) -> int:
    from cli.compose import serve_demo

    async def serve() -> int:
        async with serve_demo(flags) as served:
            _tell(served, flags)
            await asyncio.Event().wait()
        return Status.OK

    with logged(flags, Vault()), suppress(Interrupted):  # that is how it ends
        supervise(serve)
    return Status.OK


def _tell(served: ServedDemo, flags: GlobalFlags) -> None:
    if flags.json:
        print_json({"ssh_config": str(served.ssh_config), "hosts": [name for name, _ in served.hosts]})
        return
    click.echo("The simulated hosts listen on loopback until ctrl+c:\n")
    for name, note in served.hosts:
        click.echo(f"  ssh -F {served.ssh_config} {name:<10}  # {note}")
    click.echo(f"\nOr with this program: fairlead -F {served.ssh_config} shell {served.hosts[0][0]}")


def open_workbench(flags: GlobalFlags) -> int:
    """Run the workbench on this terminal until the person leaves. Raises ConfigError where it cannot."""
    _check_terminal(flags)
    configuration = configure(flags)
    with logged(flags, configuration.vault, on_stderr=False):
        from tui.app import WorkbenchOptions, run_workbench
        from tui.glyphs import ASCII, UNICODE

        options = WorkbenchOptions(
            theme=configuration.settings.ui.theme,
            keymap=configuration.settings.keys,
            demo=flags.demo,
            open_demo=None if flags.demo else _opener(configure(replace(flags, demo=True))),
            config_file=configuration.paths.config,
            glyphs={Ascii.ALWAYS: ASCII, Ascii.NEVER: UNICODE, Ascii.AUTO: None}[configuration.settings.ui.ascii],
        )
        return run_workbench(_opener(configuration), options)


def _opener(configuration: Configuration) -> Callable[[Interaction], AbstractAsyncContextManager[Container]]:
    def open_services(interaction: Interaction) -> AbstractAsyncContextManager[Container]:
        from cli import compose  # the workbench shows itself first

        return compose.open_workbench(configuration, interaction)

    return open_services


def _check_terminal(flags: GlobalFlags) -> None:
    problem = ""
    if not os.isatty(0) or not os.isatty(1):
        problem = "the workbench needs a terminal; see fairlead --help for commands that do without"
    elif flags.password_stdin:
        problem = "--password-stdin is for commands that name one host; the workbench asks"
    if problem:
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
