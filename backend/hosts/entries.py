"""What the host book lists, and what the command line may say about connecting. Frozen values only."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

from backend.connection.target import HostKeyPolicy


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


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says about connecting; wins over every file."""

    user: str | None = None
    port: int | None = None
    jump: str | None = None
    """`user@host:port,…` as OpenSSH's -J; `none` for no jump."""
    identity_files: tuple[Path, ...] = ()
    known_hosts: Path | None = None
    host_key_policy: HostKeyPolicy | None = None
    ssh_config: Path | None = None

    def over(self, weaker: Overrides) -> Overrides:
        """These, filled in with `weaker`, as flags over the environment."""
        values = {item.name: getattr(self, item.name) or getattr(weaker, item.name) for item in fields(self)}
        return Overrides(**values)
