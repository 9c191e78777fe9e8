"""The remote files of a link over SFTP version 3: `FileChannel` of the contract."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import asyncssh

from backend.connection.connector import Attributes, Entry, FileKind, FileLimits, OpenMode, Space, Windows
from backend.connection.endless import ListingWatch
from backend.connection.ssh.file_errors import LONGEST_NAME, Intent
from backend.connection.ssh.file_requests import FileRequests, SshRemoteFile
from backend.connection.ssh.internals import windows
from backend.connection.ssh.sftp import SftpEnded, SftpSession, SftpStatus
from backend.connection.ssh.sftp_wire import (
    BadPacket,
    OpenFlag,
    Reply,
    Status,
    Type,
    attributes,
    parse_account_names,
    parse_limits,
    parse_names,
    parse_version,
    string,
    uint32,
)
from backend.errors import Code, FairleadError, FileError, SessionError
from backend.tasks import background
from backend.text import clean_line

_MOST_BLOCK = 261120
"""Bytes of one read or write at most: OpenSSH's own limit; larger ones only make the memory and the cancel slower."""
_MOST_OPEN_FILES = 256
_LISTINGS_AT_FIRST, _LISTINGS_IN_FLIGHT = 4, 16
"""READDIR requests under way on one directory: at 50 ms twelve times as quick as one at a time. OpenSSH answers with a
hundred names, and the end of the directory with a request of its own."""
_ANSWERS_IN_ORDER = re.compile(r"OpenSSH|dropbear", re.IGNORECASE)
"""Servers whose SFTP process handles one request after another, so that several READDIR on one handle are safe."""
_BEARS_HASTE = re.compile(r"OpenSSH_(?!for_Windows)")
"""Servers that take what is sent before they have answered: all of it is in their pipe, in its order."""
_LINK_FIRST = re.compile(r"AsyncSSH")
"""Servers that take SYMLINK's arguments as the draft has them; OpenSSH and those who follow it have them swapped."""
_NOISE_WAIT = 1.0
"""Seconds to see whether SFTP begins after what a shell printed."""
_SHOWN_NOISE = 200

_FLAGS = {
    OpenMode.READ: OpenFlag.READ,
    OpenMode.CREATE: OpenFlag.WRITE | OpenFlag.CREATE | OpenFlag.TRUNCATE,
    OpenMode.UPDATE: OpenFlag.READ | OpenFlag.WRITE,
    OpenMode.EXCLUSIVE: OpenFlag.WRITE | OpenFlag.CREATE | OpenFlag.EXCLUSIVE,
}
_INTENTS = {
    OpenMode.READ: Intent.READ,
    OpenMode.CREATE: Intent.WRITE,
    OpenMode.UPDATE: Intent.WRITE,
    OpenMode.EXCLUSIVE: Intent.CREATE_NEW,
}


def asked_ahead(server: str) -> Sequence[tuple[int, Sequence[bytes]]] | None:
    """What is asked of `server`, an SSH version, together with its greeting: its limits, and where it is. None where it
    may not bear to be asked before it has answered."""
    if _BEARS_HASTE.search(server) is None:
        return None
    return (Type.EXTENDED, (string(b"limits@openssh.com"),)), (Type.REALPATH, (string(b"."),))


