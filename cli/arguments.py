"""Reading what stands on the command line: where the remote command begins, NAME=VALUE, byte rates. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import click

from backend.dataclass import dataclass
from backend.rates import UNITS, read_rate
from cli.flags import GlobalFlags

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def mark_command(arguments: Sequence[str], options: Sequence[click.Parameter], *, after: int = 1) -> list[str]:
    """`arguments` with `--` behind the first `after` words that are no options, unless one stands there already.

    So `run web-1 ls -l` keeps its `-l`, as with ssh(1): whatever follows the command's first word is the command's.
    """
    takes_value = _options_with_value(options)
    words = 0
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if word == "--":
            break
        if word.startswith("-") and word != "-":
            position += 2 if _value_follows(word, takes_value) else 1
            continue
        words += 1
        if words > after:
            return [*arguments[:position], "--", *arguments[position:]]
        position += 1
    return list(arguments)


def _options_with_value(parameters: Sequence[click.Parameter]) -> frozenset[str]:
    return frozenset(
        name
        for option in parameters
        if isinstance(option, click.Option) and not option.is_flag and not option.count
        for name in option.opts
    )


def _value_follows(word: str, takes_value: frozenset[str]) -> bool:
    """Whether the next word belongs to this option: `-t 5`, `--cwd /`; not `-t5`, `--cwd=/`; and `-vt 5` as well."""
    if word.startswith("--"):
        return word in takes_value
    for position, letter in enumerate(word[1:], start=1):
        if f"-{letter}" in takes_value:
            return position == len(word) - 1
    return False


class CommandLine(click.Command):
    """A command whose last argument is somebody else's command line."""

    NO_HOST: ClassVar[tuple[str, ...]] = ()
    """Options with which no word stands before the command line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ours = args[: args.index("--")] if "--" in args else args
        named = {word.partition("=")[0] for word in ours}
        after = 1 if named.isdisjoint(self.NO_HOST) else 0
        return super().parse_args(ctx, mark_command(args, self.get_params(ctx), after=after))


class Filled(click.ParamType[str]):
    """A word that is not empty: an empty one is a variable that was not set, and would mean some directory."""

    name = "text"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not text:
            self.fail("it is empty.", param, ctx)
        return text


class HostName(Filled):
    """The name of a host, or what names one: completed from the host book."""

    name = "host"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # for this alone

        from cli.completing import host_names

        names = host_names(ctx.ensure_object(GlobalFlags))
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class LocalPath(Filled):
    """A path of this machine, which the shell completes itself."""

    name = "path"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # for this alone

        return [CompletionItem(incomplete, type="file")]


class Rate(click.ParamType[int]):
    """Bytes a second: a number with k, M or G (of 1024) as rsync(1) takes it."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return read_rate(str(value))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


class Assignment(click.ParamType[tuple[str, str]]):
    """NAME=VALUE. The name is one of a variable, unless another pattern is given."""

    name = "assignment"

    def __init__(self, names: str = r"[A-Za-z_][A-Za-z0-9_]*") -> None:
        self._names = names

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, content = str(value).partition("=")
        if not equals or not re.fullmatch(self._names, name):
            self.fail(f"{value!r} is not of the form NAME=VALUE.", param, ctx)
        return name, content


@dataclass(frozen=True, slots=True)
class Count:
    """So many lines, or bytes."""

    number: int
    lines: bool


class Amount(click.ParamType[Count]):
    """`20` lines; `512b`, `4k`, `1M` bytes, of 1024."""

    name = "amount"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Count:
        match = re.fullmatch(r"(\d+)([bkmg]?)", str(value), re.IGNORECASE)
        if match is None:
            self.fail(f"{value} is neither lines, as 20, nor bytes, as 512b or 4k", param, ctx)
        unit = match[2].lower()
        return Count(int(match[1]) * UNITS.get(unit, 1), not unit)
