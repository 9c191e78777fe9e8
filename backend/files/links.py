"""Where writing to a path leads that a person named: through its links, as cp(1) goes, to what they point to.

Names that are met inside a directory are never followed. A link in a directory where everybody may put one and nobody
may remove another's (sticky, as /tmp) is not followed either: it may be a stranger's (proc(5), protected_symlinks).
"""

from __future__ import annotations

from typing import Protocol

from backend.connection.connector import Attributes, FileKind
from backend.errors import Code, FileError
from backend.files.paths import name_of, parent_of, to_text
from backend.text import show_bytes

_MOST_LINKS = 40
"""As Linux has it (path_resolution(7))."""
_SHARED = 0o1002
"""Sticky, and everybody may write."""


class Looks(Protocol):
    """What is needed of a file system to follow a link."""

    async def resolve(self, text: str, cwd: bytes | None = None) -> bytes: ...

    async def stat(self, path: bytes, *, follow: bool = True) -> Attributes: ...

    async def readlink(self, path: bytes) -> bytes: ...


async def follow_named(files: Looks, path: bytes) -> bytes:
    """What the absolute `path` leads to, whether that is there or not; itself where no link has the name.

    Raises FileError, NAME_INVALID for links that go round in a circle.
    """
    named = path
    for _ in range(_MOST_LINKS):
        if not name_of(path) or not await _is_followed(files, path):
            return path
        points_to = await files.readlink(path)
        path = await files.resolve(to_text(b"./" + points_to if points_to[:1] == b"~" else points_to), parent_of(path))
    raise FileError(Code.NAME_INVALID, evidence={"path": show_bytes(named), "reason": "its links go round in a circle"})


async def _is_followed(files: Looks, path: bytes) -> bool:
    try:
        if (await files.stat(path, follow=False)).kind is not FileKind.SYMLINK:
            return False
    except FileError as error:
        if error.code is Code.NOT_FOUND:
            return False
        raise
    holder = await files.stat(parent_of(path))
    return (holder.mode or 0) & _SHARED != _SHARED
