"""Every command line in the help texts, the README and the guide can be given as it stands there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import click
import pytest

from cli.flags import GlobalFlags
from cli.group import COMMANDS
from cli.root import fairlead

ROOT = Path(__file__).resolve().parents[3]


def _lines() -> Iterator[str]:
    for name in ("README.md", "docs/cli.md"):
        for block in re.findall(r"```\n(.*?)```", (ROOT / name).read_text(), re.DOTALL):
            yield from block.splitlines()
    context = click.Context(fairlead)
    yield from (fairlead.epilog or "").splitlines()
    for name in COMMANDS:
        command = fairlead.get_command(context, name)
        assert command is not None
        leaves = [command, *command.commands.values()] if isinstance(command, click.Group) else [command]
        for leaf in leaves:
            yield from (leaf.help or "").splitlines()


def _calls() -> list[tuple[str, ...]]:
    """The words of those that call the program; what is piped into it or out of it, and what is explained, left out."""
    found = set()
    for line in _lines():
        if match := re.match(r"\s*(?:[\w $().|-]+ \| )?(fairlead .*)", line):
            words = shlex.shlex(re.split(r"\s{3,}", match[1])[0], posix=True, punctuation_chars="|&>")
            words.whitespace_split = True
            found.add(tuple(takewhile(lambda word: word not in {"|", "&&", ">"}, words)))
    return sorted(found)


def test_there_are_documented_command_lines() -> None:
    assert len(_calls()) > 40


@pytest.mark.parametrize("call", _calls(), ids=" ".join)
def test_a_documented_command_line_can_be_given(call: tuple[str, ...]) -> None:
    context = fairlead.make_context("fairlead", list(call[1:]), obj=GlobalFlags())
    group: click.Group = fairlead
    while rest := [*context._protected_args, *context.args]:
        name, command, arguments = group.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, arguments, parent=context)
        if not isinstance(command, click.Group):
            return
        group = command
