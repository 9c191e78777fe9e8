"""Command output on the local disk: the whole of it as it arrives, or what a buffer holds now. Never over a file."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeVar

from backend.commands.output import OutputBuffer
from backend.dataclass import dataclass
from backend.errors import Advice, Code, FileError

T = TypeVar("T")

_CODES = {
    errno.EEXIST: Code.EXISTS,
    errno.ENOENT: Code.NOT_FOUND,
    errno.ENOTDIR: Code.NOT_DIRECTORY,
    errno.EISDIR: Code.IS_DIRECTORY,
    errno.EACCES: Code.PERMISSION,
    errno.EPERM: Code.PERMISSION,
    errno.EROFS: Code.READ_ONLY,
    errno.ENOSPC: Code.DISK_FULL,
    errno.EDQUOT: Code.QUOTA,
}
_ADVICE = (Advice("Save it under another name, or in a directory of your own with room in it."),)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a file got."""

    path: Path
    bytes: int
    dropped_lines: int
    """Lines that the buffer had discarded before, and that are therefore missing."""


class Spill:
    """The whole of an output in a new local file (mode 0600), written in order and off the event loop.

    An async context manager. A failure is kept in `error` and ends the writing; it is not raised, since what produces
    the output goes on. Without a path nothing happens.
    """

    def __init__(self, path: Path | None) -> None:
        self.error: FileError | None = None
        self._path = path
        self._file: BinaryIO | None = None

    async def __aenter__(self) -> None:
        path = self._path
        if path is not None:
            self._file = await self._try(lambda: _create(path))

    async def write(self, data: bytes) -> None:
        """Append `data`, unless something failed before."""
        file = self._file
        if file is not None and self.error is None:
            await self._try(lambda: file.write(data))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        file, self._file = self._file, None
        if file is not None:
            await self._try(file.close)

    async def _try(self, work: Callable[[], T]) -> T | None:
        assert self._path is not None
        try:
            return await _in_thread(self._path, work)
        except FileError as error:
            self.error = self.error or error
            return None


async def save(buffer: OutputBuffer, path: Path) -> Saved:
    """Write what `buffer` holds now into a new file. Raises FileError; a file that was cut short is removed."""
    pieces, dropped = buffer.pieces(), buffer.dropped
    await _in_thread(path, lambda: _write_all(path, pieces))
    return Saved(path, sum(map(len, pieces)), dropped)


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _write_all(path: Path, pieces: Iterable[bytes]) -> None:
    with _create(path) as file:
        try:
            file.writelines(pieces)
            file.flush()
        except OSError:
            path.unlink(missing_ok=True)
            raise


async def _in_thread(path: Path, work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        code = _CODES.get(error.errno or 0, Code.FILE_FAILED)
        reason = error.strerror or str(error)
        evidence = {"path": path, "parent": path.parent, "reason": reason}
        raise FileError(code, evidence=evidence, advice=_ADVICE) from error
