"""A stretch of a session: from being asked for a link until that fails, expires or is closed."""

from __future__ import annotations

import asyncio

from backend.connection.connector import Link
from backend.errors import FairleadError


class Stretch:
    """What one run of a session's supervisor shares with those who wait for its link."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        """The supervisor."""
        self.lost_by: FairleadError | None = None
        """While a link is being restored: why the last one was lost."""
        self.nudge = _future()
        """Done when the countdown is to be cut short."""
        self._promise: asyncio.Future[Link] = asyncio.get_running_loop().create_future()

    async def link(self) -> Link:
        """The link, once there is one; raises what ended the stretch. Cancelling this cancels nothing else."""
        return await asyncio.shield(self._promise)

    def fulfil(self, link: Link) -> None:
        """Hand `link` to all who wait."""
        if not self._promise.done():
            self._promise.set_result(link)

    def renew(self) -> None:
        """The link has gone: who asks from now on waits for the next one."""
        if self._promise.done():
            self._promise = asyncio.get_running_loop().create_future()

    def fail(self, error: FairleadError) -> None:
        """Hand `error` to all who wait; nobody has to."""
        if not self._promise.done():
            self._promise.set_exception(error)
            self._promise.exception()  # looked at, so that asyncio does not complain

    def count_down(self) -> asyncio.Future[None]:
        """A new countdown begins; done when it is to be cut short."""
        self.nudge = _future()
        return self.nudge

    def hurry(self) -> None:
        """Cut the countdown short."""
        if not self.nudge.done():
            self.nudge.set_result(None)


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()
