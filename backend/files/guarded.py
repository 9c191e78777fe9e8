"""A host's files behind the production guard: looking is free, what changes something is asked about first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from backend.connection.connector import Attributes, Entry, Space
from backend.files.contract import FileSystem, Search, TreeCount, TreeSize
from backend.files.modes import OwnerChange
from backend.files.name_pattern import NamePattern
from backend.production.guard import Permit
from backend.text import show_bytes


class GuardedFileSystem:
    """See `FileSystem`: the files of `inner`, which is asked about with `permit`."""

    def __init__(self, inner: FileSystem, host: str, permit: Permit) -> None:
        self.host: str = host
        self._inner = inner
        self._permit = permit

    @asynccontextmanager
    async def change(self, what: str, *, agreed: bool = False) -> AsyncIterator[FileSystem]:
        if not agreed:
            await self._permit(self.host, what)
        yield self._inner

    # --- looking -------------------------------------------------------------------------------------------------

    async def home(self) -> bytes:
        return await self._inner.home()

    async def start(self) -> bytes:
        return await self._inner.start()

    async def resolve(self, text: str, cwd: bytes | None = None) -> bytes:
        return await self._inner.resolve(text, cwd)

    def list(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        return self._inner.list(path)

    async def stat(self, path: bytes, *, follow: bool = True) -> Attributes:
        return await self._inner.stat(path, follow=follow)

    async def named(self, attributes: Attributes) -> Attributes:
        return await self._inner.named(attributes)

    async def readlink(self, path: bytes) -> bytes:
        return await self._inner.readlink(path)

    async def real(self, path: bytes) -> bytes:
        return await self._inner.real(path)

    async def count(self, path: bytes) -> TreeCount:
        return await self._inner.count(path)

    async def account_ids(self, change: OwnerChange) -> tuple[int | None, int | None]:
        return await self._inner.account_ids(change)

    def read(self, path: bytes, *, start: int = 0, limit: int | None = None) -> AsyncIterator[bytes]:
        return self._inner.read(path, start=start, limit=limit)

    async def space(self, path: bytes) -> Space | None:
        return await self._inner.space(path)

    def search(self, path: bytes, pattern: NamePattern) -> Search:
        return self._inner.search(path, pattern)

    async def tree_size(self, path: bytes) -> TreeSize:
        return await self._inner.tree_size(path)

    # --- changing ------------------------------------------------------------------------------------------------

    async def mkdir(self, path: bytes, *, parents: bool = False) -> None:
        async with self.change(f"Make the directory {show_bytes(path)}") as files:
            await files.mkdir(path, parents=parents)

    async def create(self, path: bytes, *, mode: int | None = None) -> None:
        async with self.change(f"Make the file {show_bytes(path)}") as files:
            await files.create(path, mode=mode)

    async def symlink(self, path: bytes, points_to: bytes) -> None:
        async with self.change(f"Make the link {show_bytes(path)}, which points to {show_bytes(points_to)}") as files:
            await files.symlink(path, points_to)

    async def hardlink(self, path: bytes, existing: bytes) -> None:
        async with self.change(f"Give {show_bytes(existing)} the second name {show_bytes(path)}") as files:
            await files.hardlink(path, existing)

    async def rename(self, old: bytes, new: bytes) -> None:
        async with self.change(f"Rename {show_bytes(old)}\nto {show_bytes(new)}") as files:
            await files.rename(old, new)

    async def replace(self, old: bytes, new: bytes) -> None:
        async with self.change(f"Put {show_bytes(old)}\nin the place of {show_bytes(new)}") as files:
            await files.replace(old, new)

    async def copy_file(self, old: bytes, new: bytes, found: Attributes) -> int:
        async with self.change(f"Copy {show_bytes(old)}\nto {show_bytes(new)}") as files:
            return await files.copy_file(old, new, found)

    async def remove(self, path: bytes, *, recursive: bool = False) -> TreeCount:
        more = " and all that is in it" if recursive else ""
        async with self.change(f"Delete {show_bytes(path)}{more}") as files:
            return await files.remove(path, recursive=recursive)

    async def chmod(self, path: bytes, mode: int) -> None:
        async with self.change(f"Change the mode of {show_bytes(path)} to {mode:04o}") as files:
            await files.chmod(path, mode)

    async def chown(self, path: bytes, user: int, group: int) -> None:
        async with self.change(f"Give {show_bytes(path)} to user {user}, group {group}") as files:
            await files.chown(path, user, group)

    async def set_modified(self, path: bytes, modified: float) -> None:
        async with self.change(f"Change the time of {show_bytes(path)}") as files:
            await files.set_modified(path, modified)

    async def write(
        self,
        path: bytes,
        content: AsyncIterator[bytes],
        *,
        mode: int | None = None,
        owner: tuple[int | None, int | None] = (None, None),
    ) -> int:
        async with self.change(f"Write {show_bytes(path)}") as files:
            return await files.write(path, content, mode=mode, owner=owner)

    async def rewrite(self, path: bytes, content: AsyncIterator[bytes]) -> None:
        async with self.change(f"Write {show_bytes(path)}") as files:
            await files.rewrite(path, content)
