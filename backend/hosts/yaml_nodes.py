"""YAML of strangers, read within limits: values with their lines, and nothing is ever made from a tag.

Only the safe scalars of YAML 1.1 become values. Size, depth and the number of values are bounded, aliases counted each
time they are used, so that a small file cannot become a large one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import field
from datetime import date
from typing import Any

import yaml

from backend.dataclass import dataclass

MAX_BYTES = 4 << 20
MAX_DEPTH = 24
MAX_VALUES = 200_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"
_KINDS = ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
_PLAIN = frozenset(f"tag:yaml.org,2002:{kind}" for kind in _KINDS)


class Unreadable(Exception):
    """The document as a whole cannot be used."""

    def __init__(self, line: int | None, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """A node, and how deep it lies."""

    node: Any
    depth: int = 0
    key: Any = None
    """The node of its key, where it has one."""

    @property
    def line(self) -> int:
        """From 1; where it begins, its key included."""
        return int((self.key or self.node).start_mark.line) + 1

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)


@dataclass(slots=True)
class Reader:
    """Takes nodes apart, and counts."""

    doubled: list[tuple[int, str]] = field(default_factory=list)
    """Keys that stood twice in one mapping, with the line of the second, which counts."""
    _values: int = 0
    _maker: Any = field(default_factory=lambda: yaml.SafeLoader(""))
    """Makes the safe scalars."""

    def root(self, raw: bytes) -> Place | None:
        """The document; None for an empty one. Raises Unreadable."""
        if len(raw) > MAX_BYTES:
            raise Unreadable(None, f"it is larger than {MAX_BYTES >> 20} MiB")
        try:
            text = raw.decode()
            _check_depth(text)
            node = yaml.compose(text, Loader=_LOADER)
        except UnicodeDecodeError as error:
            raise Unreadable(raw[: error.start].count(b"\n") + 1, "this is not UTF-8 text") from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            reason = getattr(error, "problem", None) or "this is not YAML"
            raise Unreadable(_line(mark), f"this is not YAML: {reason}") from error
        return None if node is None else Place(node)

    def items(self, place: Place) -> dict[str, Place]:
        """A mapping's values by key, `<<` followed; keys that are no texts are taken as they are written."""
        found: dict[str, Place] = {}
        merged: dict[str, Place] = {}
        for key, value in place.node.value:
            self._count(place)
            inner = Place(value, place.depth + 1, key)
            if key.tag == _MERGE:
                for one in self._merged(inner):
                    merged = {**self.items(one), **merged}
                continue
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if name in found:
                self.doubled.append((key.start_mark.line + 1, name))
            found[name] = inner
        return {**merged, **found}

    def elements(self, place: Place) -> Iterator[Place]:
        """A list's elements."""
        for node in place.node.value:
            self._count(place)
            yield Place(node, place.depth + 1)

    def value(self, place: Place) -> Any:
        """The value as TOML can hold it; None for what it cannot: nothing, a number that is none, an unknown tag."""
        self._count(place)
        if place.node.tag not in _PLAIN:
            return None
        if place.is_mapping:
            inner = {name: self.value(one) for name, one in self.items(place).items()}
            return {name: value for name, value in inner.items() if value is not None}
        if place.is_list:
            return [value for one in self.elements(place) if (value := self.value(one)) is not None]
        return self._scalar(place.node)

    def _scalar(self, node: Any) -> Any:
        try:
            value = self._maker.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError):
            return None
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value if isinstance(value, str | int | float | date) else None

    def _merged(self, place: Place) -> Iterator[Place]:
        for one in self.elements(place) if place.is_list else (place,):
            if one.is_mapping:
                yield one

    def _count(self, place: Place) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise Unreadable(place.line, f"it holds more than {MAX_VALUES} values, aliases included")
        if place.depth > MAX_DEPTH:
            raise Unreadable(place.line, f"it is nested deeper than {MAX_DEPTH} levels")


def _check_depth(text: str) -> None:
    """Refuse what would exhaust the stack of whoever builds the tree."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise Unreadable(_line(event.start_mark), f"it is nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _line(mark: Any) -> int | None:
    return None if mark is None else int(mark.line) + 1
