"""The settings as rows: each value with where it comes from, for `fairlead config show`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import date, time
from enum import Enum
from pathlib import Path
from typing import Any

from backend.dataclass import dataclass
from backend.settings.model import Origin, Settings


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One value in force."""

    key: str
    """Dotted, as `hosts.web-1.port`."""
    value: object
    """As TOML and JSON hold it: text, number, truth value, list."""
    origin: Origin

    def to_json(self) -> dict[str, object]:
        return {"key": self.key, "value": self.value, "layer": self.origin.layer.value, "where": self.origin.where}


def setting_rows(settings: Settings) -> tuple[SettingRow, ...]:
    """Every value that is in force, in the order of the schema; what nobody set and has no default is left out."""
    return tuple(
        SettingRow(key, value, settings.origin(key))
        for item in dataclasses.fields(settings)
        if item.name != "origins"
        for key, value in leaves(item.name, getattr(settings, item.name))
    )


def leaves(key: str, value: Any) -> Iterator[tuple[str, object]]:
    """The values below `key` that say something, by dotted key; `key` may be empty."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(f"{key}.{name}" if key else name, inner)
    elif value is not None and value != "" and value != ():
        yield key, json_value(value)


def json_value(value: object) -> object:
    """`value` as JSON holds it: times and paths as text."""
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): json_value(inner) for name, inner in value.items()}
    return str(value) if isinstance(value, Path | date | time) else value
