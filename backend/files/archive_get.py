"""Many small files from a host in one tar stream: asked for by name, taken only where they are what was asked for."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from backend.connection.connector import Chunk, RemoteProcess, StdStream
from backend.errors import FileError, LinkLost, SessionError
from backend.files.archive import MOST_SAID, QUIET_SECONDS, Said, heard, name_in_archive, path_in_archive
from backend.files.archive_plan import LARGEST
from backend.files.carrier import Arrived, Ended, Failed, Pending
from backend.files.head_start import Started
from backend.files.host_commands import feed
from backend.files.host_tools import Tar
from backend.files.lane import Context, Item, ItemBytes
from backend.files.tar_format import BLOCK, BadArchive, padded
from backend.files.tar_reader import Member, TarReader
from backend.tasks import background, closing, task_group, together

MOST_MORE = 64 << 20
"""Bytes that may come beside what was asked for: files that have grown, complaints, hashes."""
STORED_TOGETHER = 128
"""Files that are written in one go."""
_BYTES_TOGETHER = 1 << 20
_ABOUT_ONE = 4
"""Times that a file is named at most: in a header or two, in a complaint, and with its hash."""
_STORING_AT_ONCE = 2
_LOOKS_AT_ONCE = 64

Content = tuple[Item, bytes]
Changed = Callable[[Pending], Coroutine[Any, Any, bool]]
"""Whether a source looks different from when it was read."""


class ArchiveGet:
    """One stream."""

    def __init__(
        self,
        context: Context,
        tar: Tar,
        items: Sequence[Item],
        arrived: Arrived,
        *,
        start: Callable[[], Awaitable[Started]],
        store: Callable[[Sequence[Content]], Sequence[FileError | None]],
        drop: Callable[[Sequence[Item]], None],
    ) -> None:
        """`items` have different sources. `start` gives the host's command (`packing`). `store` puts files under their
        partial names and `drop` removes them, both in a thread."""
        self._context = context
        self._tar = tar
        self._start = start
        self._wanted = {item.source: item for item in items}
        self._arrived = arrived
        self._store_all = store
        self._drop_all = drop
        self._contents: list[Content] = []
        self._bytes = 0
        self._stored: list[Pending] = []
        """What nobody has been told of yet."""
        self._printed = bytearray()
        self._room = asyncio.Semaphore(_STORING_AT_ONCE)
        self._most = 2 * sum(padded(item.size) + _ABOUT_ONE * (BLOCK + len(item.source)) for item in items) + MOST_MORE
        """Bytes of everything that the host may send; what goes on after that has no end."""

    async def run(self, changed: Changed | None) -> Ended:
        """Fetch; files are heard of when they lie whole under their partial names. Raises LinkLost.

        `changed` is asked about each file that tar itself does not vouch for; None where contents will be compared.
        """
        await self._context.may_go(sum(item.size for item in self._wanted.values()))
        try:
            return await self._run(changed)
        except LinkLost:
            raise
        except BaseException:
            self._context.meter.bytes_done -= sum(one.size for one in self._stored)
            await self._context.disk.run(partial(self._drop, self._stored))
            raise

    async def _run(self, changed: Changed | None) -> Ended:
        try:
            started = await self._start()
        except SessionError as error:
            return Ended(said=error.message)
        process, mark = started.process, started.mark
        lost: LinkLost | None = None
        why, sound = "", False
        names = b"".join(name_in_archive(source) + b"\n" for source in self._wanted)
        try:
            async with background(feed(process, names)):
                why = await self._receive(process, TarReader(most=LARGEST, mark=mark.encode()))
            sound = not why and self._tar is Tar.GNU and (await process.wait()).status == 0
        except LinkLost as error:  # what is whole is kept
            lost = error
        finally:
            await process.close()
        said = heard(bytes(self._printed), mark)
        await self._settle(said, None if sound else changed)
        if lost is not None:
            raise lost
        return Ended(said=said.complaint or why)

    async def _receive(self, process: RemoteProcess, reader: TarReader) -> str:
        """Take all that comes; why it ended before its end, or nothing."""
        lost: LinkLost | None = None
        why = ""
        async with task_group() as storing:
            try:
                async with closing(self._output(process)) as output:
                    async for data in output:
                        await self._take(reader, data, storing)
            except LinkLost as error:
                lost = error
            except TimeoutError:
                why = f"it said nothing for {QUIET_SECONDS:g} s"
            except (BadArchive, SessionError) as error:
                why = str(error)
            await self._store(storing)
        if lost is not None:
            raise lost
        return why

    async def _output(self, process: RemoteProcess) -> AsyncIterator[bytes]:
        """What comes of the archive. Raises TimeoutError, and BadArchive when more comes than can be meant."""
        chunks, left = process.output(), self._most
        with suppress(StopAsyncIteration):
            while True:
                await self._context.gate.passed()
                async with asyncio.timeout(QUIET_SECONDS):
                    chunk: Chunk = await anext(chunks)
                if (left := left - len(chunk.data)) < 0:
                    raise BadArchive("the host's tar sent more than it was asked for")
                if chunk.stream is StdStream.OUT:
                    yield chunk.data
                elif len(self._printed) < MOST_SAID:
                    self._printed += chunk.data

    async def _take(self, reader: TarReader, data: bytes, storing: asyncio.TaskGroup) -> None:
        before = self._bytes
        for member in reader.feed(data):
            self._match(member)
        self._context.meter.sent(self._bytes - before)
        if len(self._contents) >= STORED_TOGETHER or self._bytes >= _BYTES_TOGETHER:
            await self._store(storing)

    def _match(self, member: Member) -> None:
        """Keep what was asked for and is as it was listed; whatever else comes is no concern of ours."""
        path = path_in_archive(member.header.name)
        item = self._wanted.get(path)
        content = member.content
        if item is None or content is None or len(content) != item.size:
            return
        listed = item.attributes.modified
        if listed is not None and int(listed) != int(member.header.modified):
            return
        del self._wanted[path]
        self._contents.append((item, content))
        self._bytes += len(content)

    async def _store(self, storing: asyncio.TaskGroup) -> None:
        contents, self._contents, self._bytes = self._contents, [], 0
        if contents:
            await self._room.acquire()
            storing.create_task(self._write(contents))

    async def _write(self, contents: Sequence[Content]) -> None:
        try:
            results = await self._context.disk.run(partial(self._written, contents), undo=self._drop)
        finally:
            self._room.release()
        whole = [result for result in results if isinstance(result, Pending)]
        ItemBytes(self._context.meter).add(sum(one.size for one in whole))
        self._stored += whole
        if failed := [result for result in results if isinstance(result, Failed)]:
            await self._arrived(failed)

    def _written(self, contents: Sequence[Content]) -> list[Pending | Failed]:
        """In a thread."""
        results: list[Pending | Failed] = []
        for (item, content), error in zip(contents, self._store_all(contents), strict=True):
            if error is not None:
                results.append(Failed(item, error))
            else:
                digest = hashlib.sha256(content).digest()
                results.append(Pending(item, item.attributes, digest, len(content), item.source, archived=True))
        return results

    async def _settle(self, said: Said, changed: Changed | None) -> None:
        """Tell of what is stored, with what the host says of it."""
        while self._stored:
            some = self._stored[:_LOOKS_AT_ONCE]
            if changed is not None:
                looks = await together(changed(one) for one in some)
                moved = [one for one, look in zip(some, looks, strict=True) if look]
                some = [one for one, look in zip(some, looks, strict=True) if not look]
                self._context.meter.bytes_done -= sum(one.size for one in moved)
                await self._context.disk.run(partial(self._drop, moved))
            del self._stored[:_LOOKS_AT_ONCE]
            await self._arrived([replace(one, theirs=said.digests.get(one.on_host)) for one in some])

    def _drop(self, results: Sequence[Pending | Failed]) -> None:
        """Nobody waits for them any more."""
        self._drop_all([result.item for result in results if isinstance(result, Pending)])
