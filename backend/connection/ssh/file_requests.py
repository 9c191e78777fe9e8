"""SFTP requests about paths, with their failures turned into our errors; and the open remote file made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from backend.connection.connector import Attributes, FileKind, FileLimits, RemoteFile, Space
from backend.connection.ssh.file_errors import Explainer, Intent, error
from backend.connection.ssh.sftp import SftpEnded, SftpSession, SftpSilent, SftpStatus
from backend.connection.ssh.sftp_wire import (
    BadPacket,
    Reader,
    Reply,
    Status,
    Type,
    attributes,
    parse_attributes,
    parse_names,
    parse_space,
    string,
    uint32,
    uint64,
)
from backend.errors import Code, FairleadError, FileError

_LONGEST_HANDLE = 256
"""Bytes (draft-ietf-secsh-filexfer-02 §6.2); each request about an open file carries it."""

A = TypeVar("A")
R = TypeVar("R")


class FileRequests:
    """Asks one SFTP session."""

    def __init__(self, session: SftpSession, *, host: str, close_limit: float) -> None:
        self.session = session
        self.extensions: Mapping[bytes, bytes] = {}
        """What the server said it can do beyond the draft."""
        self.write_limit = FileLimits().write
        """Bytes of one WRITE; a server may end the channel over a longer one."""
        self.in_order = False
        """Whether the server handles one request after another, whatever they are about."""
        self._host = host
        self._close_limit = close_limit
        self._explainer = Explainer(host, self.look, self.room, self._holds)

    async def ask(self, path: bytes, intent: Intent, kind: Type, *fields: bytes, expect: Type) -> Reply:
        """One request about `path`. Raises FileError with the cause, or LinkLost."""
        return await self.answer(path, intent, self.send(path, kind, *fields), expect=expect)

    def send(self, path: bytes, kind: Type, *fields: bytes) -> asyncio.Future[Reply]:
        """Send a request now and have the answer later through `answer`; who gives up cancels the future."""
        try:
            return self.session.send(kind, *fields)
        except SftpEnded as ended:
            raise self.failed(path, ended) from ended

    async def answer(self, path: bytes, intent: Intent, waiter: asyncio.Future[Reply], *, expect: Type) -> Reply:
        """The answer to a request about `path`; raises as `ask`."""
        try:
            return self.session.checked(await waiter, expect)
        except SftpStatus as status:
            raise await self.explained(status, path, intent) from status
        except SftpEnded as ended:
            raise self.failed(path, ended) from ended

    async def explained(self, status: SftpStatus, path: bytes, intent: Intent) -> FileError:
        """The error behind `status`."""
        return await self._explainer.explain(status, path, intent)

    async def handle(self, path: bytes, intent: Intent, kind: Type, *fields: bytes) -> bytes:
        """An open handle. A caller that is cancelled leaves none behind: the session closes it when it comes."""
        reply = await self.ask(path, intent, kind, *fields, expect=Type.HANDLE)
        handle = self.parsed(path, Reader.string, Reader(reply.body))
        if len(handle) > _LONGEST_HANDLE:
            raise self.failed(path, f"the server gave a handle of {len(handle)} bytes")
        return handle

    async def close_handle(self, handle: bytes) -> None:
        """Close it, within the limit; where the channel is gone it is closed already. Never raises."""
        try:
            async with asyncio.timeout(self._close_limit):
                await self.session.request(Type.CLOSE, string(handle), expect=Type.STATUS)
        except (TimeoutError, FairleadError, SftpStatus, SftpEnded):
            return

    def let_go(self, handle: bytes) -> None:
        """Have a handle closed and wait for no answer: nothing that was written depends on it."""
        with suppress(FairleadError, SftpEnded):
            self.session.send(Type.CLOSE, string(handle))

    def parsed(self, path: bytes, parse: Callable[[A], R], raw: A) -> R:
        """`parse(raw)`; what cannot be parsed is the server's failure."""
        try:
            return parse(raw)
        except BadPacket as bad:
            raise self.failed(path, str(bad)) from bad

    def attributes(self, path: bytes, reply: Reply) -> Attributes:
        return self.parsed(path, parse_attributes, Reader(reply.body))

    def failed(self, path: bytes, reason: str | SftpEnded | BadPacket, code: Code = Code.FILE_FAILED) -> FileError:
        code = Code.FILES_SILENT if isinstance(reason, SftpSilent) else code
        return error(code, path, host=self._host, reason=str(reason))

    def offers(self, extension: bytes, version: bytes = b"1") -> bool:
        """Whether the server announced that version of an extension."""
        return self.extensions.get(extension) == version

    async def look(self, path: bytes) -> Attributes | None:
        """Attributes of a path or link itself; None where there is nothing to see."""
        try:
            reply = await self.session.request(Type.LSTAT, string(path), expect=Type.ATTRS)
            return parse_attributes(Reader(reply.body))
        except (SftpStatus, SftpEnded, BadPacket):
            return None

    async def room(self, path: bytes) -> tuple[Space, bool] | None:
        """Space on the path's file system, and whether that is read-only; None where the server cannot say."""
        if not self.offers(b"statvfs@openssh.com", b"2"):
            return None
        try:
            reply = await self.session.extended(b"statvfs@openssh.com", string(path), expect=Type.EXTENDED_REPLY)
            return parse_space(reply.body)
        except (SftpStatus, SftpEnded, BadPacket):
            return None

    async def kind_of(self, path: bytes, *, follow: bool) -> FileKind:
        """What is at `path`, where the server sends no permissions: found out by what it lets us do.

        What can be neither listed nor read as a link is taken for a file: such servers know nothing else.
        """
        try:
            if not follow and await self._answers(Type.READLINK, path, expect=Type.NAME) is not None:
                return FileKind.SYMLINK
            opened = await self._answers(Type.OPENDIR, path, expect=Type.HANDLE)
            if opened is None:
                return FileKind.FILE
            return await self._kind_of_opened(Reader(opened.body).string())
        except (SftpEnded, BadPacket) as ended:
            raise self.failed(path, ended) from ended

    async def _kind_of_opened(self, handle: bytes) -> FileKind:
        # Some servers open anything as a directory, and say only then that it is none.
        try:
            await self.session.request(Type.READDIR, string(handle), expect=Type.NAME)
        except SftpStatus as status:
            return FileKind.DIRECTORY if status.code == Status.EOF else FileKind.FILE
        finally:
            await self.close_handle(handle)
        return FileKind.DIRECTORY

    async def _answers(self, kind: Type, path: bytes, *, expect: Type) -> Reply | None:
        """The answer to a request about `path`; None where the server refuses."""
        try:
            return await self.session.request(kind, string(path), expect=expect)
        except SftpStatus:
            return None

    async def _holds(self, path: bytes) -> bool:
        """Whether the directory has entries, as far as its first batch shows."""
        opened = await self.session.request(Type.OPENDIR, string(path), expect=Type.HANDLE)
        handle = Reader(opened.body).string()
        try:
            reply = await self.session.request(Type.READDIR, string(handle), expect=Type.NAME)
            return any(entry.name not in (b".", b"..") for entry in parse_names(reply.body))
        finally:
            await self.close_handle(handle)


