"""Which line of a TOML file a key stands on. tomllib does not tell; people need to know. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Key = tuple[str, ...]

HEADER = re.compile(r"\s*\[")
_SYNTAX = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


def key_lines(text: str) -> dict[Key, int]:
    """Line numbers (from 1) of all tables and keys of a valid document, by key path.

    A table that is only implied (`[a.b]` implies `a`) has the line that implies it, and what is inside a value that
    spans lines has the line where the value begins.
    """
    found: dict[Key, int] = {}
    table: Key = ()
    for number, statement in statements(text):
        content = tomllib.loads(statement)
        if HEADER.match(statement):
            table = header_path(content)
            paths = [table]
        else:
            paths = [table + path for path in value_paths(content)]
        for path in paths:
            for length in range(1, len(path) + 1):
                found.setdefault(path[:length], number)
    return found


def line_of(lines: Mapping[Key, int], key: Key) -> int | None:
    """The line of `key`, or of the nearest thing that contains it."""
    for length in range(len(key), 0, -1):
        if key[:length] in lines:
            return lines[key[:length]]
    return None


def syntax_error(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str]:
    """The line of a syntax error, and what is wrong there."""
    message = str(error)
    match = _SYNTAX.search(message)
    if match is None:
        return 1, message
    line = int(match[1]) if match[1] else max(1, len(text.splitlines()))
    return line, message[: match.start()]


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Statements with their first line; one that spans lines is complete when it parses. Line ends become `\\n`."""
    begun, start = "", 1
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not begun:
            start = number
        begun = f"{begun}\n{line}" if begun else line
        if not begun.strip() or _parses(begun):
            if begun.strip():
                yield start, begun
            begun = ""


def _parses(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except tomllib.TOMLDecodeError:
        return False
    return True


def header_path(content: Mapping[str, Any]) -> Key:
    """The path of `[a.b]` or `[[a.b]]`."""
    path: list[str] = []
    inner: Any = content
    while inner:
        if isinstance(inner, list):
            inner = inner[0]
            continue
        name, inner = next(iter(inner.items()))
        path.append(name)
    return tuple(path)


def value_paths(content: Mapping[str, Any]) -> Iterator[Key]:
    """The paths of all values in tables, inline ones included."""
    for name, value in content.items():
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, *path) for path in value_paths(value))
