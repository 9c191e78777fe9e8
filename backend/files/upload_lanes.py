"""The SFTP channels that one upload is written through: one at first, more where the server's window is the limit.

OpenSSH lets a channel carry 2 MiB that it has not taken yet, so over a long path one channel carries 2 MiB for each
round trip at most. Each further channel opens the same file and brings a window of its own. Where a large file is to go
over a long path they are asked for at once, as each takes some round trips to be there; else when the first is full.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import field

from backend.connection.connector import Attributes, FileChannel, OpenMode, RemoteFile
from backend.dataclass import dataclass
from backend.errors import FairleadError, FileError

MOST_LANES = 6
"""Channels for one upload; measured over 50 ms, eight are hardly faster and hold 12 MB more."""
PER_LANE = 8
"""Blocks in flight on one channel at most: as much as OpenSSH's window takes; more would wait in our own memory."""
_SAMPLE = 4096
"""Bytes that are read through a further channel, to see that it has the same file open."""
_LONG_PATH, _LARGE = 0.02, 16 << 20
"""Seconds of a round trip, and bytes, from which all channels are needed in any case."""


@dataclass(slots=True, eq=False)
class UploadLane:
    """One channel, with the file open in it."""

    file: RemoteFile
    channel: FileChannel | None = None
    """None for the first lane, whose channel belongs to the whole transfer."""
    busy: int = 0
    """Writes under way."""

    async def close(self) -> None:
        await self.file.close()
        if self.channel is not None:
            await self.channel.close()


@dataclass(slots=True, eq=False)
class UploadLanes:
    """Lanes that writes are spread over."""

    first: RemoteFile
    open_channel: Callable[[], Awaitable[FileChannel]]
    """A further channel of the link. What it raises ends the widening, not the upload."""
    path: bytes
    most: int = MOST_LANES
    sample: tuple[int, bytes] | None = None
    """An offset, and the beginning of the block that was written there."""
    _sampled: asyncio.Event = field(default_factory=asyncio.Event)
    _lanes: list[UploadLane] = field(default_factory=list)
    _failed: list[UploadLane] = field(default_factory=list)
    _opening: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lanes.append(UploadLane(self.first))

    @property
    def flight(self) -> int:
        """Blocks that all lanes together may have in flight."""
        return PER_LANE * len(self._lanes)

    def free(self) -> UploadLane:
        """The lane with the least under way."""
        return min(self._lanes, key=lambda lane: lane.busy)

    async def write(self, offset: int, data: bytes) -> None:
        """Write a block through the lane with the least under way. Raises LinkLost, or FileError of the first lane.

        A further lane that fails is done without, as where the server's process behind it has ended: what it carried is
        written once more.
        """
        while True:
            lane = self.free()
            lane.busy += 1
            try:
                await lane.file.write(offset, data)
            except FileError:
                if lane.channel is None:
                    raise
                self._do_without(lane)
            else:
                self.landed(offset, data)
                return
            finally:
                lane.busy -= 1

    def _do_without(self, lane: UploadLane) -> None:
        if lane in self._lanes:
            self._lanes.remove(lane)
            self._failed.append(lane)

    def landed(self, offset: int, data: bytes) -> None:
        """A block has been acknowledged."""
        if self.sample is None:
            self.sample = offset, data[:_SAMPLE]
            self._sampled.set()

    def widen(self) -> None:
        """Open the other lanes, once; each is used as soon as it is there and a block has landed. Returns at once."""
        if not self._opening:
            self._opening = [asyncio.create_task(self._open()) for _ in range(self.most - 1)]

    async def _open(self) -> None:
        try:
            channel = await self.open_channel()
        except FairleadError:
            return  # a server may allow one session only; what there is carries on
        lane: UploadLane | None = None
        try:
            lane = await self._lane(channel)
        except FairleadError:
            return
        finally:
            if lane is None:
                await channel.close()
        if lane is not None:
            self._lanes.append(lane)

    async def _lane(self, channel: FileChannel) -> UploadLane | None:
        """The file open in `channel`, where it surely is the same: somebody may have put a link in its place."""
        file = await channel.open(self.path, OpenMode.UPDATE)
        lane: UploadLane | None = None
        try:
            if await self._is_same(file):
                lane = UploadLane(file, channel)
        finally:
            if lane is None:
                await file.close()
        return lane

    async def _is_same(self, file: RemoteFile) -> bool:
        await self._sampled.wait()
        assert self.sample is not None
        offset, written = self.sample
        ours, its, read = await asyncio.gather(
            self.first.attributes(), file.attributes(), file.read(offset, len(written))
        )
        return _looks(ours) == _looks(its) and read == written

    async def close(self) -> None:
        """Close all but the first; bounded by the channels' own limits."""
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        further, self._lanes = [*self._lanes[1:], *self._failed], self._lanes[:1]
        await asyncio.gather(*(lane.close() for lane in further))


@asynccontextmanager
async def upload_lanes(
    first: RemoteFile,
    open_channel: Callable[[], Awaitable[FileChannel]],
    path: bytes,
    *,
    size: int = 0,
    round_trip: float = 0.0,
) -> AsyncIterator[UploadLanes]:
    """Lanes for the file `path`, which is open as `first`; those that were added are closed at the end.

    `size`: bytes that are to be sent; `round_trip`: seconds.
    """
    lanes = UploadLanes(first, open_channel, path)
    if round_trip >= _LONG_PATH and size >= _LARGE:
        lanes.widen()
    try:
        yield lanes
    finally:
        await lanes.close()


def _looks(found: Attributes) -> tuple[object, ...]:
    return found.kind, found.uid, found.gid, found.mode
