"""A file system in memory with POSIX's rules: links, permissions, owners, room. Pure: no waiting, no network.

Names and paths are bytes. Failures are FileErrors with the code that a careful client would find out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from backend.connection.connector import Space
from backend.dataclass import dataclass
from backend.errors import Code, FileError
from backend.text import show_bytes
from mocks.nodes import Device, Directory, File, Link, Node

_MAX_LINKS: Final = 40
_NAME_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Actor:
    """In whose name something is done."""

    uid: int = 0
    gids: frozenset[int] = frozenset({0})
    gid: int = 0
    """What new files get."""
    umask: int = 0o022


ROOT: Final = Actor()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads."""

    path: bytes
    """Absolute, without links except perhaps the last."""
    parent: Directory
    name: bytes
    """Empty for the root."""
    node: Node | None


class Tree:
    """The files of one host, all file systems in one."""

    def __init__(
        self, *, now: Callable[[], float], host: str | None = None, total: int = 50 << 30, used: int = 20 << 30
    ) -> None:
        """`now` is the time in seconds since 1970; failures name `host`.

        `total` and `used` are the disk's bytes before anything is added.
        """
        self._now = now
        self._host = host
        self.total = total
        self._used = used
        self.root = Directory(0o755, modified=now())

    # --- looking ---------------------------------------------------------------------------------------------

    def find(self, path: bytes, actor: Actor = ROOT, *, follow: bool = True) -> Place:
        """Where `path` (absolute) leads; `node` is None when only the last name is missing.

        Raises NOT_FOUND, NOT_DIRECTORY or PERMISSION for what is before the last name.
        """
        trail: list[tuple[bytes, Directory]] = [(b"", self.root)]
        todo = [part for part in reversed(path.split(b"/")) if part not in (b"", b".")]
        links, follow = 0, follow or path.endswith(b"/")
        while todo:
            name = todo.pop()
            here = trail[-1][1]
            self._need(here, actor, 1, path)
            if name == b"..":
                trail = trail[:-1] or trail
                continue
            node = here.entries.get(name)
            if isinstance(node, Link) and (follow or todo):
                links += 1
                if links > _MAX_LINKS:
                    raise self.failure(Code.NOT_FOUND, path)
                todo += [part for part in reversed(node.target.split(b"/")) if part not in (b"", b".")]
                trail = trail[:1] if node.target.startswith(b"/") else trail
            elif isinstance(node, Directory):
                trail.append((name, node))
            elif todo:
                raise self.failure(Code.NOT_FOUND if node is None else Code.NOT_DIRECTORY, path)
            else:
                return Place(_join(trail, name), here, name, node)
        parent = trail[-2][1] if len(trail) > 1 else self.root
        return Place(_join(trail), parent, trail[-1][0], trail[-1][1])

    def get(self, path: bytes, actor: Actor = ROOT, *, follow: bool = True) -> Node:
        """The node at `path`. Raises NOT_FOUND and what `find` raises."""
        node = self.find(path, actor, follow=follow).node
        if node is None:
            raise self.failure(Code.NOT_FOUND, path)
        return node

    def exists(self, path: bytes, actor: Actor = ROOT) -> bool:
        try:
            self.get(path, actor)
        except FileError:
            return False
        return True

    def directory(self, path: bytes, actor: Actor = ROOT) -> Directory:
        """The directory at `path`, readable by `actor`."""
        node = self.get(path, actor)
        if not isinstance(node, Directory):
            raise self.failure(Code.NOT_DIRECTORY, path)
        self._need(node, actor, 4, path)
        return node

    def readlink(self, path: bytes, actor: Actor = ROOT) -> bytes:
        node = self.get(path, actor, follow=False)
        if not isinstance(node, Link):
            raise self.failure(Code.FILE_FAILED, path, "not a symbolic link")
        return node.target

    # --- opening ---------------------------------------------------------------------------------------------

    def open_reading(self, path: bytes, actor: Actor = ROOT) -> File | Device:
        node = self.get(path, actor)
        if isinstance(node, Directory):
            raise self.failure(Code.IS_DIRECTORY, path)
        if not isinstance(node, File | Device):
            raise self.failure(Code.FILE_FAILED, path, "not a regular file")
        self._need(node, actor, 4, path)
        return node

    def open_writing(
        self, path: bytes, actor: Actor = ROOT, *, exclusive: bool = False, mode: int | None = None
    ) -> File | Device:
        """The file at `path`, made if absent."""
        place = self.find(path, actor)
        if place.node is None:
            node = File((0o666 if mode is None else mode) & ~actor.umask)
            self._add(place, node, actor)
            return node
        if exclusive:
            raise self.failure(Code.EXISTS, path)
        if isinstance(place.node, Directory):
            raise self.failure(Code.IS_DIRECTORY, path)
        self._need(place.node, actor, 2, path)
        if not isinstance(place.node, File | Device):
            raise self.failure(Code.FILE_FAILED, path, "not a regular file")
        return place.node

    def write(self, node: File | Device, offset: int, data: bytes, path: bytes = b"") -> None:
        """Write into an open file. Raises DISK_FULL, writing nothing, when there is no room for all of it."""
        if isinstance(node, Device):
            return
        self._charge(max(0, offset + len(data) - node.content.size), path)
        node.content.write(offset, data)
        node.modified = self._now()

    def truncate(self, node: File | Device, size: int, path: bytes = b"") -> None:
        if isinstance(node, File):
            self._charge(size - node.content.size, path)
            node.content.truncate(size)
            node.modified = self._now()

    # --- changing names --------------------------------------------------------------------------------------

    def mkdir(self, path: bytes, actor: Actor = ROOT, mode: int | None = None) -> None:
        place = self.find(path, actor, follow=False)
        if place.node is not None:
            raise self.failure(Code.EXISTS, path)
        self._add(place, Directory((0o777 if mode is None else mode) & ~actor.umask), actor)

    def symlink(self, path: bytes, points_to: bytes, actor: Actor = ROOT) -> None:
        place = self.find(path, actor, follow=False)
        if place.node is not None:
            raise self.failure(Code.EXISTS, path)
        self._add(place, Link(0o777, target=points_to), actor)

    def remove(self, path: bytes, actor: Actor = ROOT) -> None:
        """One file, link or other thing that is not a directory."""
        place = self._present(path, actor)
        if isinstance(place.node, Directory):
            raise self.failure(Code.IS_DIRECTORY, path)
        self._take(place, actor)
        self._freed(place.node)

    def rmdir(self, path: bytes, actor: Actor = ROOT) -> None:
        place = self._present(path, actor)
        if not isinstance(place.node, Directory):
            raise self.failure(Code.NOT_DIRECTORY, path)
        if place.node.entries:
            raise self.failure(Code.NOT_EMPTY, path)
        self._take(place, actor)

    def rename(self, old: bytes, new: bytes, actor: Actor = ROOT) -> None:
        """Raises EXISTS when `new` is there (draft-ietf-secsh-filexfer-02 §6.5)."""
        if self.find(new, actor, follow=False).node is not None:
            self._present(old, actor)
            raise self.failure(Code.EXISTS, new)
        self.replace(old, new, actor)

    def replace(self, old: bytes, new: bytes, actor: Actor = ROOT) -> None:
        """As rename(2): over a file, or over an empty directory by a directory."""
        source, target = self._present(old, actor), self.find(new, actor, follow=False)
        if source.node is target.node:
            return
        if isinstance(source.node, Directory) and (target.path + b"/").startswith(source.path + b"/"):
            raise self.failure(Code.FILE_FAILED, new, "a directory cannot be moved into itself")
        self._check_replaceable(source.node, target, new)
        self._need(source.parent, actor, 3, old)
        self._need(target.parent, actor, 3, new)
        assert source.node is not None
        self._freed(target.node)
        del source.parent.entries[source.name]
        target.parent.entries[target.name] = source.node

    def set_attributes(
        self,
        path: bytes,
        actor: Actor = ROOT,
        *,
        mode: int | None = None,
        modified: float | None = None,
        owner: tuple[int, int] | None = None,
        follow: bool = True,
    ) -> None:
        node = self.get(path, actor, follow=follow)
        if actor.uid not in (0, node.uid):
            raise self.failure(Code.PERMISSION, path)
        if owner is not None:
            self._give(node, owner, actor, path)
        node.mode = node.mode if mode is None else mode & 0o7777
        node.modified = node.modified if modified is None else modified

    def _give(self, node: Node, owner: tuple[int, int], actor: Actor, path: bytes) -> None:
        """As chown(2): only root gives files away; an owner may choose among the groups that are his own."""
        user, group = owner
        if actor.uid != 0 and (user != node.uid or (group != node.gid and group not in actor.gids)):
            raise self.failure(Code.PERMISSION, path)
        node.uid, node.gid = user, group

    def hardlink(self, path: bytes, existing: bytes, actor: Actor = ROOT) -> None:
        """A second name for a file; directories have one only."""
        source, place = self._present(existing, actor), self.find(path, actor, follow=False)
        if place.node is not None:
            raise self.failure(Code.EXISTS, path)
        if source.node is None or isinstance(source.node, Directory):
            raise self.failure(Code.PERMISSION, existing)
        self._need(place.parent, actor, 3, path)
        place.parent.entries[place.name] = source.node
        source.node.links += 1

    def space(self) -> Space:
        return Space(total=self.total, free=max(0, self.total - self._used), files_free=2_000_000)

    def fill_to(self, free: int) -> None:
        """Let other people's data take the room, so that only `free` bytes are left."""
        self._used = self.total - free

    # --- rules -----------------------------------------------------------------------------------------------

    def may(self, node: Node, actor: Actor, bits: int) -> bool:
        """Whether `actor` may read (4), write (2) or enter (1)."""
        if actor.uid == 0:
            return True
        shift = 6 if actor.uid == node.uid else 3 if node.gid in actor.gids else 0
        return (node.mode >> shift) & bits == bits

    def failure(self, code: Code, path: bytes, reason: str = "") -> FileError:
        """A FileError about `path` on this host."""
        parent = path.rpartition(b"/")[0] or b"/"
        evidence = {"path": show_bytes(path), "parent": show_bytes(parent), "reason": reason}
        return FileError(code, evidence=evidence, host=self._host)

    def _need(self, node: Node, actor: Actor, bits: int, path: bytes) -> None:
        if not self.may(node, actor, bits):
            raise self.failure(Code.PERMISSION, path)

    def _present(self, path: bytes, actor: Actor) -> Place:
        place = self.find(path, actor, follow=False)
        if place.node is None:
            raise self.failure(Code.NOT_FOUND, path)
        return place

    def _add(self, place: Place, node: Node, actor: Actor) -> None:
        self._need(place.parent, actor, 3, place.path)
        if len(place.name) > _NAME_MAX:
            raise self.failure(Code.FILE_FAILED, place.path, "the name is too long")
        node.uid, node.gid, node.modified = actor.uid, actor.gid, self._now()
        place.parent.entries[place.name] = node
        place.parent.modified = node.modified

    def _take(self, place: Place, actor: Actor) -> None:
        self._need(place.parent, actor, 3, place.path)
        if not place.name:
            raise self.failure(Code.PERMISSION, place.path)
        del place.parent.entries[place.name]
        place.parent.modified = self._now()

    def _freed(self, node: Node | None) -> None:
        """One name of `node` is gone; its room is free when that was the last."""
        if node is None:
            return
        node.links -= 1
        if isinstance(node, File) and node.links == 0:
            self._used -= node.content.size

    def _check_replaceable(self, source: Node | None, target: Place, path: bytes) -> None:
        if isinstance(target.node, Directory):
            if not isinstance(source, Directory):
                raise self.failure(Code.IS_DIRECTORY, path)
            if target.node.entries:
                raise self.failure(Code.NOT_EMPTY, path)
        elif isinstance(source, Directory) and target.node is not None:
            raise self.failure(Code.NOT_DIRECTORY, path)

    def _charge(self, added: int, path: bytes) -> None:
        if added > 0 and self._used + added > self.total:
            raise self.failure(Code.DISK_FULL, path)
        self._used += added


def _join(trail: list[tuple[bytes, Directory]], *last: bytes) -> bytes:
    return b"/" + b"/".join([name for name, _ in trail[1:]] + list(last))
