"""An own entry as a form or a command line has it, before it is one: texts in fields, and what the file is to say.

Pure. What is wrong with a draft is said by `backend.hosts.field_checks`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import field, fields, replace
from pathlib import Path
from typing import Any, Self

from backend.dataclass import dataclass
from backend.hosts.routes import ORDER
from backend.settings.model import AlgorithmOptions, HostSettings, KeepaliveOptions, TimeoutOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDraft:
    """The fields of one own entry; empty means that the entry does not say."""

    name: str
    address: str = ""
    ssh_host: str = ""
    """The alias in ~/.ssh/config that says the rest, in place of an address."""
    user: str = ""
    port: str = ""
    identity_files: tuple[str, ...] = ()
    jump: str = ""
    profile: str = ""
    group: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    directory: str = ""
    tailscale: str = ""
    cloudflare: str = ""
    proxy: str = ""
    proxy_command: str = ""
    routes: tuple[str, ...] = ()
    identities_only: bool | None = None
    agent: bool | None = None
    password: bool | None = None
    host_key: str = ""
    known_hosts: str = ""
    production: bool | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    roots: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    forwards: tuple[str, ...] = ()
    algorithms: Mapping[str, str] = field(default_factory=dict)
    keepalive: Mapping[str, str] = field(default_factory=dict)
    timeouts: Mapping[str, str] = field(default_factory=dict)
    idle_close: str = ""

    @classmethod
    def of_table(cls, name: str, table: Mapping[str, Any]) -> Self:
        """The draft that says what `[hosts.NAME]` says; keys that have no field are left out."""
        blank = cls(name=name)
        said = {key: _drafted(table[key], getattr(blank, key)) for key in KEYS if table.get(key) is not None}
        said["identity_files"] = tuple(str(Path(key)) for key in said.get("identity_files", ()))
        return replace(blank, **said)

    @classmethod
    def of_settings(cls, name: str, host: HostSettings) -> Self:
        """The draft of an entry as it was read."""
        return cls.of_table(name, {key: getattr(host, key) for key in KEYS})

    def said(self, key: str) -> Any:
        """What stands in a field; of a table's part (`keepalive.interval`) as well."""
        table, _, part = key.partition(".")
        value = getattr(self, table)
        return value.get(part, "") if part else value

    def saying(self, values: Mapping[str, Any]) -> Self:
        """The draft with other values in some fields, by their keys as `said` takes them; a part of a table that gets
        an empty text goes, but for variables, which may be empty."""
        changed: dict[str, Any] = {}
        for key, value in values.items():
            table, _, part = key.partition(".")
            if part:
                inner = {**changed.get(table, getattr(self, table)), part: value}
                changed[table] = {name: text for name, text in inner.items() if text or table == "env"}
            else:
                changed[key] = value
        return replace(self, **changed)

    def without(self, key: str) -> Self:
        """The draft that says nothing about a key, or about one part of a table (`env.PATH`)."""
        table, _, part = key.partition(".")
        if not part:
            return self.saying({key: getattr(type(self)(name=self.name), key)})
        return self.saying({table: {name: text for name, text in getattr(self, table).items() if name != part}})

    def value(self, key: str) -> object:
        """What the file is to say for a key; None where it is to say nothing."""
        value = getattr(self, key)
        if value in ("", (), None) or value == {}:
            return None
        if key in _NUMBERS:
            return _number(value)
        if isinstance(value, Mapping):
            return {name: _number(text) if key in _TABLES_OF_NUMBERS else text for name, text in value.items()}
        return list(value) if isinstance(value, tuple) else value

    def table(self) -> dict[str, object]:
        """All that the file is to say."""
        return {key: value for key in KEYS if (value := self.value(key)) is not None}


KEYS = tuple(item.name for item in fields(HostDraft) if item.name != "name")
"""The fields that are keys of `[hosts.NAME]`."""
TABLES = ("env", "roots", "algorithms", "keepalive", "timeouts")
"""Those of them that are tables."""
_NUMBERS = ("port", "idle_close")
_TABLES_OF_NUMBERS = ("keepalive", "timeouts")
_PARTS = {"algorithms": AlgorithmOptions, "keepalive": KeepaliveOptions, "timeouts": TimeoutOptions}
"""Tables whose parts have fields of their own."""


def _parts(key: str) -> tuple[str, ...]:
    if (kind := _PARTS.get(key)) is None:
        return (key,)
    return tuple(f"{key}.{item.name}" for item in fields(kind))


FIELDS = ("name", *(part for key in KEYS for part in _parts(key)))
"""Every field that is filled in by itself: the keys, with `keepalive.interval` and its like for those three tables."""


def field_of(path: tuple[str, ...]) -> str:
    """The field that a key path of `[hosts.NAME]` is filled in with: `("env", "PATH")` is in `env`."""
    dotted = ".".join(path[:2])
    return dotted if dotted in FIELDS else path[0]


def _drafted(value: Any, blank: object) -> Any:
    """A value of the file, or of the settings, in the shape that the draft has for it."""
    if isinstance(blank, tuple):
        return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)
    if isinstance(blank, Mapping):
        if dataclasses.is_dataclass(value):
            value = {item.name: getattr(value, item.name) for item in fields(value)}
        items = value.items() if isinstance(value, Mapping) else ()
        return {str(name): _text(inner) for name, inner in items if inner is not None}
    return value if blank is None else _text(value)


def _text(value: object) -> str:
    """As it is typed: 5 s are `5`, however the file has them."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(text: str) -> int | float | str:
    """What a typed number is; the text itself where it is none, for the check to tell about."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


# --- routes as they are typed ------------------------------------------------------------------------------------

_BLANK = re.compile(r"\s*,\s+|\s+")


def routes_in(text: str) -> tuple[str, ...]:
    """`direct, tailscale, jump:a,b` as routes: a comma without a blank goes on within `jump:`, as in -J, unless the
    name of another kind of route follows it."""
    found: list[str] = []
    for word in _BLANK.split(text.strip(" ,\t")):
        begun = len(found)
        for part in word.split(","):
            goes_on = len(found) > begun and found[-1].startswith("jump:") and part.partition(":")[0] not in ORDER
            if goes_on:
                found[-1] += f",{part}"
            elif part:
                found.append(part)
    return tuple(dict.fromkeys(found))
