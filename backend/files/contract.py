"""One contract for the files of this machine and of any host; panes and commands know only this.

Paths are absolute bytes. Every failure is a FileError (or LinkLost) with the code that fits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.connection.connector import Attributes, Entry, Space


@dataclass(frozen=True, slots=True)
class TreeCount:
    """What a tree holds."""

    files: int
    directories: int
    bytes: int
    unreadable: int = 0
    """Directories that could not be listed; the rest is a lower bound."""


class FileSystem(Protocol):
    """The files of one machine."""

    @property
    def host(self) -> str | None:
        """None for this machine."""
        ...

    async def home(self) -> bytes: ...

    async def start(self) -> bytes:
        """Where a pane begins: the directory that the host's entry or profile names, else home."""
        ...

    async def resolve(self, text: str, cwd: bytes | None = None) -> bytes:
        """The absolute path that a person means by `text`: `~`, `~user`, `.`, `..`, relative to `cwd` or home."""
        ...

    def list(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        """The directory's entries in batches, as they come; unsorted. `contextlib.aclosing` ends it early."""
        ...

    async def stat(self, path: bytes, *, follow: bool = True) -> Attributes: ...

    async def readlink(self, path: bytes) -> bytes: ...

    async def mkdir(self, path: bytes, *, parents: bool = False) -> None:
        """With `parents`, what exists is fine, as `mkdir -p`."""
        ...

    async def rename(self, old: bytes, new: bytes) -> None:
        """EXISTS when `new` is there."""
        ...

    async def remove(self, path: bytes, *, recursive: bool = False) -> TreeCount:
        """Remove a file, link or empty directory, or a whole tree. Links are never followed."""
        ...

    async def count(self, path: bytes) -> TreeCount:
        """What a recursive removal would remove; links are not followed."""
        ...

    async def chmod(self, path: bytes, mode: int) -> None: ...

    def read(self, path: bytes, *, start: int = 0, limit: int | None = None) -> AsyncIterator[bytes]:
        """The file's content from `start`, at most `limit` bytes, in order."""
        ...

    async def write(self, path: bytes, content: AsyncIterator[bytes], *, mode: int | None = None) -> int:
        """Make or replace the file in one atomic step, from a stream of unknown length; the bytes written.

        A link that has the name stays, and what it points to is replaced (see `backend.files.links`).
        """
        ...

    async def space(self, path: bytes) -> Space | None: ...
