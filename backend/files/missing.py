"""A directory that is missing on the way to what is to be made: which one it is, and how to make it.

A file system only says that there is no such file, of a path that everybody knows not to be there yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.errors import Advice, Code, FileError
from backend.files.contract import FileSystem
from backend.files.paths import parent_of
from backend.text import shell_word, show_bytes


@asynccontextmanager
async def making(files: FileSystem, path: bytes) -> AsyncIterator[None]:
    """Where making `path` inside fails because its directory is missing, that is what is told."""
    try:
        yield
    except FileError as error:
        if error.code is Code.NOT_FOUND:
            await expect_parent(files, path)
        raise


async def expect_parent(files: FileSystem, path: bytes) -> None:
    """Raise `missing_parent`, if it is."""
    if (missing := await missing_parent(files, path)) is not None:
        raise missing


async def missing_parent(files: FileSystem, path: bytes) -> FileError | None:
    """NOT_FOUND of the outermost directory that is missing on the way to `path`; None where none is."""
    parent = parent_of(path)
    if not await _is_missing(files, parent):
        return None
    above = [directory for directory in _ancestors(parent) if directory != b"/"]
    missing = await asyncio.gather(*(_is_missing(files, directory) for directory in above))
    outermost = next((directory for directory, gone in zip(above, missing, strict=True) if gone), parent)
    return _no_directory(files, outermost, parent)


def _no_directory(files: FileSystem, missing: bytes, wanted: bytes) -> FileError:
    """NOT_FOUND of `missing`, where the directory `wanted` was to hold something."""
    shown, parent = show_bytes(missing), show_bytes(parent_of(missing))
    if files.host is None:
        look, make = f"ls -la {shell_word(parent)}", f"mkdir -p {shell_word(show_bytes(wanted))}"
    else:
        look = f"fairlead ls {shell_word(f'{files.host}:{parent}')}"
        make = f"fairlead mkdir -p {shell_word(f'{files.host}:{show_bytes(wanted)}')}"
    return FileError(
        Code.NOT_FOUND,
        f"There is no directory {shown}.",
        evidence={"path": shown, "parent": parent},
        host=files.host,
        advice=(Advice("See what is there.", look), Advice("Make it.", make)),
    )


def _ancestors(path: bytes) -> list[bytes]:
    """`path` and what it lies in, outermost first."""
    parent = parent_of(path)
    return [path] if parent == path else [*_ancestors(parent), path]


async def _is_missing(files: FileSystem, path: bytes) -> bool:
    """What cannot be looked at is not said to be missing."""
    try:
        await files.stat(path)
    except FileError as error:
        return error.code is Code.NOT_FOUND
    return False
