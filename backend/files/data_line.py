"""The data connection of one transfer: a bulk link with an SFTP channel, made anew whenever the link is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from backend.clock import Clock
from backend.connection.connector import FileChannel, Link
from backend.connection.session import Session
from backend.dataclass import dataclass
from backend.errors import ConnectError, FairleadError, LinkLost
from backend.files.host_digests import HostDigests
from backend.files.host_tools import HostTools
from backend.tasks import background

OnState = Callable[[LinkLost | None], None]

FRUITLESS = 12
"""Losses in a row, with nothing sent in between, after which a transfer gives up."""
NUDGE_SECONDS = 1.0
MOST_TRIPS = 20
_SMALL = b"/"
"""A path that nobody knows the answer for but the server: what a relative path is resolved to may be known already."""
_LONGEST_PAUSE = 20.0


@dataclass(frozen=True, slots=True)
class Line:
    """A live data connection."""

    link: Link
    channel: FileChannel
    home: bytes
    round_trip: float
    """Seconds of a small request, nothing else under way."""
    tools: HostTools
    """What the host's own commands can do."""
    digests: HostDigests

    async def answers(self) -> bool:
        """Whether the channel still works: a server's SFTP process may die while the link lives."""
        try:
            await self.channel.resolve(_SMALL)
        except FairleadError:
            return False
        return True

    async def give_channel(self) -> FileChannel:
        """The channel, for whoever asks for it anew each time."""
        return self.channel

    async def give_link(self) -> Link:
        """The link, likewise."""
        return self.link


class Reaching(Protocol):
    """Whoever works on a host over a connection that is restored."""

    @property
    def host(self) -> str: ...

    @property
    def data(self) -> DataConnection: ...


class DataConnection:
    """Gives the live line to all workers of a transfer, and restores it once for all of them."""

    def __init__(
        self,
        session: Session,
        clock: Clock,
        *,
        progress: Callable[[], int],
        on_state: OnState,
        tools_ahead: bool = False,
    ) -> None:
        """`progress`: a number that grows when data has moved. `on_state` hears of a loss, then None when restored.
        `tools_ahead`: what the host's commands can do will be wanted, and is asked while the channel opens."""
        self._session = session
        self._clock = clock
        self._progress = progress
        self._on_state = on_state
        self._tools_ahead = tools_ahead
        self._lock = asyncio.Lock()
        self._line: Line | None = None
        self._left: list[HostTools] = []
        """Of lost lines; they may be at their last question."""
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
        self._left.append(line.tools)
        self._loss = error
        moved = self._progress()
        self._fruitless = 0 if moved > self._progress_at_loss else self._fruitless + 1
        self._progress_at_loss = moved
        self._on_state(error)

    async def close(self) -> None:
        """Bounded; the links belong to the session."""
        line, self._line = self._line, None
        if line is not None:
            await line.tools.close()
            await line.channel.close()
        for tools in self._left:
            await tools.close()

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
        tools = HostTools((lambda: _ready(link), self._session.link))
        try:
            return await self._open_on(link, tools)
        except BaseException:
            await tools.close()
            raise

    async def _open_on(self, link: Link, tools: HostTools) -> Line:
        trips: list[float] = []
        async with background(_measure(link, trips)):
            if self._tools_ahead:
                tools.start()  # behind the channel, which comes first where there is one place only
            channel = await self._session.open_files(link)
            try:
                home = await channel.resolve(b".")
                round_trip = min(trips or [await link.ping()])
            except BaseException:
                await channel.close()
                raise
        return Line(link, channel, home, round_trip, tools, HostDigests(tools))


async def _measure(link: Link, trips: list[float]) -> None:
    """Round trips for as long as a channel is being opened, of which the shortest counts: a busy machine alone makes
    one of a short path look ten times as long."""
    while len(trips) < MOST_TRIPS:
        trips.append(await link.ping())


async def _ready(link: Link) -> Link:
    return link
