"""How long a lost host is waited for: for ever where a person can stop it, else for a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from backend.clock import Clock
from backend.connection.state import CONNECTED, SessionChanged, SessionState
from backend.errors import FairleadError, Interrupted
from backend.tasks import cancel_all
from cli.narration import Narration

UNATTENDED = 120.0
"""Seconds that a lost host is waited for when there is nobody who could stop it."""

_SETTLED = CONNECTED | {SessionState.FAILED, SessionState.EXPIRED, SessionState.CLOSING, SessionState.CLOSED}


class GiveUp:
    """Ends the work when a host has not come back `seconds` after its link was lost; None waits for ever."""

    def __init__(self, seconds: float | None, *, clock: Clock, narration: Narration) -> None:
        self._seconds = seconds
        self._clock = clock
        self._narration = narration
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._reasons: dict[str, FairleadError | None] = {}
        self._task: asyncio.Task[int] | None = None
        self._error: FairleadError | None = None

    async def watch(self, work: Coroutine[Any, Any, int]) -> int:
        """`work`'s result. Raises why the host was not reached again when it was waited for in vain.

        The work is cancelled then, as by a signal: it keeps what is needed to go on another time.
        """
        self._task = asyncio.create_task(work)
        try:
            status = await self._task
        except (asyncio.CancelledError, Interrupted):
            if self._error is None:
                raise
            raise self._error from None
        finally:
            await cancel_all(self._waiting.values())
        if self._error is not None:  # it would have gone on
            raise self._error
        return status

    def hear(self, event: SessionChanged) -> None:
        if event.new is SessionState.RECONNECTING:
            self._reasons[event.host] = event.error
            if self._seconds is not None and event.host not in self._waiting:
                self._waiting[event.host] = asyncio.create_task(self._wait(event.host, self._seconds))
        elif event.new in _SETTLED and (waiting := self._waiting.pop(event.host, None)) is not None:
            waiting.cancel()

    async def _wait(self, host: str, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if self._task is not None and not self._task.done():
            self._narration.say(f"{host}: not back after {seconds:g} s; given up (--give-up)")
            self._error = self._reasons[host]
            self._task.cancel()
