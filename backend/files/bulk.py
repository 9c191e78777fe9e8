"""The same work on many files of one machine: remove, chmod, chown, copy, move; whole trees too.

What fails is noted and the rest goes on; a lost link ends it, and so does cancelling: what was done stays done. Links
are never followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import field

from backend.connection.connector import Attributes, FileKind
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError, FileError
from backend.files.contract import FileSystem
from backend.files.modes import ModeChange
from backend.files.paths import DEEPEST, join_inside, name_of, parent_of
from backend.tasks import closing, task_group
from backend.text import show_bytes

AT_ONCE = 64
"""Requests under way: over a long path it is their number that decides."""
_SLICE = 512
"""Entries of one directory that have tasks of their own at a time."""
ERRORS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class ItemError:
    """Something that could not be done to one file."""

    path: bytes
    error: FairleadError


@dataclass(slots=True)
class BulkProgress:
    """How far it is, kept up while it runs."""

    total: int | None = None
    """Files, links and directories, where they were counted before."""
    done: int = 0
    directories: int = 0
    """Of those that are done."""
    size: int = 0
    """Bytes of what was copied or removed."""
    current: bytes = b""
    """What was begun last."""
    failed: int = 0
    errors: list[ItemError] = field(default_factory=list)
    """The first of those that failed."""
    skipped: int = 0
    """Devices, sockets and pipes, which are not copied."""

    def note(self, path: bytes, error: FairleadError) -> None:
        """One that failed."""
        self.failed += 1
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append(ItemError(path, error))


_Found = tuple[bytes, Attributes]


class Bulk:
    """Works on the files of one machine and tells how far it is."""

    def __init__(self, files: FileSystem, progress: BulkProgress | None = None) -> None:
        self.files = files
        self.progress = progress or BulkProgress()
        self._slots = asyncio.Semaphore(AT_ONCE)

    # --- removing ------------------------------------------------------------------------------------------------

    async def remove(self, paths: Iterable[bytes]) -> BulkProgress:
        """Files, links, and directories with all that is in them."""
        for path in paths:
            found = await self._look(path)
            if found is not None:
                await self._remove(path, found, 0)
        return self.progress

    async def _remove(self, path: bytes, found: Attributes, depth: int) -> bool:
        """Whether it is gone."""
        if found.kind is FileKind.DIRECTORY:
            children = await self._children(path, depth)
            if children is None or not all(
                await self._each(children, lambda below, found: self._remove(below, found, depth + 1))
            ):
                return False  # said already, of what is in the way
        return await self._done(path, found, self.files.remove, gone=found.size or 0)

    # --- modes and owners ----------------------------------------------------------------------------------------

    async def chmod(self, paths: Iterable[bytes], change: ModeChange, *, recursive: bool) -> BulkProgress:
        """A link that is named counts as what it points to; links inside trees are left alone, as by chmod(1)."""
        for path in paths:
            found = await self._look(path, follow=True)
            if found is not None:
                await self._chmod(path, found, change, 0 if recursive else None)
        return self.progress

    async def _chmod(self, path: bytes, found: Attributes, change: ModeChange, depth: int | None) -> bool:
        if found.kind is FileKind.SYMLINK:
            return True
        is_directory = found.kind is FileKind.DIRECTORY
        mode = change.applied(found.mode or 0, is_directory=is_directory)

        async def set_mode(path: bytes) -> None:
            await self.files.chmod(path, mode)

        # What lets us in is set before, what shuts us out after.
        first = bool(mode & 0o700 & ~(found.mode or 0))
        well = await self._done(path, found, set_mode) if first else True
        if is_directory and depth is not None:
            children = await self._children(path, depth)
            deeper = depth + 1
            await self._each(children or [], lambda below, found: self._chmod(below, found, change, deeper))
        return well if first else await self._done(path, found, set_mode)

    async def chown(
        self, paths: Iterable[bytes], owner: tuple[int | None, int | None], *, recursive: bool
    ) -> BulkProgress:
        """`owner` is user and group by number; None leaves it. Links themselves are given, not what they point to."""
        for path in paths:
            found = await self._look(path)
            if found is not None:
                await self._chown(path, found, owner, 0 if recursive else None)
        return self.progress

    async def _chown(
        self, path: bytes, found: Attributes, owner: tuple[int | None, int | None], depth: int | None
    ) -> bool:
        if found.kind is FileKind.DIRECTORY and depth is not None:
            children = await self._children(path, depth)
            deeper = depth + 1
            await self._each(children or [], lambda below, found: self._chown(below, found, owner, deeper))

        async def give(path: bytes) -> None:
            known = found if found.uid is not None else await self.files.stat(path, follow=False)
            user = owner[0] if owner[0] is not None else known.uid
            group = owner[1] if owner[1] is not None else known.gid
            if user is None or group is None:
                raise FileError(Code.FILE_FAILED, evidence={"path": show_bytes(path), "reason": "no owner is told"})
            await self.files.chown(path, user, group)

        return await self._done(path, found, give)

    # --- copying and moving --------------------------------------------------------------------------------------

    async def copy(self, pairs: Iterable[tuple[bytes, bytes]]) -> BulkProgress:
        """Each as a second one under the other path, trees and links too. What is there is never replaced."""
        for old, new in pairs:
            found = await self._look(old)
            if found is not None and self._fits(old, new):
                await self._copy(old, found, new, 0)
        return self.progress

    async def _copy(self, old: bytes, found: Attributes, new: bytes, depth: int) -> bool:
        match found.kind:
            case FileKind.DIRECTORY:
                return await self._copy_directory(old, found, new, depth)
            case FileKind.FILE:

                async def copy_file(path: bytes) -> None:
                    copied = await self.files.copy_file(path, new, found)
                    self.progress.size += copied

                return await self._done(old, found, copy_file)
            case FileKind.SYMLINK:

                async def copy_link(path: bytes) -> None:
                    await self.files.symlink(new, await self.files.readlink(path))

                return await self._done(old, found, copy_link)
            case _:
                self.progress.skipped += 1
                return False

    async def _copy_directory(self, old: bytes, found: Attributes, new: bytes, depth: int) -> bool:
        if not await self._done(old, found, lambda _: self.files.mkdir(new)):
            return False
        children = await self._children(old, depth)
        well = children is not None and all(
            await self._each(
                children, lambda path, one: self._copy(path, one, join_inside(new, name_of(path)), depth + 1)
            )
        )

        async def finish(_: bytes) -> None:
            if found.mode is not None:
                await self.files.chmod(new, found.mode)
            if found.modified is not None:
                await self.files.set_modified(new, found.modified)

        return await self._guarded(new, finish) and well

    async def move(self, pairs: Iterable[tuple[bytes, bytes]]) -> BulkProgress:
        """Each to the other path; to another file system by copying and then removing what was copied whole."""
        for old, new in pairs:
            found = await self._look(old)
            if found is not None and self._fits(old, new):
                await self._move(old, found, new)
        return self.progress

    async def _move(self, old: bytes, found: Attributes, new: bytes) -> None:
        self.progress.current = old
        try:
            await self.files.rename(old, new)
        except FileError as error:
            if error.code is not Code.FILE_FAILED or not await self._elsewhere(old, new):
                self.progress.note(old, error)
            elif await self._copy(old, found, new, 0):
                await self._remove(old, found, 0)
        else:
            self.progress.done += 1
            self.progress.directories += found.kind is FileKind.DIRECTORY

    async def _elsewhere(self, old: bytes, new: bytes) -> bool:
        """Whether `new` would lie on another file system, as far as can be seen; then rename(2) cannot do it."""
        here, there = await self.files.space(parent_of(old)), await self.files.space(parent_of(new))
        return here is None or there is None or here.total != there.total

    def _fits(self, old: bytes, new: bytes) -> bool:
        if (new.rstrip(b"/") + b"/").startswith(old.rstrip(b"/") + b"/"):
            reason = "it would lie inside itself" if new != old else "that is where it is"
            self.progress.note(old, FileError(Code.NAME_INVALID, evidence={"path": show_bytes(new), "reason": reason}))
            return False
        return True

    # --- steps ---------------------------------------------------------------------------------------------------

    async def _look(self, path: bytes, *, follow: bool = False) -> Attributes | None:
        try:
            return await self.files.stat(path, follow=follow)
        except FileError as error:
            self.progress.note(path, error)
            return None

    async def _children(self, path: bytes, depth: int) -> Sequence[_Found] | None:
        """What is in a directory; None where that cannot be told, which is noted."""
        children: list[_Found] = []
        try:
            if depth >= DEEPEST:
                raise FileError(Code.NAME_INVALID, evidence={"path": show_bytes(path), "reason": "it lies too deep"})
            async with self._slots, closing(self.files.list(path)) as batches:
                async for batch in batches:
                    for entry in batch:
                        below, found = join_inside(path, entry.name), entry.attributes
                        known = found.kind is not FileKind.UNKNOWN
                        children.append((below, found if known else await self.files.stat(below, follow=False)))
        except FileError as error:
            self.progress.note(path, error)
            return None
        return children

    async def _each(self, found: Sequence[_Found], work: Callable[[bytes, Attributes], Awaitable[bool]]) -> list[bool]:
        results: list[bool] = []

        async def one(path: bytes, attributes: Attributes) -> bool:
            return await work(path, attributes)

        for start in range(0, len(found), _SLICE):
            async with task_group() as group:
                tasks = [group.create_task(one(*item)) for item in found[start : start + _SLICE]]
            results += [task.result() for task in tasks]
        return results

    async def _done(
        self, path: bytes, found: Attributes, work: Callable[[bytes], Awaitable[object]], *, gone: int = 0
    ) -> bool:
        """Do it and count it; whether it went well."""
        well = await self._guarded(path, work)
        if well:
            self.progress.done += 1
            self.progress.directories += found.kind is FileKind.DIRECTORY
            self.progress.size += gone if found.kind is FileKind.FILE else 0
        return well

    async def _guarded(self, path: bytes, work: Callable[[bytes], Awaitable[object]]) -> bool:
        async with self._slots:
            self.progress.current = path
            try:
                await work(path)
            except FileError as error:
                self.progress.note(path, error)
                return False
        return True
