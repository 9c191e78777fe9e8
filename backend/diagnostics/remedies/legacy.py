"""Algorithms that were given up for good reasons and that old devices still speak: which of them to allow. Pure.

The order is that of strength (RFC 9142): of what a server offers the first is the least bad. Only what the SSH library
can speak is here, so that no remedy is offered in vain; a test holds that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of algorithm."""

    keyword: str
    """Of ssh_config(5)."""
    option: str
    """The key in the `algorithms` table of an own entry."""
    known: tuple[str, ...]
    """Those that may be allowed, the least bad first."""


_KEX = Kind(
    "KexAlgorithms",
    "kex",
    (
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group1-sha1",
    ),
)
_CIPHERS = Kind(
    "Ciphers",
    "ciphers",
    (
        *("aes256-ctr", "aes192-ctr", "aes128-ctr", "aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc"),
        *("blowfish-cbc", "cast128-cbc", "arcfour256", "arcfour128", "arcfour"),
    ),
)
_MACS = Kind(
    "MACs",
    "macs",
    (
        *("hmac-sha2-256", "hmac-sha2-512", "hmac-sha1-etm@openssh.com", "hmac-sha1", "hmac-sha1-96"),
        *("hmac-md5-etm@openssh.com", "hmac-md5", "hmac-md5-96"),
    ),
)
_HOST_KEYS = Kind("HostKeyAlgorithms", "host_keys", ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa", "ssh-dss"))

_KINDS: Mapping[str, Kind] = {
    "kex": _KEX,
    "key exchange": _KEX,
    "cipher": _CIPHERS,
    "encryption": _CIPHERS,
    "mac": _MACS,
    "host key": _HOST_KEYS,
    "host_key": _HOST_KEYS,
}


def kind_of(told: str) -> Kind | None:
    """The kind as the evidence of KEX_NO_MATCH calls it."""
    return _KINDS.get(told.lower())


def offered(evidence: str) -> list[str]:
    """The names in a list of a server."""
    return evidence.replace(",", " ").split()


def least_bad(kind: Kind, names: Sequence[str]) -> str | None:
    """The one of a server's algorithms to allow; None where none of them can be spoken here."""
    return next((name for name in kind.known if name in names), None)
