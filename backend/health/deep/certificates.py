"""When OpenSSH certificates run out: the person's own, and the host's (PROTOCOL.certkeys of OpenSSH). Pure but for
`read_files`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from backend.dataclass import dataclass
from backend.text import show_bytes

_SUFFIX = b"-cert-v01@openssh.com"
_FIELDS = {
    b"ssh-rsa": 2,
    b"ssh-dss": 4,
    b"ssh-ed25519": 1,
    b"ecdsa-sha2-nistp256": 2,
    b"ecdsa-sha2-nistp384": 2,
    b"ecdsa-sha2-nistp521": 2,
    b"sk-ssh-ed25519": 2,
    b"sk-ecdsa-sha2-nistp256": 3,
}
"""Strings of the public key between the nonce and the serial number."""
_MOST = 16384


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate."""

    where: str
    """File, for people."""
    is_host: bool
    key_id: str
    since: float
    """Seconds since 1970."""
    until: float | None
    """Seconds since 1970; None for one that never runs out."""
    fingerprint: str
    """Of the key that it is for, as `SHA256:…`."""

    @property
    def life(self) -> float | None:
        """Seconds for which it holds in all."""
        return None if self.until is None else max(0.0, self.until - self.since)


def parse_certificate(line: bytes, where: str) -> Certificate | None:
    """What a line of a `*-cert.pub` file holds; None for anything else."""
    words = line.split()
    if len(words) < 2 or not words[0].endswith(_SUFFIX) or len(words[1]) > _MOST:
        return None
    kind = words[0].removesuffix(_SUFFIX)
    try:
        blob = base64.b64decode(words[1], validate=True)
        return _read(kind, blob, where)
    except (binascii.Error, struct.error, ValueError, KeyError):
        return None


def _read(kind: bytes, blob: bytes, where: str) -> Certificate:
    reader = _Reader(blob)
    if reader.string() != kind + _SUFFIX:
        raise ValueError("its algorithm is not the one it says")
    reader.string()
    suffix = b"@openssh.com" if kind.startswith(b"sk-") else b""
    key = struct.pack(">I", len(kind + suffix)) + kind + suffix + reader.raw(_FIELDS[kind])
    reader.number(8)
    role, key_id = reader.number(4), reader.string()
    reader.string()
    since, until = reader.number(8), reader.number(8)
    digest = base64.b64encode(hashlib.sha256(key).digest()).rstrip(b"=").decode()
    return Certificate(
        where=where,
        is_host=role == 2,
        key_id=show_bytes(key_id)[:100],
        since=float(since),
        until=None if until >= 2**62 else float(until),
        fingerprint=f"SHA256:{digest}",
    )


class _Reader:
    """The data types of RFC 4251 §5, one after the other. Raises ValueError where there is too little."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise ValueError("it is cut off")
        self._at += size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def string(self) -> bytes:
        return self._take(self.number(4))

    def raw(self, strings: int) -> bytes:
        """So many strings as they stand, with their lengths."""
        begin = self._at
        for _ in range(strings):
            self.string()
        return self._data[begin : self._at]


def read_files(paths: Iterable[Path]) -> tuple[Certificate, ...]:
    """The user certificates in these files; what cannot be read or is none is left out. Blocks."""
    found = []
    for path in dict.fromkeys(paths):
        try:
            with path.open("rb") as file:
                line = file.readline(_MOST)
        except OSError:
            continue
        certificate = parse_certificate(line, _short(path))
        if certificate is not None and not certificate.is_host:
            found.append(certificate)
    return tuple(found)


def _short(path: Path) -> str:
    home = str(Path.home())
    text = show_bytes(os.fsencode(path))
    return f"~{text[len(home) :]}" if text.startswith(f"{home}/") else text
