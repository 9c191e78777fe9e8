"""A command of the archive lane that is started before its files are known: over a long path starting it takes as long
as listing a directory. What was begun for nothing is closed; it has changed nothing."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress

from backend.clock import Clock
from backend.connection.connector import Link, RemoteProcess
from backend.dataclass import dataclass
from backend.errors import FairleadError

WINDOW = 16 << 20
"""Bytes of a stream that may be on the way here, half of which are sure to be let: a process's own window would carry
2 MiB for each round trip."""

HELD = 1.5
"""Seconds that it waits for its files. A server may have no second place for a session, and nobody waits longer for one
than `budget.IMPATIENCE`."""

Command = Callable[[str], bytes]
"""What is to run, with a mark in it that nobody can know before."""


@dataclass(frozen=True, slots=True)
class Started:
    """A command that waits for its stdin."""

    process: RemoteProcess
    mark: str


class HeadStart:
    """At most one command under way ahead of its time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._link: Link | None = None
        self._starting: asyncio.Task[Started] | None = None
        self._holding: asyncio.Task[None] | None = None

    def begin(self, link: Link, command: Command) -> None:
        """Have it started, once; what goes wrong is told to whoever needs it."""
        if self._holding is None:
            self._link, self._starting = link, asyncio.create_task(_start(link, command))
            self._holding = asyncio.create_task(self._hold())

    async def _hold(self) -> None:
        await self._clock.sleep(HELD)
        await self._let_go()

    async def started(self, link: Link, command: Command) -> Started:
        """The one that was begun on `link`, or a new one; the caller's from now on. Raises LinkLost, SessionError."""
        if self._starting is None or self._link is not link:
            return await _start(link, command)
        starting, self._starting = self._starting, None
        return await starting

    async def close(self) -> None:
        """Nobody needs it any more; bounded, never raises."""
        if self._holding is not None:
            self._holding.cancel()
            await asyncio.wait([self._holding])
        await self._let_go()

    async def _let_go(self) -> None:
        starting, self._starting = self._starting, None
        if starting is None:
            return
        if not starting.done():
            starting.cancel()
        with suppress(FairleadError, asyncio.CancelledError):
            await (await starting).process.close()


async def _start(link: Link, command: Command) -> Started:
    mark = "fairlead-" + secrets.token_hex(8)
    return Started(await link.open_process(command(mark), window=WINDOW), mark)
