"""What asyncssh is told for one hop: algorithms in our order, our own host-key check, nothing from its own files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import asyncssh

from backend.connection.host_keys import KnownHosts
from backend.connection.ssh.banner import VERSION
from backend.connection.ssh.errors import no_match
from backend.connection.ssh.internals import Supported, supported
from backend.connection.ssh.keys import KeyUnusable, public_key
from backend.connection.target import METHODS, Hop

FILES_WINDOW = 32 << 20
"""Receive window in bytes of SFTP channels: 2 MiB would cap a download at as much for each round trip. Twice what is
ever asked for, as asyncssh opens it again only when less than half is left (`channel.py:_deliver_data`)."""
PROCESS_WINDOW = 2 << 20
"""Receive window in bytes of processes: as much as may lie unread."""
_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
"""One AEAD call a packet; asyncssh's own first choice (chacha20) costs three times the processor."""
_FIRST = tuple(
    f"{kind}{certificate}"
    for certificate in ("-cert-v01@openssh.com", "")
    for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
)
"""Host keys that OpenSSH asks for before all others (myproposal.h). A person compares the fingerprint of the first key
with what an administrator or ssh itself tells; asyncssh would begin with RSA."""
_OTHER_METHODS = ("gssapi-with-mic", "hostbased")
"""Not spoken here; named so that what the server offers is known in full."""


def connection_options(
    hop: Hop, known: KnownHosts, client_factory: Callable[[], asyncssh.SSHClient], *, certificates: bool
) -> dict[str, Any]:
    """Keyword arguments for `asyncssh.connect`. Raises ConnectError KEX_NO_MATCH where the user's lists hold nothing
    that can be spoken.

    Every time limit is ours, so asyncssh gets none; `config=None` keeps it from reading any ssh_config.
    """
    # A revoked authority, too, must be seen at work: a plain key asked for in its place would only be unknown.
    certificates = certificates and bool(known.authorities or known.revoked)
    return {
        "config": None,
        "client_version": VERSION,
        "username": hop.user,
        "client_factory": client_factory,
        "known_hosts": _nothing_trusted(known, certificates=certificates),
        # The name that a certificate must be for, as OpenSSH looks for it (`sshconnect.c:check_host_key`).
        "host_key_alias": (hop.host_key_alias or hop.address).lower(),
        "client_keys": None,
        "agent_path": None,
        "agent_forwarding": False,
        "public_key_auth": True,
        "host_based_auth": False,
        "gss_host": None,
        "gss_kex": False,
        "gss_auth": False,
        "x509_trusted_certs": None,
        "x509_trusted_cert_paths": [],
        "preferred_auth": _methods(hop),
        **_algorithms(hop, known, certificates=certificates),
        "login_timeout": 0,
        "connect_timeout": None,
        "keepalive_interval": hop.keepalive.interval,
        "keepalive_count_max": hop.keepalive.misses,
        "window": FILES_WINDOW,
        "utf8_decode_errors": "replace",
    }


def _methods(hop: Hop) -> list[str]:
    """The allowed ones in the user's order; the rest only to be heard of."""
    allowed = [name for name in hop.auth_methods if name in METHODS]
    return [*allowed, *(name for name in (*METHODS, *_OTHER_METHODS) if name not in allowed)]


def _nothing_trusted(known: KnownHosts, *, certificates: bool) -> Callable[[str, str, int | None], Sequence[Any]]:
    """asyncssh's known_hosts: no key and no authority, so that it asks HopClient about each.

    A callable, because anything empty would make it read `~/.ssh/known_hosts` by itself, and None would turn its check
    off. With certificates it gets the revoked keys, as it does not show us the key that a certificate is for.
    """
    revoked = [key for key in (_importable(key.blob) for key in known.revoked) if key] if certificates else []
    return lambda host, address, port: ([], [], revoked, [], [], [], [])


def _importable(blob: bytes) -> asyncssh.SSHKey | None:
    try:
        return public_key(blob)
    except KeyUnusable:
        return None


@cache
def _supported() -> Supported:
    return supported()


def _algorithms(hop: Hop, known: KnownHosts, *, certificates: bool) -> dict[str, Any]:
    can, wanted = _supported(), hop.algorithms
    chosen: dict[str, Any] = {
        "encryption_algs": _usable(hop, "cipher", wanted.ciphers, can.ciphers) or _CIPHERS,
        "compression_algs": ["zlib@openssh.com", "none"] if hop.compression else ["none"],
        "server_host_key_algs": _host_key_algorithms(hop, known, can, certificates=certificates),
    }
    if kex := _usable(hop, "key exchange", wanted.kex, can.kex):
        chosen["kex_algs"] = kex
    if macs := _usable(hop, "MAC", wanted.macs, can.macs):
        chosen["mac_algs"] = macs
    return chosen


def _usable(hop: Hop, kind: str, wanted: str | None, can: Sequence[str]) -> str | None:
    """The user's list without names that asyncssh does not know (it would refuse the whole list)."""
    if wanted is None:
        return None
    prefix = wanted[:1] if wanted[:1] in "+-^" else ""
    names = [name.strip() for name in wanted[len(prefix) :].split(",")]
    usable = [name for name in names if name in can or "*" in name or "?" in name]
    if usable:
        return prefix + ",".join(usable)
    if prefix:
        return None
    raise no_match(hop, kind, "not asked: this program speaks none of the algorithms that are allowed", wanted)


def _host_key_algorithms(hop: Hop, known: KnownHosts, can: Supported, *, certificates: bool) -> list[str]:
    """Types that are known for this host first, so that a key that can be checked is shown; the others after, so that a
    changed type is seen as a changed key and not as a failed negotiation."""
    plain = _in_order(can.default_host_keys)
    if usable := _usable(hop, "host key", hop.algorithms.host_keys, (*can.host_keys, *can.host_certificates)):
        if usable[0] in "+-^":
            plain = _adjusted(plain, usable[0], usable[1:].split(","))
        else:
            return _without_certificates(usable.split(","), keep=certificates)
    ordered = sorted(plain, key=lambda name: _key_type(name) not in known.algorithms)
    return [*(_in_order(can.default_host_certificates) if certificates else ()), *ordered]


def _in_order(names: Sequence[str]) -> list[str]:
    """The same names, in OpenSSH's order as far as that says anything; the others stay in theirs."""
    return [*(name for name in _FIRST if name in names), *(name for name in names if name not in _FIRST)]


def _adjusted(default: list[str], prefix: str, names: list[str]) -> list[str]:
    if prefix == "-":
        return [name for name in default if name not in names]
    rest = [name for name in default if name not in names]
    return [*names, *rest] if prefix == "^" else [*rest, *names]


def _without_certificates(names: list[str], *, keep: bool) -> list[str]:
    plain = [name for name in names if "-cert-v0" not in name]
    return names if keep or not plain else plain


def _key_type(algorithm: str) -> str:
    """The key type behind a signature algorithm (RFC 8332)."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm
