"""The matrix of host keys: what may be written down for a server, what is done about it, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import asyncssh

from backend.connection.host_keys import hashed
from backend.connection.interaction import HostKeyDecision
from backend.connection.target import HostKeyPolicy
from backend.errors import Code

ADDRESS = "127.0.0.1"


class Shown(Enum):
    """What a server shows in the key exchange."""

    KEY = "its plain key"
    CERTIFICATE = "a certificate for its name"
    OF_ANOTHER = "a certificate for another name"
    EXPIRED = "a certificate of last year"


class Meaning(Enum):
    """What the lines say about the key that is shown; every policy has its own answer to each."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"
    UNREADABLE = "unreadable"
    UNFIT = "certificate that does not hold"


class Way(Enum):
    """A policy, and what the person says where it asks."""

    STRICT = (HostKeyPolicy.STRICT, HostKeyDecision.REMEMBER)
    ONCE = (HostKeyPolicy.ASK, HostKeyDecision.ONCE)
    REMEMBER = (HostKeyPolicy.ASK, HostKeyDecision.REMEMBER)
    REFUSE = (HostKeyPolicy.ASK, HostKeyDecision.REFUSE)
    ACCEPT_NEW = (HostKeyPolicy.ACCEPT_NEW, HostKeyDecision.REMEMBER)

    @property
    def policy(self) -> HostKeyPolicy:
        return self.value[0]

    @property
    def decision(self) -> HostKeyDecision:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Keys:
    """Public key lines (`ssh-ed25519 AAAA…`) and the port of the server in question."""

    port: int
    own: str
    other: str
    authority: str

    @property
    def name(self) -> str:
        return f"[{ADDRESS}]:{self.port}"


@dataclass(frozen=True, slots=True)
class Known:
    """One row of the matrix."""

    lines: Callable[[Keys], str] | None
    """The known_hosts file; None where there is none."""
    meaning: Meaning
    shown: Shown = Shown.KEY
    readable: bool = True


def _hashed(keys: Keys, key: str) -> str:
    return f"{hashed(keys.name, b'twenty bytes of salt')} {key}"


KNOWN: dict[str, Known] = {
    "unknown": Known(lambda k: f"elsewhere.example {k.own}\n", Meaning.UNKNOWN),
    "missing-file": Known(None, Meaning.UNKNOWN),
    "unreadable-file": Known(None, Meaning.UNREADABLE, readable=False),
    "known": Known(lambda k: f"{k.name} {k.own}\n", Meaning.TRUSTED),
    "changed": Known(lambda k: f"{k.name} {k.other}\n", Meaning.CHANGED),
    "revoked": Known(lambda k: f"{k.name} {k.own}\n@revoked * {k.own}\n", Meaning.REVOKED),
    "hashed": Known(lambda k: _hashed(k, k.own) + "\n", Meaning.TRUSTED),
    "hashed-changed": Known(lambda k: _hashed(k, k.other) + "\n", Meaning.CHANGED),
    "hashed-and-revoked": Known(lambda k: f"{_hashed(k, k.own)}\n@revoked {k.name} {k.own}\n", Meaning.REVOKED),
    "at-another-port": Known(lambda k: f"[{ADDRESS}]:{k.port % 65535 + 1} {k.own}\n", Meaning.UNKNOWN),
    "other-key-at-another-port": Known(lambda k: f"[{ADDRESS}]:{k.port % 65535 + 1} {k.other}\n", Meaning.UNKNOWN),
    "without-port": Known(lambda k: f"{ADDRESS} {k.own}\n", Meaning.TRUSTED),
    "other-key-without-port": Known(lambda k: f"{ADDRESS} {k.other}\n", Meaning.UNKNOWN),
    "wildcard": Known(lambda k: f"[127.0.0.*]:* {k.own}\n", Meaning.TRUSTED),
    "wildcard-changed": Known(lambda k: f"[127.*]:* {k.other}\n", Meaning.CHANGED),
    "wildcard-against": Known(lambda k: f"[127.*]:*,!{k.name} {k.own}\n", Meaning.UNKNOWN),
    "certificate": Known(lambda k: f"@cert-authority * {k.authority}\n", Meaning.TRUSTED, Shown.CERTIFICATE),
    "certificate-of-another": Known(lambda k: f"@cert-authority * {k.authority}\n", Meaning.UNFIT, Shown.OF_ANOTHER),
    "certificate-expired": Known(lambda k: f"@cert-authority * {k.authority}\n", Meaning.UNFIT, Shown.EXPIRED),
    "certificate-expired-key-known": Known(
        lambda k: f"@cert-authority * {k.authority}\n{k.name} {k.own}\n", Meaning.TRUSTED, Shown.EXPIRED
    ),
    "certificate-expired-key-changed": Known(
        lambda k: f"@cert-authority * {k.authority}\n{k.name} {k.other}\n", Meaning.CHANGED, Shown.EXPIRED
    ),
    "authority-revoked": Known(
        lambda k: f"@cert-authority * {k.authority}\n@revoked * {k.authority}\n", Meaning.REVOKED, Shown.CERTIFICATE
    ),
    "authority-only-revoked": Known(lambda k: f"@revoked * {k.authority}\n", Meaning.REVOKED, Shown.CERTIFICATE),
    "certified-key-revoked": Known(
        lambda k: f"@cert-authority * {k.authority}\n@revoked * {k.own}\n", Meaning.REVOKED, Shown.CERTIFICATE
    ),
    "authority-of-another-host": Known(
        lambda k: f"@cert-authority *.example {k.authority}\n", Meaning.UNKNOWN, Shown.CERTIFICATE
    ),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What must come of a cell."""

    code: Code | None
    """None: logged in."""
    asked: bool = False
    remembered: bool = False


_REFUSED = {
    Meaning.UNKNOWN: Code.HOST_KEY_UNKNOWN,
    Meaning.CHANGED: Code.HOST_KEY_CHANGED,
    Meaning.REVOKED: Code.HOST_KEY_REVOKED,
    Meaning.UNREADABLE: Code.HOST_KEY_UNREADABLE,
    Meaning.UNFIT: Code.HOST_KEY_UNKNOWN,
}


def outcome(meaning: Meaning, way: Way) -> Outcome:
    """What must come of a key that means `meaning`, on the way `way`."""
    if meaning is Meaning.TRUSTED:
        return Outcome(None)
    refused = _REFUSED[meaning]
    if meaning not in (Meaning.UNKNOWN, Meaning.CHANGED) or way is Way.STRICT:
        return Outcome(refused)
    if way is Way.ACCEPT_NEW:
        return Outcome(None, remembered=True) if meaning is Meaning.UNKNOWN else Outcome(refused)
    if way is Way.REFUSE:
        return Outcome(refused, asked=True)
    return Outcome(None, asked=True, remembered=way is Way.REMEMBER)


def certificate_of(key: asyncssh.SSHKey, authority: asyncssh.SSHKey, shown: Shown) -> asyncssh.SSHCertificate | None:
    """What a server of this kind shows beside its key."""
    if shown is Shown.KEY:
        return None
    names = ["another.example"] if shown is Shown.OF_ANOTHER else [ADDRESS]
    until = "-1d" if shown is Shown.EXPIRED else "+1d"
    return authority.generate_host_certificate(key, "host", principals=names, valid_after="-30d", valid_before=until)
