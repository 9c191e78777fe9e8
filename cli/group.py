"""The root of the command line: subcommands are known by name and loaded only when one of them is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from backend.dataclass import dataclass
from backend.errors import Advice, Code, FairleadError


@dataclass(frozen=True, slots=True)
class Known:
    """A subcommand before it is loaded."""

    where: str
    """`module:attribute`"""
    summary: str


COMMANDS = {
    "demo": Known("cli.commands.workbench:demo", "Open the workbench in a simulated world."),
    "run": Known("cli.commands.run:run", "Run a command on a host."),
    "modules": Known("cli.commands.modules:modules", "The environment modules of a host."),
    "slurm": Known(
        "cli.commands.slurm:slurm", "Jobs of a cluster: the queue and why it waits, submit, follow, cancel."
    ),
    "shell": Known("cli.commands.shell:shell", "Open a shell on a host, on this terminal."),
    "jobs": Known("cli.commands.jobs:jobs", "Commands that outlive the connection: start, find, follow, stop."),
    "ps": Known("cli.commands.ps:ps", "List the processes of a host."),
    "kill": Known("cli.commands.ps:kill", "Send a signal to processes of a host."),
    "ls": Known("cli.commands.files:ls", "List remote directories."),
    "stat": Known("cli.commands.files:stat", "Show what is known about remote files."),
    "mkdir": Known("cli.commands.files:mkdir", "Make remote directories."),
    "rm": Known("cli.commands.files_change:rm", "Remove remote files and trees."),
    "mv": Known("cli.commands.files_change:mv", "Rename or move remote files and directories."),
    "cp": Known("cli.commands.files_change:cp", "Copy files and trees within a host."),
    "ln": Known("cli.commands.files_change:ln", "Make remote links."),
    "touch": Known("cli.commands.files_change:touch", "Make empty remote files."),
    "chmod": Known("cli.commands.files_modes:chmod", "Change the mode of remote files."),
    "chown": Known("cli.commands.files_modes:chown", "Change the owner of remote files."),
    "cat": Known("cli.commands.files:cat", "Write remote files to stdout."),
    "find": Known("cli.commands.files_search:find", "Find names on a host."),
    "du": Known("cli.commands.files_search:du", "Sum up what remote trees take."),
    "edit": Known("cli.commands.edit:edit", "Edit a remote file in your own editor."),
    "get": Known("cli.commands.transfer:get", "Copy files and trees from a host."),
    "put": Known("cli.commands.transfer:put", "Copy files and trees to a host."),
    "copy": Known("cli.commands.transfer:copy", "Copy files and trees from a host to a host."),
    "transfers": Known("cli.commands.transfers:transfers", "All transfers: what runs, waits, was cut off, has ended."),
    "sync": Known("cli.commands.sync:sync", "Make a tree the same as another, one way."),
    "queue": Known("cli.commands.queue:queue", "What is to be done on hosts that are away."),
    "forward": Known("cli.commands.forward:forward", "Keep ports open that lead through a host."),
    "diagnose": Known("cli.commands.diagnose:diagnose", "Show at which step a connection fails, and what to do."),
    "health": Known("cli.commands.health:health", "How reaching hosts has gone; a look at them now."),
    "report": Known("cli.commands.report:report", "Write down how it stands with a host: Markdown, HTML or JSON."),
    "bundle": Known("cli.commands.bundle:bundle", "What helps to find a fault, in one file without secrets."),
    "snippets": Known("cli.commands.snippets:snippets", "Command lines with variables, kept by name."),
    "history": Known("cli.commands.history:history", "The command lines that were typed in the workbench."),
    "hosts": Known("cli.commands.hosts:hosts", "The hosts that can be named."),
    "completions": Known("cli.commands.completions:completions", "Complete commands and hosts in bash, zsh and fish."),
    "config": Known("cli.commands.config:config", "The configuration: where it is, what it says, whether it is right."),
}
_EPILOG = "The flags of `fairlead --help` may be given here as well."


class NoSuchCommand(click.UsageError):
    """The first word is none of `COMMANDS`."""

    def __init__(self, word: str, context: click.Context) -> None:
        super().__init__(f"No such command '{word}'.", context)
        self.word = word


class PipeClosed(Exception):
    """Whoever read our output went away."""


class LazyGroup(click.Group):
    """A group whose members are `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = COMMANDS.get(cmd_name)
        if known is None:
            return None
        module, _, attribute = known.where.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        command.epilog = _EPILOG
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise NoSuchCommand(args[0], ctx)
        return super().resolve_command(ctx, args)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _pipe_closed_told():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _pipe_closed_told():
                return super().invoke(ctx)
        except FairleadError as error:
            raise _with_its_help(error, ctx.invoked_subcommand) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, known.summary) for name, known in COMMANDS.items()])


def _with_its_help(error: FairleadError, name: str | None) -> FairleadError:
    """A misuse that says nothing better leads to the help of the subcommand that was called."""
    if name is None or error.code is not Code.USAGE or error.advice != FairleadError(Code.USAGE).advice:
        return error
    return error.explained(error.evidence, (Advice("See how it is used.", f"fairlead {name} --help"),))


@contextmanager
def _pipe_closed_told() -> Iterator[None]:
    """click would end the process with status 1."""
    try:
        yield
    except BrokenPipeError as error:
        raise PipeClosed from error
