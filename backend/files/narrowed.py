"""A tree of which only some things are wanted: what leads to them is read, the rest is not seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence

from backend.connection.connector import Attributes, Entry
from backend.dataclass import dataclass
from backend.files.paths import parent_of
from backend.files.walk import TreeSource
from backend.tasks import closing


def ancestors(path: bytes) -> list[bytes]:
    """The directories that hold an absolute path, the nearest first."""
    found = []
    while (above := parent_of(path)) != path:
        found.append(above)
        path = above
    return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """Some paths, absolute."""

    paths: frozenset[bytes]
    ways: frozenset[bytes]
    """Directories that lead to them."""

    @classmethod
    def of(cls, paths: Collection[bytes]) -> Wanted:
        return cls(frozenset(paths), frozenset(above for path in paths for above in ancestors(path)))

    def holds(self, path: bytes) -> bool:
        """Whether `path` is one of them, leads to one, or lies in one; everything does where none is named."""
        if not self.paths:
            return True
        return path in self.paths or path in self.ways or any(above in self.paths for above in ancestors(path))


class NarrowedTree:
    """See `backend.files.walk.TreeSource`."""

    def __init__(self, tree: TreeSource, wanted: Wanted) -> None:
        self._tree = tree
        self._wanted = wanted

    async def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        base = path.rstrip(b"/")
        async with closing(self._tree.scan(path)) as batches:
            async for batch in batches:
                yield [entry for entry in batch if self._wanted.holds(base + b"/" + entry.name)]

    async def stat(self, path: bytes, *, follow: bool) -> Attributes:
        return await self._tree.stat(path, follow=follow)

    async def real(self, path: bytes) -> bytes:
        return await self._tree.real(path)
