"""SFTP version 3 on the wire (draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL for the extensions). Pure.

Paths and names are bytes and stay bytes. Whatever a server sends either parses or raises BadPacket.
"""

from __future__ import annotations

import re
import stat
import struct
from collections.abc import Sequence
from enum import IntEnum, IntFlag

from backend.connection.connector import Attributes, Entry, FileKind, Space
from backend.dataclass import dataclass
from backend.text import show_bytes

VERSION = 3
MOST_PACKET_BYTES = 4 << 20
"""Longest packet that is taken from a server."""


class Type(IntEnum):
    """Packet types (§3)."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    """Status codes (§7), and those of later drafts that some servers send in version 3 too."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    OP_UNSUPPORTED = 8
    NO_SUCH_PATH = 10
    FILE_ALREADY_EXISTS = 11
    WRITE_PROTECT = 12
    NO_SPACE_ON_FILESYSTEM = 14
    QUOTA_EXCEEDED = 15
    DIR_NOT_EMPTY = 18
    NOT_A_DIRECTORY = 19
    INVALID_FILENAME = 20
    FILE_IS_A_DIRECTORY = 24


class OpenFlag(IntFlag):
    """How a file is opened (§6.3)."""

    READ = 0x01
    WRITE = 0x02
    APPEND = 0x04
    CREATE = 0x08
    TRUNCATE = 0x10
    EXCLUSIVE = 0x20


_SIZE, _UIDGID, _PERMISSIONS, _ACMODTIME, _EXTENDED = 0x01, 0x02, 0x04, 0x08, 0x80000000
_KINDS = {stat.S_IFREG: FileKind.FILE, stat.S_IFDIR: FileKind.DIRECTORY, stat.S_IFLNK: FileKind.SYMLINK}
_LONG_NAME = re.compile(rb"^\S+\s+\d+\s+(\S+)\s+(\S+)\s")
"""`-rw-r--r--   1 owner group …`: what version 3 has in place of names (§7, recommended form)."""
_LONG_KINDS = {
    b"-": FileKind.FILE,
    b"d": FileKind.DIRECTORY,
    b"l": FileKind.SYMLINK,
    **dict.fromkeys((b"b", b"c", b"p", b"s"), FileKind.SPECIAL),
}
"""By the first letter of a long name, for servers that send no permissions."""


class BadPacket(ValueError):
    """The server broke the protocol."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The type and body (after the request id) of a response."""

    kind: int
    body: bytes


@dataclass(frozen=True, slots=True)
class StatusReply:
    """A parsed STATUS."""

    code: int
    words: str
    """The server's own, cleaned; may be empty."""


class Reader:
    """Takes fields off the front of a packet."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def uint32(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def uint64(self) -> int:
        return int.from_bytes(self._take(8), "big")

    def string(self) -> bytes:
        return self._take(self.uint32())

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._raw)

    def _take(self, count: int) -> bytes:
        taken = self._raw[self._at : self._at + count]
        if len(taken) != count:
            raise BadPacket("a packet is cut short")
        self._at += count
        return taken


def uint32(value: int) -> bytes:
    return struct.pack(">I", value)


def uint64(value: int) -> bytes:
    return struct.pack(">Q", value)


def string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def packet(kind: int, *fields: bytes) -> bytes:
    """A whole packet, its length first."""
    size = 1 + sum(len(field) for field in fields)
    return b"".join((struct.pack(">IB", size, kind), *fields))


def init() -> bytes:
    return packet(Type.INIT, uint32(VERSION))


def parse_version(body: bytes) -> tuple[int, dict[bytes, bytes]]:
    """Version and extensions of a VERSION packet."""
    reader = Reader(body)
    version, extensions = reader.uint32(), {}
    while not reader.at_end:
        name = reader.string()
        extensions[name] = reader.string()
    return version, extensions


def parse_status(body: bytes) -> StatusReply:
    """A STATUS; old servers leave the words out."""
    reader = Reader(body)
    code = reader.uint32()
    return StatusReply(code, "" if reader.at_end else show_bytes(reader.string()))


def attributes(
    *,
    size: int | None = None,
    owner: tuple[int, int] | None = None,
    mode: int | None = None,
    times: tuple[int, int] | None = None,
) -> bytes:
    """ATTRS to send (§5): only what is given. `owner` is user and group; `times` are access and modification in seconds
    since 1970."""
    flags, fields = 0, b""
    if size is not None:
        flags, fields = flags | _SIZE, fields + uint64(size)
    if owner is not None:
        flags, fields = flags | _UIDGID, fields + uint32(owner[0]) + uint32(owner[1])
    if mode is not None:
        flags, fields = flags | _PERMISSIONS, fields + uint32(mode)
    if times is not None:
        flags, fields = flags | _ACMODTIME, fields + uint32(times[0]) + uint32(times[1])
    return uint32(flags) + fields


def parse_attributes(reader: Reader, long_name: bytes = b"") -> Attributes:
    """ATTRS as they came; the owner's name from the long name where that has the usual form."""
    flags = reader.uint32()
    size = _size(reader.uint64()) if flags & _SIZE else None
    uid, gid = (reader.uint32(), reader.uint32()) if flags & _UIDGID else (None, None)
    mode = reader.uint32() if flags & _PERMISSIONS else None
    modified = (reader.uint32(), reader.uint32())[1] if flags & _ACMODTIME else None
    if flags & _EXTENDED:
        for _ in range(reader.uint32()):
            reader.string(), reader.string()
    names = _LONG_NAME.match(long_name)
    return Attributes(
        kind=_kind(mode, long_name),
        size=size,
        mode=stat.S_IMODE(mode) if mode is not None else None,
        uid=uid,
        gid=gid,
        modified=float(modified) if modified is not None else None,
        owner=show_bytes(names[1]) if names else "",
        group=show_bytes(names[2]) if names else "",
    )


