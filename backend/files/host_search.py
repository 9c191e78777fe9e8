"""Looking for names and summing up sizes with a host's own find(1) and du(1); by reading directories where they fail.

Programs of GNU, busybox and BSD are asked in the words that all of them know. Names are matched as bytes (LC_ALL=C).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

from backend.connection.connector import Attributes, Link
from backend.errors import FileError, SessionError
from backend.files.contract import Hit, Search, TreeSize
from backend.files.host_commands import quote
from backend.files.host_stream import CANNOT, HostOutput, host_output
from backend.files.name_pattern import NamePattern
from backend.files.search import Lists, WalkingSearch, size_by_reading
from backend.tasks import closing

_FIND = b"""LC_ALL=C; export LC_ALL
find -H / -prune -name x -print0 >/dev/null 2>&1 || exit %d
exec find -H %s %s %s -print0"""
_DU = b"""LC_ALL=C; export LC_ALL
if du -s --apparent-size -B1 /dev/null >/dev/null 2>&1
then printf 'content '; exec du -sH --apparent-size -B1 -- %s
else printf 'blocks '; exec du -skH -- %s
fi"""
_STATS_AT_ONCE = 32

LinkOf = Callable[[], Awaitable[Link]]
LookAt = Callable[[bytes], Awaitable[Attributes]]
"""Attributes of a path, of a link itself."""


class HostSearch:
    """`backend.files.contract.Search` with the host's find(1)."""

    def __init__(self, link: LinkOf, look: LookAt, files: Lists, path: bytes, pattern: NamePattern) -> None:
        self._link = link
        self._look = look
        self._path = path
        self._pattern = pattern
        self._walking = WalkingSearch(files, path, pattern)
        self._host: HostOutput | None = None

    @property
    def unreadable(self) -> int:
        return self._host.complaints if self._host is not None else self._walking.unreadable

    @property
    def by(self) -> str:
        return "find on the host" if self._host is not None else self._walking.by

    async def hits(self) -> AsyncIterator[Sequence[Hit]]:
        await self._look(self._path)  # says what is wrong with the directory itself
        with suppress(SessionError):
            async with host_output(await self._link(), self._script()) as host:
                self._host = host
                found = False
                async with closing(host.records()) as batches:
                    async for paths in batches:
                        found = True
                        if hits := await self._described([path for path in paths if path != self._path]):
                            yield hits
                if host.could or found:
                    return
        self._host = None
        async with closing(self._walking.hits()) as more:
            async for batch in more:
                yield batch

    def _script(self) -> bytes:
        option = b"-iname" if self._pattern.ignore_case else b"-name"
        return _FIND % (CANNOT, quote(self._path), option, quote(self._pattern.glob))

    async def _described(self, paths: list[bytes]) -> list[Hit]:
        hits: list[Hit] = []
        for start in range(0, len(paths), _STATS_AT_ONCE):
            some = paths[start : start + _STATS_AT_ONCE]
            looked = await asyncio.gather(*(self._seen(path) for path in some))
            hits += [Hit(path, found) for path, found in zip(some, looked, strict=True) if found is not None]
        return hits

    async def _seen(self, path: bytes) -> Attributes | None:
        """None for what is gone since it was found."""
        try:
            return await self._look(path)
        except FileError:
            return None


def host_search(link: LinkOf, look: LookAt, files: Lists, path: bytes, pattern: NamePattern) -> Search:
    """A search on a host."""
    return HostSearch(link, look, files, path, pattern)


async def host_tree_size(link: LinkOf, files: Lists, path: bytes) -> TreeSize:
    """The size of a tree on a host."""
    with suppress(SessionError):
        async with host_output(await link(), _DU % (quote(path), quote(path))) as host:
            lines: list[bytes] = []
            async with closing(host.records(b"\n")) as batches:
                async for batch in batches:
                    lines += batch
        kind, _, rest = (lines[-1] if lines else b"").partition(b" ")
        number = rest.split(b"\t")[0].strip()
        if host.could and number.isdigit() and kind in (b"content", b"blocks"):
            blocks = kind == b"blocks"
            return TreeSize(int(number) * (1024 if blocks else 1), host.complaints, on_disk=blocks)
    return await size_by_reading(files, path)
