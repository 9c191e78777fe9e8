"""Editing a file of a host in an editor of this machine, without harm to what others write meanwhile.

The file is fetched into a private copy. Before it is saved, what is on the host is compared with what was fetched; a
difference is a conflict, which the person decides. A save is one step on the host; what is typed is never lost: the
copy stays until the host has it, or until the person lets it go.
"""

from __future__ import annotations

import asyncio
import difflib
import fnmatch
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from backend.connection.connector import Attributes
from backend.dataclass import dataclass
from backend.errors import Code, FileError
from backend.files.partial import numbered_name
from backend.files.paths import join_inside, name_of, parent_of, to_text
from backend.files.private_copy import PrivateCopy
from backend.text import clean_line, show_bytes

LARGEST = 32 << 20
"""Bytes of a file that can be edited."""
_MOST_LINES = 2000
"""Of a difference that is shown."""


@dataclass(frozen=True, slots=True)
class Version:
    """A file as it was at one moment."""

    content: bytes
    attributes: Attributes | None
    """None where there was no file."""

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()

    def same_file(self, other: Version) -> bool:
        """Whether nobody has written to it in between: the same content, or both not there. A time that alone is
        another does not count, nor do mode and owner, which a save keeps as they are by then."""
        return (self.attributes is None) == (other.attributes is None) and self.digest == other.digest


@dataclass(frozen=True, slots=True)
class Check:
    """A command of the host that judges the new content."""

    command: str
    """`{}` stands for the file with the new content."""

    @property
    def before(self) -> bool:
        """Whether it can judge before the content takes the name; else the name has to be taken first."""
        return "{}" in self.command


def check_for(checks: Mapping[str, str], path: bytes) -> Check | None:
    """The check of a profile for a file: the first whose pattern fits the name; the path, for a pattern with a `/`."""
    for pattern, command in checks.items():
        subject = path if "/" in pattern else name_of(path)
        if fnmatch.fnmatchcase(to_text(subject), pattern):
            return Check(command)
    return None


@dataclass(frozen=True, slots=True)
class Saved:
    """The host has it."""

    path: bytes
    notes: tuple[str, ...] = ()
    """What was not as usual, in sentences."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else has changed the file since it was fetched."""

    theirs: Version

    @property
    def gone(self) -> bool:
        """It was removed."""
        return self.theirs.attributes is None


class EditEnd(Protocol):
    """The side of the host: as who is logged in, or as root."""

    @property
    def host(self) -> str: ...

    async def target(self, path: bytes) -> bytes:
        """Where `path` leads through links: that file is edited, the links stay."""
        ...

    async def fetch(self, path: bytes) -> Version:
        """The file as it is. Raises FileError (IS_DIRECTORY, PERMISSION, TOO_LARGE…); nothing there is a version."""
        ...

    async def store(self, path: bytes, content: bytes, over: Version, check: Check | None) -> tuple[str, ...]:
        """Put `content` in the place of `over`, whose mode and owner it gets; what was not as usual.

        Raises FileError (CHECK_FAILED with what the check said; then the old content is in place), or LinkLost: then
        it is not known whether the new or the old content is in place, and never a part of either.
        """
        ...


class RemoteEdit:
    """One file that is being edited."""

    def __init__(self, end: EditEnd, path: bytes, base: Version, copy: PrivateCopy) -> None:
        self._end = end
        self.path = path
        """On the host, behind any links."""
        self.base = base
        """What was fetched, or saved last."""
        self.copy = copy

    @classmethod
    async def begin(cls, end: EditEnd, path: bytes, room: Path) -> RemoteEdit:
        """Fetch the file; one that is not there begins empty. Raises FileError, SessionError or LinkLost."""
        path = await end.target(path)
        base = await end.fetch(path)
        return cls(end, path, base, await asyncio.to_thread(PrivateCopy, room, end.host, path, base.content))

    @property
    def host(self) -> str:
        return self._end.host

    def go_on_as(self, end: EditEnd) -> None:
        """Save as somebody else from now on, as root where one's own rights do not reach."""
        self._end = end

    @property
    def is_new(self) -> bool:
        """There is no such file on the host yet."""
        return self.base.attributes is None

    async def typed(self) -> bytes:
        """What the copy holds now. Raises FileError when it is gone."""
        return await asyncio.to_thread(self.copy.read)

    async def changed(self) -> bool:
        """Whether there is something to save."""
        return await self.typed() != self.base.content

    async def save(self, check: Check | None = None, *, over: Version | None = None) -> Saved | Conflict:
        """Bring the copy's content to the host. `over` is somebody else's version that may be overwritten.

        Raises as `EditEnd.store`; the copy stays.
        """
        content = await self.typed()
        now = await self._end.fetch(self.path)
        if not now.same_file(self.base) and not (over is not None and now.same_file(over)):
            if now.content == content and now.attributes is not None:
                self.base = now  # it is there already, as after a link that was lost while it was saved
                return Saved(self.path)
            return Conflict(now)
        try:
            notes = await self._end.store(self.path, content, now, check)
        except FileError as error:
            if error.code is Code.SOURCE_CHANGED:
                return Conflict(await self._end.fetch(self.path))
            raise
        self.base = Version(content, now.attributes or (await self._end.fetch(self.path)).attributes)
        return Saved(self.path, notes)

    async def save_beside(self) -> Saved:
        """Bring it to the host under another name in the same directory, which is free."""
        content, number = await self.typed(), 2
        while True:
            beside = join_inside(parent_of(self.path), numbered_name(name_of(self.path), number))
            there = await self._end.fetch(beside)
            if there.attributes is None:
                like = Version(b"", None)
                return Saved(beside, await self._end.store(beside, content, like, None))
            number += 1

    async def difference(self, theirs: Version) -> Sequence[str]:
        """Their version against what is typed here, as diff(1) shows it; lines are clean, and not endless."""
        return await asyncio.to_thread(unified, theirs.content, await self.typed())

    async def close(self, *, keep: bool = False) -> None:
        """Done with it. `keep` leaves the copy where it is."""
        if not keep:
            await asyncio.to_thread(self.copy.discard)


def unified(theirs: bytes, mine: bytes) -> list[str]:
    """Lines of a unified difference."""
    if b"\0" in theirs or b"\0" in mine:
        return [f"on the host {len(theirs):,} bytes, here {len(mine):,}; this is no text"]
    one, other = ([clean_line(show_bytes(line)) for line in text.split(b"\n")] for text in (theirs, mine))
    lines = list(difflib.unified_diff(one, other, "on the host", "yours", lineterm=""))
    left = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"… and {left:,} lines more"] if left > 0 else lines


def too_large(path: bytes, size: int) -> FileError:
    """Not a file for an editor."""
    message = f"{show_bytes(path)} is {size:,} bytes: too large to be edited here (the most is {LARGEST:,})."
    return FileError(Code.FILE_FAILED, message, evidence={"path": show_bytes(path), "reason": "it is too large"})
