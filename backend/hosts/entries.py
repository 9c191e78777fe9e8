"""What the host book lists, and what the command line may say about connecting. Frozen values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, Self

from backend.connection.target import HostKeyPolicy
from backend.dataclass import dataclass
from backend.errors import Code, ConfigError
from backend.events import Event


class HostSource(StrEnum):
    """Where a host is written down."""

    OWN = "own"
    SSH_CONFIG = "ssh_config"
    TYPED = "typed"


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One line of the host list, before it is resolved."""

    name: str
    source: HostSource
    where: str = ""
    """`~/.ssh/config:12`"""
    address: str = ""
    """As written; empty when only resolving tells."""
    user: str = ""
    port: int | None = None
    group: str = ""
    tags: tuple[str, ...] = ()
    production: bool = False
    note: str = ""
    """A line for people."""
    pinned: bool = False
    last_used: datetime | None = None
    uses: int = 0
    """How often it was connected to; coming back after a lost link does not count."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person's use says about a host."""

    pinned: bool = False
    last_used: datetime | None = None
    uses: int = 0


class Usage(Protocol):
    """Somebody who knows which hosts are used."""

    async def marks(self) -> Mapping[str, Mark]:
        """By name."""
        ...


def by_use(entries: Iterable[HostEntry]) -> tuple[HostEntry, ...]:
    """Pinned ones first, then those used last, then the others in their order."""

    def rank(entry: HostEntry) -> tuple[bool, float]:
        return not entry.pinned, -entry.last_used.timestamp() if entry.last_used is not None else 0.0

    return tuple(sorted(entries, key=rank))


class HostChange(StrEnum):
    """What became of a host in the book."""

    ADDED = "added"
    CHANGED = "changed"
    RENAMED = "renamed"
    REMOVED = "removed"
    PINNED = "pinned"
    """Or no longer."""


@dataclass(frozen=True, slots=True)
class HostsChanged(Event):
    """The host book has changed; `list` tells what it holds now."""

    change: HostChange
    old_name: str = ""
    """For RENAMED."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says about connecting; wins over every file."""

    user: str | None = None
    port: int | None = None
    jump: str | None = None
    """`user@host:port,…` as OpenSSH's -J; `none` for no jump."""
    route: str | None = None
    """The one route to take, by its name."""
    identity_files: tuple[Path, ...] = ()
    known_hosts: Path | None = None
    host_key_policy: HostKeyPolicy | None = None
    ssh_config: Path | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """FAIRLEAD_SSH_CONFIG, FAIRLEAD_KNOWN_HOSTS and FAIRLEAD_HOST_KEY. Raises ConfigError CONFIG_INVALID."""
        policy = environ.get("FAIRLEAD_HOST_KEY")
        return cls(
            known_hosts=_path(environ.get("FAIRLEAD_KNOWN_HOSTS")),
            host_key_policy=_policy(policy) if policy else None,
            ssh_config=_path(environ.get("FAIRLEAD_SSH_CONFIG")),
        )

    def over(self, weaker: Overrides) -> Overrides:
        """These, filled in with `weaker`, as flags over the environment."""
        values = {item.name: getattr(self, item.name) or getattr(weaker, item.name) for item in fields(self)}
        return Overrides(**values)


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _policy(text: str) -> HostKeyPolicy:
    try:
        return HostKeyPolicy(text)
    except ValueError:
        choices = ", ".join(policy.value for policy in HostKeyPolicy)
        problem = f"FAIRLEAD_HOST_KEY is {text!r}; it can be one of {choices}"
        raise ConfigError(Code.CONFIG_INVALID, evidence={"problem": problem, "key": "FAIRLEAD_HOST_KEY"}) from None
