"""What is wrong with a configuration, in words: schema errors turned into file, line and the nearest valid key."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError
from backend.settings.model import FileSettings
from backend.settings.paths import short
from backend.text import clean_line

_WORDING = {
    "string_type": "must be a text in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "path_type": "must be a path in quotes",
    "tuple_type": 'must be a list, as ["…"]',
    "mapping_type": "must be a table",
    "dict_type": "must be a table",
    "dataclass_type": "must be a table",
    "string_too_short": "must not be empty",
}
_BOUNDS = {
    "greater_than": ("must be greater than {}", "gt"),
    "greater_than_equal": ("must be at least {}", "ge"),
    "less_than_equal": ("must be at most {}", "le"),
    "enum": ("must be one of {}", "expected"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration."""

    file: Path
    line: int | None
    key: str
    """Dotted, as `hosts.web-1.port`; or the environment variable, or the flag."""
    message: str
    nearest: str | None = None
    """The valid key that was probably meant."""

    @property
    def where(self) -> str:
        """`~/.config/fairlead/config.toml:12`"""
        return short(self.file) + (f":{self.line}" if self.line else "")

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"

    def to_json(self) -> dict[str, object]:
        return {
            "file": str(self.file),
            "line": self.line,
            "key": self.key,
            "message": self.message,
            "nearest": self.nearest,
        }


def as_error(problems: Sequence[Problem]) -> ConfigError:
    """The failure that tells of the first problem, and how many there are."""
    first = problems[0]
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    evidence: dict[str, object] = {"problem": f"{first}{more}", "file": first.file, "key": first.key}
    steps: tuple[Advice, ...] = (Advice("Mend the entry, then check the file.", "fairlead config check"),)
    if first.line is not None:
        evidence["line"] = first.line
    if first.nearest is not None:
        evidence["nearest"] = first.nearest
        steps = (Advice(f"Write {first.nearest}, if that was meant."), *steps)
    return ConfigError(Code.CONFIG_INVALID, evidence=evidence, advice=steps)


def schema_problem(error: Mapping[str, Any]) -> tuple[tuple[str, ...], str, str | None]:
    """Key path, sentence and nearest valid key of one entry of pydantic's `ValidationError.errors()`."""
    path = tuple(str(part) for part in error["loc"])
    told, nearest = _told(error, path)
    return path, f"{clean_line('.'.join(path))} {told}", nearest


def entry_problem(error: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """As `schema_problem`, of a `[hosts.NAME]` that was validated by itself: the key path in it, and what it is."""
    path = tuple(str(part) for part in error["loc"])
    return path, _told(error, ("hosts", "", *path))[0]


def _told(error: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, str | None]:
    """What is said after the key, and the nearest valid key."""
    if error["type"] == "unexpected_keyword_argument":
        nearest = nearest_key(path)
        hint = f"; did you mean {nearest}?" if nearest else ""
        return f"is not a known key{hint}", nearest
    return _wording(error), None


def nearest_key(path: tuple[str, ...]) -> str | None:
    """The valid key that looks most like the unknown one at the end of `path`."""
    close = difflib.get_close_matches(path[-1], valid_keys(path[:-1]), n=1, cutoff=0.6)
    return close[0] if close else None


def valid_keys(path: tuple[str, ...]) -> tuple[str, ...]:
    """The keys that the table at `path` may hold; empty where names are free."""
    kind: Any = FileSettings
    for part in path:
        kind = _inside(kind, part)
    return tuple(item.name for item in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ()


def _wording(error: Mapping[str, Any]) -> str:
    kind = error["type"]
    if kind in _BOUNDS:
        template, name = _BOUNDS[kind]
        bound = error["ctx"][name]
        return template.format(f"{bound:g}" if isinstance(bound, float) else bound)
    return _WORDING.get(kind) or f"cannot be used: {clean_line(str(error['msg']))}"


def _inside(kind: Any, part: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _plain(typing.get_type_hints(kind).get(part))
    arguments = typing.get_args(kind)
    return _plain(arguments[1]) if len(arguments) == 2 else None


def _plain(kind: Any) -> Any:
    """`kind` without `| None`."""
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        return next(item for item in typing.get_args(kind) if item is not type(None))
    return kind
