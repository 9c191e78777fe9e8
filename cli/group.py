"""The root of the command line: subcommands are known by name and loaded only when one of them is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Known:
    """A subcommand before it is loaded."""

    where: str
    """`module:attribute`"""
    summary: str


COMMANDS = {
    "demo": Known("cli.commands.workbench:demo", "Open the workbench in a simulated world."),
    "run": Known("cli.commands.run:run", "Run a command on a host."),
    "shell": Known("cli.commands.shell:shell", "Open a shell on a host, on this terminal."),
    "ls": Known("cli.commands.files:ls", "List remote directories."),
    "stat": Known("cli.commands.files:stat", "Show what is known about remote files."),
    "mkdir": Known("cli.commands.files:mkdir", "Make remote directories."),
    "rm": Known("cli.commands.files:rm", "Remove remote files and trees."),
    "mv": Known("cli.commands.files:mv", "Rename a remote file or directory."),
    "cat": Known("cli.commands.files:cat", "Write remote files to stdout."),
    "get": Known("cli.commands.transfer:get", "Copy files and trees from a host."),
    "put": Known("cli.commands.transfer:put", "Copy files and trees to a host."),
    "queue": Known("cli.commands.queue:queue", "What is to be done on hosts that are away."),
    "forward": Known("cli.commands.forward:forward", "Keep ports open that lead through a host."),
    "diagnose": Known("cli.commands.diagnose:diagnose", "Show at which step a connection fails, and what to do."),
    "health": Known("cli.commands.health:health", "How reaching hosts has gone; a look at them now."),
    "hosts": Known("cli.commands.hosts:hosts", "The hosts that can be named."),
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
        with _pipe_closed_told():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, known.summary) for name, known in COMMANDS.items()])


@contextmanager
def _pipe_closed_told() -> Iterator[None]:
    """click would end the process with status 1."""
    try:
        yield
    except BrokenPipeError as error:
        raise PipeClosed from error
