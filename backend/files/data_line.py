"""The data connection of one transfer: a bulk link with an SFTP channel, made anew whenever the link is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from backend.clock import Clock
from backend.connection.connector import FileChannel, Link
from backend.connection.session import Session
from backend.errors import ConnectError, FairleadError, LinkLost
from backend.files.host_digests import HostDigests
from backend.files.tasks import background

OnState = Callable[[LinkLost | None], None]

FRUITLESS = 12
"""Losses in a row, with nothing sent in between, after which a transfer gives up."""
NUDGE_SECONDS = 1.0
LEAST_TRIPS, MOST_TRIPS = 2, 10
TRIPS_SECONDS = 0.02
"""How long the round trip is measured once the least number of trips is made."""
_LONGEST_PAUSE = 20.0


@dataclass(frozen=True, slots=True)
class Line:
    """A live data connection."""

    link: Link
    channel: FileChannel
    home: bytes
    round_trip: float
    """Seconds of a small request, nothing else under way."""
    digests: HostDigests

    async def answers(self) -> bool:
        """Whether the channel still works: a server's SFTP process may die while the link lives."""
        try:
            await self.channel.resolve(b".")
        except FairleadError:
            return False
        return True

    async def give_channel(self) -> FileChannel:
        """The channel, for whoever asks for it anew each time."""
        return self.channel

    async def give_link(self) -> Link:
        """The link, likewise."""
        return self.link


class DataConnection:
    """Gives the live line to all workers of a transfer, and restores it once for all of them."""

    def __init__(
        self,
        session: Session,
        clock: Clock,
        *,
        progress: Callable[[], int],
        on_state: Callable[[LinkLost | None], None],
    ) -> None:
        """`progress`: a number that grows when data has moved. `on_state` hears of a loss, then None when restored."""
        self._session = session
        self._clock = clock
        self._progress = progress
        self._on_state = on_state
        self._lock = asyncio.Lock()
        self._line: Line | None = None
        self._loss: LinkLost | None = None
        self._fruitless = 0
        self._progress_at_loss = -1

    async def line(self) -> Line:
        """The live line; waits while it is being restored.

        Raises what ended the session for good, or LinkLost when the link is lost over and over and nothing moves.
        """
        async with self._lock:
            if self._line is None:
                self._line = await self._open()
                if self._loss is not None:
                    self._loss = None
                    self._on_state(None)
            return self._line

    def lost(self, line: Line, error: LinkLost) -> None:
        """`line` failed with `error`; the next who asks gets a new one."""
        if self._line is not line:
            return
        self._line = None
        self._loss = error
        moved = self._progress()
        self._fruitless = 0 if moved > self._progress_at_loss else self._fruitless + 1
        self._progress_at_loss = moved
        self._on_state(error)

    async def close(self) -> None:
        """Bounded; the links belong to the session."""
        line, self._line = self._line, None
        if line is not None:
            line.digests.stop()
            await line.channel.close()

    async def _open(self) -> Line:
        while True:
            if self._fruitless > FRUITLESS and self._loss is not None:
                raise self._loss
            if self._fruitless:
                await self._clock.sleep(min(_LONGEST_PAUSE, 0.1 * 2**self._fruitless))
            async with background(self._nudge()):
                await self._session.link()  # what this raises is final; what follows may heal
            try:
                return await self._open_line()
            except LinkLost as error:
                self._loss = error
            except ConnectError as error:
                if not error.retryable:
                    raise
            self._fruitless += 1

    async def _nudge(self) -> None:
        """Spare a link that carried data until it broke the longer and longer waits that are meant for dead hosts."""
        if self._loss is not None and not self._fruitless:
            await self._clock.sleep(NUDGE_SECONDS)
            self._session.retry_now()

    async def _open_line(self) -> Line:
        link = await self._session.bulk()
        channel = await link.open_files()
        try:
            home = await channel.resolve(b".")
            round_trip = await self._round_trip(channel)
        except BaseException:
            await channel.close()
            raise
        digests = HostDigests((lambda: _ready(link), self._session.link))
        return Line(link, channel, home, round_trip, digests)

    async def _round_trip(self, channel: FileChannel) -> float:
        """The shortest of a few: on a short path a busy machine alone would make one look ten times as long."""
        trips = [await self._trip(channel) for _ in range(LEAST_TRIPS)]
        while len(trips) < MOST_TRIPS and sum(trips) < TRIPS_SECONDS:
            trips.append(await self._trip(channel))
        return min(trips)

    async def _trip(self, channel: FileChannel) -> float:
        start = self._clock.monotonic()
        await channel.resolve(b".")
        return self._clock.monotonic() - start


async def _ready(link: Link) -> Link:
    return link
