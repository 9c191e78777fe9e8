"""Reading local files that are sent to a host: opened without being led astray, read in order, hashed on the way.

Blocking; call in a thread.
"""

from __future__ import annotations

import hashlib
import os
import stat

from backend.connection.connector import Attributes
from backend.dataclass import dataclass
from backend.errors import Code, FileError
from backend.files.local_tree import Hasher
from backend.files.problems import local_attributes, told
from backend.files.resume import END, Fingerprint
from backend.text import show_bytes

_CHUNK = 1 << 20
_SECTOR = 512
"""Bytes that `st_blocks` counts in (stat(2))."""
MOST_OF_UNKNOWN = 64 << 20
"""Bytes of a file that says it is empty and is not (as under /proc)."""


@dataclass(frozen=True, slots=True)
class SmallContent:
    """A whole small file, as it was at one moment."""

    data: bytes
    digest: bytes
    attributes: Attributes


class LocalSource:
    """An open local file and how far it was read. Raises FileError from every method."""

    def __init__(self, path: bytes, *, follow: bool) -> None:
        """`follow`: a symbolic link may be what is opened. Special files are refused without being waited for."""
        self.path = path
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
        with told(path):
            self._descriptor = os.open(path, flags)
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(self._descriptor)
            raise FileError(Code.NAME_INVALID, evidence={"path": show_bytes(path), "reason": "it is not a plain file"})
        self.attributes = local_attributes(found)
        self.sparse = found.st_blocks * _SECTOR < found.st_size
        """Whether it has holes, as far as the file system says."""
        self.hasher: Hasher = hashlib.sha256()
        self._offset = 0

    @property
    def size(self) -> int:
        return self.attributes.size or 0

    def fingerprint(self) -> Fingerprint:
        """What it looks like now."""
        ends = hashlib.sha256(self.read_at(0, END) + self.read_at(max(0, self.size - END), END))
        return Fingerprint(self.size, self.attributes.modified or 0.0, ends.digest())

    def read_at(self, offset: int, size: int) -> bytes:
        with told(self.path):
            return os.pread(self._descriptor, size, offset)

    def skip(self, length: int) -> bytes:
        """Read and hash from the start to `length`, to go on from there; the digest of that prefix."""
        self.hasher, self._offset = hashlib.sha256(), 0
        while self._offset < length and (data := self.read_at(self._offset, min(_CHUNK, length - self._offset))):
            self.hasher.update(data)
            self._offset += len(data)
        return self.hasher.digest()

    def blocks(self, count: int, block: int) -> list[bytes]:
        """The next blocks up to the size it had at first, hashed; empty at its end. Only the last may be short."""
        blocks: list[bytes] = []
        while len(blocks) < count and self._offset < self.size:
            data = self._full_block(min(block, self.size - self._offset))
            self._offset += len(data)
            self.hasher.update(data)
            blocks.append(data)
        return blocks

    def _full_block(self, size: int) -> bytes:
        data = self.read_at(self._offset, size)
        while len(data) < size:
            more = self.read_at(self._offset + len(data), size - len(data))
            if not more:
                raise self._has_changed()
            data += more
        return data

    def read_all(self) -> SmallContent:
        """Everything, whatever size it said it had. SOURCE_CHANGED when it changed meanwhile.

        FILE_FAILED when it said that it is empty and has more than MOST_OF_UNKNOWN.
        """
        data = self.read_at(0, self.size + 1 if self.size else _CHUNK)
        parts, offset = [data], len(data)
        while data:
            if offset > max(MOST_OF_UNKNOWN, self.size):
                raise endless(self.path) if self.size == 0 else self._has_changed()
            data = self.read_at(offset, _CHUNK)
            parts.append(data)
            offset += len(data)
        content = b"".join(parts)
        if self.size not in (len(content), 0) or self.changed():
            raise self._has_changed()
        return SmallContent(content, hashlib.sha256(content).digest(), self.attributes)

    def changed(self) -> bool:
        """Whether size or time are no longer what they were."""
        with told(self.path):
            now = local_attributes(os.fstat(self._descriptor))
        return (now.size, now.modified) != (self.attributes.size, self.attributes.modified)

    def _has_changed(self) -> FileError:
        return FileError(Code.SOURCE_CHANGED, evidence={"path": show_bytes(self.path)})

    def close(self) -> None:
        os.close(self._descriptor)


def read_small(path: bytes, *, follow: bool) -> SmallContent:
    """Open, read and close a small file."""
    source = LocalSource(path, follow=follow)
    try:
        return source.read_all()
    finally:
        source.close()


def endless(path: bytes) -> FileError:
    """A file without a size that does not end."""
    shown = show_bytes(path)
    message = f"{shown} says that it is empty, and has more than {MOST_OF_UNKNOWN >> 20} MiB: it was not copied."
    return FileError(Code.FILE_FAILED, message, evidence={"path": shown, "reason": "no end"})
