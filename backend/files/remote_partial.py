"""Unfinished files on a host: made anew so that nobody else's file is written to, and gone on with only where ours.

In a directory that others may write to, somebody may have put a file, a link or a second name of a file of ours under
the name that ours would have. SFTP does not tell who we are; a file that is made for a moment does.
"""

from __future__ import annotations

import re

from backend.connection.connector import Attributes, FileChannel, FileKind, OpenMode, RemoteFile
from backend.errors import Code, FileError
from backend.files.data_line import Line
from backend.files.host_commands import ask_script, quote, said
from backend.files.partial import partial_name
from backend.files.paths import join_inside, name_of, parent_of
from backend.files.remote import lstat_or_none
from backend.text import show_bytes

GROWING = 0o600
"""The mode of a file while it grows."""

_LISTED = re.compile(rb"-\S+\s+(\d+)\s")
"""The beginning of `ls -l` about a plain file: mode and number of names (POSIX ls, "Long format")."""
_LISTING_SECONDS = 10.0


async def create_new(channel: FileChannel, path: bytes) -> RemoteFile:
    """A new empty file. What has the name is removed first: nothing is written through it."""
    try:
        return await channel.open(path, OpenMode.EXCLUSIVE, GROWING)
    except FileError as error:
        if error.code not in (Code.EXISTS, Code.FILE_FAILED) or await lstat_or_none(channel, path) is None:
            raise
    await channel.remove(path)
    return await channel.open(path, OpenMode.EXCLUSIVE, GROWING)


async def reopen(channel: FileChannel, path: bytes, found: Attributes) -> RemoteFile:
    """Open for writing what was `found` under `path`. IN_USE when it is another by now."""
    file = await channel.open(path, OpenMode.UPDATE, GROWING)
    try:
        now = await file.attributes()
        if _owner_and_mode(now) != _owner_and_mode(found) or now.size != found.size:
            raise FileError(Code.IN_USE, evidence={"path": show_bytes(path)})
    except BaseException:
        await file.close()
        raise
    return file


async def is_ours(line: Line, path: bytes, found: Attributes, *, dressed: int | None = None) -> bool:
    """Whether what was `found` under `path` is a plain file, made by this account as a growing one, with one name.

    `dressed`: a mode that it may have got since, being complete.
    """
    if found.kind is not FileKind.FILE:
        return False
    like = await _what_we_make(line.channel, path)
    if _owner_and_mode(found) != _owner_and_mode(like) and (found.uid, found.mode) != (like.uid, dressed):
        return False
    return not await line.digests.available() or await _names(line, path) in (1, None)


def _owner_and_mode(found: Attributes) -> tuple[FileKind, int | None, int | None]:
    return found.kind, found.uid, found.mode


async def _what_we_make(channel: FileChannel, path: bytes) -> Attributes:
    """Owner and mode that the server gives to a new file of ours beside `path`."""
    # Always under one name, for what a killed program has left is made anew and removed by the next.
    probe = join_inside(parent_of(path), partial_name(name_of(path), b"whose"))
    file = await create_new(channel, probe)
    try:
        return await file.attributes()
    finally:
        await file.close()
        await channel.remove(probe)


async def _names(line: Line, path: bytes) -> int | None:
    """How many names (hard links) a file has; None where the host does not say."""
    answer = await ask_script(line.link, b"LC_ALL=C ls -ldn %s\n" % quote(path), seconds=_LISTING_SECONDS)
    found = _LISTED.match(said(answer))
    return int(found[1]) if found else None
