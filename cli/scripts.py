"""A local script for a host: read whole, before anything is connected to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from backend.commands.scripts import Script, script_spec
from backend.commands.values import CommandSpec
from backend.errors import Code, ConfigError
from backend.files.problems import local_error

MOST = 16 << 20
"""Bytes; more is no script."""


def spec_of_script(path: Path, interpreter: str | None, arguments: tuple[bytes, ...], like: CommandSpec) -> CommandSpec:
    """`like`, running the script at `path` (`-` for stdin). Raises ConfigError or FileError."""
    try:
        body = sys.stdin.buffer.read(MOST + 1) if path == Path("-") else _read(path)
    except OSError as error:
        raise local_error(error, os.fsencode(path)) from error
    if len(body) > MOST:
        problem = f"{path} is larger than {MOST >> 20} MiB; put it there with `fairlead put` and run it."
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    name = "script" if path == Path("-") else path.name
    return script_spec(Script(body, name, arguments, interpreter), like)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST + 1)


def lines_of(path: Path) -> tuple[bytes, ...]:
    """The commands of a file, one a line; blank lines and those that begin with `#` are left out."""
    try:
        text = sys.stdin.buffer.read(MOST) if path == Path("-") else _read(path)
    except OSError as error:
        raise local_error(error, os.fsencode(path)) from error
    lines = (line.strip() for line in text.splitlines())
    found = tuple(line for line in lines if line and not line.startswith(b"#"))
    if not found:
        raise ConfigError(Code.USAGE, evidence={"problem": f"there is no command in {path}."})
    return found
