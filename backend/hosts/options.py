"""Where a host's options come from: the contract of a source, and the sources that need no OpenSSH client."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import field
from pathlib import Path
from typing import Protocol

from backend.dataclass import dataclass
from backend.hosts.config_files import Directive, list_hosts, places, read_config
from backend.hosts.entries import HostEntry
from backend.hosts.names import Spec
from backend.patterns import pattern
from backend.settings.problems import Problem

Options = Mapping[str, tuple[str, ...]]
"""Values by lower-case keyword of ssh_config(5), in the words of `ssh -G`; several for `identityfile` and
`certificatefile`."""

Question = tuple[Spec, str | None]
"""What is asked about: a host, and what stands for -J."""

_TIME = pattern(r"(\d+)([smhdw]?)", re.IGNORECASE)
_UNIT = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_ADDED_UP = {"identityfile", "certificatefile"}
_TIMES = {"connecttimeout", "serveraliveinterval"}
_DEFAULTS: Options = {
    "identityfile": ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"),
    "userknownhostsfile": ("~/.ssh/known_hosts ~/.ssh/known_hosts2",),
    "globalknownhostsfile": ("/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",),
}


class OptionSource(Protocol):
    """Somebody who knows the options of hosts."""

    async def entries(self) -> tuple[HostEntry, ...]:
        """The hosts that are written down there."""
        ...

    async def options(self, spec: Spec, jump: str | None) -> Options:
        """What holds for a host; `jump` stands for -J. Raises ConfigError CONFIG_INVALID with file and line."""
        ...

    async def unconfigured(self) -> Options:
        """What holds for a host that nobody configured."""
        ...

    def expecting(self, questions: Sequence[Question]) -> AbstractAsyncContextManager[None]:
        """Within the block all of these will be asked for: what can be found out together is."""
        ...

    async def places(self, spec: Spec) -> Mapping[str, str]:
        """Where the files say what holds for a host, by keyword: `~/.ssh/config:12`, or empty where nobody can tell the
        line. What is not in it is what ssh does by itself."""
        ...

    async def mistakes(self) -> tuple[Problem, ...]:
        """What is wrong with its files, as far as somebody can tell."""
        ...


class NoFiles:
    """Nothing is written down anywhere; what was asked for holds. No file and no agent of the person is touched."""

    async def entries(self) -> tuple[HostEntry, ...]:
        return ()

    async def options(self, spec: Spec, jump: str | None) -> Options:
        return asked_for(spec, jump)

    async def unconfigured(self) -> Options:
        return {}

    def expecting(self, questions: Sequence[Question]) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def places(self, spec: Spec) -> Mapping[str, str]:
        return {}

    async def mistakes(self) -> tuple[Problem, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class PlainFiles:
    """The files as this program reads them by itself, where there is no OpenSSH client. `Match` is left out."""

    config: Path
    home: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    async def entries(self) -> tuple[HostEntry, ...]:
        return list_hosts(iter(await self._read()))

    async def options(self, spec: Spec, jump: str | None) -> Options:
        return {**_DEFAULTS, **evaluate(await self._read(), spec), **asked_for(spec, jump, default=False)}

    async def unconfigured(self) -> Options:
        return _DEFAULTS

    def expecting(self, questions: Sequence[Question]) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def places(self, spec: Spec) -> Mapping[str, str]:
        return places(iter(await self._read()), spec.host)

    async def mistakes(self) -> tuple[Problem, ...]:
        return ()

    async def _read(self) -> list[Directive]:
        return await asyncio.to_thread(lambda: list(read_config(self.config, self.home, self.environ)))


def evaluate(directives: list[Directive], spec: Spec) -> dict[str, tuple[str, ...]]:
    """What the `Host` blocks say about a host: the first value counts, key files add up (ssh_config(5))."""
    found: dict[str, tuple[str, ...]] = {"hostname": (spec.host,), "user": (local_user(),), "port": ("22",)}
    fixed: set[str] = set()
    for directive in directives:
        if not all(block.applies(spec.host) for block in directive.blocks):
            continue
        keyword, value = directive.keyword, " ".join(directive.words)
        if keyword in _ADDED_UP and keyword in fixed:
            found[keyword] += (value,)
        elif keyword not in fixed:
            fixed.add(keyword)
            found[keyword] = (_normal(keyword, value, spec),)
    if jumps := found.get("proxyjump"):
        found.update({"proxyjump": jumps, "proxycommand": ("none",)})
    return found


def asked_for(spec: Spec, jump: str | None, *, default: bool = True) -> dict[str, tuple[str, ...]]:
    """What the question itself says; with `default`, port and user are filled in."""
    said: dict[str, tuple[str, ...]] = {}
    if default:
        said = {"hostname": (spec.host,), "user": (local_user(),), "port": ("22",)}
    if spec.user:
        said["user"] = (spec.user,)
    if spec.port:
        said["port"] = (str(spec.port),)
    if jump is not None:
        said["proxyjump"] = (jump,)
    return said


def local_user() -> str:
    """Who runs this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no name for the user id, as in some containers
        return str(os.getuid())


def _normal(keyword: str, value: str, spec: Spec) -> str:
    """`value` in the words of `ssh -G`."""
    if keyword in _TIMES:
        parts = _TIME.findall(value)
        return str(sum(int(number) * _UNIT[unit.lower()] for number, unit in parts)) if parts else "none"
    return value.replace("%h", spec.host) if keyword == "hostname" else value
