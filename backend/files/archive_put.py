"""Many small files to a host in one tar stream, under their partial names; what has arrived whole is looked at."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from backend.connection.connector import Attributes, FileKind, OpenMode, RemoteFile, RemoteProcess, StdStream
from backend.dataclass import dataclass
from backend.errors import FileError, SessionError
from backend.files.archive import MOST_SAID, NO_PROBE, QUIET_SECONDS, heard, name_in_archive
from backend.files.archive_plan import LARGEST
from backend.files.carrier import Ended, Pending
from backend.files.data_line import Line
from backend.files.head_start import Started
from backend.files.host_tools import Tar
from backend.files.lane import Context, Item, ItemBytes
from backend.files.local_source import SmallContent, read_small
from backend.files.local_tree import PERMISSIONS
from backend.files.partial import partial_name
from backend.files.paths import join_inside, parent_of
from backend.files.remote_partial import GROWING
from backend.files.tar_format import END, member
from backend.tasks import background, together

READ_TOGETHER = 64
"""Files that are read and sent in one go."""
LATEST = 0xFFFFFFFF
"""The last second that SFTP knows (version 3): no other is given here either."""
_LOOKS_AT_ONCE = 64
_BESIDE = b"archive", b"archive-names"
"""What the names of files beside the others are made of."""


@dataclass(frozen=True, slots=True)
class _Sent:
    item: Item
    content: SmallContent
    growing: bytes
    """Its partial name on the host."""

    @property
    def modified(self) -> int:
        return min(max(0, int(self.content.attributes.modified or 0)), LATEST)

    @property
    def mode(self) -> int:
        return (self.content.attributes.mode or 0) & PERMISSIONS

    def member(self) -> list[bytes]:
        return member(name_in_archive(self.growing), self.content.data, mode=self.mode, modified=self.modified)

    def pending(self, digests: Mapping[bytes, bytes]) -> Pending:
        found = self.content
        theirs = digests.get(self.growing)
        return Pending(self.item, found.attributes, found.digest, len(found.data), self.growing, theirs, archived=True)

    def is_whole(self, there: Attributes | None, owner: int | None) -> bool:
        """Whether what is there is this file: tar gives mode and time last."""
        if there is None or there.kind is not FileKind.FILE or there.uid != owner:
            return False
        return (there.size, int(there.modified or 0), there.mode) == (len(self.content.data), self.modified, self.mode)


class ArchivePut:
    """One stream."""

    def __init__(
        self,
        context: Context,
        line: Line,
        tar: Tar,
        *,
        start: Callable[[], Awaitable[Started]],
        partial_of: Callable[[Item], bytes],
    ) -> None:
        """`start` gives the host's command (`unpacking`)."""
        self._context = context
        self._line = line
        self._tar = tar
        self._start = start
        self._partial_of = partial_of
        self._sent: list[_Sent] = []
        self.bytes = ItemBytes(context.meter)
        """Of what was sent, whether it arrives or not."""
        self._owner: int | None = None
        self._probe = self._list = b""
        self._printed = {StdStream.OUT: bytearray(), StdStream.ERR: bytearray()}
        self._digests: dict[bytes, bytes] = {}
        self._sound = False
        """Whether tar itself says that all has arrived."""

    async def run(self, items: Sequence[Item]) -> Ended:
        """Send; `whole` tells what has arrived. Files that cannot be read are left out. Raises LinkLost, FileError."""
        partials = [self._partial_of(item) for item in items]
        holders = sorted({parent_of(partial) for partial in partials})
        self._probe, self._list = (
            join_inside(holders[0], partial_name(name, secrets.token_bytes(8))) for name in _BESIDE
        )
        before = b"\n".join((self._probe, self._list, *holders, b"", b""))
        try:
            started = await self._start()
            async with started.process as process:
                return await self._talk(process, started.mark, before, list(zip(items, partials, strict=True)))
        except SessionError as error:
            return Ended(said=error.message)
        except TimeoutError:
            return Ended(said=f"its tar did nothing for {QUIET_SECONDS:g} s")

    @asynccontextmanager
    async def _probing(self) -> AsyncIterator[None]:
        """A file that is there over SFTP, for the host's commands to find. They have its name before it is made, and
        remove it whatever becomes of us."""
        file = await self._line.channel.open(self._probe, OpenMode.EXCLUSIVE, GROWING)
        async with background(self._look_at(file)) as looking:
            yield
            await looking

    async def _look_at(self, file: RemoteFile) -> None:
        """The probe shows whose files ours are."""
        try:
            self._owner = (await file.attributes()).uid
        finally:
            await file.close()

    async def _talk(
        self, process: RemoteProcess, mark: str, before: bytes, files: Sequence[tuple[Item, bytes]]
    ) -> Ended:
        why = ""
        async with background(self._listen(process)) as listening:
            try:
                await self._write(process, [before])
                async with self._probing():
                    await self._write(process, [b"\n"])
                    await self._pour(process, files)
                    await process.write_eof()
            except SessionError as error:  # tar has ended early, and says why
                why = error.message
            async with asyncio.timeout(QUIET_SECONDS + len(self._sent)):
                await listening
                report = await process.wait()
        if report.status == NO_PROBE:
            self._sent.clear()
            return Ended(said="its commands see other files than its SFTP server does")
        # bsdtar passes over what is there already, and says nothing.
        self._sound = report.status == 0 and not why and self._tar is not Tar.BSD
        self._digests = heard(bytes(self._printed[StdStream.OUT]), mark).digests
        return Ended(said=heard(bytes(self._printed[StdStream.ERR]), mark).complaint or why)

    async def _listen(self, process: RemoteProcess) -> None:
        async for chunk in process.output():
            printed = self._printed[chunk.stream]
            if len(printed) < MOST_SAID:
                printed += chunk.data

    async def _pour(self, process: RemoteProcess, files: Sequence[tuple[Item, bytes]]) -> None:
        for start in range(0, len(files), READ_TOGETHER):
            some = files[start : start + READ_TOGETHER]
            sending = await self._context.disk.run(partial(self._read, some))
            size = sum(len(one.content.data) for one in sending)
            await self._context.may_go(size)
            self._sent += sending
            pieces = [piece for one in sending for piece in one.member()]
            await self._write(process, pieces)
            self._context.meter.sent(size)
            self.bytes.add(size)
        names = b"".join(one.growing + b"\0" for one in self._sent)
        await self._write(process, [*member(name_in_archive(self._list), names, mode=GROWING, modified=0), END])

    async def _write(self, process: RemoteProcess, pieces: Sequence[bytes]) -> None:
        async with asyncio.timeout(QUIET_SECONDS):
            await process.write(b"".join(pieces))

    def _read(self, files: Sequence[tuple[Item, bytes]]) -> list[_Sent]:
        """In a thread. What cannot be read, or changes meanwhile, is left to the lane that tells of it."""
        sending: list[_Sent] = []
        follow = self._context.request.follow_symlinks
        for item, growing in files:
            with suppress(FileError):
                content = read_small(item.source, follow=follow)
                if len(content.data) <= LARGEST:
                    sending.append(_Sent(item, content, growing))
        return sending

    async def whole(self, look: Callable[[bytes], Coroutine[Any, Any, Attributes | None]]) -> list[Pending]:
        """What has arrived whole, by tar's own word or else by `look`, which tells what a path on the host is."""
        if self._sound:
            return [one.pending(self._digests) for one in self._sent]
        found: list[Pending] = []
        for start in range(0, len(self._sent), _LOOKS_AT_ONCE):
            some = self._sent[start : start + _LOOKS_AT_ONCE]
            there = await together(look(one.growing) for one in some)
            looked = zip(some, there, strict=True)
            found += [one.pending(self._digests) for one, what in looked if one.is_whole(what, self._owner)]
        return found

    @property
    def beside(self) -> list[bytes]:
        """What may be left on the host beside the files."""
        return [] if self._sound else [path for path in (self._probe, self._list) if path]

    @property
    def partials(self) -> list[bytes]:
        """What may be on the host now."""
        return [one.growing for one in self._sent]
