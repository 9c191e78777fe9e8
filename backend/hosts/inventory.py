"""Inventories: `distributed_hosts.yaml` as own entries. Pure but for the reading of the file.

Every mistake is told with its line. What no key of ours stands for is kept under `extra` and told, secrets alone are
left out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Any

from backend.dataclass import dataclass
from backend.errors import Code, ConfigError
from backend.hosts.draft import HostDraft
from backend.hosts.field_checks import check_fields
from backend.hosts.names import read_spec
from backend.settings.model import FileSettings
from backend.settings.paths import short
from backend.settings.problems import Problem
from backend.text import clean_line, clean_text

_KNOWN = {
    "ssh_host": "address",
    "ssh_user": "user",
    "ssh_port": "port",
    "ssh_key": "identity_files",
    "tailscale_ip": "tailscale",
    "cloudflare_host": "cloudflare",
    "cloudflare_hostname": "cloudflare",
}
_NAMES = ("name", "host", "hostname", "id")
"""Where the list form has a host's name."""
_SECRET = re.compile(r"passw|passphrase|secret|token|private_key|api_key", re.IGNORECASE)


class OnClash(StrEnum):
    """What to do about a name that an own entry has already."""

    SKIP = "skip"
    RENAME = "rename"
    OVERWRITE = "overwrite"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a file says."""

    file: Path
    hosts: Mapping[str, Mapping[str, Any]]
    """Tables for `[hosts.NAME]`."""
    problems: tuple[Problem, ...]
    """Mistakes: the host they are in is not in `hosts`, or the file holds nothing."""
    remarks: tuple[Problem, ...]
    """What was kept under `extra`, taken otherwise than it stands there, or left out."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What importing does."""

    tables: Mapping[str, Mapping[str, Any]]
    """By the name that each gets."""
    replacing: frozenset[str] = frozenset()
    """Own entries that are overwritten."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The name in the inventory by the one it gets."""
    skipped: tuple[str, ...] = ()
    """Names that own entries have."""


def read_inventory(path: Path) -> Inventory:
    """What `path` says. Blocks. Raises ConfigError when there is no such file or it cannot be read."""
    try:
        with path.open("rb") as file:
            from backend.hosts.yaml_nodes import MAX_BYTES

            return parse_inventory(path, file.read(MAX_BYTES + 1))
    except OSError as error:
        problem = f"{short(path)}: {error.strerror or error}"
        raise ConfigError(Code.CONFIG_INVALID, evidence={"problem": problem, "file": path}) from error


def parse_inventory(path: Path, raw: bytes) -> Inventory:
    """What an inventory of this content says."""
    from backend.hosts.yaml_nodes import Unreadable

    reading = _Reading(path)
    try:
        reading.read(raw)
    except Unreadable as error:
        problem = Problem(path, error.line, "", clean_line(error.reason))
        return Inventory(path, {}, (problem,), ())
    return Inventory(path, reading.hosts, tuple(reading.problems), tuple(reading.remarks))


def plan_import(inventory: Inventory, taken: Collection[str], on_clash: OnClash) -> ImportPlan:
    """What becomes of each host of the inventory when own entries have the names `taken`."""
    tables: dict[str, Mapping[str, Any]] = {}
    renamed: dict[str, str] = {}
    skipped: list[str] = []
    replacing: set[str] = set()
    for name, table in inventory.hosts.items():
        given = name
        if name in taken:
            if on_clash is OnClash.SKIP:
                skipped.append(name)
                continue
            if on_clash is OnClash.RENAME:
                given = _free(name, {*taken, *inventory.hosts, *tables})
                renamed[given] = name
            else:
                replacing.add(name)
        tables[given] = table
    return ImportPlan(tables, frozenset(replacing), renamed, tuple(skipped))


def _free(name: str, taken: Collection[str]) -> str:
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


