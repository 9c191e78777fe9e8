"""A second copy of a file of a host: by its own cp(1), which keeps holes and shares blocks where it can.

Where that cannot be or does not pay, the file is read and written over SFTP, or copied by the SFTP server.
The command ends when nobody waits for it any more: one that outlived a lost link would write into what the next attempt
has made.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from backend.clock import Clock
from backend.connection.connector import Attributes, FileChannel, Link, RemoteFile
from backend.errors import Code, FairleadError, FileError, SessionError
from backend.files.host_commands import quote
from backend.files.host_stream import host_output
from backend.files.partial import partial_name
from backend.files.paths import join_inside, name_of, parent_of
from backend.tasks import background, closing
from backend.text import show_bytes

_WORTH_A_COMMAND = 256 << 10
"""Bytes from which on starting a command is quicker than the way here and back."""
_CLEAN_UP_LIMIT = 2.0
LOOK_EVERY = 0.5
"""Seconds between two looks at how far it is."""


def cp_script(source: bytes, goal: bytes, options: bytes = b"") -> bytes:
    """For a POSIX shell, which becomes cp(1)."""
    return b"exec cp %s -- %s %s 2>/dev/null" % (options, quote(source), quote(goal))


async def by_cp(link: Link, source: bytes, goal: bytes, options: bytes = b"") -> bool:
    """Copy by the host's cp(1); whether it could. Raises LinkLost."""
    try:
        async with host_output(link, cp_script(source, goal, options)) as host, closing(host.records()) as records:
            async for _ in records:
                pass
    except SessionError:
        return False
    return host.status == 0


async def copy_there(link: Link, clock: Clock, source: bytes, path: bytes, file: RemoteFile) -> AsyncIterator[int]:
    """Copy `source` over `path`, a file that is there and open as `file`; yields how long that is now.

    It ends early where the host's cp could not do it, and knows no reason. Raises LinkLost or FileError.
    """
    async with background(by_cp(link, source, path)) as copied:
        told = 0
        while not copied.done():
            async with background(clock.sleep(LOOK_EVERY)) as nap:
                await asyncio.wait({copied, nap}, return_when=asyncio.FIRST_COMPLETED)
            if copied.done():
                break
            size = (await file.attributes()).size or 0
            if size > told:
                told = size
                yield size
        if copied.result():
            yield (await file.attributes()).size or 0


class Carries(Protocol):
    """What is needed of a file system."""

    def read(self, path: bytes, *, start: int = 0, limit: int | None = None) -> AsyncIterator[bytes]: ...

    async def write(self, path: bytes, content: AsyncIterator[bytes], *, mode: int | None = None) -> int: ...


class HostCopy:
    """Copies within one host."""

    def __init__(self, link: Callable[[], Awaitable[Link]], channel: FileChannel, files: Carries) -> None:
        self._link = link
        self._channel = channel
        self._files = files

    async def file(self, old: bytes, new: bytes, found: Attributes) -> int:
        """`old` as `new`, which gets its name when it is complete; its bytes. Raises FileError or LinkLost."""
        growing = join_inside(parent_of(new), partial_name(name_of(new), secrets.token_bytes(8)))
        try:
            copied = None
            if (found.size or 0) >= _WORTH_A_COMMAND:
                copied = await self._by_command(old, growing)
            if copied is None:
                copied = await self._by_hand(old, growing, found)
            await self._channel.rename(growing, new)
        except BaseException:
            with suppress(FairleadError, TimeoutError):
                await asyncio.wait_for(self._channel.remove(growing), _CLEAN_UP_LIMIT)
            raise
        return copied

    async def _by_command(self, old: bytes, growing: bytes) -> int | None:
        """None where the host's command could not do it; then nothing is left of it."""
        if await by_cp(await self._link(), old, growing, b"-p"):
            return (await self._channel.lstat(growing)).size or 0
        with suppress(FileError):
            await self._channel.remove(growing)
        return None

    async def _by_hand(self, old: bytes, growing: bytes, found: Attributes) -> int:
        async with closing(self._files.read(old)) as content:
            copied = await self._files.write(growing, content, mode=0o600)
        if found.size is not None and copied < found.size:
            raise FileError(Code.SOURCE_CHANGED, evidence={"path": show_bytes(old)})
        await self._channel.set_attributes(growing, mode=found.mode, modified=found.modified)
        return copied
