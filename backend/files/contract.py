"""One contract for the files of this machine and of any host; panes and commands know only this.

Paths are absolute bytes. Every failure is a FileError (or LinkLost) with the code that fits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from backend.connection.connector import Attributes, Entry, Space
from backend.dataclass import dataclass
from backend.files.modes import OwnerChange
from backend.files.name_pattern import NamePattern


@dataclass(frozen=True, slots=True)
class TreeCount:
    """What a tree holds."""

    files: int
    directories: int
    bytes: int
    unreadable: int = 0
    """Directories that could not be listed; the rest is a lower bound."""


@dataclass(frozen=True, slots=True)
class TreeSize:
    """How much a tree takes."""

    bytes: int
    unreadable: int = 0
    """Directories that could not be read; then it is a lower bound."""
    on_disk: bool = False
    """Blocks rather than content were counted: the host's du(1) knows no other."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something whose name matches."""

    path: bytes
    attributes: Attributes


class Search(Protocol):
    """A search for names below a directory. Links are not followed."""

    def hits(self) -> AsyncIterator[Sequence[Hit]]:
        """What matches, as it is found, in no order. `contextlib.aclosing` ends it early, on the host too."""
        ...

    @property
    def unreadable(self) -> int:
        """Directories that could not be read so far."""
        ...

    @property
    def by(self) -> str:
        """Who looks: `find on the host`, or `by reading directories`."""
        ...


class FileSystem(Protocol):
    """The files of one machine."""

    @property
    def host(self) -> str | None:
        """None for this machine."""
        ...

    def change(self, what: str, *, agreed: bool = False) -> AbstractAsyncContextManager[FileSystem]:
        """The files for a change that takes several steps, told in words for people: it is asked about once.

        Production hosts ask, unless the person has `agreed` to it already. Raises FairleadError PRODUCTION_HOST.
        """
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

    async def named(self, attributes: Attributes) -> Attributes:
        """The same with the names of owner and group, as far as the machine tells them."""
        ...

    async def readlink(self, path: bytes) -> bytes: ...

    async def real(self, path: bytes) -> bytes:
        """The path without links, as the machine has it."""
        ...

    async def mkdir(self, path: bytes, *, parents: bool = False) -> None:
        """With `parents`, what exists is fine, as `mkdir -p`."""
        ...

    async def create(self, path: bytes, *, mode: int | None = None) -> None:
        """An empty file. EXISTS when the name is taken."""
        ...

    async def symlink(self, path: bytes, points_to: bytes) -> None: ...

    async def hardlink(self, path: bytes, existing: bytes) -> None:
        """A second name for a file; FILE_FAILED where there can be none."""
        ...

    async def rename(self, old: bytes, new: bytes) -> None:
        """EXISTS when `new` is there."""
        ...

    async def replace(self, old: bytes, new: bytes) -> None:
        """As `rename`, over whatever file is there, in one step."""
        ...

    async def copy_file(self, old: bytes, new: bytes, found: Attributes) -> int:
        """A regular file's content, mode and time of change under a second name of the same machine; its bytes.

        EXISTS when `new` is there. It gets its name when it is complete. `found` is what `old` was listed with.
        """
        ...

    async def remove(self, path: bytes, *, recursive: bool = False) -> TreeCount:
        """Remove a file, link or empty directory, or a whole tree. Links are never followed."""
        ...

    async def count(self, path: bytes) -> TreeCount:
        """What a recursive removal would remove; links are not followed."""
        ...

    async def chmod(self, path: bytes, mode: int) -> None: ...

    async def chown(self, path: bytes, user: int, group: int) -> None:
        """A link itself, not what it points to."""
        ...

    async def account_ids(self, change: OwnerChange) -> tuple[int | None, int | None]:
        """User and group by number. NOT_FOUND for a name that the machine does not know."""
        ...

    async def set_modified(self, path: bytes, modified: float) -> None: ...

    def read(self, path: bytes, *, start: int = 0, limit: int | None = None) -> AsyncIterator[bytes]:
        """The file's content from `start`, at most `limit` bytes, in order."""
        ...

    async def write(
        self,
        path: bytes,
        content: AsyncIterator[bytes],
        *,
        mode: int | None = None,
        owner: tuple[int | None, int | None] = (None, None),
    ) -> int:
        """Make or replace the file in one atomic step, from a stream of unknown length; the bytes written.

        It has `mode` and `owner` (user and group by number; None leaves it) before it has its name.
        A link that has the name stays, and what it points to is replaced (see `backend.files.links`).
        """
        ...

    async def rewrite(self, path: bytes, content: AsyncIterator[bytes]) -> None:
        """Replace what a file holds without replacing the file: not in one step, and its owner and links stay."""
        ...

    async def space(self, path: bytes) -> Space | None: ...

    def search(self, path: bytes, pattern: NamePattern) -> Search:
        """Look for names below `path`; nothing happens before `Search.hits` is read."""
        ...

    async def tree_size(self, path: bytes) -> TreeSize:
        """The bytes of all files below `path`. Cancelling stops it, on the host too."""
        ...