class SshRemoteFile:
    """An open remote file. Offsets are named with each request, so any number may be under way."""

    def __init__(self, requests: FileRequests, path: bytes, handle: bytes, *, writes: bool) -> None:
        self._requests = requests
        self._path = path
        self._handle = string(handle)
        self._raw_handle = handle
        self._writes = writes
        self._open = True
        self._under_way: set[asyncio.Future[Reply]] = set()
        """Requests that a server which keeps no order has to answer before it is asked to close."""

    async def read(self, offset: int, size: int) -> bytes:
        """One READ: between 1 and `size` bytes; empty at the end."""
        requests = self._requests
        waiter = requests.send(self._path, Type.READ, self._handle, uint64(offset), uint32(size))
        try:
            reply = requests.session.checked(await waiter, Type.DATA)
        except SftpStatus as status:
            if status.code == Status.EOF:
                return b""
            raise await requests.explained(status, self._path, Intent.READ) from status
        except SftpEnded as ended:
            raise requests.failed(self._path, ended) from ended
        data = requests.parsed(self._path, Reader.string, Reader(reply.body))
        if len(data) > size:
            raise requests.failed(self._path, f"asked for {size} bytes, the server sent {len(data)}")
        return data

    async def write(self, offset: int, data: bytes) -> None:
        """As many WRITEs as the server's limit makes of it; returns when it has confirmed all."""
        limit = self._requests.write_limit
        for start in range(0, max(1, len(data)), limit):
            fields = (self._handle, uint64(offset + start), string(data[start : start + limit]))
            await self._requests.answer(self._path, Intent.WRITE, self._send(Type.WRITE, *fields), expect=Type.STATUS)

    def _send(self, kind: Type, *fields: bytes) -> asyncio.Future[Reply]:
        waiter = self._requests.send(self._path, kind, *fields)
        self._under_way.add(waiter)
        waiter.add_done_callback(self._under_way.discard)
        return waiter

    async def attributes(self) -> Attributes:
        waiter = self._send(Type.FSTAT, self._handle)
        reply = await self._requests.answer(self._path, Intent.LOOK, waiter, expect=Type.ATTRS)
        found = self._requests.attributes(self._path, reply)
        return replace(found, kind=FileKind.FILE) if found.kind is FileKind.UNKNOWN else found

    async def truncate(self, size: int) -> None:
        """Cut or extend to `size` bytes."""
        fields = (self._handle, attributes(size=size))
        await self._requests.ask(self._path, Intent.WRITE, Type.FSETSTAT, *fields, expect=Type.STATUS)

    async def copy_from(self, source: RemoteFile, offset: int, size: int) -> bool:
        """`copy-data`, where the server has it."""
        requests = self._requests
        if not isinstance(source, SshRemoteFile) or source._requests is not requests:
            return False
        if not requests.offers(b"copy-data"):
            return False
        name, ends = string(b"copy-data"), (source._handle, uint64(offset), uint64(size), self._handle, uint64(offset))
        waiter = requests.send(self._path, Type.EXTENDED, name, *ends)
        try:
            requests.session.checked(await waiter, Type.STATUS)
        except SftpStatus as status:
            if status.code != Status.EOF:
                raise await requests.explained(status, self._path, Intent.WRITE) from status
        except SftpEnded as ended:
            raise requests.failed(self._path, ended) from ended
        return True

    async def sync(self) -> bool:
        """`fsync@openssh.com`, where the server has it."""
        waiter = self._ask_to_sync()
        if waiter is None:
            return False
        await self._requests.answer(self._path, Intent.WRITE, waiter, expect=Type.STATUS)
        return True

    def _ask_to_sync(self) -> asyncio.Future[Reply] | None:
        if not self._requests.offers(b"fsync@openssh.com"):
            return None
        return self._requests.send(self._path, Type.EXTENDED, string(b"fsync@openssh.com"), self._handle)

    async def finish(self) -> None:
        """`sync` and CLOSE, asked for at once where the server keeps the order; errors of either are raised."""
        requests = self._requests
        if not requests.in_order and self._under_way:
            await asyncio.wait(self._under_way)
        syncing = self._ask_to_sync()
        if not requests.in_order and syncing is not None:
            await asyncio.wait([syncing])
        self._open = False
        closing = requests.send(self._path, Type.CLOSE, self._handle)
        for waiter in (syncing, closing):
            if waiter is not None:
                await requests.answer(self._path, Intent.WRITE, waiter, expect=Type.STATUS)

    async def close(self) -> None:
        """Close the handle, once; of what was only read, no answer is waited for."""
        if not self._open:
            return
        self._open = False
        if self._writes:
            await self._requests.close_handle(self._raw_handle)
        else:
            self._requests.let_go(self._raw_handle)
