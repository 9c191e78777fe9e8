"""Faults of algorithms and host keys."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from backend.connection.target import Algorithms, HostKeyPolicy
from backend.diagnostics.rungs import RungId
from backend.errors import Code
from tests.support.faults.model import Fault, fault
from tests.support.faults.places import server
from tests.support.openssh import make_key


@fault
def no_common_kex(root: Path) -> Iterator[Fault]:
    """A server that speaks only what was given up years ago."""
    with server(root, "KexAlgorithms diffie-hellman-group1-sha1") as (_, hop):
        yield Fault((hop,), RungId.KEX, Code.KEX_NO_MATCH)


@fault
def no_common_cipher(root: Path) -> Iterator[Fault]:
    """A server with an old cipher only."""
    with server(root, "Ciphers 3des-cbc") as (_, hop):
        yield Fault((hop,), RungId.KEX, Code.KEX_NO_MATCH)


@fault
def no_common_mac(root: Path) -> Iterator[Fault]:
    """A server with an old MAC only."""
    with server(root, "MACs hmac-md5-96", "Ciphers aes128-ctr") as (_, hop):
        yield Fault((hop,), RungId.KEX, Code.KEX_NO_MATCH)


@fault
def no_common_host_key(root: Path) -> Iterator[Fault]:
    """The person's configuration wants another kind of host key than the server has."""
    with server(root) as (_, hop):
        wanted = Algorithms(host_keys="ecdsa-sha2-nistp256")
        yield Fault((replace(hop, algorithms=wanted),), RungId.KEX, Code.KEX_NO_MATCH)


@fault
def unknown_host_key(root: Path) -> Iterator[Fault]:
    """Nobody has seen this server before, and nobody is asked."""
    with server(root) as (_, hop):
        (root / "known_hosts").write_text("")
        yield Fault((replace(hop, host_key_policy=HostKeyPolicy.STRICT),), RungId.HOST_KEY, Code.HOST_KEY_UNKNOWN)


@fault
def changed_host_key(root: Path) -> Iterator[Fault]:
    """Another key is written down for this server."""
    with server(root) as (running, hop):
        write_other_key(root, running.port)
        yield Fault((hop,), RungId.HOST_KEY, Code.HOST_KEY_CHANGED)


def write_other_key(root: Path, port: int) -> None:
    """Have `root`'s known_hosts trust another key for the server at `port`."""
    other = make_key(root / "other_host_key").with_name("other_host_key.pub").read_text().split()
    (root / "known_hosts").write_text(f"[127.0.0.1]:{port} {other[0]} {other[1]}\n")


@fault
def revoked_host_key(root: Path) -> Iterator[Fault]:
    """The server's key is marked as revoked."""
    with server(root) as (_, hop):
        known = (root / "known_hosts").read_text()
        (root / "known_hosts").write_text(known + f"@revoked * {known.split(' ', 1)[1]}")
        yield Fault((hop,), RungId.HOST_KEY, Code.HOST_KEY_REVOKED)


@fault
def unreadable_known_hosts(root: Path) -> Iterator[Fault]:
    """What should be the file of known hosts is a directory: nothing can be checked."""
    with server(root) as (_, hop):
        (root / "known_hosts").unlink()
        (root / "known_hosts").mkdir()
        yield Fault((hop,), RungId.HOST_KEY, Code.HOST_KEY_UNREADABLE)


@fault
def host_certificate_for_another(root: Path) -> Iterator[Fault]:
    """The host shows a certificate of a trusted authority, made out to another host."""
    key = certified_host_key(root, "another.example.net")
    with server(root, f"HostCertificate {key}-cert.pub", host_keys=[key]) as (_, hop):
        trust_authority(root)
        strict = replace(hop, host_key_policy=HostKeyPolicy.STRICT)
        yield Fault((strict,), RungId.HOST_KEY, Code.HOST_KEY_UNKNOWN)


def certified_host_key(root: Path, names: str) -> Path:
    """A host key with a certificate for `names`, of the authority `root/authority`."""
    root.mkdir(parents=True, exist_ok=True)
    authority, key = make_key(root / "authority"), make_key(root / "host_key")
    command = ["ssh-keygen", "-q", "-s", str(authority), "-I", "host", "-h", "-n", names, f"{key}.pub"]
    subprocess.run(command, check=True, capture_output=True)
    return key


def trust_authority(root: Path) -> None:
    """Have `root`'s known_hosts trust what its authority signs."""
    (root / "known_hosts").write_text(f"@cert-authority * {(root / 'authority.pub').read_text()}")
