"""A host made of a local directory: files on this disk, commands in this machine's shell, faults by order.

It honours the contract of links and file channels and nothing more, so that what a server may do wrong can be tried:
short reads, sizes that lie, hostile names, links that are lost at a byte, a hash that differs, no commands at all.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from backend.connection.connector import (
    Attributes,
    ByteStream,
    Chunk,
    Entry,
    ExitReport,
    FileChannel,
    FileLimits,
    Gate,
    Link,
    LinkFacts,
    Observer,
    OpenMode,
    PtyRequest,
    PtySize,
    RemoteFile,
    RemoteProcess,
    Space,
    StdStream,
)
from backend.connection.interaction import Interaction
from backend.connection.streams import OnIncoming, RemoteListener
from backend.connection.target import Hop, Target
from backend.errors import Code, FairleadError, FileError, LinkLost, SessionError
from backend.files.problems import local_attributes, local_error


class QuickClock:
    """Fifty seconds pass in one: waits of people and of backoff are short, and their order is kept."""

    SPEED = 50

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    def monotonic(self) -> float:
        return time.monotonic() * self.SPEED

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.SPEED)


@dataclass
class Faults:
    """What goes wrong. Hooks are called with the path and the offset."""

    no_commands: bool = False
    login_prints: bytes = b""
    """A shell command that runs before every command, as login files do."""
    no_copies: bool = False
    """It copies no files by itself (`copy-data`)."""
    wrong_hash: bool = False
    longest_read: int | None = None
    lose_after: list[int] = field(default_factory=list)
    """The link is lost when so many bytes of content have passed since the last loss."""
    extra_names: list[bytes] = field(default_factory=list)
    """Names that every listing has besides the true ones."""
    folds_names: bool = False
    """Upper and lower case make no difference in the names below its home."""
    size_lie: int = 0
    """Added to the size of every file that is listed."""
    on_read: Callable[[bytes, int], object] | None = None
    on_write: Callable[[bytes, int], object] | None = None
    on_command: Callable[[bytes], object] | None = None
    held: asyncio.Event | None = None
    """Content that has not passed yet waits for it."""
    refuse_writes: Code | None = None
    refuse_closing: Code | None = None
    """What is told only when a file that was written is closed, as by a network file system."""
    lose_at_replace: list[bool] = field(default_factory=list)
    """The link is lost at each of the next replacements: after it was done (True), or before."""


HOP = Hop(name="server", address="127.0.0.1", port=22, user="tester")
TARGET = Target("server", (HOP,))


class DirectoryHost:
    """A connector to a host whose home is a directory."""

    def __init__(self, home: Path) -> None:
        self.home = os.fsencode(home)
        self.faults = Faults()
        self.sent = self.received = 0
        """Bytes of content, as the host has seen them."""
        self.copied = 0
        """Bytes that it has copied by itself, without a command."""
        self.commands: list[bytes] = []
        self.links = 0
        self._passed = 0

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> Link:
        self.links += 1
        return cast(Link, _Link(self))

    async def turn(self) -> None:
        """When content may pass."""
        await asyncio.sleep(0)
        if self.faults.held is not None:
            await self.faults.held.wait()

    def moved(self, size: int) -> None:
        """Raises LinkLost when it is time to."""
        self._passed += size
        if self.faults.lose_after and self._passed >= self.faults.lose_after[0]:
            self.faults.lose_after.pop(0)
            self._passed = 0
            raise LinkLost(Code.CONNECTION_LOST, host="server")


class DirectoryHosts:
    """A connector to several of them, by name."""

    def __init__(self, hosts: Mapping[str, DirectoryHost]) -> None:
        self._hosts = hosts

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> Link:
        return await self._hosts[target.name].connect(target, interaction, observer, gate)


class _Link:
    def __init__(self, host: DirectoryHost) -> None:
        self._host = host
        self.lost: FairleadError | None = None
        self._ended: asyncio.Future[FairleadError | None] = asyncio.get_running_loop().create_future()
        self._processes: list[_Process] = []
        self.facts = LinkFacts("server", "tester", "", (), "Test", "", "", "", "", "none")

    @contextmanager
    def alive(self) -> Iterator[None]:
        if self.lost is not None:
            raise self.lost
        try:
            yield
        except LinkLost as error:
            self.lost = error
            if not self._ended.done():
                self._ended.set_result(error)
            for process in self._processes:
                process.link_is_lost()
            raise

    async def open_process(
        self,
        command: bytes | None,
        *,
        pty: PtyRequest | None = None,
        env: Mapping[str, str] | None = None,
        window: int | None = None,
    ) -> RemoteProcess:
        if self._host.faults.no_commands:
            raise SessionError(Code.SESSION_REFUSED, evidence={"reason": "files only"}, host="server")
        if self.lost is not None:
            raise self.lost
        assert command is not None
        if self._host.faults.on_command is not None:
            self._host.faults.on_command(command)
        starting = asyncio.ensure_future(self._start(self._host.faults.login_prints + command))
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:  # a start that is cut off half-way would leave the process to nobody
            await _Process(await starting, self._host, self, command).close()
            raise
        started = _Process(process, self._host, self, command)
        self._processes.append(started)
        if self._ended.done():  # the link was lost meanwhile
            started.link_is_lost()
        return started

    async def _start(self, command: bytes) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._host.home,
            start_new_session=True,
        )

    async def open_files(self) -> FileChannel:
        await asyncio.sleep(0)
        return cast(FileChannel, _Channel(self._host, self))

    async def open_stream(self, host: str, port: int) -> ByteStream:
        raise NotImplementedError

    async def open_unix(self, path: str) -> ByteStream:
        raise NotImplementedError

    async def listen(self, host: str, port: int, on_incoming: OnIncoming) -> RemoteListener:
        raise NotImplementedError

    async def listen_unix(self, path: str, on_incoming: OnIncoming) -> RemoteListener:
        raise NotImplementedError

    @property
    def is_up(self) -> bool:
        return self.lost is None

    def share(self, target: Target) -> Link | None:
        return None  # as if it had ended: each connection is one name's

    @property
    def others(self) -> tuple[str, ...]:
        return ()

    async def ping(self) -> float:
        return 0.001

    def closed(self) -> Awaitable[FairleadError | None]:
        return asyncio.shield(self._ended)

    @property
    def carries(self) -> int:
        return 0

    async def close(self, because: LinkLost | None = None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


class _Process:
    def __init__(self, process: asyncio.subprocess.Process, host: DirectoryHost, link: _Link, command: bytes) -> None:
        self._process = process
        self._host = host
        self._link = link
        self._command = command
        self._input = b""
        self._carries_content = b"; tar -" in command or b"exec tar" in command or b"| tar -" in command
        self._chunks: asyncio.Queue[Chunk | None] = asyncio.Queue(4)
        self._reading = [
            asyncio.create_task(self._read(stream, pipe))
            for stream, pipe in ((StdStream.OUT, process.stdout), (StdStream.ERR, process.stderr))
            if pipe is not None
        ]

    async def _read(self, stream: StdStream, pipe: asyncio.StreamReader) -> None:
        while data := await pipe.read(65536):
            if self._host.faults.wrong_hash:
                data = re.sub(rb"[0-9a-f]{64}", b"0" * 64, data)
            await self._chunks.put(Chunk(stream, data))
        await self._chunks.put(None)

    async def output(self) -> AsyncIterator[Chunk]:
        for _ in self._reading:
            while (chunk := await self._chunks.get()) is not None:
                self._passes(chunk.data if chunk.stream is StdStream.OUT else b"")
                yield chunk

    def link_is_lost(self) -> None:
        """Whoever waits for output looks at the link again."""
        with suppress(asyncio.QueueFull):
            self._chunks.put_nowait(Chunk(StdStream.ERR, b""))

    def _passes(self, data: bytes) -> None:
        with self._link.alive():
            if self._carries_content:
                self._host.moved(len(data))

    async def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._input += data
        self._process.stdin.write(data)
        self._passes(data)
        try:
            await self._process.stdin.drain()
        except OSError as error:
            raise SessionError(Code.SESSION_REFUSED, "The process reads nothing more.", host="server") from error

    async def write_eof(self) -> None:
        assert self._process.stdin is not None
        self._host.commands.append(self._command + b"\n" + self._input)
        self._process.stdin.write_eof()

    def resize(self, size: PtySize) -> None: ...

    def send_signal(self, signal: str) -> None: ...

    def place(self) -> None: ...

    async def wait(self) -> ExitReport:
        return ExitReport(status=await self._process.wait())

    async def close(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for task in self._reading:
            task.cancel()
        await asyncio.wait(self._reading)
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            await pipe.read()  # asyncio sees the end of a process after the end of its output only
        await self._process.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


_FLAGS = {
    OpenMode.READ: os.O_RDONLY,
    OpenMode.CREATE: os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    OpenMode.UPDATE: os.O_RDWR,
    OpenMode.EXCLUSIVE: os.O_WRONLY | os.O_CREAT | os.O_EXCL,
}


class _Channel:
    """Blocking calls on a fast disk: good enough for a test."""

    def __init__(self, host: DirectoryHost, link: _Link) -> None:
        self._host = host
        self._link = link
        self.limits = FileLimits(read=65536, write=65536)
        self.ended = False

    @contextmanager
    def _about(self, path: bytes) -> Iterator[bytes]:
        with self._link.alive():
            try:
                yield self._real(path)
            except OSError as error:
                raise local_error(error, path) from error

    def _real(self, path: bytes) -> bytes:
        home, whole = self._host.home, os.path.join(self._host.home, path)
        if not self._host.faults.folds_names or not whole.startswith(home):
            return whole
        return home + whole[len(home) :].lower()

    async def resolve(self, path: bytes) -> bytes:
        await asyncio.sleep(0)
        with self._about(path) as real:
            return os.path.normpath(os.path.realpath(real))

    async def stat(self, path: bytes) -> Attributes:
        with self._about(path) as real:
            return _seconds(local_attributes(os.stat(real)))

    async def lstat(self, path: bytes) -> Attributes:
        await asyncio.sleep(0)
        with self._about(path) as real:
            return _seconds(local_attributes(os.lstat(real)))

    async def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        with self._about(path) as real:
            names = sorted(os.listdir(real))
        for name in names:
            await asyncio.sleep(0)
            found = await self.lstat(os.path.join(real, name))
            yield [Entry(name, replace(found, size=(found.size or 0) + self._host.faults.size_lie))]
        if self._host.faults.extra_names:
            found = await self.lstat(real)
            like_a_file = Attributes(local_attributes(os.lstat(__file__)).kind, 5, 0o644, modified=found.modified)
            yield [Entry(name, like_a_file) for name in self._host.faults.extra_names]

    async def open(self, path: bytes, mode: OpenMode, permissions: int | None = None) -> RemoteFile:
        await asyncio.sleep(0)
        with self._about(path) as real:
            descriptor = os.open(real, _FLAGS[mode], 0o666 if permissions is None else permissions)
        return _File(self._host, self._link, path, descriptor)

    async def mkdir(self, path: bytes, permissions: int | None = None) -> None:
        with self._about(path) as real:
            os.mkdir(real, 0o777 if permissions is None else permissions)

    async def rmdir(self, path: bytes) -> None:
        with self._about(path) as real:
            os.rmdir(real)

    async def remove(self, path: bytes) -> None:
        with self._about(path) as real:
            os.unlink(real)

    async def rename(self, old: bytes, new: bytes) -> None:
        with self._about(new) as real:
            if os.path.lexists(real):
                raise FileExistsError(17, "File exists")
            os.rename(self._real(old), real)

    async def replace(self, old: bytes, new: bytes) -> None:
        await asyncio.sleep(0)
        with self._about(new) as real:
            lost = self._host.faults.lose_at_replace
            done = lost.pop(0) if lost else None
            if done is not False:
                os.replace(self._real(old), real)
            if done is not None:
                raise LinkLost(Code.CONNECTION_LOST, host="server")

    async def readlink(self, path: bytes) -> bytes:
        with self._about(path) as real:
            return os.readlink(real)

    async def symlink(self, link: bytes, points_to: bytes) -> None:
        with self._about(link) as real:
            os.symlink(points_to, real)

    async def hardlink(self, path: bytes, existing: bytes) -> None:
        with self._about(path) as real:
            os.link(self._real(existing), real)

    async def account_names(
        self, users: Sequence[int], groups: Sequence[int]
    ) -> tuple[Mapping[int, str], Mapping[int, str]]:
        return {}, {}

    async def set_attributes(
        self,
        path: bytes,
        *,
        mode: int | None = None,
        modified: float | None = None,
        owner: tuple[int, int] | None = None,
        follow: bool = True,
    ) -> None:
        with self._about(path) as real:
            if owner is not None:
                os.chown(real, *owner, follow_symlinks=follow)
            if mode is not None:
                os.chmod(real, mode)
            if modified is not None:
                os.utime(real, (int(modified), int(modified)))

    async def space(self, path: bytes) -> Space | None:
        return None

    async def close(self) -> None:
        await asyncio.sleep(0)


class _File:
    def __init__(self, host: DirectoryHost, link: _Link, path: bytes, descriptor: int) -> None:
        self._host = host
        self._link = link
        self._path = path
        self._descriptor = descriptor
        self._writing = 0

    async def read(self, offset: int, size: int) -> bytes:
        faults = self._host.faults
        await self._host.turn()
        with self._link.alive():
            if faults.on_read is not None:
                faults.on_read(self._path, offset)
            size = min(size, faults.longest_read or size)
            data = os.pread(self._descriptor, size, offset)
            self._host.moved(len(data))
            self._host.sent += len(data)
            return data

    async def write(self, offset: int, data: bytes) -> None:
        self._writing += 1
        try:
            await self._host.turn()
            self._write(offset, data)
        finally:
            self._writing -= 1

    def _write(self, offset: int, data: bytes) -> None:
        faults = self._host.faults
        with self._link.alive():
            if faults.refuse_writes is not None:
                raise FileError(faults.refuse_writes, evidence={"path": os.fsdecode(self._path)}, host="server")
            self._host.moved(len(data))
            self._host.received += len(data)
            os.pwrite(self._descriptor, data, offset)
            if faults.on_write is not None:
                faults.on_write(self._path, offset)

    async def attributes(self) -> Attributes:
        with self._link.alive():
            return _seconds(local_attributes(os.fstat(self._descriptor)))

    async def truncate(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)

    async def copy_from(self, source: RemoteFile, offset: int, size: int) -> bool:
        if self._host.faults.no_copies or not isinstance(source, _File) or source._link is not self._link:
            return False
        await asyncio.sleep(0)
        with self._link.alive():
            data = os.pread(source._descriptor, size, offset)
            self._host.copied += len(data)
            self._host.moved(len(data))
            os.pwrite(self._descriptor, data, offset)
        return True

    async def sync(self) -> bool:
        return False

    async def finish(self) -> None:
        while self._writing:
            await asyncio.sleep(0)
        with self._link.alive():
            faults = self._host.faults
            await self.close()
            if faults.refuse_closing is not None:
                raise FileError(faults.refuse_closing, evidence={"path": os.fsdecode(self._path)}, host="server")

    async def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _seconds(found: Attributes) -> Attributes:
    """Times as SFTP version 3 has them."""
    return replace(found, modified=float(int(found.modified or 0)))