class _Reading:
    """One pass over a document."""

    def __init__(self, path: Path) -> None:
        from backend.hosts.yaml_nodes import Reader

        self.hosts: dict[str, Mapping[str, Any]] = {}
        self.problems: list[Problem] = []
        self.remarks: list[Problem] = []
        self._path = path
        self._reader = Reader()

    def read(self, raw: bytes) -> None:
        """Raises Unreadable."""
        root = self._reader.root(raw)
        if root is None:
            self._problem(1, "", "there is nothing in it")
            return
        hosts = self._hosts_of(root)
        for name, place in () if hosts is None else self._named(hosts):
            self._host(name, place)
        for line, name in self._reader.doubled:
            self._remark(line, clean_line(name), f"{clean_line(name)} stands twice in one table; the later one counts")

    def _hosts_of(self, root: Any) -> Any:
        """Where the hosts are: under `hosts`, or the document itself."""
        if root.is_list:
            return root
        if not root.is_mapping:
            self._problem(root.line, "", "there are no hosts in it: a table `hosts` is wanted, or a list of hosts")
            return None
        items = self._reader.items(root)
        if "hosts" not in items:
            return root
        for name, place in items.items():
            if name != "hosts":
                self._remark(place.line, clean_line(name), f"{clean_line(name)} is left out: only hosts are imported")
        hosts = items["hosts"]
        if hosts.is_mapping or hosts.is_list:
            return hosts
        self._problem(hosts.line, "hosts", "hosts must be a table by name, or a list")
        return None

    def _named(self, hosts: Any) -> Iterator[tuple[str, Any]]:
        if hosts.is_mapping:
            yield from self._reader.items(hosts).items()
            return
        for number, place in enumerate(self._reader.elements(hosts), start=1):
            items = self._reader.items(place) if place.is_mapping else {}
            key = next((key for key in _NAMES if key in items), None)
            name = None if key is None else self._reader.value(items[key])
            if name is None:
                self._problem(place.line, f"hosts.{number}", f"host {number} has no name: write name: …")
            else:
                yield str(name), place

    def _host(self, name: str, place: Any) -> None:
        shown = f"hosts.{clean_line(name)}"
        if name in self.hosts:
            self._problem(place.line, shown, f"there are two hosts called {clean_line(name)}")
            return
        if not place.is_mapping:
            self._problem(place.line, shown, f"{shown} must be a table")
            return
        items = self._reader.items(place)
        table = self._table(shown, items)
        wrong = check_fields(HostDraft.of_table(name, table), FileSettings(), key_problem=lambda path: None)
        for field_name, message in wrong.items():
            line = next((items[key].line for key in items if _KNOWN.get(key) == field_name), place.line)
            self._problem(line, f"{shown}.{field_name}", f"{shown}: {message}")
        if not wrong:
            self.hosts[name] = table

    def _table(self, shown: str, items: Mapping[str, Any]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for key, place in items.items():
            value = self._reader.value(place)
            if value is None or (value == "" and key in _KNOWN):
                told = f"{clean_line(key)} says nothing that can be kept and is left out"
                self._remark(place.line, f"{shown}.{clean_line(key)}", told)
            elif key in _KNOWN:
                table.setdefault(_KNOWN[key], _as_field(key, value))
            elif key not in _NAMES or not isinstance(value, str):
                self._unknown(shown, key, place.line, value, extra)
        if isinstance(table.get("address"), str):
            _take_apart(table)
        return {**table, "extra": extra} if extra else table

    def _unknown(self, shown: str, key: str, line: int, value: Any, extra: dict[str, Any]) -> None:
        name, where = clean_line(key), f"{shown}.{clean_line(key)}"
        near = next(iter(difflib.get_close_matches(key, _KNOWN, n=1, cutoff=0.8)), None)
        hint = f"; did you mean {near}?" if near else ""
        for secret in _secrets(key, value):
            self._remark(line, where, f"{clean_line(secret)} is left out: no secrets are kept in files")
        if _SECRET.search(key):
            return
        extra[name] = _tidy(value)
        self._remark(line, where, f"{name} has no meaning here and is kept under extra{hint}", near)

    def _problem(self, line: int, key: str, message: str) -> None:
        self.problems.append(Problem(self._path, line, key, message))

    def _remark(self, line: int, key: str, message: str, nearest: str | None = None) -> None:
        self.remarks.append(Problem(self._path, line, key, message, nearest))


def _as_field(key: str, value: Any) -> Any:
    """A known key's value in the shape that the draft takes."""
    if key == "ssh_key":
        return [str(one) for one in (value if isinstance(value, list) else [value])]
    if key == "ssh_port" and isinstance(value, int) and not isinstance(value, bool):
        return value
    return str(value)


def _take_apart(table: dict[str, Any]) -> None:
    """`user@host:port` in ssh_host: what has no key of its own goes where it belongs."""
    try:
        spec = read_spec(table["address"])
    except ValueError:
        return  # told by the check of the fields
    table["address"] = spec.host
    if spec.user:
        table.setdefault("user", spec.user)
    if spec.port:
        table.setdefault("port", spec.port)
    if isinstance(port := table.get("port"), str) and port.isascii() and port.isdigit():
        table["port"] = int(port)


def _secrets(key: str, value: Any) -> Iterator[str]:
    """The keys that look like secrets, at and below `key`."""
    if _SECRET.search(key):
        yield key
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets(name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets("", inner)


def _tidy(value: Any) -> Any:
    """A value without secrets below it, and without characters that a file cannot hold."""
    if isinstance(value, dict):
        return {clean_line(key): _tidy(inner) for key, inner in value.items() if not _SECRET.search(key)}
    if isinstance(value, list):
        return [_tidy(inner) for inner in value]
    return clean_text(value) if isinstance(value, str) else value
