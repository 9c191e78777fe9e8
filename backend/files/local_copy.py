"""A second copy of a file of this machine, by the kernel where it can. Blocks; for threads."""

from __future__ import annotations

import errno
import os
import secrets
import threading
from contextlib import suppress

from backend.errors import Code, FileError
from backend.files.partial import partial_name
from backend.files.paths import join_inside, name_of, parent_of
from backend.text import show_bytes

_PIECE = 8 << 20
"""Bytes between two looks at whether to stop."""
_NOT_BY_KERNEL = frozenset({errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM})


def copy_local(old: bytes, new: bytes, stop: threading.Event) -> int:
    """Content, mode and times of `old` as `new`, which gets its name when it is complete; its bytes.

    Stopped, nothing is left. Raises OSError, or FileError EXISTS when `new` is there.
    """
    if os.path.lexists(new):
        raise FileError(Code.EXISTS, evidence={"path": show_bytes(new)})
    growing = join_inside(parent_of(new), partial_name(name_of(new), secrets.token_bytes(8)))
    source = os.open(old, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        found = os.fstat(source)
        target = os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            copied = _pour(source, target, stop)
            os.fchmod(target, found.st_mode & 0o7777)
        finally:
            os.close(target)
        os.utime(growing, ns=(found.st_atime_ns, found.st_mtime_ns))
        if not stop.is_set():
            _take_name(growing, new)
        return copied
    finally:
        os.close(source)
        with suppress(OSError):
            os.unlink(growing)


def _take_name(growing: bytes, new: bytes) -> None:
    """As rename(2), but for the file that may have come there meanwhile: that is not replaced."""
    try:
        os.link(growing, new)
    except OSError as error:
        if error.errno not in _NOT_BY_KERNEL or os.path.lexists(new):
            raise
        os.rename(growing, new)  # a file system without hard links


def _pour(source: int, target: int, stop: threading.Event) -> int:
    copied, by_kernel = 0, hasattr(os, "copy_file_range")
    while not stop.is_set():
        try:
            size = os.copy_file_range(source, target, _PIECE) if by_kernel else _piece(source, target)
        except OSError as error:
            if by_kernel and not copied and error.errno in _NOT_BY_KERNEL:
                by_kernel = False
                continue
            raise
        if by_kernel and not size and not copied:
            by_kernel = False  # files of /proc say that they are empty
            continue
        if not size:
            break
        copied += size
    return copied


def _piece(source: int, target: int) -> int:
    data = os.read(source, _PIECE)
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
    return len(data)
