"""Writing into a local directory so that nothing ever lands outside it, whatever names and links a server sends.

Every name is checked, every directory below the anchor is opened relative to its parent without following links
(openat(2), O_NOFOLLOW), and files are made and renamed relative to that directory. Blocking; call in a thread.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Protocol, TypeVar

from backend.connection.connector import Attributes, FileKind
from backend.dataclass import dataclass
from backend.errors import Code, FileError
from backend.files.case_clash import probe_names
from backend.files.locks import lock_file, unlock_file
from backend.files.partial import partial_name
from backend.files.paths import check_component, join_inside
from backend.files.problems import local_attributes, local_error, told
from backend.text import show_bytes

Parts = tuple[bytes, ...]
"""Names below an anchor."""

PERMISSIONS = 0o777
"""Bits that are carried over: a set-id bit of another machine means something else here (as sftp(1) does)."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_GROWING = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_OPEN_DIRECTORIES = 32
_CHUNK = 1 << 20
_LEAST_HOLE = 4096
"""Bytes of zeros that are left out as a hole, at least."""


class Hasher(Protocol):
    """A running digest (`hashlib`)."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """A small file that lies whole under its partial name."""

    parts: Parts
    salt: bytes = b""


@dataclass(frozen=True, slots=True)
class Whole:
    """A small file to be stored."""

    parts: Parts
    content: bytes
    mode: int | None
    """None for a usual one."""
    modified: float | None
    salt: bytes = b""


S = TypeVar("S", Stored, Whole)


class LocalTree:
    """A destination directory on this machine."""

    def __init__(self, anchor: bytes) -> None:
        """`anchor` is a directory that the person named; links on the way to it are theirs and are followed."""
        self.anchor = anchor
        self._open: OrderedDict[Parts, int] = OrderedDict()
        self._lock = threading.Lock()

    def path(self, parts: Parts) -> bytes:
        """The whole path, for messages. Raises FileError for a name that would leave the anchor."""
        return join_inside(self.anchor, *parts)

    def directory(self, parts: Parts) -> int:
        """A descriptor of the directory `parts`, for the caller to close. OUTSIDE_ROOT when a link is in the way."""
        with self._lock, told(self.path(parts)):
            return os.dup(self._known(parts))

    def _known(self, parts: Parts) -> int:
        if parts in self._open:
            self._open.move_to_end(parts)
            return self._open[parts]
        if not parts:
            descriptor = os.open(self.anchor, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        else:
            check_component(parts[-1])
            descriptor = _open_directory(parts[-1], self._known(parts[:-1]))
        self._open[parts] = descriptor
        while len(self._open) > max(_OPEN_DIRECTORIES, len(parts) + 1):
            os.close(self._open.popitem(last=False)[1])
        return descriptor

    def inspect(self, parts: Parts) -> Attributes | None:
        """What is at `parts`, itself if it is a link; None when nothing is."""
        holder = self.directory(parts[:-1])
        try:
            with told(self.path(parts)):
                return local_attributes(os.stat(parts[-1], dir_fd=holder, follow_symlinks=False))
        except FileError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise
        finally:
            os.close(holder)

    def folds_names(self, parts: Parts) -> bool:
        """Whether the directory `parts` takes names for one that differ in upper and lower case only."""
        name, other = probe_names(secrets.token_bytes(8))
        holder = self.directory(parts)
        try:
            with told(self.path(parts)):
                os.close(os.open(name, _GROWING | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=holder))
                try:
                    return os.access(other, os.F_OK, dir_fd=holder)
                finally:
                    os.unlink(name, dir_fd=holder)
        finally:
            os.close(holder)

    def make_directory(self, parts: Parts, mode: int | None) -> bool:
        """A directory that we may write in; whether it was made now. NOT_DIRECTORY when something else is there.

        `mode` is what it will have in the end; None for what the umask gives.
        """
        check_component(parts[-1])
        holder = self.directory(parts[:-1])
        try:
            with told(self.path(parts)):
                return _make_directory(parts[-1], holder, growing_mode(mode))
        finally:
            os.close(holder)

    def finish_directory(self, parts: Parts, mode: int | None, modified: float | None) -> None:
        """Give a directory its mode and time, when everything is in it."""
        descriptor = self.directory(parts)
        try:
            with told(self.path(parts)):
                _dress(descriptor, mode, modified)
        finally:
            os.close(descriptor)

    def dress(self, parts: Parts, mode: int | None, modified: float | None) -> None:
        """Give a file or directory its mode and time. OUTSIDE_ROOT when it is a link."""
        if not parts:
            self.finish_directory(parts, mode, modified)
            return
        holder = self.directory(parts[:-1])
        try:
            with told(self.path(parts)):
                _dress_named(parts[-1], holder, mode, modified)
        finally:
            os.close(holder)

    def forget(self, parts: Parts) -> None:
        """The directory `parts` goes: its descriptor is not kept any longer."""
        with self._lock:
            if parts in self._open:
                os.close(self._open.pop(parts))

    def link(self, parts: Parts, points_to: bytes, salt: bytes = b"") -> None:
        """A symbolic link, put in place in one step over a file or link that is there."""
        check_component(parts[-1])
        holder = self.directory(parts[:-1])
        growing = partial_name(parts[-1], salt)
        try:
            with told(self.path(parts)):
                _refuse_directory(parts[-1], holder, self.path(parts))
                with suppress(FileNotFoundError):
                    os.unlink(growing, dir_fd=holder)
                os.symlink(points_to, growing, dir_fd=holder)
                os.replace(growing, parts[-1], src_dir_fd=holder, dst_dir_fd=holder)
        finally:
            os.close(holder)

    def open_partial(self, parts: Parts, salt: bytes = b"") -> LocalPartial:
        """The unfinished file for `parts`, made if absent, ours alone until it is closed (see `partial_name`).

        IN_USE when another writer has it, IS_DIRECTORY when a directory has the final name.
        """
        check_component(parts[-1])
        holder = self.directory(parts[:-1])
        try:
            with told(self.path(parts)):
                _refuse_directory(parts[-1], holder, self.path(parts))
                return LocalPartial(holder, parts[-1], self.path(parts), salt)
        except BaseException:
            os.close(holder)
            raise

    def store(self, files: Sequence[Whole]) -> list[FileError | None]:
        """Whole small files under their partial names, complete with mode and time; what was there before is gone.

        For each of them what kept it from being stored.
        """
        return self._each(files, self._store)

    def name(self, files: Sequence[Stored]) -> list[FileError | None]:
        """Give what was stored its final name; for each of them what kept it from having it."""
        return self._each(files, _name)

    def _each(self, files: Sequence[S], work: Callable[[int, S], None]) -> list[FileError | None]:
        outcomes: list[FileError | None] = []
        for parts, group in groupby(files, lambda file: file.parts[:-1]):
            some = list(group)
            try:
                holder = self.directory(parts)
            except FileError as error:
                outcomes += [error] * len(some)
                continue
            try:
                outcomes += [self._tried(holder, file, work) for file in some]
            finally:
                os.close(holder)
        return outcomes

    def _tried(self, holder: int, file: S, work: Callable[[int, S], None]) -> FileError | None:
        try:
            work(holder, file)
        except FileError as error:
            return error
        except OSError as error:
            return local_error(error, self.path(file.parts))
        return None

    def _store(self, holder: int, file: Whole) -> None:
        check_component(file.parts[-1])
        growing = partial_name(file.parts[-1], file.salt)
        try:
            descriptor = os.open(growing, _GROWING | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=holder)
        except FileExistsError:
            self._store_again(file)
            return
        try:
            view = memoryview(file.content)
            while view:
                view = view[os.write(descriptor, view) :]
            _dress(descriptor, 0o644 if file.mode is None else file.mode, file.modified)
        except BaseException:
            with suppress(OSError):
                os.unlink(growing, dir_fd=holder)
            raise
        finally:
            os.close(descriptor)

    def _store_again(self, file: Whole) -> None:
        """Where an earlier attempt has left something, or somebody else has put it."""
        partial = self.open_partial(file.parts, file.salt)
        try:
            partial.keep(0)
            partial.append([file.content])
            partial.dress(file.mode, file.modified)
        except BaseException:
            partial.discard()
            raise
        partial.close()

    def drop_stored(self, parts: Parts, salt: bytes = b"") -> None:
        """Remove what was stored."""
        holder = self.directory(parts[:-1])
        try:
            with told(self.path(parts)), suppress(FileNotFoundError):
                os.unlink(partial_name(parts[-1], salt), dir_fd=holder)
        finally:
            os.close(holder)

    def close(self) -> None:
        with self._lock:
            while self._open:
                os.close(self._open.popitem()[1])


class LocalPartial:
    """A file that grows under its partial name, from its start, without gaps: its size is the high-water mark."""

    def __init__(self, holder: int, name: bytes, path: bytes, salt: bytes = b"") -> None:
        """`holder`: a descriptor of the directory, which this closes. Raises OSError, FileError (EXISTS, IN_USE)."""
        self._holder = holder
        self._name = name
        self._partial = partial_name(name, salt)
        self._path = path
        self._lock = threading.Lock()
        descriptor = _open_ours(self._partial, holder)
        self._descriptor: int | None = descriptor
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise FileError(Code.EXISTS, evidence={"path": show_bytes(path)})
            if not lock_file(descriptor):
                raise self._in_use()
            self._check_name()  # another writer may have given it its final name before we had the lock
        except BaseException:
            os.close(descriptor)
            raise
        self.size = os.fstat(descriptor).st_size

    def digest_prefix(self, length: int) -> Hasher:
        """The running SHA-256 of the first `length` bytes."""
        hasher = hashlib.sha256()
        offset = 0
        while offset < length and (data := self.read(offset, min(_CHUNK, length - offset))):
            hasher.update(data)
            offset += len(data)
        return hasher

    def read(self, offset: int, size: int) -> bytes:
        with self._lock, told(self._path):
            return os.pread(self._live(), size, offset)

    def keep(self, length: int) -> None:
        """Only the first `length` bytes stay."""
        with self._lock, told(self._path):
            if self.size != length:
                os.ftruncate(self._live(), length)
            self.size = length

    def append(self, chunks: Sequence[bytes], hasher: Hasher | None = None) -> None:
        """Write at the end, and digest what was written; zeros stay a hole. Raises FileError; what fitted stays."""
        with self._lock, told(self._path):
            for chunk in chunks:
                self._write(chunk)
                if hasher is not None:
                    hasher.update(chunk)

    def _write(self, chunk: bytes) -> None:
        if len(chunk) >= _LEAST_HOLE and is_zeros(chunk):
            os.ftruncate(self._live(), self.size + len(chunk))
            self.size += len(chunk)
            return
        view = memoryview(chunk)
        while view:
            written = os.pwrite(self._live(), view, self.size)
            self.size += written
            view = view[written:]

    def sync(self) -> None:
        """Bring it to the disk; others may write meanwhile."""
        with self._lock:
            descriptor = os.dup(self._live())
        try:
            with told(self._path):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def dress(self, mode: int | None, modified: float | None) -> None:
        """Give it the mode and time it is to have."""
        with self._lock, told(self._path):
            _dress(self._live(), mode if mode is not None else 0o644, modified)

    def commit(self) -> None:
        """Put it on the disk, then under its final name, in one step."""
        with self._lock, told(self._path):
            os.fsync(self._live())
            self._check_name()
            os.replace(self._partial, self._name, src_dir_fd=self._holder, dst_dir_fd=self._holder)
        self.close()

    def discard(self) -> None:
        """Remove it."""
        with suppress(OSError):
            os.unlink(self._partial, dir_fd=self._holder)
        self.close()

    def close(self) -> None:
        """Leave it for the next time; harmless when repeated."""
        with self._lock:
            if self._descriptor is not None:
                unlock_file(self._descriptor)  # a copy of the descriptor may still be on its way to the disk
                os.close(self._descriptor)
                os.close(self._holder)
                self._descriptor = None

    def _check_name(self) -> None:
        """Raise FileError IN_USE unless the partial name still means the file that is open."""
        ours = os.fstat(self._live())
        with suppress(FileNotFoundError):
            named = os.stat(self._partial, dir_fd=self._holder, follow_symlinks=False)
            if (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino):
                return
        raise self._in_use()

    def _in_use(self) -> FileError:
        return FileError(Code.IN_USE, evidence={"path": show_bytes(self._path)})

    def _live(self) -> int:
        assert self._descriptor is not None
        return self._descriptor


def _open_ours(name: bytes, holder: int) -> int:
    """A file to grow: made, or left by an earlier attempt of ours. What another user has put there is removed."""
    try:
        return os.open(name, _GROWING | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=holder)
    except FileExistsError:
        if os.stat(name, dir_fd=holder, follow_symlinks=False).st_uid != os.geteuid():
            os.unlink(name, dir_fd=holder)
            return os.open(name, _GROWING | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=holder)
    descriptor = os.open(name, _GROWING, dir_fd=holder)
    if os.fstat(descriptor).st_uid != os.geteuid():  # put there since
        os.close(descriptor)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    return descriptor


def _open_directory(name: bytes, holder: int) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=holder)
    except NotADirectoryError:
        # Linux says ENOTDIR for a link when O_DIRECTORY and O_NOFOLLOW meet; say which of the two it is.
        if stat.S_ISLNK(os.stat(name, dir_fd=holder, follow_symlinks=False).st_mode):
            os.close(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=holder))
        raise


def growing_mode(mode: int | None) -> int:
    """The mode of a directory while things are put into it: its own, and ours to write in."""
    return 0o777 if mode is None else mode & PERMISSIONS | 0o700


def _make_directory(name: bytes, holder: int, mode: int) -> bool:
    try:
        os.mkdir(name, mode, dir_fd=holder)
    except FileExistsError:
        descriptor = _open_directory(name, holder)
        try:
            found = os.fstat(descriptor)
            if found.st_mode & 0o700 != 0o700 and found.st_uid == os.geteuid():
                os.fchmod(descriptor, stat.S_IMODE(found.st_mode) | 0o700)
        finally:
            os.close(descriptor)
        return False
    return True


def _refuse_directory(name: bytes, holder: int, path: bytes) -> None:
    with suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=holder, follow_symlinks=False)
        if local_attributes(found).kind is FileKind.DIRECTORY:
            raise FileError(Code.IS_DIRECTORY, evidence={"path": show_bytes(path)})


def _name(holder: int, file: Stored) -> None:
    growing = partial_name(file.parts[-1], file.salt)
    os.replace(growing, file.parts[-1], src_dir_fd=holder, dst_dir_fd=holder)


def _dress_named(name: bytes, holder: int, mode: int | None, modified: float | None) -> None:
    found = os.stat(name, dir_fd=holder, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=holder)
    except PermissionError:  # its owner may dress a file that nobody may read, by its name only
        if modified is not None:
            os.utime(name, (modified, modified), dir_fd=holder, follow_symlinks=False)
        if mode is not None:
            os.chmod(name, mode & PERMISSIONS, dir_fd=holder)
        return
    try:
        _dress(descriptor, mode, modified)
    finally:
        os.close(descriptor)


def _dress(descriptor: int, mode: int | None, modified: float | None) -> None:
    if modified is not None:
        os.utime(descriptor, (modified, modified))
    if mode is not None:
        os.fchmod(descriptor, mode & PERMISSIONS)


def is_zeros(data: bytes) -> bool:
    """Whether there is nothing but zeros in `data`: content of a hole, as far as anybody can tell."""
    return not data or (not data[0] and data.count(0) == len(data))
