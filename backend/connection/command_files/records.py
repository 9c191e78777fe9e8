"""What a host's commands tell about files, taken apart. Pure.

Names are bytes and may hold newlines, so each record begins with a mark that no name can hold: it was made up for this
channel.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from enum import Enum

from backend.connection.connector import Attributes, Entry, FileKind, Space
from backend.dataclass import dataclass
from backend.text import clean_line


class Look(Enum):
    """How a host tells about a file."""

    GNU = "gnu"
    """`stat -c`, of GNU and busybox."""
    BSD = "bsd"
    """`stat -f`, of the BSDs and macOS."""
    LS = "ls"
    """`ls -ldn` and `date -r`: small busybox systems have no stat."""


_EARLIEST, _LATEST = -9_999_999_999, 99_999_999_999
_LONGEST = 1 << 16
"""Bytes of one record; names are far shorter, and what is longer is kept no further and so is none."""
_KINDS = {stat.S_IFREG: FileKind.FILE, stat.S_IFDIR: FileKind.DIRECTORY, stat.S_IFLNK: FileKind.SYMLINK}
_LETTERS = {b"-": FileKind.FILE, b"d": FileKind.DIRECTORY, b"l": FileKind.SYMLINK}
_STAT = re.compile(
    rb"(?P<mode>[0-9a-f]{1,8}) (?P<size>\d{1,18}) (?P<modified>-?\d{1,18}) (?P<uid>\d{1,10}) (?P<gid>\d{1,10}) "
    rb"(?P<owner>[^\n/]*)/(?P<group>[^\n/]*)/(?P<name>.*)\n",
    re.DOTALL | re.IGNORECASE,
)
_LS = re.compile(
    rb"(?P<letter>.)(?P<bits>[-rwxsStT]{9})\S*\s+\d+\s+(?P<uid>\d{1,10})\s+(?P<gid>\d{1,10})\s+"
    rb"(?P<size>\d{1,18})(?P<device>,)?.*?"
    rb"\n/(?P<modified>\d{0,18})\n/(?P<name>.*)\n",
    re.DOTALL,
)


@dataclass(slots=True)
class Records:
    """Cuts output into entries as it arrives."""

    look: Look
    mark: bytes
    _rest: bytes = b""

    def feed(self, data: bytes, *, end: bool = False) -> Iterator[Entry]:
        """The entries that are complete by now; the last is only at the `end`."""
        *whole, rest = (self._rest + data).split(self.mark)
        self._rest = rest[:_LONGEST]
        for record in [*whole, self._rest] if end else whole:
            if (entry := parse_record(self.look, record)) is not None:
                yield entry


def parse_record(look: Look, record: bytes) -> Entry | None:
    """One entry, its name as it was asked for; None for what is no record."""
    found = (_LS if look is Look.LS else _STAT).fullmatch(record)
    if found is None:
        return None
    return Entry(found["name"], _of_ls(found) if look is Look.LS else _of_stat(found))


def _of_stat(found: re.Match[bytes]) -> Attributes:
    mode = int(found["mode"], 16)
    return Attributes(
        _KINDS.get(stat.S_IFMT(mode), FileKind.SPECIAL),
        size=int(found["size"]),
        mode=stat.S_IMODE(mode),
        uid=int(found["uid"]),
        gid=int(found["gid"]),
        modified=_moment(found["modified"]),
        owner=clean_line(found["owner"].decode("utf-8", "replace")),
        group=clean_line(found["group"].decode("utf-8", "replace")),
    )


def _of_ls(found: re.Match[bytes]) -> Attributes:
    return Attributes(
        _LETTERS.get(found["letter"], FileKind.SPECIAL),
        size=None if found["device"] else int(found["size"]),
        mode=_mode(found["bits"]),
        uid=int(found["uid"]),
        gid=int(found["gid"]),
        modified=_moment(found["modified"]) if found["modified"] else None,
        owner=found["uid"].decode("ascii"),
        group=found["gid"].decode("ascii"),
    )


def _moment(digits: bytes) -> float:
    """Seconds since 1970, as far from it as calendars go."""
    return float(min(max(int(digits), _EARLIEST), _LATEST))


def _mode(bits: bytes) -> int:
    """`rwxr-sr-t` as a number (POSIX ls, "Long format")."""
    mode = 0
    for place, letter in enumerate(bits.decode("ascii")):
        if letter not in "-ST":
            mode |= 0o400 >> place
        if letter in "sStT":
            mode |= (stat.S_ISUID, stat.S_ISGID, stat.S_ISVTX)[place // 3]
    return mode


def parse_space(output: bytes) -> Space | None:
    """From `df -kP` (POSIX): total, used and available blocks of 1024 bytes before the share in percent."""
    found = re.search(rb"\s(\d+)\s+(\d+)\s+(-?\d+)\s+\d+%\s", output)
    return None if found is None else Space(int(found[1]) << 10, max(0, int(found[3])) << 10)
