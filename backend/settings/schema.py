"""Checks what a TOML file holds against the settings classes and builds them. Pure.

The classes are the schema: a field is a key, its annotation says what may stand there. All mistakes are found in one
go. Written here rather than taken from a library because it runs before the first picture: it costs a few
milliseconds, not a hundred.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from backend.text import clean_line

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Between:
    """In an annotation: a number from `low` to `high`."""

    low: float
    high: float

    def complaint(self, value: Any) -> str | None:
        """What is wrong with `value`; None when nothing is."""
        if value < self.low:
            return f"must be at least {self.low:g}"
        return f"must be at most {self.high:g}" if value > self.high else None


@dataclass(frozen=True, slots=True)
class Above:
    """In an annotation: a number greater than `low`, up to `high`."""

    low: float
    high: float

    def complaint(self, value: Any) -> str | None:
        """What is wrong with `value`; None when nothing is."""
        if value <= self.low:
            return f"must be greater than {self.low:g}"
        return f"must be at most {self.high:g}" if value > self.high else None


@dataclass(frozen=True, slots=True)
class Filled:
    """In an annotation: a text that is not empty."""

    def complaint(self, value: Any) -> str | None:
        """What is wrong with `value`; None when nothing is."""
        return None if value else "must not be empty"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake."""

    key: tuple[str, ...]
    message: str
    """A sentence that names the key."""
    nearest: str | None = None
    """The valid key or value that was probably meant."""


class _Wrong(Exception):
    """A value that cannot be used; the message says what must stand there."""


def build(kind: type[T], raw: Mapping[str, Any]) -> tuple[T | None, list[Finding]]:
    """The settings class filled from a document, or None and everything that is wrong with it."""
    findings: list[Finding] = []
    value = _table(kind, raw, (), findings)
    return (None if findings else value), findings


def from_text(model: type, key: str, text: str) -> object:
    """`text`, as a variable of the environment holds it, as the value that the field `key` of `model` takes."""
    kind, _ = _marks(typing.get_type_hints(model, include_extras=True)[key])
    return int(text) if kind is int and text.isascii() and text.isdigit() else text


def _table(kind: type[T], raw: Any, path: tuple[str, ...], findings: list[Finding]) -> T:
    if not isinstance(raw, dict):
        raise _Wrong("must be a table")
    hints = typing.get_type_hints(kind, include_extras=True)
    names = [item.name for item in dataclasses.fields(kind)]  # type: ignore[arg-type]  # only settings classes
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key in names:
            _keep(values, key, hints[key], value, (*path, key), findings)
        else:
            findings.append(_unknown((*path, key), names))
    return kind(**values)


def _keep(
    values: dict[Any, Any], key: Any, kind: Any, value: Any, path: tuple[str, ...], findings: list[Finding]
) -> None:
    """Put the checked value into `values`, or what is wrong into `findings`."""
    try:
        values[key] = _value(kind, value, path, findings)
    except _Wrong as wrong:
        findings.append(Finding(path, f"{clean_line('.'.join(path))} {wrong}"))


def _value(kind: Any, value: Any, path: tuple[str, ...], findings: list[Finding]) -> Any:
    kind, marks = _marks(kind)
    if dataclasses.is_dataclass(kind):
        return _table(typing.cast(type, kind), value, path, findings)
    origin = typing.get_origin(kind)
    if origin is tuple:
        return _list(typing.get_args(kind)[0], value, path, findings)
    if origin is not None:
        return _mapping(typing.get_args(kind)[1], value, path, findings)
    made = _enum(kind, value) if issubclass(kind, Enum) else _PLAIN[kind](value)
    for mark in marks:
        if (complaint := mark.complaint(made)) is not None:
            raise _Wrong(complaint)
    return made


def _list(kind: Any, value: Any, path: tuple[str, ...], findings: list[Finding]) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _Wrong('must be a list, as ["…"]')
    made: dict[int, Any] = {}
    for number, item in enumerate(value):
        _keep(made, number, kind, item, (*path, str(number)), findings)
    return tuple(made.values())


def _mapping(kind: Any, value: Any, path: tuple[str, ...], findings: list[Finding]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong("must be a table")
    made: dict[str, Any] = {}
    for name, item in value.items():
        _keep(made, name, kind, item, (*path, name), findings)
    return made


def _enum(kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError:
        *most, last = (repr(member.value) for member in kind)
        raise _Wrong(f"must be one of {', '.join(most)} or {last}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("must be a text in quotes")
    return value


def _path(value: Any) -> Path:
    if not isinstance(value, (str, Path)) or not str(value) or "\0" in str(value):
        raise _Wrong("must be a path in quotes")
    return Path(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("must be true or false")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Wrong("must be a whole number")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value != value:  # NaN
        raise _Wrong("must be a number")
    return float(value)


_PLAIN: dict[type, Callable[[Any], Any]] = {str: _text, Path: _path, bool: _truth, int: _whole, float: _number}


def _marks(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """The bare type of an annotation, and its marks."""
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        kind = next(item for item in typing.get_args(kind) if item is not type(None))
    if typing.get_origin(kind) is typing.Annotated:
        bare, *marks = typing.get_args(kind)
        return bare, tuple(marks)
    return kind, ()


def _unknown(path: tuple[str, ...], names: list[str]) -> Finding:
    close = difflib.get_close_matches(path[-1], names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return Finding(path, f"{clean_line('.'.join(path))} is not a known key{hint}", close[0] if close else None)
