"""SFTP on a simulated tree, as asyncssh's server serves it: version 3, with OpenSSH's terse statuses."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import asyncssh
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_TRUNC, FXF_WRITE

from backend.dataclass import dataclass
from backend.errors import Code, FileError
from mocks.host import SimulatedHost, User
from mocks.nodes import Device, Directory, File, Link, Node, Pipe, size_of
from mocks.shell.files import long_line

_BLOCK: Final = 4096
_TYPES: Final[dict[type[Node], tuple[int, int]]] = {
    File: (stat.S_IFREG, asyncssh.FILEXFER_TYPE_REGULAR),
    Directory: (stat.S_IFDIR, asyncssh.FILEXFER_TYPE_DIRECTORY),
    Link: (stat.S_IFLNK, asyncssh.FILEXFER_TYPE_SYMLINK),
    Device: (stat.S_IFCHR, asyncssh.FILEXFER_TYPE_SPECIAL),
    Pipe: (stat.S_IFIFO, asyncssh.FILEXFER_TYPE_SPECIAL),
}


@dataclass(slots=True, eq=False)
class _Handle:
    """An open file."""

    node: File | Device
    path: bytes
    append: bool


@contextmanager
def _statuses() -> Iterator[None]:
    """Our errors as the statuses that OpenSSH's server gives (`sftp-server.c:errno_to_portable`)."""
    try:
        yield
    except FileError as error:
        if error.code in (Code.NOT_FOUND, Code.NOT_DIRECTORY):
            raise asyncssh.SFTPNoSuchFile("No such file") from error
        if error.code is Code.PERMISSION:
            raise asyncssh.SFTPPermissionDenied("Permission denied") from error
        raise asyncssh.SFTPFailure("Failure") from error


