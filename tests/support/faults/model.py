"""What a fault of the table is, how the same host reads in the configuration, and where faults are registered."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.connection.target import Hop, HostKeyPolicy, Keepalive, Target, Timeouts
from backend.connection.ways import Cloudflare, Proxy, ProxyCommand, Tailscale
from backend.diagnostics.checks import CheckId
from backend.diagnostics.rungs import RungId
from backend.errors import Code

NAME = "faulty"
BASTION = "bastion"
QUICK = Timeouts(connect=1.0, first_byte=1.0, key_exchange=5.0, login=10.0, channel=5.0, close=1.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """A host that cannot be used, or not for everything, and why; or a healthy one: without code."""

    hops: tuple[Hop, ...]
    rung: RungId | None = None
    code: Code | None = None
    verdict: str = "failed"
    hop: str = ""
    """The machine at fault; empty for the host itself."""
    check: CheckId | None = None
    """What of verifying the connection finds it, where no rung does."""
    verified: bool = False
    """The connection is to be verified as well, and nothing found."""
    secret: str = ""
    """What is typed whenever a password or a passphrase is asked for."""
    answers: tuple[str, ...] = ()
    """What is typed in answer to the server's own questions."""
    config: str = ""
    """ssh_config(5) in place of the hops, where the configuration itself is at fault."""
    environ: tuple[tuple[str, str], ...] = ()
    """Of the program's environment, as PATH."""

    @property
    def target(self) -> Target:
        return Target(NAME, self.hops)

    @property
    def place(self) -> str:
        """The name of the machine at fault."""
        return self.hop or NAME

    @property
    def ssh_config(self) -> str:
        """The same hosts for ssh_config(5)."""
        entries = [_entry(hop, before) for hop, before in zip(self.hops, (None, *self.hops), strict=False)]
        return self.config or "\n".join(entries)

    @property
    def settings(self) -> str:
        """What of them only Fairlead's own configuration can say, as TOML."""
        return "" if self.config else "\n".join(_own_entry(hop) for hop in self.hops)


def _entry(hop: Hop, before: Hop | None) -> str:
    known = " ".join(f'"{path}"' for path in hop.known_hosts.user) or "/dev/null"
    listed = {
        "KexAlgorithms": hop.algorithms.kex,
        "Ciphers": hop.algorithms.ciphers,
        "MACs": hop.algorithms.macs,
        "HostKeyAlgorithms": hop.algorithms.host_keys,
    }
    lines = [
        f"Host {hop.name}",
        f"HostName {hop.address}",
        f"Port {hop.port}",
        f"User {hop.user}",
        f"UserKnownHostsFile {known}",
        "GlobalKnownHostsFile /dev/null",
        f"StrictHostKeyChecking {'yes' if hop.host_key_policy is HostKeyPolicy.STRICT else 'ask'}",
        f"IdentityAgent {hop.agent_socket or 'none'}",
        f"IdentitiesOnly {'no' if hop.agent_socket else 'yes'}",
        *(f'IdentityFile "{path}"' for path in hop.identity_files),
        *([] if hop.identity_files else ["IdentityFile none"]),
        *(f'CertificateFile "{path}"' for path in hop.certificate_files),
        *(f"{name} {value}" for name, value in listed.items() if value),
        f"PreferredAuthentications {','.join(hop.auth_methods)}",
        *([f"ProxyJump {before.name}"] if before else []),
        *([f"ProxyCommand {hop.way.command}"] if isinstance(hop.way, ProxyCommand) else []),
    ]
    return "\n    ".join(lines) + "\n"


def _own_entry(hop: Hop) -> str:
    limits = {name: getattr(hop.timeouts, name) for name in ("connect", "first_byte", "key_exchange", "login")}
    limits |= {"channel": hop.timeouts.channel, "close": hop.timeouts.close}
    lines = [f"[hosts.{hop.name}]", f"timeouts = {{ {_pairs(limits)} }}"]
    if hop.keepalive != Keepalive():
        alive = hop.keepalive
        wanted = {"interval": alive.interval, "late_after": alive.late_after, "misses": alive.misses}
        lines.append(f"keepalive = {{ {_pairs(wanted)} }}")
    match hop.way:
        case Proxy():
            lines.append(f'proxy = "{hop.way}"')
        case Tailscale(address):
            lines.append(f'tailscale = "{address}"\nroutes = ["tailscale"]')
        case Cloudflare(hostname):
            lines.append(f'cloudflare = "{hostname}"\nroutes = ["cloudflare"]')
        case _:
            pass
    return "\n".join(lines) + "\n"


def _pairs(values: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in values.items())


Make = Callable[[Path], Iterator[Fault]]
Maker = Callable[[Path], contextlib.AbstractContextManager[Fault]]
FAULTS: dict[str, Maker] = {}
"""Every fault by name; each takes a directory of its own."""
FOR_PEOPLE: set[str] = set()
"""Those of them where only a person can answer what is asked: not for programs that are started from outside."""
HEALTHY: dict[str, Maker] = {}
"""Hosts that nothing is wrong with, likewise."""


def fault(make: Make) -> Maker:
    """Register a fault under the function's name."""
    return _registered(make, FAULTS)


def fault_for_people(make: Make) -> Maker:
    """Likewise, a fault that only a person meets."""
    FOR_PEOPLE.add(make.__name__)
    return fault(make)


def healthy(make: Make) -> Maker:
    """Register a healthy host, likewise."""
    return _registered(make, HEALTHY)


def _registered(make: Make, into: dict[str, Maker]) -> Maker:
    maker = contextmanager(make)
    into[make.__name__] = maker
    return maker
