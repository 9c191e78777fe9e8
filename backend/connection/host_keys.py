"""Known host keys: what is written down for a name, what a presented key means, and how a new one is remembered.

The core is pure: lines in, judgement out (`sshd(8)`, SSH_KNOWN_HOSTS FILE FORMAT). Reading and writing the files stand
at the end and block; call them in a thread. No network and no asyncssh here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import lru_cache
from pathlib import Path

from backend.connection import randomart
from backend.connection.interaction import HostKeyState, KnownKey
from backend.connection.target import Hop, KnownHostsFiles
from backend.dataclass import dataclass
from backend.errors import Code, HostKeyError

_DEFAULT_PORT = 22
_HASH_MAGIC = "|1|"
_KRL_MAGIC = b"SSHKRL\n\0"
"""How a binary key revocation list begins (OpenSSH's PROTOCOL.krl)."""


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key as it goes over the wire (RFC 4253 §6.6)."""

    blob: bytes

    @property
    def algorithm(self) -> str:
        """`ssh-ed25519`, `ssh-rsa`, …: the first field of the blob."""
        return _field(self.blob, 0).decode("ascii", "replace")

    @property
    def fingerprint(self) -> str:
        """`SHA256:…`, as OpenSSH prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def title(self) -> str:
        """Type and size in bits, as OpenSSH names them: `ED25519 256`."""
        name = self.algorithm
        if name == "ssh-rsa":
            return f"RSA {int.from_bytes(_field(self.blob, 2), 'big').bit_length()}"
        kind = "ED25519" if "ed25519" in name else "ECDSA" if "ecdsa" in name else name.upper()
        size = re.search(r"nistp(\d+)", name)
        return f"{kind}{'-SK' if name.startswith('sk-') else ''} {size[1] if size else 256}"

    @property
    def randomart(self) -> str:
        return randomart.draw(self.blob, self.title)

    @property
    def line(self) -> str:
        """Algorithm and base64 blob, as in a known_hosts file."""
        return f"{self.algorithm} {base64.b64encode(self.blob).decode()}"


class Marker(Enum):
    """What a line says about its key."""

    HOST = ""
    AUTHORITY = "@cert-authority"
    REVOKED = "@revoked"


@dataclass(frozen=True, slots=True)
class KnownLine:
    """One usable line of a known_hosts file."""

    marker: Marker
    names: str
    """The host field: patterns or one hashed name."""
    key: HostKey
    path: Path
    number: int
    """Line number, from 1."""

    @property
    def known_key(self) -> KnownKey:
        return KnownKey(self.key.algorithm, self.key.fingerprint, f"{shorten(self.path)}:{self.number}")


@dataclass(frozen=True, slots=True)
class HostNames:
    """Under which names a hop's key is looked up."""

    main: str
    """`web-1`, or `[web-1]:2222` off port 22, or the HostKeyAlias; lower case. New keys are written under it."""
    bare: str | None = None
    """The name without its port: a key known there is trusted too, one that differs there says nothing."""

    @classmethod
    def of(cls, hop: Hop) -> HostNames:
        """The names OpenSSH would use (`sshconnect.c:get_hostfile_hostname_ipaddr`)."""
        if hop.host_key_alias:
            return cls(hop.host_key_alias.lower())
        address = hop.address.lower()
        if hop.port == _DEFAULT_PORT:
            return cls(address)
        return cls(f"[{address}]:{hop.port}", address)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known about a presented key."""

    state: HostKeyState
    known: tuple[KnownKey, ...] = ()
    """TRUSTED, REVOKED: the lines that say so. CHANGED: the keys that were expected."""

    @property
    def where(self) -> str:
        """The files and lines that say so, for people."""
        return ", ".join(item.where for item in self.known)

    @property
    def expected(self) -> dict[str, str]:
        """For a changed key: which one was known until now, and where it stands."""
        return {"known": ", ".join(item.fingerprint for item in self.known), "where": self.where, "file": self.file}

    @property
    def file(self) -> str:
        """The first of these files."""
        return self.known[0].where.rpartition(":")[0] if self.known else ""


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """The lines that speak about one hop, in file order."""

    names: HostNames
    lines: tuple[KnownLine, ...] = ()
    """Those that match `names.main`."""
    bare_lines: tuple[KnownLine, ...] = ()
    """Those that match `names.bare`."""
    looked_in: tuple[Path, ...] = ()

    @property
    def authorities(self) -> tuple[HostKey, ...]:
        """Keys that may sign certificates for this host, unless revoked."""
        revoked = {line.key for line in self._all(Marker.REVOKED)}
        found = (line.key for line in self._all(Marker.AUTHORITY))
        return tuple(dict.fromkeys(key for key in found if key not in revoked))

    @property
    def revoked(self) -> tuple[HostKey, ...]:
        return tuple(line.key for line in self._all(Marker.REVOKED))

    @property
    def revoked_where(self) -> tuple[str, ...]:
        """Where the revoked ones are written down, for people."""
        return tuple(line.known_key.where for line in self._all(Marker.REVOKED))

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Key types that are known for this host, in file order; asked for first, so that a known key is shown."""
        return tuple(dict.fromkeys(line.key.algorithm for line in self._all(Marker.HOST)))

    def judge(self, key: HostKey) -> Judgement:
        """TRUSTED, UNKNOWN, CHANGED or REVOKED. Any key known for the name makes another one CHANGED, of any type."""
        if revoked := _those(self._all(Marker.REVOKED), key):
            return Judgement(HostKeyState.REVOKED, revoked)
        mine = tuple(line for line in self.lines if line.marker is Marker.HOST)
        if trusted := _those(mine, key):
            return Judgement(HostKeyState.TRUSTED, trusted)
        if mine:
            return Judgement(HostKeyState.CHANGED, tuple(line.known_key for line in mine))
        if trusted := _those((line for line in self.bare_lines if line.marker is Marker.HOST), key):
            return Judgement(HostKeyState.TRUSTED, trusted)
        return Judgement(HostKeyState.UNKNOWN)

    def judge_authority(self, key: HostKey) -> Judgement:
        """Whether a certificate signed by `key` counts for this host: TRUSTED, UNKNOWN or REVOKED."""
        if revoked := _those(self._all(Marker.REVOKED), key):
            return Judgement(HostKeyState.REVOKED, revoked)
        trusted = _those(self._all(Marker.AUTHORITY), key)
        return Judgement(HostKeyState.TRUSTED if trusted else HostKeyState.UNKNOWN, trusted)

    def _all(self, marker: Marker) -> tuple[KnownLine, ...]:
        both = dict.fromkeys((*self.lines, *self.bare_lines))
        return tuple(line for line in both if line.marker is marker)


def _those(lines: Iterable[KnownLine], key: HostKey) -> tuple[KnownKey, ...]:
    return tuple(line.known_key for line in lines if line.key == key)


# --- lines -------------------------------------------------------------------------------------------------------


def parse(text: bytes, path: Path, wanted: Callable[[str], bool] | None = None) -> tuple[KnownLine, ...]:
    """The usable lines of a known_hosts file; comments and lines without sense are passed over, as by OpenSSH.

    `wanted` picks lines by their host field before their keys are decoded: files with thousands of lines are common.
    """
    lines = text.decode("utf-8", "surrogateescape").split("\n")
    parsed = (_parse_line(line, path, number, wanted) for number, line in enumerate(lines, 1))
    return tuple(line for line in parsed if line is not None)


def _parse_line(text: str, path: Path, number: int, wanted: Callable[[str], bool] | None) -> KnownLine | None:
    fields = text.split()
    if not fields or fields[0].startswith("#"):
        return None
    marker = Marker.HOST
    if fields[0].startswith("@"):
        try:
            marker = Marker(fields.pop(0))
        except ValueError:
            return None
    if len(fields) < 3 or (wanted is not None and not wanted(fields[0])):
        return None
    key = _decode_key(fields[1], fields[2])
    return KnownLine(marker, fields[0], key, path, number) if key else None


def _decode_key(algorithm: str, encoded: str) -> HostKey | None:
    try:
        key = HostKey(base64.b64decode(encoded, validate=True))
        return key if key.algorithm == algorithm else None
    except (binascii.Error, ValueError):
        return None


def parse_revoked(text: bytes, path: Path) -> tuple[KnownLine, ...]:
    """The keys of a `RevokedHostKeys` list, one public key a line, as lines about every host.

    Raises ValueError for anything else: a line passed over might be the revoked key (`authfile.c:sshkey_in_file`).
    """
    if text.startswith(_KRL_MAGIC):
        raise ValueError("it is a binary key revocation list; write the revoked public keys one a line instead")
    lines = text.decode("utf-8", "surrogateescape").split("\n")
    parsed = (_parse_revoked_line(line.split(), path, number) for number, line in enumerate(lines, 1))
    return tuple(line for line in parsed if line is not None)


def _parse_revoked_line(fields: list[str], path: Path, number: int) -> KnownLine | None:
    if not fields or fields[0].startswith("#"):
        return None
    key = _decode_key(fields[0], fields[1]) if len(fields) > 1 else None
    if key is None or "-cert-" in key.algorithm:
        raise ValueError(f"line {number} is not a public key")
    return KnownLine(Marker.REVOKED, "*", key, path, number)


def _field(blob: bytes, index: int) -> bytes:
    """The `index`th string of a wire blob (RFC 4251 §5); raises ValueError where there is none."""
    start = 0
    for _ in range(index):
        start += 4 + int.from_bytes(blob[start : start + 4], "big")
    length = int.from_bytes(blob[start : start + 4], "big")
    if start + 4 + length > len(blob) or len(blob) < start + 4:
        raise ValueError("the key is cut short")
    return blob[start + 4 : start + 4 + length]


def matches(names: str, host: str) -> bool:
    """Whether the host field `names` speaks about `host` (lower case): patterns with `*` and `?`, `!` against, or one
    hashed name."""
    if names.startswith(_HASH_MAGIC):
        return _matches_hashed(names, host)
    found = False
    for pattern in names.lower().split(","):
        if _is_like(host, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _is_like(host: str, pattern: str) -> bool:
    if "*" in pattern or "?" in pattern:
        return _glob(pattern).fullmatch(host) is not None
    return pattern == host  # most are plain names, and compiling each would take a second for some thousand of them


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    # Runs of stars are one star: a hostile file must not make the expression slow.
    parts = re.split(r"(\*+|\?)", pattern)
    return re.compile("".join(".*" if p.startswith("*") else "." if p == "?" else re.escape(p) for p in parts), re.S)


def _matches_hashed(names: str, host: str) -> bool:
    try:
        salt, digest = (binascii.a2b_base64(part, strict_mode=True) for part in names[len(_HASH_MAGIC) :].split("|"))
    except (binascii.Error, ValueError):
        return False
    return digest == _hmac(salt, host)


def _hmac(salt: bytes, host: str) -> bytes:
    return hmac.digest(salt, host.encode("utf-8", "surrogateescape"), "sha1")


def hashed(host: str, salt: bytes) -> str:
    """`host` as HashKnownHosts writes it; `salt` is 20 random bytes."""
    return f"{_HASH_MAGIC}{base64.b64encode(salt).decode()}|{base64.b64encode(_hmac(salt, host)).decode()}"


def without(text: bytes, host: str) -> bytes:
    """The file's text without what it says exactly about `host`: its name leaves the lines that list others too.

    Lines with wildcards stay: they speak about other hosts as well. So do markers and comments.
    """
    kept = (_line_without(line, host) for line in text.split(b"\n"))
    return b"\n".join(line for line in kept if line is not None)


def _line_without(raw: bytes, host: str) -> bytes | None:
    line = raw.decode("utf-8", "surrogateescape")
    fields = line.split(None, 1)
    if len(fields) < 2 or fields[0].startswith(("#", "@")):
        return raw
    if fields[0].startswith(_HASH_MAGIC):
        return None if _matches_hashed(fields[0], host) else raw
    names = fields[0].split(",")
    rest = [name for name in names if name.lower() != host]
    if len(rest) == len(names):
        return raw
    if not any(not name.startswith("!") for name in rest):
        return None
    return f"{','.join(rest)} {fields[1]}".encode("utf-8", "surrogateescape")


# --- files: these block -------------------------------------------------------------------------------------------


def load(files: KnownHostsFiles, names: HostNames) -> KnownHosts:
    """What the files say about `names`. A file that is not there is empty; one that cannot be read is an error.

    A list of revoked keys must be there, though, as OpenSSH has it (`RevokedHostKeys` in ssh_config(5)).

    Raises HostKeyError HOST_KEY_UNREADABLE: without the file a revoked or changed key would pass for a new one.
    """

    def wanted(field: str) -> bool:
        return matches(field, names.main) or (names.bare is not None and matches(field, names.bare))

    paths = (*files.user, *files.system)
    lines = [line for path in paths for line in parse(_read(path), path, wanted)]
    lines += [line for path in files.revoked for line in _read_revoked(path)]
    bare = [line for line in lines if names.bare and matches(line.names, names.bare)]
    return KnownHosts(
        names, tuple(line for line in lines if matches(line.names, names.main)), tuple(bare), (*paths, *files.revoked)
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise HostKeyError(
            Code.HOST_KEY_UNREADABLE, evidence={"path": shorten(path), "reason": error.strerror or error}
        ) from error


def _read_revoked(path: Path) -> tuple[KnownLine, ...]:
    try:
        return parse_revoked(path.read_bytes(), path)
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise HostKeyError(
            Code.HOST_KEY_UNREADABLE,
            f"The list of revoked host keys cannot be read, so no host key can be trusted: {shorten(path)}: {told}",
            evidence={"path": shorten(path), "reason": told},
        ) from error


def shorten(path: Path, home: Callable[[], Path] = Path.home) -> str:
    """`path` with `~` for the home directory; for people."""
    try:
        return f"~/{path.relative_to(home())}"
    except (ValueError, RuntimeError):
        return str(path)


def looked_in(paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(shorten(path) for path in paths)
