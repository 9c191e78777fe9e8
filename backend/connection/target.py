"""Who is to be reached and how: hops in order, each with all that OpenSSH's configuration says about it.

Frozen values only. `backend.hosts` makes them, connectors use them; nothing here touches a network or a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path

from backend.connection.ways import DIRECT, Way
from backend.dataclass import dataclass


class HostKeyPolicy(StrEnum):
    """What to do about a host key that is not known. A changed or revoked key is refused by every policy."""

    STRICT = "strict"
    ASK = "ask"
    ACCEPT_NEW = "accept-new"


class Family(StrEnum):
    """Which kinds of addresses may be used (`AddressFamily`)."""

    ANY = "any"
    IPV4 = "inet"
    IPV6 = "inet6"


@dataclass(frozen=True, slots=True)
class KnownHostsFiles:
    """Where host keys are looked for and remembered (`UserKnownHostsFile`, `GlobalKnownHostsFile`)."""

    user: tuple[Path, ...] = ()
    """The first of them gets new keys. Empty: nothing can be remembered, and nothing is known."""
    system: tuple[Path, ...] = ()
    hash_names: bool = False
    """`HashKnownHosts`: new names are written as HMAC-SHA1."""
    revoked: tuple[Path, ...] = ()
    """Lists of keys that are refused whatever else is known (`RevokedHostKeys`); each must be there and readable."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds. None of them runs while a person is asked."""

    connect: float = 15.0
    """Name lookup and TCP, for all addresses together."""
    first_byte: float = 10.0
    """From TCP to the server's identification."""
    key_exchange: float = 20.0
    login: float = 60.0
    """Between two answers of the server while logging in."""
    channel: float = 20.0
    """For a session, SFTP channel or stream to open."""
    close: float = 2.0
    """For a farewell; then the connection is cut."""


@dataclass(frozen=True, slots=True)
class Keepalive:
    """How a silent link is tested (`ServerAliveInterval`, `ServerAliveCountMax`).

    Somebody sits in front of it: a dead link shows within eight seconds and is given up within thirty. What the ssh
    configuration sets counts instead; OpenSSH itself asks nothing unless told to.
    """

    interval: float = 5.0
    """Seconds of silence before a question is sent."""
    late_after: float = 3.0
    """Seconds without an answer after which the link counts as degraded."""
    misses: int = 5
    """Intervals without an answer after which it counts as lost."""

    @property
    def patience(self) -> float:
        """Seconds without an answer after which the link counts as lost."""
        return self.interval * self.misses


@dataclass(frozen=True, slots=True)
class Algorithms:
    """OpenSSH's algorithm lists where the user set them; None leaves our own order (AES-GCM first)."""

    kex: str | None = None
    ciphers: str | None = None
    macs: str | None = None
    host_keys: str | None = None


METHODS = ("publickey", "keyboard-interactive", "password")
"""The ways to log in that are spoken here, in the order in which they are tried (RFC 4252, RFC 4256)."""

HopIdentity = tuple[str, str, int, str]
"""User, address, port, and HostKeyAlias or nothing."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One machine on the way, the target included."""

    name: str
    """As the person calls it: an alias, or an address."""
    address: str
    """What is looked up and connected to."""
    port: int
    user: str
    family: Family = Family.ANY
    """Of its addresses only these, where it is reached from here and not through another hop (`AddressFamily`)."""
    source_address: str = ""
    """This machine's own address from which it is reached, likewise (`BindAddress`); empty leaves it to the system."""
    host_key_alias: str | None = None
    """The name under which its key is known, in place of the address (`HostKeyAlias`)."""
    identity_files: tuple[Path, ...] = ()
    """Key files in the order they are to be tried."""
    certificate_files: tuple[Path, ...] = ()
    """Certificates for keys in files or in the agent, beside those that lie next to their key (`CertificateFile`)."""
    identities_named: bool = False
    """The user named these keys (rather than OpenSSH's defaults): they go before the agent's others, and one that is
    missing, unreadable or open to others is a failure to tell about."""
    identities_only: bool = False
    """Only keys that are named, from files or from the agent (`IdentitiesOnly`)."""
    agent_socket: Path | None = None
    """The SSH agent; None for no agent (`IdentityAgent`, `SSH_AUTH_SOCK`)."""
    auth_methods: tuple[str, ...] = METHODS
    """Methods that may be used, in order (`PreferredAuthentications` and the switches)."""
    known_hosts: KnownHostsFiles = KnownHostsFiles()
    host_key_policy: HostKeyPolicy = HostKeyPolicy.ASK
    algorithms: Algorithms = Algorithms()
    compression: bool = False
    timeouts: Timeouts = Timeouts()
    keepalive: Keepalive = Keepalive()
    idle_close: float | None = None
    """Seconds without use after which its session is disconnected; None: as long as nobody disconnects it."""
    source: str = ""
    """Where this is written, as `~/.ssh/config:12`; for people."""
    notes: tuple[str, ...] = ()
    """What of the ssh configuration is not followed, or followed differently; for people."""
    way: Way = DIRECT
    """How its bytes travel, where it is the outermost hop; others are reached through the hop before."""

    @property
    def identity(self) -> HopIdentity:
        """What a secret belongs to, together with the hops before it: the same address behind another jump host is
        another machine. A secret of one hop is never shown to another."""
        return (self.user, self.address, self.port, self.host_key_alias or "")


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a person has set up on a host: where work begins, with which variables, and names for directories."""

    directory: str | None = None
    """Where commands, shells and panes begin; None for the home directory. Written as people write paths."""
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    roots: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Directories by name, written likewise: `scratch` makes `scratch:data` the path `data` below it."""
    checks: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Commands of the host that judge edited files, by patterns of their names or paths."""
    modules: tuple[str, ...] = ()
    """Environment modules that commands run with; `@name` for a saved set."""


@dataclass(frozen=True, slots=True)
class Target:
    """A host over one route."""

    name: str
    """The host's name in the host book."""
    hops: tuple[Hop, ...]
    """Outermost first; the last is the host itself."""
    production: bool = False
    """Marked wherever the host is shown."""
    route: str = "direct"
    """The route's name, as `jump` or `tailscale`."""
    workplace: Workplace = Workplace()
    anew: bool = False
    """It is logged in to though a connection to it may be up, as where that very login is to be looked at."""

    @property
    def host(self) -> Hop:
        return self.hops[-1]

    @property
    def jumps(self) -> tuple[Hop, ...]:
        return self.hops[:-1]
