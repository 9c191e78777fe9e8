"""What the local system says about a file, as errors of our own: errno(3) to stable codes."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from backend.connection.connector import Attributes, FileKind
from backend.errors import Advice, Code, FairleadError, FileError
from backend.files.partial import is_partial
from backend.files.paths import name_of, parent_of
from backend.text import show_bytes

E = TypeVar("E", bound=FairleadError)

_NO_DIRECTORY = frozenset({Code.EXISTS, Code.NOT_DIRECTORY})
_NO_FILE = frozenset({Code.IS_DIRECTORY})
"""What is said of a place where something of another kind is."""

_CODES: dict[int, Code] = {
    errno.ENOENT: Code.NOT_FOUND,
    errno.EACCES: Code.PERMISSION,
    errno.EPERM: Code.PERMISSION,
    errno.EROFS: Code.READ_ONLY,
    errno.ENOSPC: Code.DISK_FULL,
    errno.EDQUOT: Code.QUOTA,
    errno.EFBIG: Code.QUOTA,
    errno.EEXIST: Code.EXISTS,
    errno.EISDIR: Code.IS_DIRECTORY,
    errno.ENOTDIR: Code.NOT_DIRECTORY,
    errno.ELOOP: Code.OUTSIDE_ROOT,
    errno.ENOTEMPTY: Code.NOT_EMPTY,
    errno.ENAMETOOLONG: Code.NAME_INVALID,
    errno.EILSEQ: Code.NAME_INVALID,
}

_KINDS = {stat.S_IFREG: FileKind.FILE, stat.S_IFDIR: FileKind.DIRECTORY, stat.S_IFLNK: FileKind.SYMLINK}

ENDS_ALL = frozenset({Code.DISK_FULL, Code.QUOTA, Code.READ_ONLY, Code.FILES_SILENT})
"""Failures of one file that every other file of the same transfer would meet too."""


def local_error(error: OSError, path: bytes) -> FileError:
    """`error` of an operation on the local `path`, with the code and the next step that fit."""
    reason = error.strerror or str(error)
    evidence = {"path": show_bytes(path), "parent": show_bytes(parent_of(path)), "reason": reason}
    code = _CODES.get(error.errno or 0)
    if code is None:
        return FileError(
            Code.FILE_FAILED,
            f"{show_bytes(path)}: {reason}.",
            evidence=evidence,
            advice=_advice(Code.FILE_FAILED, path),
        )
    if code is Code.OUTSIDE_ROOT:
        return link_in_the_way(path, reason)
    return FileError(code, evidence=evidence, advice=_advice(code, path))


def of_final(error: E, path: bytes) -> E:
    """`error`, told of `path` where it was met under the name that the file had while it grew."""
    met = error.evidence.get("path", "").encode("utf-8", "surrogateescape")
    if isinstance(error, FileError) and is_partial(name_of(met)):
        error.about(show_bytes(path))
    return error


def of_other_kind(error: E, kind: FileKind, path: Callable[[], bytes]) -> E | FileError:
    """`error`, told as what it is where something of another kind has the place `path` of a file or directory."""
    if error.code not in (_NO_DIRECTORY if kind is FileKind.DIRECTORY else _NO_FILE):
        return error
    shown = show_bytes(path())
    if error.evidence.get("path") != shown:
        return error
    if kind is FileKind.DIRECTORY:
        code, told = Code.NOT_DIRECTORY, f"{shown} is no directory, and a directory is to be there."
    else:
        code, told = error.code, f"{shown} is a directory, and a file is to be there."
    advice = (Advice("Rename or remove it, or name another destination; then give the same command again."),)
    return FileError(code, told, evidence=error.evidence, host=error.host, advice=advice)


def link_in_the_way(path: bytes, reason: str = "it is a symbolic link") -> FileError:
    """OUTSIDE_ROOT: what is written to `path` would land where the link leads."""
    message = f"A symbolic link is in the way of {show_bytes(path)}; it was not followed and nothing was written."
    evidence = {"path": show_bytes(path), "parent": show_bytes(parent_of(path)), "reason": reason}
    evidence["root"] = "the destination"
    return FileError(Code.OUTSIDE_ROOT, message, evidence=evidence, advice=_advice(Code.OUTSIDE_ROOT, path))


def _advice(code: Code, path: bytes) -> tuple[Advice, ...] | None:
    # The catalogue's advice names a host; these are the same steps on this machine.
    parent = show_bytes(parent_of(path))
    if code is Code.NOT_FOUND:
        return (Advice("See what is there.", f"ls -la {parent}"),)
    if code in (Code.PERMISSION, Code.FILE_FAILED):
        return (
            Advice("See owner, mode and free space.", f"ls -la {parent}; df -h {parent}"),
            Advice("Use a directory that belongs to you."),
        )
    if code is Code.READ_ONLY:
        return (Advice("See what is mounted, and how.", f"findmnt -T {parent}"),)
    if code is Code.OUTSIDE_ROOT:
        return (Advice("Remove the link, or name the directory it points to as the destination."),)
    return None


@contextmanager
def told(path: bytes) -> Iterator[None]:
    """Turns an OSError inside into the FileError for `path`."""
    try:
        yield
    except OSError as error:
        raise local_error(error, path) from error
    except ValueError as error:  # a NUL inside a name
        raise FileError(Code.NAME_INVALID, evidence={"path": show_bytes(path), "reason": str(error)}) from error


def local_attributes(found: os.stat_result) -> Attributes:
    """What stat(2) told, in the terms of the seam."""
    return Attributes(
        kind=_KINDS.get(stat.S_IFMT(found.st_mode), FileKind.SPECIAL),
        size=found.st_size,
        mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        modified=found.st_mtime,
    )
