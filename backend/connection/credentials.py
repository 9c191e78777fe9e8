"""Which keys are offered to a server, in which order, and how many. Pure planning, and reading key files.

A server counts every key that is offered as a try (`MaxAuthTries`, 6 with OpenSSH), and fail2ban may count them too; so
the key that is named for the host goes first and the list is short.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from collections.abc import Collection, Sequence
from dataclasses import field, replace
from enum import Enum
from pathlib import Path

from backend.connection.host_keys import HostKey, shorten
from backend.dataclass import dataclass
from backend.errors import Code
from backend.patterns import pattern

MOST_OFFERS = 5
"""Keys offered in one login, in all: one less than OpenSSH's MaxAuthTries."""
_OPENSSH_MAGIC = b"openssh-key-v1\0"
_PRIVATE = pattern(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----\r?\n(.*?)-----END", re.DOTALL)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key file that may be used."""

    path: Path
    private: bytes | None = field(repr=False)
    """The file's content; None where only the public half is there (the agent or a token has the rest)."""
    public: bytes | None
    """The public half as a wire blob, where it can be known without a passphrase."""
    encrypted: bool
    certificate: bytes | None = None
    """Content of `PATH-cert.pub`."""


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """A certificate that is named for the host (`CertificateFile`)."""

    path: Path
    content: bytes
    public: bytes
    """The key that it is for, as a wire blob."""


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """A key file that cannot be used, and why."""

    path: Path
    code: Code
    """AUTH_KEY_MISSING, AUTH_KEY_UNREADABLE, AUTH_KEY_PERMISSIONS or AUTH_PASSPHRASE."""
    reason: str = ""
    mode: str = ""

    @property
    def evidence(self) -> dict[str, object]:
        told: dict[str, object] = {"path": shorten(self.path)}
        if self.reason:
            told["reason"] = self.reason
        if self.mode:
            told["mode"] = self.mode
        return told


@dataclass(frozen=True, slots=True)
class AgentKey:
    """A key that the agent holds."""

    blob: bytes
    comment: str = ""


class Source(Enum):
    """Who signs with the key."""

    FILE = "file"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class KeyOffer:
    """One try of public key authentication."""

    source: Source
    blob: bytes | None
    """The public half; None for an encrypted file that does not show it."""
    file: KeyFile | None = None
    comment: str = ""
    certificate: bytes | None = field(default=None, repr=False)
    """Offer this certificate rather than the bare key."""
    certificate_path: Path | None = None
    """Where the certificate is, unless it lies beside the key."""

    @property
    def where(self) -> str:
        """Where the key is, for people."""
        if self.source is Source.AGENT:
            return f"agent, {self.comment}" if self.comment else "agent"
        return shorten(self.file.path) if self.file else "file"

    @property
    def description(self) -> str:
        """`SHA256:… (~/.ssh/id_ed25519)`"""
        shown = HostKey(self.blob).fingerprint if self.blob else "key"
        at = f", {shorten(self.certificate_path)}" if self.certificate_path else ""
        return f"{'certificate of ' if self.certificate else ''}{shown} ({self.where}{at})"

    @property
    def mark(self) -> bytes:
        """What tells it from every other offer."""
        return (self.certificate or b"") + (self.blob or self.where.encode())


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """The keys of one login."""

    offers: tuple[KeyOffer, ...]
    left_out: tuple[KeyOffer, ...] = ()
    """Keys that are at hand and are not offered, so that the server does not end the login for too many tries."""
    without_key: tuple[str, ...] = ()
    """Certificates whose key is nowhere at hand, for people."""


def plan(
    files: Sequence[KeyFile],
    agent: Sequence[AgentKey],
    *,
    named: bool,
    only: bool,
    certificates: Sequence[CertificateFile] = (),
    reserve: int = 0,
    first: Collection[bytes] = (),
    never: Collection[bytes] = (),
) -> KeyPlan:
    """The offers in order: named files, then the agent's other keys, then default files.

    A key that is in a file and in the agent is offered once, signed by the agent: it asks for no passphrase. With
    `only`, of the agent's keys only those that a file or a certificate names. `reserve` is how many of the tries that
    a server stands are kept for other methods; `first` and `never` hold the marks of what a server took and refused.
    """
    held = {key.blob: key for key in agent}
    by_file = [offer for file in files for offer in _of_file(file, held, certificates)]
    of_files = {offer.blob for offer in by_file}
    certified = [_certified(held[item.public], item) for item in certificates if item.public in held.keys() - of_files]
    others = [] if only else [_of_agent(key) for key in agent if key.blob not in of_files]
    usual = [*by_file, *certified, *others] if named else [*certified, *_agents(by_file), *others, *_files(by_file)]
    ordered = sorted((one for one in usual if one.mark not in never), key=lambda one: one.mark not in first)
    most = MOST_OFFERS - reserve
    known = of_files | held.keys()
    without_key = tuple(
        f"{shorten(item.path)}: its key is neither in a file nor in the agent"
        for item in certificates
        if item.public not in known
    )
    return KeyPlan(tuple(ordered[:most]), tuple(ordered[most:]), without_key)


def _of_file(file: KeyFile, held: dict[bytes, AgentKey], certificates: Sequence[CertificateFile]) -> list[KeyOffer]:
    key = held.get(file.public) if file.public else None
    source = Source.AGENT if key else Source.FILE
    if key is None and file.private is None:
        return []
    offer = KeyOffer(source, file.public, file, key.comment if key else "")
    named = [
        replace(offer, certificate=item.content, certificate_path=item.path)
        for item in certificates
        if item.public == file.public and item.content != file.certificate
    ]
    beside = [replace(offer, certificate=file.certificate)] if file.certificate is not None else []
    return [*named, *beside, offer]


def _certified(key: AgentKey, certificate: CertificateFile) -> KeyOffer:
    return KeyOffer(
        Source.AGENT, key.blob, comment=key.comment, certificate=certificate.content, certificate_path=certificate.path
    )


def _of_agent(key: AgentKey) -> KeyOffer:
    return KeyOffer(Source.AGENT, key.blob, comment=key.comment)


def _agents(offers: Sequence[KeyOffer]) -> list[KeyOffer]:
    return [offer for offer in offers if offer.source is Source.AGENT]


def _files(offers: Sequence[KeyOffer]) -> list[KeyOffer]:
    return [offer for offer in offers if offer.source is Source.FILE]


# --- what a key file shows without its passphrase ----------------------------------------------------------------


def is_private(content: bytes) -> bool:
    return _PRIVATE.search(content) is not None


def is_encrypted(content: bytes) -> bool:
    """Whether a passphrase is needed (OpenSSH's PROTOCOL.key, PKCS#8, and PEM with a Proc-Type)."""
    found = _PRIVATE.search(content)
    if found is None:
        return False
    if found[1].startswith(b"OPENSSH"):
        cipher = _openssh_fields(found[2])[0]
        return cipher not in (b"none", b"")
    return b"ENCRYPTED" in found[1] or b"4,ENCRYPTED" in found[2]


def public_half(content: bytes) -> bytes | None:
    """The public blob that an OpenSSH key file shows in clear; None for other formats."""
    found = _PRIVATE.search(content)
    if found is None or not found[1].startswith(b"OPENSSH"):
        return None
    return _openssh_fields(found[2])[1] or None


def _openssh_fields(body: bytes) -> tuple[bytes, bytes]:
    """Cipher name and public blob of an `openssh-key-v1` body; empty where it is damaged."""
    try:
        raw = base64.b64decode(b"".join(body.split()))
    except binascii.Error:
        return b"", b""
    if not raw.startswith(_OPENSSH_MAGIC):
        return b"", b""
    rest = raw[len(_OPENSSH_MAGIC) :]
    cipher, rest = _string(rest)
    _, rest = _string(rest)
    _, rest = _string(rest)
    public, _ = _string(rest[4:])
    return cipher, public


def _string(raw: bytes) -> tuple[bytes, bytes]:
    length = int.from_bytes(raw[:4], "big")
    return raw[4 : 4 + length], raw[4 + length :]


def public_line(content: bytes) -> bytes | None:
    """The blob of a `.pub` file."""
    fields = content.split()
    if len(fields) < 2:
        return None
    try:
        return base64.b64decode(fields[1], validate=True)
    except binascii.Error:
        return None


# --- files: these block -------------------------------------------------------------------------------------------


def read_key_files(paths: Sequence[Path], *, named: bool) -> tuple[tuple[KeyFile, ...], tuple[KeyProblem, ...]]:
    """The usable files and the problems of the others. A default file that is not there is no problem."""
    read = [read_key_file(path) for path in paths]
    problems = tuple(item for item in read if isinstance(item, KeyProblem))
    missing = tuple(
        KeyProblem(path, Code.AUTH_KEY_MISSING, "there is no such file")
        for path, item in zip(paths, read, strict=True)
        if item is None and named
    )
    return tuple(item for item in read if isinstance(item, KeyFile)), (*problems, *missing)


def read_key_file(path: Path) -> KeyFile | KeyProblem | None:
    """One identity file with what lies beside it; None where there is neither a private nor a public half."""
    public = public_line(_beside(path, ".pub") or b"")
    try:
        with path.open("rb") as file:
            content, status = file.read(1 << 20), os.fstat(file.fileno())
    except FileNotFoundError:
        return KeyFile(path, None, public, encrypted=False) if public else None
    except OSError as error:
        return KeyProblem(path, Code.AUTH_KEY_UNREADABLE, error.strerror or str(error))
    if not is_private(content):
        return _public_only(path, content)
    if problem := _open_to_others(path, status):
        return problem
    return KeyFile(
        path, content, public_half(content) or public, is_encrypted(content), certificate=_beside(path, "-cert.pub")
    )


def _public_only(path: Path, content: bytes) -> KeyFile | KeyProblem:
    """`IdentityFile key.pub` names a key of the agent."""
    if blob := public_line(content):
        return KeyFile(path, None, blob, encrypted=False)
    return KeyProblem(path, Code.AUTH_KEY_UNREADABLE, "it holds no private key")


def _open_to_others(path: Path, status: os.stat_result) -> KeyProblem | None:
    """OpenSSH's rule (`authfile.c:sshkey_perm_ok`): a key of one's own must be one's own alone."""
    mode = stat.S_IMODE(status.st_mode)
    if not hasattr(os, "getuid") or status.st_uid != os.getuid() or not mode & 0o077:
        return None
    return KeyProblem(path, Code.AUTH_KEY_PERMISSIONS, mode=f"{mode:04o}")


def _beside(path: Path, suffix: str) -> bytes | None:
    try:
        return path.with_name(path.name + suffix).read_bytes()
    except OSError:
        return None
