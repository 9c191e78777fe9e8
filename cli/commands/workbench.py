"""`fairlead` and `fairlead demo`: open the workbench, or serve the simulated hosts over real SSH."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import click

from backend.connection.interaction import Interaction
from backend.container import Container
from backend.errors import Code, ConfigError
from cli.compose import Configuration, configure, open_services
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.logs import logged


@click.command()
@click.option(
    "--over-ssh", is_flag=True, help="Serve the simulated hosts on loopback, for any SSH client, until ctrl+c."
)
@global_flags()
@pass_flags
def demo(flags: GlobalFlags) -> int:
    """Open the workbench in a simulated world: half a dozen hosts with histories. No network is touched.

    \b
    Examples:
      fairlead demo
    """
    flags.demo = True
    return open_workbench(flags)


def open_workbench(flags: GlobalFlags) -> int:
    """Run the workbench on this terminal until the person leaves. Raises ConfigError where it cannot."""
    _check_terminal(flags)
    configuration = configure(flags)
    with logged(flags, configuration.vault, on_stderr=False):
        from tui.app import WorkbenchOptions, run_workbench

        options = WorkbenchOptions(
            theme=configuration.settings.ui.theme,
            keymap=configuration.settings.keys,
            demo=flags.demo,
            open_demo=None if flags.demo else _opener(configure(replace(flags, demo=True))),
            config_file=configuration.paths.config,
        )
        return run_workbench(_opener(configuration), options)


def _opener(configuration: Configuration) -> Callable[[Interaction], AbstractAsyncContextManager[Container]]:
    return lambda interaction: open_services(configuration, interaction)


def _check_terminal(flags: GlobalFlags) -> None:
    problem = ""
    if not os.isatty(0) or not os.isatty(1):
        problem = "the workbench needs a terminal; see fairlead --help for commands that do without"
    elif flags.password_stdin:
        problem = "--password-stdin is for commands that name one host; the workbench asks"
    if problem:
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
