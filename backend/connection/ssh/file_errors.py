"""What an SFTP status means. Version 3 has one word, "Failure", for a full disk, a directory in the way and much more;
the cause is found by looking at the path afterwards."""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from backend.complaints import code_of
from backend.connection.connector import Attributes, FileKind, Space
from backend.connection.ssh.sftp import SftpStatus
from backend.connection.ssh.sftp_wire import Status
from backend.errors import Code, FairleadError, FileError
from backend.text import show_bytes

LONGEST_NAME, _LONGEST_PATH = 255, 4095
"""Bytes; NAME_MAX and PATH_MAX nearly everywhere."""

_BY_STATUS = {
    Status.NO_SUCH_FILE: Code.NOT_FOUND,
    Status.NO_SUCH_PATH: Code.NOT_FOUND,
    Status.PERMISSION_DENIED: Code.PERMISSION,
    Status.WRITE_PROTECT: Code.READ_ONLY,
    Status.FILE_ALREADY_EXISTS: Code.EXISTS,
    Status.NO_SPACE_ON_FILESYSTEM: Code.DISK_FULL,
    Status.QUOTA_EXCEEDED: Code.QUOTA,
    Status.DIR_NOT_EMPTY: Code.NOT_EMPTY,
    Status.NOT_A_DIRECTORY: Code.NOT_DIRECTORY,
    Status.INVALID_FILENAME: Code.NAME_INVALID,
    Status.FILE_IS_A_DIRECTORY: Code.IS_DIRECTORY,
}
_ONE_WRITE = 261120
"""Bytes that one request carries at most: with less room than that, it may well be the one that did not fit."""


class Intent(Enum):
    """What was tried, as far as it matters for the cause."""

    LOOK = auto()
    LIST = auto()
    READ = auto()
    WRITE = auto()
    CREATE_NEW = auto()
    """Fails when the name is taken."""
    REMOVE_FILE = auto()
    REMOVE_DIRECTORY = auto()
    CHANGE = auto()
    """Attributes of what is there."""


_CHANGING = frozenset({Intent.REMOVE_FILE, Intent.REMOVE_DIRECTORY, Intent.CHANGE})

Look = Callable[[bytes], Awaitable[Attributes | None]]
"""Attributes of a path without following a link; None where there is nothing to see."""
Room = Callable[[bytes], Awaitable[tuple[Space, bool] | None]]
"""Space on the path's file system and whether it is read-only; None where the server cannot say."""
Holds = Callable[[bytes], Awaitable[bool]]
"""Whether a directory has entries."""


def error(code: Code, path: bytes, *, host: str, reason: str = "") -> FileError:
    """A FileError about `path`."""
    evidence: dict[str, object] = {"path": show_bytes(path), "parent": show_bytes(posixpath.dirname(path) or b".")}
    if reason:
        evidence["reason"] = reason
    return FileError(code, evidence=evidence, host=host)


class Explainer:
    """Finds the code that fits a status."""

    def __init__(self, host: str, look: Look, room: Room, holds: Holds) -> None:
        self._host = host
        self._look = look
        self._room = room
        self._holds = holds

    async def explain(self, status: SftpStatus, path: bytes, intent: Intent) -> FileError:
        """The error for `status`; asks the server more where it said too little. Never fails for want of an answer."""
        words = status.words or f"status {status.code}"
        code = self._told(status, path)
        if code in (None, Code.NOT_FOUND):
            try:
                code = await self._cause(path, intent, code)
            except (FairleadError, SftpStatus):
                code = code or Code.FILE_FAILED
        return error(code or Code.FILE_FAILED, path, host=self._host, reason=words)

    def _told(self, status: SftpStatus, path: bytes) -> Code | None:
        if status.code == Status.BAD_MESSAGE and _too_long(path):
            return Code.NAME_INVALID
        try:
            known = _BY_STATUS.get(Status(status.code))
        except ValueError:
            known = None
        if known is not None:
            return known
        return code_of(status.words.encode("utf-8", "replace"))

    async def _cause(self, path: bytes, intent: Intent, code: Code | None) -> Code | None:
        if intent is Intent.LOOK:
            return code
        there = await self._look(path)
        if there is None:
            return code if code or intent not in (Intent.WRITE, Intent.CREATE_NEW) else await self._no_room(path)
        return await self._in_the_way(path, intent, there) or code

    async def _in_the_way(self, path: bytes, intent: Intent, there: Attributes) -> Code | None:
        directory = there.kind is FileKind.DIRECTORY
        if intent is Intent.CREATE_NEW:
            return Code.EXISTS
        if intent in (Intent.READ, Intent.REMOVE_FILE) and directory:
            return Code.IS_DIRECTORY
        if intent in (Intent.LIST, Intent.REMOVE_DIRECTORY) and there.kind in (FileKind.FILE, FileKind.SPECIAL):
            return Code.NOT_DIRECTORY
        if intent is Intent.REMOVE_DIRECTORY and directory and await self._holds(path):
            return Code.NOT_EMPTY
        if intent is Intent.WRITE:
            return Code.IS_DIRECTORY if directory else await self._no_room(path)
        return await self._read_only(path) if intent in _CHANGING else None

    async def _read_only(self, path: bytes) -> Code | None:
        room = await self._room(path)
        return Code.READ_ONLY if room is not None and room[1] else None

    async def _no_room(self, path: bytes) -> Code | None:
        room = await self._room(path) or await self._room(posixpath.dirname(path) or b".")
        if room is None:
            return None
        space, read_only = room
        if read_only:
            return Code.READ_ONLY
        return Code.DISK_FULL if space.free < _ONE_WRITE or space.files_free == 0 else None


def _too_long(path: bytes) -> bool:
    return len(path) > _LONGEST_PATH or any(len(part) > LONGEST_NAME for part in path.split(b"/"))
