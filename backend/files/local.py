"""The files of this machine. Every call to the disk happens in a thread; directories are read in batches."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from backend.connection.connector import Attributes, Entry, FileKind, Space
from backend.errors import Code, FileError
from backend.files.contract import FileSystem, Search, TreeCount, TreeSize
from backend.files.links import follow_named
from backend.files.local_accounts import home_of, ids_of, with_names
from backend.files.local_copy import copy_local
from backend.files.missing import making
from backend.files.modes import OwnerChange
from backend.files.name_pattern import NamePattern
from backend.files.partial import partial_name
from backend.files.paths import PathResolver, join_inside, name_of, parent_of, split_after_dots
from backend.files.problems import local_attributes, local_error, told
from backend.files.search import WalkingSearch
from backend.text import show_bytes

T = TypeVar("T")

BATCH = 256
"""Directory entries read in one go."""
CHUNK = 262144
"""Bytes read in one go."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class LocalFileSystem:
    """This machine's files behind the contract of `backend.files.contract`."""

    @property
    def host(self) -> str | None:
        return None

    @asynccontextmanager
    async def change(self, what: str, *, agreed: bool = False) -> AsyncIterator[FileSystem]:
        yield self

    async def home(self) -> bytes:
        return os.fsencode(Path.home())

    async def start(self) -> bytes:
        return await self.home()

    async def resolve(self, text: str, cwd: bytes | None = None) -> bytes:
        """The absolute path that a person means by `text`; relative to `cwd` or the process's own directory."""
        home, cwd = await self.home(), cwd or os.getcwdb()
        # What a shell was to expand it has expanded: a dollar in the name of something that is there is a dollar.
        literal = "$" in text and await asyncio.to_thread(os.path.lexists, os.path.join(cwd, os.fsencode(text)))
        environment = {} if literal else os.environ
        resolver = PathResolver(home=home, environment=environment, look_up_home=home_of)
        path = await resolver.resolve(text, cwd)
        return await asyncio.to_thread(_follow_dots, path)

    async def list(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        entries = await _on(path, lambda: os.scandir(path))
        try:
            while batch := await _on(path, lambda: _take(entries)):
                yield batch
        finally:
            entries.close()

    async def stat(self, path: bytes, *, follow: bool = True) -> Attributes:
        return await _on(path, lambda: local_attributes(os.stat(path, follow_symlinks=follow)))

    async def named(self, attributes: Attributes) -> Attributes:
        return await asyncio.to_thread(with_names, attributes)

    async def readlink(self, path: bytes) -> bytes:
        return await _on(path, lambda: os.readlink(path))

    async def real(self, path: bytes) -> bytes:
        return await _on(path, lambda: os.path.realpath(path, strict=True))

    async def mkdir(self, path: bytes, *, parents: bool = False) -> None:
        if parents:
            await _on(path, lambda: os.makedirs(path, exist_ok=True))
            return
        async with making(self, path):
            await _on(path, lambda: os.mkdir(path))

    async def create(self, path: bytes, *, mode: int | None = None) -> None:
        async with making(self, path):
            await _on(path, lambda: os.close(os.open(path, _NEW, 0o666 if mode is None else mode)))

    async def symlink(self, path: bytes, points_to: bytes) -> None:
        async with making(self, path):
            await _on(path, lambda: os.symlink(points_to, path))

    async def hardlink(self, path: bytes, existing: bytes) -> None:
        async with making(self, path):
            await _on(path, lambda: os.link(existing, path, follow_symlinks=False))

    async def rename(self, old: bytes, new: bytes) -> None:
        async with making(self, new):
            await _on(old, lambda: _rename_without_replacing(old, new))

    async def replace(self, old: bytes, new: bytes) -> None:
        await _on(new, lambda: os.replace(old, new))

    async def copy_file(self, old: bytes, new: bytes, found: Attributes) -> int:
        async with making(self, new):
            return await _stoppable(new, lambda stop: copy_local(old, new, stop))

    async def remove(self, path: bytes, *, recursive: bool = False) -> TreeCount:
        work = _remove_tree if recursive else _remove_one
        return await _stoppable(path, lambda stop: work(path, stop))

    async def count(self, path: bytes) -> TreeCount:
        return await _stoppable(path, lambda stop: _count_tree(path, stop))

    async def chmod(self, path: bytes, mode: int) -> None:
        await _on(path, lambda: os.chmod(path, mode))

    async def chown(self, path: bytes, user: int, group: int) -> None:
        await _on(path, lambda: os.chown(path, user, group, follow_symlinks=False))

    async def account_ids(self, change: OwnerChange) -> tuple[int | None, int | None]:
        return await asyncio.to_thread(ids_of, change)

    async def set_modified(self, path: bytes, modified: float) -> None:
        await _on(path, lambda: os.utime(path, (modified, modified)))

    async def read(self, path: bytes, *, start: int = 0, limit: int | None = None) -> AsyncIterator[bytes]:
        descriptor = await _on(path, lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        try:
            offset, end = start, None if limit is None else start + limit
            while end is None or offset < end:
                size = CHUNK if end is None else min(CHUNK, end - offset)
                data = await _on(path, partial(os.pread, descriptor, size, offset))
                if not data:
                    break
                offset += len(data)
                yield data
        finally:
            os.close(descriptor)

    async def write(
        self,
        path: bytes,
        content: AsyncIterator[bytes],
        *,
        mode: int | None = None,
        owner: tuple[int | None, int | None] = (None, None),
    ) -> int:
        path = await follow_named(self, path)
        growing = join_inside(parent_of(path), partial_name(name_of(path), secrets.token_bytes(8)))
        async with making(self, path):
            descriptor = await _on(path, lambda: _create_beside(path, growing, mode))
        written = 0
        try:
            try:
                async for data in content:
                    await _on(path, partial(_write_all, descriptor, data))
                    written += len(data)
                await _on(path, lambda: _own(descriptor, owner, mode))
                await _on(path, lambda: os.fsync(descriptor))
            finally:
                os.close(descriptor)
            await _on(path, lambda: os.replace(growing, path))
        except BaseException:
            with suppress(OSError):
                os.unlink(growing)
            raise
        return written

    async def rewrite(self, path: bytes, content: AsyncIterator[bytes]) -> None:
        descriptor = await _on(path, lambda: os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC))
        try:
            async for data in content:
                await _on(path, partial(_write_all, descriptor, data))
            await _on(path, lambda: os.fsync(descriptor))
        finally:
            os.close(descriptor)

    async def space(self, path: bytes) -> Space | None:
        found = await _on(path, lambda: os.statvfs(path))
        return Space(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, found.f_favail)

    def search(self, path: bytes, pattern: NamePattern) -> Search:
        return WalkingSearch(self, path, pattern)

    async def tree_size(self, path: bytes) -> TreeSize:
        def work(stop: threading.Event) -> TreeSize:
            count = _count_tree(os.path.realpath(path, strict=True), stop)
            return TreeSize(count.bytes, count.unreadable)

        return await _stoppable(path, work)


async def _on(path: bytes, work: Callable[[], T]) -> T:
    def run() -> T:
        with told(path):
            return work()

    return await asyncio.to_thread(run)


async def _stoppable(path: bytes, work: Callable[[threading.Event], T]) -> T:
    # A thread cannot be cancelled: it is told to stop at its next step.
    stop = threading.Event()
    try:
        return await _on(path, lambda: work(stop))
    except asyncio.CancelledError:
        stop.set()
        raise


def _follow_dots(path: bytes) -> bytes:
    head, rest = split_after_dots(path)
    return join_inside(os.path.realpath(head), *rest) if head else path


def _take(entries: Iterator[os.DirEntry[bytes]]) -> tuple[Entry, ...]:
    return tuple(Entry(found.name, _entry_attributes(found)) for found in islice(entries, BATCH))


def _entry_attributes(found: os.DirEntry[bytes]) -> Attributes:
    try:
        return local_attributes(found.stat(follow_symlinks=False))
    except OSError:  # gone since it was listed, or not ours to look at: the name is still true
        return Attributes(FileKind.UNKNOWN)


def _rename_without_replacing(old: bytes, new: bytes) -> None:
    # rename(2) replaces in silence; asking first leaves a moment's gap, and works for directories too.
    if os.path.lexists(new):
        raise FileError(Code.EXISTS, evidence={"path": show_bytes(new)})
    os.rename(old, new)


def _create_beside(path: bytes, growing: bytes, mode: int | None) -> int:
    if mode is None:
        with suppress(FileNotFoundError):
            mode = os.stat(path).st_mode & 0o7777
    if os.path.isdir(path):
        raise FileError(Code.IS_DIRECTORY, evidence={"path": show_bytes(path)})
    descriptor = os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    if mode is not None:
        os.fchmod(descriptor, mode)
    return descriptor


def _own(descriptor: int, owner: tuple[int | None, int | None], mode: int | None) -> None:
    if owner == (None, None):
        return
    os.fchown(descriptor, *(-1 if number is None else number for number in owner))
    if mode is not None:  # giving a file away takes its set-id bits
        os.fchmod(descriptor, mode)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _remove_one(path: bytes, stop: threading.Event) -> TreeCount:
    found = os.lstat(path)
    if local_attributes(found).kind is FileKind.DIRECTORY:
        os.rmdir(path)
        return TreeCount(0, 1, 0)
    os.unlink(path)
    return TreeCount(1, 0, found.st_size)


def _remove_tree(path: bytes, stop: threading.Event) -> TreeCount:
    if local_attributes(os.lstat(path)).kind is not FileKind.DIRECTORY:
        return _remove_one(path, stop)
    files = directories = size = 0
    for _, names, others, descriptor in os.fwalk(path, topdown=False, onerror=_raise):
        for name in others:
            size += os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_size
            os.unlink(name, dir_fd=descriptor)
            files += 1
        for name in names:
            if _is_directory(name, descriptor):
                os.rmdir(name, dir_fd=descriptor)
                directories += 1
            else:
                os.unlink(name, dir_fd=descriptor)
                files += 1
        if stop.is_set():
            return TreeCount(files, directories, size)
    os.rmdir(path)
    return TreeCount(files, directories + 1, size)


def _count_tree(path: bytes, stop: threading.Event) -> TreeCount:
    found = os.lstat(path)
    if local_attributes(found).kind is not FileKind.DIRECTORY:
        return TreeCount(1, 0, found.st_size)
    unreadable: list[OSError] = []
    files = directories = size = 0
    for _, names, others, descriptor in os.fwalk(path, onerror=unreadable.append):
        directories += 1
        for name in (*others, *(name for name in names if not _is_directory(name, descriptor))):
            files += 1
            with suppress(FileNotFoundError):
                size += os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_size
        if stop.is_set():
            break
    return TreeCount(files, directories + len(unreadable), size, len(unreadable))


def _is_directory(name: bytes, descriptor: int) -> bool:
    found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    return local_attributes(found).kind is FileKind.DIRECTORY


def _raise(error: OSError) -> None:
    path = error.filename
    raise local_error(error, path if isinstance(path, bytes) else os.fsencode(path or "")) from error
