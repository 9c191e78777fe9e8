"""`fairlead snippets`: command lines with variables, kept by name."""

from __future__ import annotations

import click

from backend.commands.snippets.file import SnippetFile
from backend.commands.snippets.template import Snippet, Variable
from backend.text import clean_line
from cli.arguments import Assignment, Filled
from cli.configuration import paths_of
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.statuses import Status

VARIABLE_NAMES = r"[A-Za-z_][A-Za-z0-9_-]*"


def snippets_of(flags: GlobalFlags) -> SnippetFile:
    """The person's own, beside their `config.toml`."""
    return SnippetFile.beside(paths_of(flags).config)


@click.group()
@global_flags()
def snippets() -> None:
    """Command lines with variables, in snippets.toml beside config.toml.

    \b
    Examples:
      fairlead snippets add disk 'du -xsh {dir=/var}/* | sort -h'
      fairlead snippets list
      fairlead run web-1 --snippet disk --var dir=/srv
    """


@snippets.command(name="list")
@global_flags()
@pass_flags
def list_(flags: GlobalFlags) -> int:
    """Show them, with their variables.

    \b
    Examples:
      fairlead snippets list --json
    """
    found = snippets_of(flags).load()
    if flags.json:
        print_json({"snippets": [_json(snippet) for snippet in found]})
        return Status.OK
    for snippet in found:
        about = f"  # {clean_line(snippet.description)}" if snippet.description else ""
        click.echo(f"{snippet.name}: {clean_line(snippet.command)}{about}")
        for variable in snippet.variables:
            default = "" if variable.default is None else f" = {clean_line(variable.default)}"
            told = f"  # {clean_line(variable.description)}" if variable.description else ""
            click.echo(f"    {variable.name}{default}{told}")
    return Status.OK


def _json(snippet: Snippet) -> dict[str, object]:
    return {
        "name": snippet.name,
        "command": snippet.command,
        "description": snippet.description,
        "variables": [
            {"name": one.name, "default": one.default, "description": one.description} for one in snippet.variables
        ],
    }


@snippets.command()
@click.argument("name", type=Filled())
@click.argument("command", type=Filled())
@click.option("--description", default="", metavar="TEXT", help="A line for people.")
@click.option("--default", "defaults", multiple=True, type=Assignment(VARIABLE_NAMES), metavar="NAME=VALUE",
              help="What a variable is when nothing is given; may be repeated.")  # fmt: skip
@click.option("--about", multiple=True, type=Assignment(VARIABLE_NAMES), metavar="NAME=TEXT",
              help="What a variable means; may be repeated.")  # fmt: skip
@global_flags()
@pass_flags
def add(
    flags: GlobalFlags,
    name: str,
    command: str,
    *,
    description: str,
    defaults: tuple[tuple[str, str], ...],
    about: tuple[tuple[str, str], ...],
) -> int:
    """Keep COMMAND as NAME. {word} in it is a variable, {word=value} one with a default; {{ and }} are braces.

    \b
    Examples:
      fairlead snippets add logs 'journalctl -u {unit} --since {since=today}' --about unit='a systemd unit'
    """
    values, words = dict(defaults), dict(about)
    told = {word: Variable(word, values.get(word), words.get(word, "")) for word in (*values, *words)}
    snippets_of(flags).add(Snippet(name, command, description, told))
    return Status.OK


@snippets.command()
@click.argument("name", type=Filled())
@global_flags()
@pass_flags
def remove(flags: GlobalFlags, name: str) -> int:
    """Take a snippet out.

    \b
    Examples:
      fairlead snippets remove logs
    """
    snippets_of(flags).remove(name)
    return Status.OK
