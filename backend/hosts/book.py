"""The host book: every host the person can name, and who it is when it is named.

Own entries of `config.toml`, every `Host` of `~/.ssh/config` as OpenSSH itself resolves it, and typed addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from backend.connection.target import HostKeyPolicy, Target


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


class HostBook:
    """Who a name is."""

    async def list(self) -> tuple[HostEntry, ...]:
        """All hosts with a name of their own (patterns are left out), own entries first."""
        raise NotImplementedError

    async def resolve(self, name: str) -> Target:
        """Everything needed to reach `name`: an entry, a `Host`, `user@host:port`, `ssh://…` or an IPv6 literal.

        Raises ConfigError: CONFIG_INVALID (with file and line), HOST_UNKNOWN, ROUTE_UNSUPPORTED.
        """
        raise NotImplementedError
