"""`fairlead completions`: what a shell needs to complete commands, flags and hosts."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.statuses import Status

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@global_flags()
@pass_flags
@click.pass_context
def completions(context: click.Context, /, flags: GlobalFlags, shell: str) -> int:
    """Print what SHELL needs to complete commands, flags and the names of hosts.

    \b
    Examples:
      fairlead completions bash > ~/.local/share/bash-completion/completions/fairlead
      fairlead completions zsh > ~/.zfunc/_fairlead      with fpath+=~/.zfunc before compinit in ~/.zshrc
      fairlead completions fish > ~/.config/fish/completions/fairlead.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(context.find_root().command, {}, "fairlead", "_FAIRLEAD_COMPLETE").source())
    return Status.OK
