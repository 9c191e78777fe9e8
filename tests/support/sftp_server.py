"""A small SSH server in the test's own process whose SFTP is of the plainest kind, and may be bent to lie.

Version 3 as the draft has it without one extension, with links the way round that OpenSSH has them. It serves this
machine's own file system with the rights of the test; commands run in /bin/sh, or not at all.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncssh

from backend.connection.ssh.sftp_wire import OpenFlag, Reader, Status, Type, attributes, packet, string, uint32
from tests.support.asyncssh_server import Door, TestServer, ssh_server

PASSWORD = "let me in"
_BATCH = 100
_STATUS = {FileNotFoundError: Status.NO_SUCH_FILE, PermissionError: Status.PERMISSION_DENIED}

Named = tuple[bytes, bytes]
"""A name and its ATTRS."""


class PlainSftp:
    """One SFTP conversation. A test overrides what it wants otherwise; paths are absolute bytes."""

    most_read = 1 << 20
    """Bytes that one READ gives at most."""
    most_packet = 1 << 20
    """Bytes of a request; a longer one ends the conversation."""

    def __init__(self) -> None:
        self._open: dict[bytes, tuple[bytes, int | Iterator[list[Named]]]] = {}
        self._opened = 0

    # --- what may be bent ----------------------------------------------------------------------------------------

    def opendir(self, path: bytes) -> Iterator[list[Named]]:
        """The answers to READDIR; fails as the real thing does."""
        os.scandir(path).close()
        return self.listing(path)

    def listing(self, path: bytes) -> Iterator[list[Named]]:
        """What `opendir` gives where there is a directory."""
        names = [b".", b"..", *os.listdir(path)]
        for start in range(0, len(names), _BATCH):
            yield [(name, self.looks(os.path.join(path, name))) for name in names[start : start + _BATCH]]

    def looks(self, path: bytes, descriptor: int | None = None, *, follow: bool = False) -> bytes:
        """ATTRS of a path, or of the file that is open."""
        return attrs_of(os.stat(path, follow_symlinks=follow) if descriptor is None else os.fstat(descriptor))

    def open(self, path: bytes, flags: int, mode: int) -> int:
        """A descriptor."""
        return os.open(path, flags, mode)

    def read(self, path: bytes, descriptor: int, offset: int, size: int) -> bytes:
        """The answer to READ; nothing at the end."""
        return os.pread(descriptor, min(size, self.most_read), offset)

    def pointer(self, path: bytes) -> bytes:
        """What READLINK says."""
        return os.readlink(path)

    def real(self, path: bytes) -> bytes:
        """What REALPATH says."""
        return os.path.realpath(path)

    def handle(self) -> bytes:
        """A name for what is opened now."""
        self._opened += 1
        return b"h%d" % self._opened

    # --- the protocol --------------------------------------------------------------------------------------------

    def answer(self, raw: bytes) -> bytes:
        """The answer to one request, type first."""
        if raw[0] == Type.INIT:
            return packet(Type.VERSION, uint32(3))
        reader = Reader(raw[1:])
        request = uint32(reader.uint32())
        try:
            kind, body = self._do(Type(raw[0]), reader)
        except StopIteration:
            kind, body = Type.STATUS, status(Status.EOF)
        except OSError as error:
            kind, body = Type.STATUS, status(_STATUS.get(type(error), Status.FAILURE))
        except OverflowError:  # beyond the last byte that a file can have
            kind, body = Type.STATUS, status(Status.FAILURE)
        return packet(kind, request, body)

    def _do(self, kind: Type, reader: Reader) -> tuple[Type, bytes]:
        first = reader.string()
        if kind in (Type.CLOSE, Type.READ, Type.WRITE, Type.READDIR, Type.FSTAT, Type.FSETSTAT):
            return self._with_handle(kind, first, reader)
        path = os.path.join(os.getcwdb(), first)
        match kind:
            case Type.REALPATH:
                return Type.NAME, names([(self.real(path), attributes())])
            case Type.STAT | Type.LSTAT:
                return Type.ATTRS, self.looks(path, follow=kind is Type.STAT)
            case Type.READLINK:
                return Type.NAME, names([(self.pointer(path), attributes())])
            case Type.OPENDIR:
                return Type.HANDLE, self._keep(path, self.opendir(path))
            case Type.OPEN:
                flags = reader.uint32()
                descriptor = self.open(path, _local(flags), Wanted(reader).mode or 0o666)
                return Type.HANDLE, self._keep(path, descriptor)
            case Type.SYMLINK:
                os.symlink(first, reader.string())
            case _ if kind in _CHANGES:
                _CHANGES[kind](path, reader)
            case _:
                return Type.STATUS, status(Status.OP_UNSUPPORTED)
        return Type.STATUS, status(Status.OK)

    def _keep(self, path: bytes, what: int | Iterator[list[Named]]) -> bytes:
        handle = self.handle()
        self._open[handle] = path, what
        return string(handle)

    def _with_handle(self, kind: Type, handle: bytes, reader: Reader) -> tuple[Type, bytes]:
        if handle not in self._open:
            return Type.STATUS, status(Status.FAILURE)
        path, what = self._open[handle]
        if not isinstance(what, int):
            if kind is Type.READDIR:
                return Type.NAME, names(next(what))
            del self._open[handle]
            return Type.STATUS, status(Status.OK)
        match kind:
            case Type.READ:
                offset, size = reader.uint64(), reader.uint32()
                data = self.read(path, what, offset, size)
                return (Type.DATA, string(data)) if data else (Type.STATUS, status(Status.EOF))
            case Type.FSTAT:
                return Type.ATTRS, self.looks(path, what)
            case Type.WRITE:
                offset = reader.uint64()
                os.pwrite(what, reader.string(), offset)
            case Type.FSETSTAT:
                Wanted(reader).apply(what)
            case _:
                os.close(what)
                del self._open[handle]
        return Type.STATUS, status(Status.OK)

    def close(self) -> None:
        """The conversation is over."""
        for _, what in self._open.values():
            if isinstance(what, int):
                os.close(what)
        self._open.clear()


class Wanted:
    """ATTRS that a client sends."""

    def __init__(self, reader: Reader) -> None:
        flags = reader.uint32()
        self.size = reader.uint64() if flags & 1 else None
        self.owner = (reader.uint32(), reader.uint32()) if flags & 2 else None
        self.mode = reader.uint32() & 0o7777 if flags & 4 else None
        self.times = (reader.uint32(), reader.uint32()) if flags & 8 else None

    def apply(self, what: bytes | int) -> None:
        """Give them to a path or an open file."""
        if self.size is not None:
            os.truncate(what, self.size)
        if self.mode is not None:
            os.chmod(what, self.mode)
        if self.times is not None:
            os.utime(what, self.times)


def _rename(old: bytes, reader: Reader) -> None:
    new = reader.string()
    if os.path.lexists(new):
        raise OSError("never over anything (§6.5)")
    os.rename(old, new)


_CHANGES: dict[Type, Callable[[bytes, Reader], None]] = {
    Type.MKDIR: lambda path, reader: os.mkdir(path, Wanted(reader).mode or 0o777),
    Type.RMDIR: lambda path, reader: os.rmdir(path),
    Type.REMOVE: lambda path, reader: os.unlink(path),
    Type.RENAME: _rename,
    Type.SETSTAT: lambda path, reader: Wanted(reader).apply(path),
}


def attrs_of(found: os.stat_result, *, size: int | None = None) -> bytes:
    """ATTRS as servers send them; `size` in place of the true one."""
    return attributes(
        size=found.st_size if size is None else size,
        owner=(found.st_uid, found.st_gid),
        mode=found.st_mode,
        times=(int(found.st_atime), int(found.st_mtime)),
    )


def names(entries: Iterable[Named]) -> bytes:
    """The body of a NAME packet, without long names."""
    told = [string(name) + string(b"") + attrs for name, attrs in entries]
    return uint32(len(told)) + b"".join(told)


def status(code: Status) -> bytes:
    """The body of a STATUS as old servers send it, without a word."""
    return uint32(code) + string(b"") + string(b"")


def _local(flags: int) -> int:
    both = OpenFlag.READ | OpenFlag.WRITE
    access = {int(both): os.O_RDWR, int(OpenFlag.WRITE): os.O_WRONLY}.get(flags & both, os.O_RDONLY)
    more = ((OpenFlag.CREATE, os.O_CREAT), (OpenFlag.TRUNCATE, os.O_TRUNC), (OpenFlag.EXCLUSIVE, os.O_EXCL))
    return access | sum(local for flag, local in more if flags & flag)


# --- over SSH ----------------------------------------------------------------------------------------------------


class _Session(asyncssh.SSHServerProcess[bytes]):
    """A session that speaks SFTP itself: asyncssh's own kind leaves that to asyncssh's own server."""

    def __init__(
        self, serve: Callable[[asyncssh.SSHServerProcess[bytes]], Coroutine[Any, Any, None]], *, commands: bool
    ) -> None:
        super().__init__(serve, None, 0, allow_scp=False)
        self._serve = serve
        self._commands = commands

    def shell_requested(self) -> bool:
        return False

    def exec_requested(self, command: str) -> bool:
        return self._commands

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def session_started(self) -> None:
        self._stdin = asyncssh.SSHReader(self, self._chan)
        self._stdout = asyncssh.SSHWriter(self, self._chan)
        self._stderr = asyncssh.SSHWriter(self, self._chan, asyncssh.EXTENDED_DATA_STDERR)
        assert self._conn is not None
        self._conn.create_task(self._serve(self))


@asynccontextmanager
async def sftp_server(
    make: Callable[[], PlainSftp] = PlainSftp, *, commands: bool = True, path: str = ""
) -> AsyncIterator[TestServer]:
    """A server that lets in with `PASSWORD`. `path` comes first in the PATH of its commands."""

    async def serve(process: asyncssh.SSHServerProcess[bytes]) -> None:
        if process.subsystem is not None:
            await _converse(process, make())
        else:
            await _run(process, process.command or "", path)

    door = Door(passwords=[PASSWORD], session=lambda: _Session(serve, commands=commands))
    async with ssh_server(door, process_factory=None, server_version="Plain_1.0") as server:
        yield server


async def _converse(process: asyncssh.SSHServerProcess[bytes], sftp: PlainSftp) -> None:
    try:
        while True:
            size = int.from_bytes(await process.stdin.readexactly(4), "big")
            if size > sftp.most_packet:
                break
            process.stdout.write(sftp.answer(await process.stdin.readexactly(size)))
            await process.stdout.drain()
    except (EOFError, asyncssh.Error, OSError):
        pass
    finally:
        sftp.close()
        process.exit(0)


async def _run(process: asyncssh.SSHServerProcess[bytes], command: str | bytes, path: str) -> None:
    running = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]},
    )
    assert running.stdin is not None and running.stdout is not None and running.stderr is not None
    feeding = asyncio.create_task(_pour(process.stdin, running.stdin, ends=True))
    try:
        await asyncio.gather(_pour(running.stdout, process.stdout), _pour(running.stderr, process.stderr))
        process.exit(await running.wait())
    except (asyncssh.Error, OSError):
        pass
    finally:
        feeding.cancel()
        if running.returncode is None:
            running.kill()
        await running.wait()


async def _pour(source: Any, sink: Any, *, ends: bool = False) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    if ends:
        sink.close()
