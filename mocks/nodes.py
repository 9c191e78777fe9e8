"""What a simulated file system is made of: files, links, directories, devices. `mocks.tree` has the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import field
from typing import Final

from backend.connection.connector import Attributes, FileKind
from backend.dataclass import dataclass
from mocks.content import Content


@dataclass(slots=True, eq=False)
class Node:
    """What every file has."""

    mode: int
    uid: int = 0
    gid: int = 0
    modified: float = 0.0
    links: int = field(default=1, kw_only=True)
    """Hard links."""


@dataclass(slots=True, eq=False)
class File(Node):
    """A regular file."""

    content: Content = field(default_factory=Content)


@dataclass(slots=True, eq=False)
class Link(Node):
    """A symbolic link."""

    target: bytes = b""


@dataclass(slots=True, eq=False)
class Device(Node):
    """A character device that can be read for ever; `fill` makes what it gives, None gives nothing (`/dev/null`)."""

    fill: Callable[[int, int], bytes] | None = None


@dataclass(slots=True, eq=False)
class Pipe(Node):
    """A FIFO or socket: listed, never opened."""


@dataclass(slots=True, eq=False)
class Directory(Node):
    """A directory."""

    entries: MutableMapping[bytes, Node] = field(default_factory=dict)

    def names(self) -> Iterable[bytes]:
        """The names, to be gone through while entries may change."""
        return self.entries if isinstance(self.entries, NumberedFiles) else list(self.entries)

    def peek(self, name: bytes) -> Node:
        """An entry to look at, not to change. Raises KeyError."""
        return self.entries.peek(name) if isinstance(self.entries, NumberedFiles) else self.entries[name]


class NumberedFiles(MutableMapping[bytes, Node]):
    """Entries made from a number when they are looked at: 100,000 of them cost nothing until they are changed."""

    def __init__(self, count: int, pattern: str, make: Callable[[int], Node]) -> None:
        """`pattern` has one `{:06}`-like field, as `frame-{:06}.npy`."""
        self._before, _, rest = pattern.partition("{")
        _, _, self._after = rest.partition("}")
        self._pattern, self._count, self._make = pattern, count, make
        self._changed: dict[bytes, Node] = {}
        self._gone: set[bytes] = set()

    def _number(self, name: bytes) -> int | None:
        text = name.decode("ascii", "replace").removeprefix(self._before).removesuffix(self._after)
        if text.isdecimal() and int(text) < self._count and self._pattern.format(int(text)).encode() == name:
            return int(text)
        return None

    def __getitem__(self, name: bytes) -> Node:
        if name in self._changed:
            return self._changed[name]
        number = self._number(name)
        if number is None or name in self._gone:
            raise KeyError(name)
        # Kept from now on: whoever holds the node may change it.
        node = self._changed[name] = self._make(number)
        return node

    def __setitem__(self, name: bytes, node: Node) -> None:
        self._changed[name] = node
        self._gone.discard(name)

    def __delitem__(self, name: bytes) -> None:
        self[name]
        self._changed.pop(name, None)
        if self._number(name) is not None:
            self._gone.add(name)

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self._count):
            name = self._pattern.format(number).encode()
            if name not in self._gone:
                yield name
        yield from [name for name in self._changed if self._number(name) is None]

    def __len__(self) -> int:
        return self._count - len(self._gone) + sum(self._number(name) is None for name in self._changed)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, bytes) or name in self._gone:
            return False
        return name in self._changed or self._number(name) is not None

    def peek(self, name: bytes) -> Node:
        """As `[name]`, without keeping what is made."""
        if name in self._changed:
            return self._changed[name]
        number = self._number(name)
        return self._make(number) if number is not None else self[name]


_KINDS: Final[dict[type[Node], FileKind]] = {
    File: FileKind.FILE,
    Directory: FileKind.DIRECTORY,
    Link: FileKind.SYMLINK,
}


def attributes_of(node: Node, owner: str = "", group: str = "") -> Attributes:
    """What a server tells about `node`."""
    return Attributes(
        kind=_KINDS.get(type(node), FileKind.SPECIAL),
        size=size_of(node),
        mode=node.mode,
        uid=node.uid,
        gid=node.gid,
        modified=float(int(node.modified)),
        owner=owner,
        group=group,
    )


def size_of(node: Node) -> int:
    """Bytes, as stat(2) tells them."""
    if isinstance(node, File):
        return node.content.size
    if isinstance(node, Link):
        return len(node.target)
    return 4096 if isinstance(node, Directory) else 0