class TreeServer(asyncssh.SFTPServer):
    """One SFTP conversation of `user` on `host`."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], host: SimulatedHost, user: User) -> None:
        super().__init__(channel)
        self._host = host
        self._tree = host.tree
        self._actor = user.actor
        self._home = host.home_of(user.name)

    def _path(self, path: bytes) -> bytes:
        return path if path.startswith(b"/") else self._home.rstrip(b"/") + b"/" + path

    def _attributes(self, node: Node) -> asyncssh.SFTPAttrs:
        bits, kind = _TYPES[type(node)]
        stamp = int(node.modified)
        return asyncssh.SFTPAttrs(
            type=kind,
            size=size_of(node),
            uid=node.uid,
            gid=node.gid,
            permissions=bits | node.mode,
            atime=stamp,
            mtime=stamp,
        )

    # --- names -----------------------------------------------------------------------------------------------

    def stat(self, path: bytes) -> Any:
        with _statuses():
            return self._attributes(self._tree.get(self._path(path), self._actor))

    def lstat(self, path: bytes) -> Any:
        with _statuses():
            return self._attributes(self._tree.get(self._path(path), self._actor, follow=False))

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        with _statuses():
            self._set(path, attrs, follow=True)

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        with _statuses():
            self._set(path, attrs, follow=False)

    def _set(self, path: bytes, attrs: asyncssh.SFTPAttrs, *, follow: bool) -> None:
        absolute = self._path(path)
        if attrs.size is not None:
            self._tree.truncate(self._tree.open_writing(absolute, self._actor), attrs.size, absolute)
        owner = None if attrs.uid is None or attrs.gid is None else (attrs.uid, attrs.gid)
        if attrs.permissions is not None or attrs.mtime is not None or owner is not None:
            modified = None if attrs.mtime is None else float(attrs.mtime)
            self._tree.set_attributes(
                absolute, self._actor, mode=attrs.permissions, modified=modified, owner=owner, follow=follow
            )

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        with _statuses():
            directory = self._tree.directory(self._path(path), self._actor)
        for name in (b".", b".."):
            yield asyncssh.SFTPName(name, attrs=self._attributes(directory))
        for name in directory.names():
            if name in directory.entries:
                node = directory.peek(name)
                line = long_line(self._host, node).encode() + b" " + name
                yield asyncssh.SFTPName(name, line, self._attributes(node))

    def format_longname(self, name: asyncssh.SFTPName) -> None:
        """Done in `scandir`; the machine's own accounts are not asked."""

    def remove(self, path: bytes) -> None:
        with _statuses():
            self._tree.remove(self._path(path), self._actor)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        with _statuses():
            self._tree.mkdir(self._path(path), self._actor, attrs.permissions)

    def rmdir(self, path: bytes) -> None:
        with _statuses():
            self._tree.rmdir(self._path(path), self._actor)

    def realpath(self, path: bytes) -> bytes:
        with _statuses():
            return self._tree.find(self._path(path), self._actor).path

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        with _statuses():
            self._tree.rename(self._path(oldpath), self._path(newpath), self._actor)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        with _statuses():
            self._tree.replace(self._path(oldpath), self._path(newpath), self._actor)

    def readlink(self, path: bytes) -> bytes:
        with _statuses():
            return self._tree.readlink(self._path(path), self._actor)

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        with _statuses():
            self._tree.symlink(self._path(newpath), oldpath, self._actor)

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        with _statuses():
            self._tree.hardlink(self._path(newpath), self._path(oldpath), self._actor)

    def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:
        with _statuses():
            self._tree.get(self._path(path), self._actor)
        return self._space()

    def fstatvfs(self, file_obj: object) -> asyncssh.SFTPVFSAttrs:
        return self._space()

    def _space(self) -> asyncssh.SFTPVFSAttrs:
        space = self._tree.space()
        total, free = space.total // _BLOCK, space.free // _BLOCK
        return asyncssh.SFTPVFSAttrs(
            bsize=_BLOCK, frsize=_BLOCK, blocks=total, bfree=free, bavail=free,
            files=4_000_000, ffree=space.files_free or 0, favail=space.files_free or 0, fsid=1, flags=0, namemax=255,
        )  # fmt: skip

    # --- open files ------------------------------------------------------------------------------------------

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        absolute = self._path(path)
        with _statuses():
            if not pflags & FXF_WRITE:
                return _Handle(self._tree.open_reading(absolute, self._actor), absolute, append=False)
            if not pflags & FXF_CREAT:
                self._tree.get(absolute, self._actor)
            exclusive = bool(pflags & FXF_EXCL)
            node = self._tree.open_writing(absolute, self._actor, exclusive=exclusive, mode=attrs.permissions)
            if pflags & FXF_TRUNC:
                self._tree.truncate(node, 0, absolute)
            return _Handle(node, absolute, append=bool(pflags & FXF_APPEND))

    def close(self, file_obj: object) -> None:
        """Nothing is held for an open file."""

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        node = _handle(file_obj).node
        if isinstance(node, File):
            return node.content.read(offset, size)
        return node.fill(offset, size) if node.fill else b""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        handle = _handle(file_obj)
        with _statuses():
            at = size_of(handle.node) if handle.append else offset
            self._tree.write(handle.node, at, data, handle.path)
        return len(data)

    def fstat(self, file_obj: object) -> Any:
        return self._attributes(_handle(file_obj).node)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        handle = _handle(file_obj)
        with _statuses():
            if attrs.size is not None:
                self._tree.truncate(handle.node, attrs.size, handle.path)
            if self._actor.uid not in (0, handle.node.uid):
                raise self._tree.failure(Code.PERMISSION, handle.path)
        if attrs.permissions is not None:
            handle.node.mode = attrs.permissions & 0o7777
        if attrs.mtime is not None:
            handle.node.modified = float(attrs.mtime)

    def fsync(self, file_obj: object) -> None:
        """Memory is all there is."""

    def exit(self) -> None:
        """Say that all went well, as OpenSSH's server does; scp takes silence for a failure."""
        if not self.channel.is_closing():
            self.channel.exit(0)


def _handle(file_obj: object) -> _Handle:
    assert isinstance(file_obj, _Handle)
    return file_obj
