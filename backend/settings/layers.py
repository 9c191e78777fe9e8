"""How the options of a host come together: its own, then its profile's, then the defaults. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from backend.settings.model import FileSettings, HostOptions, HostSettings

T = TypeVar("T")


def options_of(host: HostSettings, settings: FileSettings) -> HostOptions:
    """What holds for an entry: its own options, then its profile's, then the defaults."""
    options = HostOptions(**{item.name: getattr(host, item.name) for item in dataclasses.fields(HostOptions)})
    if host.profile is not None and host.profile in settings.profiles:
        options = filled_in(options, settings.profiles[host.profile])
    return filled_in(options, settings.defaults)


def filled_in(options: T, weaker: T) -> T:
    """`options` with what they leave open taken from `weaker`, within tables too."""
    values: dict[str, Any] = {}
    for item in dataclasses.fields(options):  # type: ignore[arg-type]  # only settings classes come here
        own, other = getattr(options, item.name), getattr(weaker, item.name)
        if dataclasses.is_dataclass(own) and dataclasses.is_dataclass(other):
            own = filled_in(own, other)
        elif isinstance(own, Mapping) and isinstance(other, Mapping):
            own = {**other, **own}
        values[item.name] = other if own is None else own
    return type(options)(**values)
