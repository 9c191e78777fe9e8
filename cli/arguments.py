"""Reading what stands on the command line: where the remote command begins, NAME=VALUE, byte rates. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

_RATE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmg]?)(?:i?b)?(?:/s)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def mark_command(arguments: Sequence[str], options: Sequence[click.Parameter]) -> list[str]:
    """`arguments` with `--` before the second word that is no option, unless one stands there already.

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
        if words == 2:
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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, mark_command(args, self.get_params(ctx)))


class Filled(click.ParamType[str]):
    """A word that is not empty: an empty one is a variable that was not set, and would mean some directory."""

    name = "text"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not text:
            self.fail("it is empty.", param, ctx)
        return text


class Rate(click.ParamType[int]):
    """Bytes a second: a number with k, M or G (of 1024) as rsync(1) takes it."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _RATE.fullmatch(str(value).strip())
        rate = int(float(match["number"]) * _UNITS[match["unit"].lower()]) if match else 0
        if rate <= 0:
            self.fail(f"{value!r} is no rate; write bytes a second, as 500k or 2M.", param, ctx)
        return rate


class Assignment(click.ParamType[tuple[str, str]]):
    """NAME=VALUE."""

    name = "assignment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, content = str(value).partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            self.fail(f"{value!r} is not of the form NAME=VALUE.", param, ctx)
        return name, content
