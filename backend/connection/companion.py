"""The second connection of a session, for bulk data, so that keystrokes stay quick on the first."""

from __future__ import annotations

import asyncio
import logging

from backend.clock import Clock
from backend.connection.connector import Connector, Link
from backend.connection.heartbeat import Heartbeat
from backend.connection.idleness import BULK_IDLE, Use
from backend.connection.interaction import Nobody
from backend.connection.target import Target
from backend.errors import Code, FairleadError, Interrupted, LinkLost

log = logging.getLogger(__name__)


class Companion:
    """Makes the second connection at first use and keeps it.

    Nobody is asked for it: what the vault holds has to do. Where the first login took what is good for one time only,
    as a one-time code, no second one is tried at all: it would count as a wrong try on the server. Where the server
    refuses, the first link serves, and it is not tried again as long as that link lives.
    """

    def __init__(self, connector: Connector, clock: Clock) -> None:
        self._connector = connector
        self._clock = clock
        self._link: Link | None = None
        self._opening: asyncio.Task[Link] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        """The farewell of a link that was idle."""
        self._refused_beside: Link | None = None
        self._use = Use(clock)

    @property
    def in_use(self) -> bool:
        """Whether something is carried over the second link, or waits for it."""
        return self._opening is not None or (self._link is not None and self._link.carries > 0)

    async def get(self, first: Link, target: Target) -> Link:
        """The second link, made beside `first` when there is none; `first` where a second is refused."""
        self._use.touch()
        if self._link is not None and self._link.lost is None:
            return self._link
        if self._refused_beside is first or not first.facts.login_repeats:
            return first
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(first, target), name=f"bulk link to {target.name}")
        opening = self._opening
        await asyncio.wait((opening,))
        if opening.cancelled():
            raise Interrupted(Code.INTERRUPTED, f"{target.name} was disconnected.", host=target.name)
        return opening.result()

    async def close(self) -> None:
        """Close the second link, or stop making it; bounded by the link's own close, never raises."""
        link, self._link, self._refused_beside = self._link, None, None
        tasks = [task for task in (self._opening, self._watching) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *([self._closing] if self._closing else []), return_exceptions=True)
        if link is not None:
            await link.close()

    async def _open(self, first: Link, target: Target) -> Link:
        try:
            link = await self._connector.connect(target, Nobody())
        except FairleadError as error:
            log.info("no second connection to %s (%s): bulk data shares the first", target.name, error.code)
            self._refused_beside = first
            return first
        finally:
            self._opening = None
        self._link = link
        self._watching = asyncio.create_task(self._watch(link, target), name=f"heartbeat of bulk link to {target.name}")
        return link

    def _close_idle(self, link: Link, target: Target) -> None:
        """Let go of a link that nothing was carried over for long; the next who asks gets a new one."""
        if link.carries:
            self._use.touch()
        elif self._use.quiet >= BULK_IDLE and self._link is link:
            log.info("the bulk link to %s was not used for %g s: it is closed", target.name, BULK_IDLE)
            self._link = None
            self._closing = asyncio.create_task(link.close(), name=f"closing idle bulk link to {target.name}")

    async def _watch(self, link: Link, target: Target) -> None:
        """Cut a link that no longer answers, so that what waits on it learns of it."""
        self._use.touch()
        heart = Heartbeat(
            link, target.host.keepalive, self._clock, on_answer=lambda _seconds: self._close_idle(link, target)
        )
        reason = await heart.run()
        log.info("the bulk link to %s ended: %s", target.name, reason.code)
        if self._link is link:
            self._link = None
        await link.close(reason if isinstance(reason, LinkLost) else None)
