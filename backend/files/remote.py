"""The files of a host, over the shared SFTP channel of its session."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

from backend.connection.connector import Attributes, Entry, FileChannel, FileKind, OpenMode, RemoteFile, Space
from backend.connection.session import Session
from backend.errors import Code, FairleadError, FileError
from backend.files.contract import FileSystem, Search, TreeCount, TreeSize
from backend.files.host_accounts import HostAccounts
from backend.files.host_commands import ask_script, said
from backend.files.host_copy import HostCopy
from backend.files.host_reasons import why_not_written
from backend.files.host_search import host_search, host_tree_size
from backend.files.links import follow_named
from backend.files.missing import making
from backend.files.modes import OwnerChange
from backend.files.name_pattern import NamePattern
from backend.files.partial import partial_name
from backend.files.paths import (
    PathResolver,
    collapse,
    join_inside,
    name_of,
    parent_of,
    split_after_dots,
    to_text,
    variables_in,
)
from backend.files.remote_trees import IN_FLIGHT, Removal, count_tree, make_directories
from backend.tasks import closing
from backend.text import show_bytes

BLOCK = 261120
"""Bytes of one read or write at most; what OpenSSH allows in one request."""

ChannelOf = Callable[[], Awaitable[FileChannel]]

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\$?")


class RemoteFileSystem:
    """One host's files behind the contract of `backend.files.contract`."""

    def __init__(self, session: Session, channel: ChannelOf | None = None) -> None:
        """`channel` gives the live SFTP channel; the session's shared one when left out."""
        self._session = session
        self._channel: ChannelOf = channel or session.files
        self._home: bytes | None = None
        self._accounts = HostAccounts()
        self._variables: dict[str, str | None] = {}
        """What the host says of variables that the profile does not have; None for those that are not set."""

    @property
    def host(self) -> str | None:
        return self._session.host

    @asynccontextmanager
    async def change(self, what: str, *, agreed: bool = False) -> AsyncIterator[FileSystem]:
        yield self

    async def home(self) -> bytes:
        if self._home is None:
            self._home = await (await self._channel()).resolve(b".")
        return self._home

    async def start(self) -> bytes:
        home, target = await self.home(), self._session.target
        directory = target.workplace.directory if target is not None else None
        return home if directory is None else await self.resolve(directory)

    async def resolve(self, text: str, cwd: bytes | None = None) -> bytes:
        path = await (await self._resolver(text)).resolve(text, cwd)
        head, rest = split_after_dots(path)
        if not head:
            return path
        channel = await self._channel()
        return join_inside(collapse(await channel.resolve(head)), *rest)

    async def list(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        channel = await self._channel()
        async with closing(channel.scan(path)) as batches:
            async for batch in batches:
                yield batch

    async def stat(self, path: bytes, *, follow: bool = True) -> Attributes:
        channel = await self._channel()
        return await (channel.stat(path) if follow else channel.lstat(path))

    async def named(self, attributes: Attributes) -> Attributes:
        return await self._accounts.named(self._session.link, await self._channel(), attributes)

    async def readlink(self, path: bytes) -> bytes:
        return await (await self._channel()).readlink(path)

    async def real(self, path: bytes) -> bytes:
        return await (await self._channel()).resolve(path)

    async def mkdir(self, path: bytes, *, parents: bool = False) -> None:
        channel = await self._channel()
        async with making(self, path):
            await (make_directories(channel, path) if parents else channel.mkdir(path))

    async def create(self, path: bytes, *, mode: int | None = None) -> None:
        async with making(self, path):
            await (await (await self._channel()).open(path, OpenMode.EXCLUSIVE, mode)).close()

    async def symlink(self, path: bytes, points_to: bytes) -> None:
        async with making(self, path):
            await (await self._channel()).symlink(path, points_to)

    async def hardlink(self, path: bytes, existing: bytes) -> None:
        async with making(self, path):
            await (await self._channel()).hardlink(path, existing)

    async def rename(self, old: bytes, new: bytes) -> None:
        async with making(self, new):
            await (await self._channel()).rename(old, new)

    async def replace(self, old: bytes, new: bytes) -> None:
        await (await self._channel()).replace(old, new)

    async def copy_file(self, old: bytes, new: bytes, found: Attributes) -> int:
        async with making(self, new):
            return await HostCopy(self._session.link, await self._channel(), self).file(old, new, found)

    async def remove(self, path: bytes, *, recursive: bool = False) -> TreeCount:
        channel = await self._channel()
        found = await channel.lstat(path)
        if found.kind is not FileKind.DIRECTORY:
            await channel.remove(path)
            return TreeCount(1, 0, found.size or 0)
        if not recursive:
            await channel.rmdir(path)
            return TreeCount(0, 1, 0)
        return await Removal(channel).directory(path)

    async def count(self, path: bytes) -> TreeCount:
        channel = await self._channel()
        found = await channel.lstat(path)
        if found.kind is not FileKind.DIRECTORY:
            return TreeCount(1, 0, found.size or 0)
        return await count_tree(channel, path)

    async def chmod(self, path: bytes, mode: int) -> None:
        await (await self._channel()).set_attributes(path, mode=mode)

    async def chown(self, path: bytes, user: int, group: int) -> None:
        await (await self._channel()).set_attributes(path, owner=(user, group), follow=False)

    async def account_ids(self, change: OwnerChange) -> tuple[int | None, int | None]:
        return await self._accounts.ids(self._session.link, self, change)

    async def set_modified(self, path: bytes, modified: float) -> None:
        await (await self._channel()).set_attributes(path, modified=modified)

    async def read(self, path: bytes, *, start: int = 0, limit: int | None = None) -> AsyncIterator[bytes]:
        channel = await self._channel()
        file = await channel.open(path, OpenMode.READ)
        try:
            async with closing(_in_order(file, _block(channel.limits.read), start, limit)) as blocks:
                async for data in blocks:
                    yield data
        finally:
            await file.close()

    async def write(
        self,
        path: bytes,
        content: AsyncIterator[bytes],
        *,
        mode: int | None = None,
        owner: tuple[int | None, int | None] = (None, None),
    ) -> int:
        path = await follow_named(self, path)
        try:
            async with making(self, path):
                return await self._write(path, content, mode, owner)
        except FileError as error:
            raise await self._explained(error, path) from error

    async def _explained(self, error: FileError, path: bytes) -> FileError:
        """The cause, where SFTP tells none: the host's own commands may."""
        if error.code is not Code.FILE_FAILED:
            return error
        code = await why_not_written(await self._session.link(), path)
        return error if code is None else FileError(code, evidence=error.evidence, host=self.host)

    async def _write(
        self,
        path: bytes,
        content: AsyncIterator[bytes],
        mode: int | None,
        owner: tuple[int | None, int | None],
    ) -> int:
        channel = await self._channel()
        before = await self._before(channel, path)
        growing = join_inside(parent_of(path), partial_name(name_of(path), secrets.token_bytes(8)))
        file = await channel.open(growing, OpenMode.EXCLUSIVE, mode)
        try:
            try:
                written = await _pour(file, content, _block(channel.limits.write))
                await file.finish()
            finally:
                await file.close()
            if owner != (None, None):
                await self._give(growing, owner)
            kept = mode if mode is not None else before.mode if before is not None else None
            if kept is not None:
                await channel.set_attributes(growing, mode=kept)
            await channel.replace(growing, path)
        except BaseException:
            with suppress(FairleadError):
                await asyncio.wait_for(channel.remove(growing), timeout=2.0)
            raise
        return written

    async def _give(self, path: bytes, owner: tuple[int | None, int | None]) -> None:
        own = await self.stat(path, follow=False)
        user, group = (new if new is not None else old for new, old in zip(owner, (own.uid, own.gid), strict=True))
        if user is None or group is None:
            raise FileError(Code.FILE_FAILED, evidence={"path": show_bytes(path), "reason": "no owner is told"})
        await self.chown(path, user, group)

    async def rewrite(self, path: bytes, content: AsyncIterator[bytes]) -> None:
        channel = await self._channel()
        file = await channel.open(path, OpenMode.CREATE)
        try:
            await _pour(file, content, _block(channel.limits.write))
            await file.finish()
        finally:
            await file.close()

    async def space(self, path: bytes) -> Space | None:
        return await (await self._channel()).space(path)

    def search(self, path: bytes, pattern: NamePattern) -> Search:
        return host_search(self._session.link, partial(self.stat, follow=False), self, path, pattern)

    async def tree_size(self, path: bytes) -> TreeSize:
        await self.stat(path)
        return await host_tree_size(self._session.link, self, path)

    async def _resolver(self, text: str) -> PathResolver:
        """What reads `text`: it knows the profile's variables, and the root that `text` begins with."""
        home, target = await self.home(), self._session.target
        if target is None:
            return PathResolver(home=home, look_up_home=self._home_of)
        place, user = target.workplace, target.host.user
        environment = {"HOME": to_text(home), "USER": user, "LOGNAME": user, **place.env}
        environment |= await self._ask_variables(variables_in(text) - environment.keys())
        resolver = PathResolver(home=home, user=user, environment=environment, look_up_home=self._home_of)
        root = text.partition(":")[0]
        if text == root or root not in place.roots:
            return resolver
        return replace(resolver, roots={root: await resolver.resolve(place.roots[root])})

    async def _ask_variables(self, names: frozenset[str]) -> dict[str, str]:
        """Those of `names` that are set where commands run on the host. Each is asked for once."""
        unknown = sorted(names - self._variables.keys())
        if unknown:
            script = "".join(f"printf '%s\\0' \"${{{name}-}}\"\n" for name in unknown).encode()
            answer = said(await ask_script(await self._session.link(), script, seconds=10)).split(b"\0")
            self._variables |= {name: to_text(value) or None for name, value in zip(unknown, answer, strict=False)}
        return {name: value for name in names if (value := self._variables.get(name))}

    async def _before(self, channel: FileChannel, path: bytes) -> Attributes | None:
        try:
            found = await channel.stat(path)
        except FileError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise
        if found.kind is FileKind.DIRECTORY:
            raise FileError(Code.IS_DIRECTORY, evidence={"path": show_bytes(path)}, host=self.host)
        return found

    async def _home_of(self, user: str) -> bytes:
        answer = b""
        if _USER.fullmatch(user):
            script = f"cd / && printf '%s' ~{user}\n".encode()
            answer = said(await ask_script(await self._session.link(), script, seconds=10))
        if not answer.startswith(b"/"):
            message = f"The home directory of {user} on {self.host} could not be found out."
            raise FileError(Code.NOT_FOUND, message, evidence={"path": f"~{user}", "parent": "/home"}, host=self.host)
        return answer


def _block(limit: int) -> int:
    return max(1, min(limit, BLOCK))


async def read_fully(file: RemoteFile, offset: int, size: int) -> bytes:
    """`size` bytes from `offset`, asking again after short answers; fewer only at the end of the file."""
    data = await file.read(offset, size)
    if not data or len(data) >= size:
        return data
    parts = [data]
    missing = size - len(data)
    while missing and (data := await file.read(offset + size - missing, missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


async def _in_order(file: RemoteFile, block: int, start: int, limit: int | None) -> AsyncIterator[bytes]:
    """Everything from `start`, without a gap also when the file grows meanwhile."""
    under_way: deque[asyncio.Task[bytes]] = deque()
    asked = offset = start
    end = None if limit is None else start + limit
    try:
        while True:
            # One request first: most files that are looked at are small, and their end comes with it.
            while len(under_way) < (IN_FLIGHT if asked > start + block else 2) and (end is None or asked < end):
                size = _size(block, asked, end)
                under_way.append(asyncio.create_task(read_fully(file, asked, size)))
                asked += size
            data = await under_way.popleft() if under_way else b""
            if not data:
                return
            yield data
            size = _size(block, offset, end)
            offset += len(data)
            if len(data) < size:
                if not under_way or not await under_way[0]:
                    return
                # It has grown since: what was asked for after the old end does not follow what was handed on.
                await _drop(under_way)
                asked = offset
    finally:
        await _drop(under_way)


def _size(block: int, offset: int, end: int | None) -> int:
    return block if end is None else min(block, end - offset)


async def _drop(under_way: deque[asyncio.Task[bytes]]) -> None:
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    under_way.clear()


async def _pour(file: RemoteFile, content: AsyncIterator[bytes], block: int) -> int:
    under_way: deque[asyncio.Task[None]] = deque()
    offset = 0
    try:
        async for data in content:
            for at in range(0, len(data), block):
                piece = data[at : at + block]
                if len(under_way) >= IN_FLIGHT:
                    await under_way.popleft()
                under_way.append(asyncio.create_task(file.write(offset, piece)))
                offset += len(piece)
        while under_way:
            await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
    return offset


async def lstat_or_none(channel: FileChannel, path: bytes) -> Attributes | None:
    """What is at `path`, itself if it is a link; None when nothing is."""
    try:
        return await channel.lstat(path)
    except FileError as error:
        if error.code is Code.NOT_FOUND:
            return None
        raise


def refuse_directory(found: Attributes | None, path: bytes) -> None:
    """Raise FileError IS_DIRECTORY when what is there is one."""
    if found is not None and found.kind is FileKind.DIRECTORY:
        raise FileError(Code.IS_DIRECTORY, evidence={"path": show_bytes(path)})
