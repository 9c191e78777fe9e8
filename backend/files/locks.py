"""One writer for each destination: locks that several processes see and that end with the process that holds them.

All locks are single bytes of one file (fcntl(2) record locks), at an offset made from the destination: nothing has to
be cleaned up after a crash. Where the system has no such locks, only this process's own transfers are kept apart.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.errors import Code, FileError
from backend.store import make_private
from backend.text import show_bytes

if sys.platform != "win32":
    import fcntl


_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""What fcntl(2) and flock(2) say where the file system has no locks (as NFS without its lock service)."""


@contextmanager
def _where_there_are_locks() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def lock_file(descriptor: int) -> bool:
    """Make an open file ours alone, whoever else opens it, here or in another process (flock(2)).

    False when it is another's. True as well where the system has no such locks.
    """
    if sys.platform != "win32":
        try:
            with _where_there_are_locks():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def unlock_file(descriptor: int) -> None:
    """Let go of it, though copies of the descriptor stay open."""
    if sys.platform != "win32":
        with _where_there_are_locks():
            fcntl.flock(descriptor, fcntl.LOCK_UN)


class DestinationLocks:
    """Who writes where. Record locks belong to the process, so there is one of these for a state directory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._held: set[int] = set()

    @contextmanager
    def holding(self, key: bytes, shown: bytes) -> Iterator[None]:
        """Keep others from writing to the destination `key`. Raises FileError IN_USE, naming it as `shown`."""
        offset = int.from_bytes(hashlib.sha256(key).digest()[:7], "big")
        if offset in self._held or not self._try(offset):
            raise FileError(Code.IN_USE, evidence={"path": show_bytes(shown)})
        self._held.add(offset)
        try:
            yield
        finally:
            self._held.discard(offset)
            self._release(offset)

    def _try(self, offset: int) -> bool:
        if sys.platform == "win32":
            return True
        try:
            with _where_there_are_locks():
                fcntl.lockf(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _release(self, offset: int) -> None:
        if sys.platform != "win32" and self._descriptor is not None:
            with _where_there_are_locks():
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, offset)

    def _open(self) -> int:
        if self._descriptor is None:
            make_private(self._path)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        return self._descriptor

    def close(self) -> None:
        """Every lock ends."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