class SshFiles:
    """An SFTP channel. `start` comes first."""

    def __init__(
        self,
        channel: asyncssh.SSHClientChannel[bytes],
        session: SftpSession,
        *,
        host: str,
        user: str,
        server: str,
        limit: float,
        close_limit: float,
    ) -> None:
        self._channel = channel
        self._session = session
        self._host = host
        self._user = user
        self._server = server
        self._limit = limit
        self._limits = FileLimits()
        self._here: bytes | None = None
        self._windows = windows(channel)
        self._requests = FileRequests(session, host=host, close_limit=close_limit)
        self._requests.in_order = _ANSWERS_IN_ORDER.search(server) is not None

    @property
    def windows(self) -> Windows | None:
        return self._windows

    async def start(self) -> None:
        """Agree on the version. Raises SessionError (SFTP_UNAVAILABLE, SHELL_NOISE, SESSION_REFUSED) or LinkLost."""
        try:
            await self._greeted()
            limits, where = self._session.ahead or (None, None)
            await self._learn_limits(limits)
            await self._learn_where(where)
        except BaseException:
            self._channel.abort()
            raise

    async def _greeted(self) -> None:
        session = self._session
        try:
            async with asyncio.timeout(self._limit):
                while session.version is None and not session.greeting.noisy and not session.ended:
                    session.changed.clear()
                    await session.changed.wait()
        except TimeoutError:
            raise self._unavailable(f"no answer within {self._limit:g} s") from None
        if session.version is None:
            raise await self._no_version()
        try:
            version, self._requests.extensions = parse_version(session.version)
        except BadPacket as error:
            raise self._unavailable(f"the server broke the SFTP protocol: {error}") from error
        if version < 3:
            raise self._unavailable(f"the server speaks SFTP version {version} only")

    async def _no_version(self) -> FairleadError:
        """Noise, a refusal in words, or nothing at all."""
        session = self._session
        try:
            async with asyncio.timeout(_NOISE_WAIT):
                while not session.ended and not session.greeting.answered:
                    session.changed.clear()
                    await session.changed.wait()
        except TimeoutError:
            pass
        await asyncio.sleep(0)
        if (gone := session.link_gone()) is not None:
            return gone
        noise = _shown(session.greeting.noise)
        said = noise or _shown(session.errors)
        if session.greeting.noisy and (session.greeting.answered or not session.ended or not session.exit_status):
            evidence = {"noise": noise, "user": self._user}
            return SessionError(Code.SHELL_NOISE, evidence=evidence, host=self._host)
        if session.greeting.noisy:
            return SessionError(Code.SESSION_REFUSED, evidence={"reason": said}, host=self._host)
        return self._unavailable(said or f"the SFTP server ended with status {session.exit_status}")

    def _unavailable(self, reason: str) -> SessionError:
        return SessionError(Code.SFTP_UNAVAILABLE, evidence={"reason": reason}, host=self._host)

    async def _learn_limits(self, asked: asyncio.Future[Reply] | None) -> None:
        if not self._requests.offers(b"limits@openssh.com"):
            return
        try:
            async with asyncio.timeout(self._limit):
                asked = asked or self._session.send(Type.EXTENDED, string(b"limits@openssh.com"))
                reply = self._session.checked(await asked, Type.EXTENDED_REPLY)
            told = parse_limits(reply.body)
        except (SftpStatus, BadPacket):
            return
        except TimeoutError:
            raise self._unavailable(f"no answer about its limits within {self._limit:g} s") from None
        except SftpEnded as ended:
            raise self._unavailable(str(ended)) from ended
        default = FileLimits()
        self._limits = FileLimits(
            read=min(told.read or default.read, _MOST_BLOCK),
            write=min(told.write or default.write, _MOST_BLOCK),
            open_files=min(told.handles or default.open_files, _MOST_OPEN_FILES),
        )
        self._requests.write_limit = self._limits.write

    async def _learn_where(self, asked: asyncio.Future[Reply] | None) -> None:
        """Where relative paths begin: it does not change. What goes wrong is told when somebody asks for it."""
        if asked is not None:
            with suppress(FileError, TimeoutError):
                async with asyncio.timeout(self._limit):
                    reply = await self._requests.answer(b".", Intent.LOOK, asked, expect=Type.NAME)
                    self._here = self._one_name(reply, b".")

    @property
    def limits(self) -> FileLimits:
        return self._limits

    @property
    def ended(self) -> bool:
        """Whether the channel is closed, or the server's SFTP process is gone."""
        return self._session.over

    # --- looking ---

    async def resolve(self, path: bytes) -> bytes:
        """The absolute path."""
        if path in (b"", b".") and self._here is not None and not self._session.over:
            return self._here
        reply = await self._requests.ask(path, Intent.LOOK, Type.REALPATH, string(path or b"."), expect=Type.NAME)
        found = self._one_name(reply, path)
        if path in (b"", b"."):
            self._here = found
        return found

    async def stat(self, path: bytes) -> Attributes:
        """Follows links."""
        return await self._attributes(path, Type.STAT)

    async def lstat(self, path: bytes) -> Attributes:
        return await self._attributes(path, Type.LSTAT)

    async def _attributes(self, path: bytes, kind: Type) -> Attributes:
        reply = await self._requests.ask(path, Intent.LOOK, kind, string(path), expect=Type.ATTRS)
        found = self._requests.attributes(path, reply)
        if found.kind is FileKind.UNKNOWN:
            return replace(found, kind=await self._requests.kind_of(path, follow=kind is Type.STAT))
        return found

    async def readlink(self, path: bytes) -> bytes:
        reply = await self._requests.ask(path, Intent.LOOK, Type.READLINK, string(path), expect=Type.NAME)
        return self._one_name(reply, path)

    def _one_name(self, reply: Reply, path: bytes) -> bytes:
        names = self._requests.parsed(path, parse_names, reply.body)
        if not names:
            raise self._requests.failed(path, "an answer without a name")
        return names[0].name

    async def scan(self, path: bytes) -> AsyncGenerator[Sequence[Entry], None]:
        """The directory's entries in batches, several requests under way where the server takes them in order."""
        handle = await self._requests.handle(path, Intent.LIST, Type.OPENDIR, string(path))
        most = _LISTINGS_IN_FLIGHT if self._requests.in_order else 1
        depth, flying = min(_LISTINGS_AT_FIRST, most), deque[asyncio.Future[Reply]]()
        watch = ListingWatch()
        try:
            while True:
                while len(flying) < depth:
                    flying.append(self._requests.send(path, Type.READDIR, string(handle)))
                batch = await self._batch(path, flying.popleft())
                if batch is None:
                    return
                depth = min(depth * 2, most)
                entries = [entry for entry in batch if entry.name not in (b".", b"..")]
                if (why := watch.look(entries)) is not None:
                    raise self._requests.failed(path, why)
                if entries:
                    yield entries
                await asyncio.sleep(0)  # answers that are all here already would be read in one turn of the loop
        finally:
            for waiter in flying:
                waiter.cancel()
            self._requests.let_go(handle)

    async def _batch(self, path: bytes, waiter: asyncio.Future[Reply]) -> Sequence[Entry] | None:
        """The names of one answer; None at the end. Some servers end with no names rather than EOF."""
        try:
            reply = self._session.checked(await waiter, Type.NAME)
            return self._requests.parsed(path, parse_names, reply.body) or None
        except SftpStatus as status:
            if status.code == Status.EOF:
                return None
            raise await self._requests.explained(status, path, Intent.LIST) from status
        except SftpEnded as ended:
            raise self._requests.failed(path, ended) from ended

    async def space(self, path: bytes) -> Space | None:
        """Room on the file system of `path`."""
        room = await self._requests.room(path)
        return room[0] if room else None

    async def account_names(
        self, users: Sequence[int], groups: Sequence[int]
    ) -> tuple[Mapping[int, str], Mapping[int, str]]:
        """Names for numbers; none where the server does not tell them."""
        if not self._requests.offers(b"users-groups-by-id@openssh.com"):
            return {}, {}
        packed = [string(b"".join(uint32(number) for number in numbers)) for numbers in (users, groups)]
        try:
            reply = await self._session.extended(b"users-groups-by-id@openssh.com", *packed, expect=Type.EXTENDED_REPLY)
            return parse_account_names(reply.body, users, groups)
        except (SftpStatus, BadPacket):
            return {}, {}
        except SftpEnded as ended:
            raise self._requests.failed(b".", ended) from ended

    # --- opening ---

    async def open(self, path: bytes, mode: OpenMode, permissions: int | None = None) -> SshRemoteFile:
        """An open file."""
        fields = (string(path), uint32(_FLAGS[mode]), attributes(mode=permissions))
        handle = await self._requests.handle(path, _INTENTS[mode], Type.OPEN, *fields)
        return SshRemoteFile(self._requests, path, handle, writes=mode is not OpenMode.READ)

    # --- changing ---

    async def mkdir(self, path: bytes, permissions: int | None = None) -> None:
        fields = string(path), attributes(mode=permissions)
        await self._requests.ask(path, Intent.CREATE_NEW, Type.MKDIR, *fields, expect=Type.STATUS)

    async def rmdir(self, path: bytes) -> None:
        await self._requests.ask(path, Intent.REMOVE_DIRECTORY, Type.RMDIR, string(path), expect=Type.STATUS)

    async def remove(self, path: bytes) -> None:
        await self._requests.ask(path, Intent.REMOVE_FILE, Type.REMOVE, string(path), expect=Type.STATUS)

    async def rename(self, old: bytes, new: bytes) -> None:
        """EXISTS when `new` is there, whatever the server's own rename would do."""
        try:
            await self._session.request(Type.RENAME, string(old), string(new), expect=Type.STATUS)
        except SftpStatus as status:
            raise await self._rename_error(status, old, new) from status
        except SftpEnded as ended:
            raise self._requests.failed(old, ended) from ended

    async def _rename_error(self, status: SftpStatus, old: bytes, new: bytes) -> FileError:
        requests = self._requests
        if await requests.look(old) is None:
            return requests.failed(old, status.words, Code.NOT_FOUND)
        if status.code == Status.FAILURE and await requests.look(new) is not None:
            return requests.failed(new, status.words, Code.EXISTS)
        return await requests.explained(status, new, Intent.CREATE_NEW)

    async def replace(self, old: bytes, new: bytes) -> None:
        """Rename over whatever file is there."""
        if self._requests.offers(b"posix-rename@openssh.com"):
            fields = string(b"posix-rename@openssh.com"), string(old), string(new)
            await self._requests.ask(new, Intent.WRITE, Type.EXTENDED, *fields, expect=Type.STATUS)
            return
        aside = _aside(new)
        async with background(self._requests.look(aside)) as left:
            try:
                await self.rename(old, new)
            except FileError as taken:
                if taken.code is not Code.EXISTS:
                    raise
                await self._replace_by_hand(old, new, aside)
            else:
                if await left is not None:
                    await self.remove(aside)

    async def _replace_by_hand(self, old: bytes, new: bytes, aside: bytes) -> None:
        """Move what is there aside, put the new one in place, remove the old one; put it back where that fails."""
        if (await self.lstat(new)).kind is FileKind.DIRECTORY:
            raise self._requests.failed(new, "", Code.IS_DIRECTORY)
        try:
            await self.rename(new, aside)
        except FileError as taken:  # by an even older one, of a time when the link was lost before it was removed
            if taken.code is not Code.EXISTS:
                raise
            await self.remove(aside)
            await self.rename(new, aside)
        try:
            await self.rename(old, new)
        except BaseException:
            await asyncio.shield(self.rename(aside, new))
            raise
        await self.remove(aside)

    async def symlink(self, link: bytes, points_to: bytes) -> None:
        pair = (link, points_to) if _LINK_FIRST.search(self._server) else (points_to, link)
        fields = [string(part) for part in pair]
        await self._requests.ask(link, Intent.CREATE_NEW, Type.SYMLINK, *fields, expect=Type.STATUS)

    async def hardlink(self, path: bytes, existing: bytes) -> None:
        """A second name for `existing`."""
        if not self._requests.offers(b"hardlink@openssh.com"):
            raise self._requests.failed(path, "the server makes no hard links")
        fields = string(b"hardlink@openssh.com"), string(existing), string(path)
        try:
            await self._requests.session.request(Type.EXTENDED, *fields, expect=Type.STATUS)
        except SftpStatus as status:
            raise await self._rename_error(status, existing, path) from status
        except SftpEnded as ended:
            raise self._requests.failed(path, ended) from ended

    async def set_attributes(
        self,
        path: bytes,
        *,
        mode: int | None = None,
        modified: float | None = None,
        owner: tuple[int, int] | None = None,
        follow: bool = True,
    ) -> None:
        """Mode, owner and time of change; the time of access is set with it, as version 3 knows only both."""
        wanted = attributes(mode=mode, times=_times(modified), owner=owner)
        # Modes are not set this way: on Linux the server's system call for it fails (chmod(2), ENOTSUP).
        directly = not follow and mode is None and self._requests.offers(b"lsetstat@openssh.com")
        if follow or (not directly and (await self.lstat(path)).kind is not FileKind.SYMLINK):
            await self._requests.ask(path, Intent.CHANGE, Type.SETSTAT, string(path), wanted, expect=Type.STATUS)
            return
        if not self._requests.offers(b"lsetstat@openssh.com"):
            raise self._requests.failed(path, "the server cannot change a link itself")
        fields = string(b"lsetstat@openssh.com"), string(path), wanted
        await self._requests.ask(path, Intent.CHANGE, Type.EXTENDED, *fields, expect=Type.STATUS)

    async def close(self) -> None:
        """Close the channel, and what is open in it. The server is told, and its answer changes nothing."""
        self._channel.abort()


def _aside(path: bytes) -> bytes:
    """Where an old file is while a new one takes its place. Always the same name, so that a later try finds what a lost
    link has left there."""
    holder, slash, name = path.rpartition(b"/")
    tail = b"." + hashlib.sha256(name).hexdigest()[:8].encode() + b".fairlead-old"
    return holder + slash + name[: LONGEST_NAME - len(tail)] + tail


def _shown(printed: bytes) -> str:
    """The beginning of what was printed, on one harmless line."""
    return clean_line(printed[:_SHOWN_NOISE].decode("utf-8", "backslashreplace")).strip()


def _times(modified: float | None) -> tuple[int, int] | None:
    """Access and modification as version 3 has them: whole seconds in 32 bits."""
    if modified is None:
        return None
    seconds = min(max(int(modified), 0), 0xFFFFFFFF)
    return seconds, seconds
