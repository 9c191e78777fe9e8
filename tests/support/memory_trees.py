"""Trees in memory as the two sides of a sync, so that plans can be made and carried out by the thousand."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from backend.connection.connector import Attributes, Entry, FileKind
from backend.errors import Code, FileError
from backend.files.contract import FileSystem
from backend.files.itinerary import Itinerary
from backend.files.lane import Parts
from backend.files.model import TransferOutcome, TransferProgress
from backend.files.paths import to_bytes
from backend.files.sync.sides import Check
from backend.text import show_bytes

T = TypeVar("T")


@dataclass
class Node:
    """One name of a tree, with all that is below it."""

    kind: FileKind
    content: bytes = b""
    """Of a file; of a link, where it points to."""
    mode: int = 0o644
    modified: float = 0.0
    below: dict[bytes, Node] = field(default_factory=dict)

    @property
    def attributes(self) -> Attributes:
        return Attributes(self.kind, size=len(self.content), mode=self.mode, modified=self.modified)


def directory(mode: int = 0o755, modified: float = 0.0, /, **below: Node) -> Node:
    return Node(FileKind.DIRECTORY, mode=mode, modified=modified, below={to_bytes(k): v for k, v in below.items()})


def names(node: Node, above: Parts = ()) -> dict[Parts, tuple[object, ...]]:
    """Everything below `node`, as it is told apart: times to the second, and no size or time where it says nothing."""
    found: dict[Parts, tuple[object, ...]] = {}
    for name, one in node.below.items():
        parts = (*above, name)
        if one.kind is FileKind.SYMLINK:
            found[parts] = (one.kind, one.content)
        elif one.kind is FileKind.FILE:
            found[parts] = (one.kind, one.content, one.mode & 0o777, int(one.modified))
        else:
            found[parts] = (one.kind, one.mode & 0o777, int(one.modified))
        found |= names(one, parts)
    return found


class MemorySide:
    """A tree whose root is `/`."""

    host: str | None = None
    unhashed = ""

    def __init__(self, root: Node, now: float = 5000.0) -> None:
        self.root = root
        self.now = now
        """What a directory's time becomes when something in it changes."""
        self.unreadable: set[bytes] = set()
        self.listed = 0

    def at(self, path: bytes) -> Node:
        node = self.root
        for name in filter(None, path.split(b"/")):
            if node.kind is not FileKind.DIRECTORY or name not in node.below:
                raise FileError(Code.NOT_FOUND, evidence={"path": show_bytes(path)})
            node = node.below[name]
        return node

    async def look(self, work: Callable[[FileSystem], Awaitable[T]]) -> T:
        return await work(cast(FileSystem, _Files(self)))

    async def scan(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        if path in self.unreadable:
            raise FileError(Code.PERMISSION, evidence={"path": show_bytes(path)})
        self.listed += 1
        for name, node in list(self.at(path).below.items()):
            yield (Entry(name, node.attributes),)

    async def stat(self, path: bytes, *, follow: bool) -> Attributes:
        return self.at(path).attributes

    async def readlink(self, path: bytes) -> bytes:
        return self.at(path).content

    async def digest(self, path: bytes, size: int) -> bytes | None:
        return hashlib.sha256(self.at(path).content).digest()

    async def remove(self, anchor: bytes, parts: Parts, check: Check) -> bool:
        holder = self.at(b"/".join((anchor.rstrip(b"/"), *parts[:-1])))
        node = holder.below.get(parts[-1])
        if node is None:
            return True
        if not check(node.attributes):
            return False
        if not holder.mode & 0o200:
            raise FileError(Code.PERMISSION, evidence={"path": show_bytes(b"/".join(parts))})
        if node.below:
            raise FileError(Code.NOT_EMPTY, evidence={"path": show_bytes(b"/".join(parts))})
        del holder.below[parts[-1]]
        holder.modified = self.now
        return True

    async def adjust(self, anchor: bytes, parts: Parts, *, mode: int | None, modified: float | None) -> None:
        node = self.at(b"/".join((anchor.rstrip(b"/"), *parts)))
        assert node.kind in (FileKind.FILE, FileKind.DIRECTORY)
        node.mode = node.mode if mode is None else mode & 0o777
        node.modified = node.modified if modified is None else float(int(modified))

    async def rest(self) -> None: ...

    async def close(self) -> None: ...

    async def put(self, source: MemorySide, itinerary: Itinerary) -> TransferOutcome:
        """Copy what is listed from `source`, as the engine does: it replaces files and links, and nothing else."""
        files = size = 0
        made: list[tuple[Node, Attributes]] = []
        assert itinerary.listed is not None
        async for item in itinerary.listed():
            holder = self.at(b"/".join((item.anchor.rstrip(b"/"), *item.parts[:-1])))
            assert holder.kind is FileKind.DIRECTORY and holder.mode & 0o200, "nobody can write there"
            there, found = holder.below.get(item.parts[-1]), item.attributes
            holder.modified = self.now
            if found.kind is FileKind.DIRECTORY:
                assert there is None, "a directory is made where nothing is"
                node = holder.below[item.parts[-1]] = directory()
                made.append((node, found))
                continue
            assert there is None or there.kind is not FileKind.DIRECTORY, "a directory is in the way"
            content = source.at(item.source).content
            node = Node(found.kind, content, (found.mode or 0o644) & 0o777, float(int(found.modified or 0)))
            holder.below[item.parts[-1]] = node
            files += 1
            size += len(content) if found.kind is FileKind.FILE else 0
        for node, found in made:
            node.mode = node.mode if found.mode is None else found.mode & 0o777
            node.modified = node.modified if found.modified is None else float(int(found.modified))
        return TransferOutcome(TransferProgress(files_done=files, bytes_done=size), seconds=0.0)


class _Files:
    """As much of a file system as it takes to find the two directories."""

    def __init__(self, side: MemorySide) -> None:
        self._side = side

    async def resolve(self, text: str, cwd: bytes | None = None) -> bytes:
        return b"/" + to_bytes(text).strip(b"/")

    async def stat(self, path: bytes, *, follow: bool = True) -> Attributes:
        return self._side.at(path).attributes

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is not needed to find the two directories")
