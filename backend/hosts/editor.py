"""Changing own entries in `config.toml`, with the host book read anew afterwards. ~/.ssh/config is never written."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from backend.errors import Advice, Code, ConfigError
from backend.events import EventBus
from backend.hosts.book import HostBook
from backend.hosts.draft import FIELDS, KEYS, TABLES, HostDraft
from backend.hosts.entries import HostChange, HostsChanged
from backend.hosts.field_checks import check_fields
from backend.hosts.through import renamed_jump, renamed_route
from backend.settings.editing import add_tables, remove_table, remove_tables, rename_table, set_values
from backend.settings.writing import ConfigFile

Table = Mapping[str, Any]


class FieldError(ConfigError):
    """Fields of an entry that cannot be used so; nothing was written."""

    def __init__(self, name: str, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        told = "; ".join(f"{field}: {problem}" for field, problem in fields.items())
        super().__init__(
            Code.CONFIG_INVALID,
            evidence={"problem": told, "key": f"hosts.{name}.{next(iter(fields))}", **fields},
            host=name,
            advice=(Advice(f"Mend {', '.join(fields)}; nothing was written."),),
        )


class HostEditor:
    """Adds, changes, renames and removes own entries. All raise ConfigError, and then nothing was changed."""

    def __init__(self, *, book: HostBook, backups: Path, bus: EventBus) -> None:
        self._book = book
        self._backups = backups
        self._bus = bus

    @property
    def file(self) -> ConfigFile:
        """The file that is changed. Raises ConfigError where the book was not read from one."""
        if self._book.file is None:
            raise ConfigError(Code.CONFIG_INVALID, evidence={"problem": "these hosts are not written in a file"})
        return ConfigFile(self._book.file.path, self._backups)

    async def add(self, draft: HostDraft) -> None:
        """A new entry at the end of the file. Raises FieldError."""
        await self._check(draft, None)

        def change(text: str) -> str:
            if draft.name in _hosts(text):
                raise FieldError(draft.name, {"name": f"there is an entry called {draft.name} already"})
            return set_values(text, ("hosts", draft.name), draft.table())

        await self._edit(change, HostsChanged(draft.name, HostChange.ADDED))

    async def change(self, old: HostDraft, new: HostDraft) -> None:
        """Write what differs between `old`, as the person saw it, and `new`; the name as well. All else stays.

        Raises FieldError, also for a field that somebody else has changed in the file meanwhile.
        """
        if new.name != old.name and not any((new.address, new.ssh_host, new.tailscale, new.cloudflare)):
            new = replace(new, address=old.name)  # the old name was the address, and the machine stays the same
        await self._check(new, old.name)
        keys = [key for key in FIELDS if key != "name" and old.said(key) != new.said(key)]

        def change(text: str) -> str:
            now = HostDraft.of_table(old.name, _existing(text, old.name))
            if met := {key: _MET for key in keys if _differs(now, old, key, where=new)}:
                raise FieldError(old.name, met)
            text = _with_changes(text, old, new)
            return text if new.name == old.name else _renamed(text, old.name, new.name)

        if new.name == old.name:
            await self._edit(change, HostsChanged(new.name, HostChange.CHANGED))
        else:
            await self._edit(change, HostsChanged(new.name, HostChange.RENAMED, old.name))

    async def rename(self, old: str, new: str) -> None:
        """Give an entry another name, also where it is a jump host of others."""
        host = self._book.settings.hosts.get(old)
        if host is None:
            raise _gone(old)
        draft = HostDraft.of_settings(old, host)
        await self.change(draft, HostDraft.of_table(new, draft.table()))

    async def remove(self, name: str) -> None:
        """Take an entry away. Who has it as a jump host keeps the word: it then means what ssh makes of it."""

        def change(text: str) -> str:
            _existing(text, name)
            return remove_table(text, ("hosts", name))

        await self._edit(change, HostsChanged(name, HostChange.REMOVED))

    async def write(self, tables: Mapping[str, Table], *, replacing: frozenset[str] = frozenset()) -> None:
        """Several entries in one step, as an import makes them. Those that are there stay unless in `replacing`."""
        if tables:
            kinds = {name: HostChange.CHANGED if name in replacing else HostChange.ADDED for name in tables}
            events = (HostsChanged(name, kind) for name, kind in kinds.items())
            await self._edit(partial(_with_tables, tables, replacing), *events)

    async def rehearse(self, tables: Mapping[str, Table], *, replacing: frozenset[str] = frozenset()) -> None:
        """Raise what `write` would raise, and write nothing."""
        await asyncio.to_thread(self.file.rehearse, partial(_with_tables, tables, replacing))

    async def _check(self, draft: HostDraft, replaces: str | None) -> None:
        problems = await asyncio.to_thread(check_fields, draft, self._book.settings, replaces=replaces)
        if problems:
            raise FieldError(draft.name, problems)

    async def _edit(self, change: Callable[[str], str], *events: HostsChanged) -> None:
        # The write is one step in a thread: whoever is cancelled meanwhile leaves the file whole, old or new.
        await asyncio.to_thread(self.file.edit, change)
        await self._book.reload()
        for event in events:
            self._bus.publish(event)


_MET = "somebody else has changed this in the file meanwhile; look at it again"


def _differs(now: HostDraft, old: HostDraft, key: str, *, where: HostDraft) -> bool:
    """Whether a field is otherwise than it was; of a table only in what `where` changes of it."""
    if key not in TABLES:
        return bool(now.said(key) != old.said(key))
    return any(now.said(f"{key}.{name}") != old.said(f"{key}.{name}") for name in _changed(key, old, where))


def _changed(table: str, old: HostDraft, new: HostDraft) -> list[str]:
    """The names whose values differ in a table."""
    before, after = getattr(old, table), getattr(new, table)
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


def _with_changes(text: str, old: HostDraft, new: HostDraft) -> str:
    """The file with what differs; of a table that is there only the lines that differ, so that comments stay."""
    place = ("hosts", old.name)
    keys = [key for key in KEYS if getattr(old, key) != getattr(new, key)]
    text = set_values(text, place, {key: new.value(key) for key in keys if key not in TABLES})
    for key in (key for key in keys if key in TABLES):
        there, wanted = _existing(text, old.name).get(key), new.value(key)
        if isinstance(there, Mapping) and isinstance(wanted, Mapping):
            values = {name: wanted.get(name) for name in _changed(key, old, new)}
            text = set_values(text, (*place, key), values)
        else:
            text = set_values(text, place, {key: wanted})
    return text


def _with_tables(tables: Mapping[str, Table], replacing: frozenset[str], text: str) -> str:
    there = tables.keys() & _hosts(text).keys()
    for name in sorted(there - replacing):
        raise FieldError(name, {"name": f"there is an entry called {name} already"})
    text = remove_tables(text, [("hosts", name) for name in there])
    return add_tables(text, {("hosts", name): table for name, table in tables.items()})


def _hosts(text: str) -> dict[str, Table]:
    hosts = tomllib.loads(text).get("hosts", {})
    return hosts if isinstance(hosts, dict) else {}


def _existing(text: str, name: str) -> Table:
    table = _hosts(text).get(name)
    if table is None:
        raise _gone(name)
    return table


def _gone(name: str) -> ConfigError:
    return ConfigError(
        Code.HOST_UNKNOWN,
        f"There is no own entry called {name}; only those of config.toml can be changed.",
        evidence={"name": name, "reason": "it is not in config.toml"},
        host=name,
        advice=(Advice("See which hosts are known, and where they are written.", "fairlead hosts list"),),
    )


def _renamed(text: str, old: str, new: str) -> str:
    text = rename_table(text, ("hosts", old), new)
    data = tomllib.loads(text)
    places = [("defaults",), *(("profiles", name) for name in data.get("profiles", {}))]
    for place in (*places, *(("hosts", name) for name in data.get("hosts", {}))):
        table: Any = data
        for part in place:
            table = table.get(part, {})
        jump, routes = table.get("jump"), table.get("routes") or ()
        if jump and (said := renamed_jump(jump, old, new)) != renamed_jump(jump, old, old):
            text = set_values(text, place, {"jump": said})
        if (ways := [renamed_route(one, old, new) for one in routes]) != [
            renamed_route(one, old, old) for one in routes
        ]:
            text = set_values(text, place, {"routes": ways})
    return text