def _size(told: int) -> int | None:
    """A size as files have them (off_t); what is larger, as -1 of a careless or hostile server, is none."""
    return told if told < 1 << 63 else None


def _kind(mode: int | None, long_name: bytes) -> FileKind:
    if mode is None or not stat.S_IFMT(mode):
        return _LONG_KINDS.get(long_name[:1], FileKind.UNKNOWN) if _LONG_NAME.match(long_name) else FileKind.UNKNOWN
    return _KINDS.get(stat.S_IFMT(mode), FileKind.SPECIAL)


def parse_names(body: bytes) -> Sequence[Entry]:
    """The entries of a NAME packet, `.` and `..` included."""
    reader = Reader(body)
    entries = []
    for _ in range(reader.uint32()):
        name, long_name = reader.string(), reader.string()
        entries.append(Entry(name, parse_attributes(reader, long_name)))
    return entries


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The answer to `limits@openssh.com`; 0 where the server has none."""

    packet: int
    read: int
    write: int
    handles: int


def parse_limits(body: bytes) -> ServerLimits:
    reader = Reader(body)
    return ServerLimits(reader.uint64(), reader.uint64(), reader.uint64(), reader.uint64())


def parse_account_names(
    body: bytes, users: Sequence[int], groups: Sequence[int]
) -> tuple[dict[int, str], dict[int, str]]:
    """The answer to `users-groups-by-id@openssh.com`: names in the order of the numbers, empty where there is none."""
    reader = Reader(body)
    return _named(users, Reader(reader.string())), _named(groups, Reader(reader.string()))


def _named(numbers: Sequence[int], names: Reader) -> dict[int, str]:
    found = {number: show_bytes(names.string()) for number in numbers if not names.at_end}
    return {number: name for number, name in found.items() if name}


def parse_space(body: bytes) -> tuple[Space, bool]:
    """The answer to `statvfs@openssh.com`: room for ordinary users, and whether the file system is read-only."""
    reader = Reader(body)
    reader.uint64()
    block = reader.uint64()
    blocks, _, available = reader.uint64(), reader.uint64(), reader.uint64()
    files, _, files_available = reader.uint64(), reader.uint64(), reader.uint64()
    reader.uint64()
    read_only = bool(reader.uint64() & 1)
    # File systems without a table of inodes (btrfs) say that they have none.
    return Space(total=blocks * block, free=available * block, files_free=files_available if files else None), read_only


class Greeting:
    """The server's first packet, VERSION (§4), or what a shell printed in its place."""

    _MOST_BYTES = 34000
    """A VERSION packet longer than this is none (as OpenSSH's own client has it)."""

    def __init__(self) -> None:
        self.seen = b""

    def feed(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Once it is whole: the packet's body, and the bytes after it."""
        self.seen += data
        end = 4 + int.from_bytes(self.seen[:4], "big")
        if self.noisy or len(self.seen) < 9 or len(self.seen) < end:
            return None
        return self.seen[5:end], self.seen[end:]

    @property
    def noisy(self) -> bool:
        """Whether this cannot become a VERSION packet: something printed text into the channel."""
        size = int.from_bytes(self.seen[:4], "big")
        return len(self.seen) >= 5 and (not 5 <= size <= self._MOST_BYTES or self.seen[4] != Type.VERSION)

    @property
    def noise(self) -> bytes:
        """What was printed before the server's packet, if that came at all."""
        found = re.search(rb"\x00\x00..\x02\x00\x00\x00[\x03-\x06]", self.seen, re.DOTALL)
        return self.seen[: found.start()] if found else self.seen

    @property
    def answered(self) -> bool:
        """Whether the server's packet follows the noise: SFTP itself would work."""
        return self.noisy and len(self.noise) < len(self.seen)


class Framer:
    """Cuts the byte stream into packets, without copying a large one more than once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._have = 0
        self._want = 4

    def feed(self, data: bytes) -> list[bytes]:
        """The packets (type first, without the length) that `data` completes. Raises BadPacket."""
        self._parts.append(data)
        self._have += len(data)
        if self._have < self._want:
            return []
        raw = b"".join(self._parts)
        packets, at = self._cut(raw)
        self._parts = [raw[at:]] if at < len(raw) else []
        self._have = len(raw) - at
        return packets

    def _cut(self, raw: bytes) -> tuple[list[bytes], int]:
        packets: list[bytes] = []
        at = 0
        while True:
            self._want = 4
            if len(raw) - at < self._want:
                return packets, at
            size = int.from_bytes(raw[at : at + 4], "big")
            if not 1 <= size <= MOST_PACKET_BYTES:
                raise BadPacket(f"a packet of {size} bytes")
            self._want += size
            if len(raw) - at < self._want:
                return packets, at
            packets.append(raw[at + 4 : at + self._want])
            at += self._want
