"""An own entry as a form or a command line has it, before it is one: texts in fields, and what is wrong with each.

Pure: the disk is asked through a callback.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from backend.hosts.names import Spec, is_plain_name, read_jumps, read_spec
from backend.settings.model import FileSettings, HostSettings
from backend.text import clean_line

KeyProblem = Callable[[Path], str | None]
"""What is wrong with a key file, as a sentence; None where nothing is."""


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
    production: bool | None = None

    @classmethod
    def of_table(cls, name: str, table: Mapping[str, Any]) -> Self:
        """The draft that says what `[hosts.NAME]` says; keys that have no field are left out."""
        known = {key: table[key] for key in KEYS if key in table}
        for key in ("identity_files", "tags"):
            known[key] = tuple(map(str, known.get(key, ())))
        known["identity_files"] = tuple(str(Path(key)) for key in known["identity_files"])
        return cls(name=name, **{**known, "port": str(known.get("port", ""))})

    @classmethod
    def of_settings(cls, name: str, host: HostSettings) -> Self:
        """The draft of an entry as it was read."""
        values = {key: getattr(host, key) for key in KEYS}
        return cls.of_table(name, {key: value for key, value in values.items() if value is not None})

    def value(self, key: str) -> object:
        """What the file is to say for a key; None where it is to say nothing."""
        value = getattr(self, key)
        if value in ("", (), None):
            return None
        if key == "port":
            return int(value)
        return list(value) if isinstance(value, tuple) else value

    def table(self) -> dict[str, object]:
        """All that the file is to say."""
        return {key: value for key in KEYS if (value := self.value(key)) is not None}


KEYS = tuple(item.name for item in fields(HostDraft) if item.name != "name")
"""The fields that are keys of `[hosts.NAME]`."""


def key_problem(path: Path) -> str | None:
    """Whether a key file is there and readable. Looks at the disk."""
    path = path.expanduser()
    if not path.exists():
        return "there is no such file"
    if not path.is_file():
        return "this is no file"
    return None if os.access(path, os.R_OK) else "this file may not be read"


def check_fields(
    draft: HostDraft, settings: FileSettings, *, replaces: str | None = None, key_problem: KeyProblem = key_problem
) -> Mapping[str, str]:
    """What is wrong, a sentence for each field that is; empty when the entry can be written.

    `replaces` is the name of the entry that is changed; left out for a new one.
    """
    found: dict[str, str] = {}
    for field, problem in _problems(draft, settings, replaces, key_problem):
        found.setdefault(field, problem)
    return found


def _problems(
    draft: HostDraft, settings: FileSettings, replaces: str | None, key_problem: KeyProblem
) -> Iterator[tuple[str, str]]:
    if not draft.name:
        yield "name", "a name is missing"
    elif not is_plain_name(draft.name):
        yield "name", "a name has no spaces, '@', ':', '/' or control codes, and no '-' in front"
    elif draft.name != replaces and draft.name in settings.hosts:
        yield "name", f"there is an entry called {draft.name} already"
    yield from _place(draft)
    if draft.port and not (draft.port.isascii() and draft.port.isdigit() and 1 <= int(draft.port) <= 65535):
        yield "port", "a port is a number from 1 to 65535"
    for key in draft.identity_files:
        if (problem := key_problem(Path(key)) if key else "a path is missing") is not None:
            yield "identity_files", f"{clean_line(key)}: {problem}"
    yield from _profile(draft, settings)
    yield from _jump(draft, settings)
    for field in KEYS:
        texts = getattr(draft, field)
        if any(clean_line(text) != text for text in (texts if isinstance(texts, tuple) else (str(texts),))):
            yield field, "there are characters in it that cannot be shown"


def _place(draft: HostDraft) -> Iterator[tuple[str, str]]:
    if draft.address and draft.ssh_host:
        yield "ssh_host", "an entry has an address or an alias of ~/.ssh/config, not both"
    for field in ("address", "ssh_host", "tailscale", "cloudflare"):
        if (text := getattr(draft, field)) and (problem := _no_host(text)):
            yield field, problem
    if draft.user:
        try:
            read_spec(f"{draft.user}@host")
        except ValueError as error:
            yield "user", str(error)
        else:
            if "@" in draft.user:
                yield "user", "the user stands here without the host"


def _no_host(text: str) -> str | None:
    try:
        spec = read_spec(text)
    except ValueError as error:
        return str(error)
    return None if spec == Spec(text) else "user and port have fields of their own"


def _profile(draft: HostDraft, settings: FileSettings) -> Iterator[tuple[str, str]]:
    if draft.profile and draft.profile not in settings.profiles:
        close = difflib.get_close_matches(draft.profile, settings.profiles, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        yield "profile", f"there is no profile called {clean_line(draft.profile)}{hint}"


def _jump(draft: HostDraft, settings: FileSettings) -> Iterator[tuple[str, str]]:
    try:
        read_jumps(draft.jump)
    except ValueError as error:
        yield "jump", str(error)
        return
    if (loop := _loop(draft, settings)) is not None:
        yield "jump", f"the jump hosts go round in a circle: {' → '.join(loop)}"


def _loop(draft: HostDraft, settings: FileSettings) -> tuple[str, ...] | None:
    """The way round, where the entry would be reached through itself."""
    seen: set[str] = set()
    ways: list[tuple[str, ...]] = [(draft.name,)]
    while ways:
        way = ways.pop()
        for name in _jumps_of(way[-1], draft, settings):
            if name == draft.name:
                return (*way, name)
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return None


def _jumps_of(name: str, draft: HostDraft, settings: FileSettings) -> tuple[str, ...]:
    """The names that an own entry is reached through."""
    host = settings.hosts.get(name)
    own, profile = (draft.jump, draft.profile) if name == draft.name else ("", "")
    if name != draft.name:
        if host is None:
            return ()
        own, profile = host.jump or "", host.profile or ""
    weaker = [settings.profiles[profile].jump] if profile in settings.profiles else []
    text = next((jump for jump in (own, *weaker, settings.defaults.jump) if jump), "")
    try:
        return tuple(spec.host for spec in read_jumps(text))
    except ValueError:
        return ()


def users_of(name: str, settings: FileSettings) -> tuple[str, ...]:
    """The own entries and profiles that name `name` as a jump host."""
    tables = {**{f"profile {key}": one for key, one in settings.profiles.items()}, **settings.hosts}
    tables = {"defaults": settings.defaults, **tables}
    return tuple(key for key, options in tables.items() if name in _hosts_in(options.jump))


def renamed_jump(text: str, old: str, new: str) -> str:
    """Jump hosts with one of them called otherwise. Raises ValueError."""
    specs = (Spec(new if spec.host == old else spec.host, spec.user, spec.port) for spec in read_jumps(text))
    return ",".join(map(str, specs))


def _hosts_in(jump: str | None) -> tuple[str, ...]:
    try:
        return tuple(spec.host for spec in read_jumps(jump or ""))
    except ValueError:
        return ()
