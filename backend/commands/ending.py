"""The orderly end of a command that is to be stopped: Ctrl-C where there is a terminal, TERM, KILL after `GRACE`
seconds, for all that it has started; after as long again it is told what is left, or that this is not known.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import TypeVar

from backend.clock import Clock
from backend.commands.kin import Process, named
from backend.commands.pursuit import UNSEEN, Pursuit
from backend.commands.values import GRACE
from backend.commands.verdict import ENDED, known_end
from backend.connection.connector import ExitReport, RemoteProcess
from backend.errors import LinkLost, SessionError
from backend.tasks import cancel_all

T = TypeVar("T")

_FIRST_LOOK = 0.02
"""Seconds to the first look at what is left; each time it is twice as long."""
_INTERRUPT = b"\x03"


class Ending:
    """Stops one process."""

    def __init__(self, process: RemoteProcess, pursuit: Pursuit, clock: Clock, *, terminal: bool) -> None:
        self._process = process
        self._pursuit = pursuit
        self._clock = clock
        self._terminal = terminal
        self._left: tuple[Process, ...] = ()
        self._seen = False
        """It is known what is left."""

    async def hold(self, reading: asyncio.Task[ExitReport]) -> tuple[str, ExitReport | None]:
        """What is known about the end, for people, and how the first process ended. `reading` takes its output in."""
        real = self._process.place() is not None
        found = real and await _seen(self._pursuit.find()) is True
        exiting = asyncio.create_task(self._process.wait())
        interrupting = asyncio.create_task(self._press_interrupt())
        try:
            for signal in ("TERM", "KILL"):
                if found:
                    await _seen(self._pursuit.signal(signal))
                else:
                    self._process.send_signal(signal)
                if await (self._all_gone() if found else self._within_grace({reading, exiting})):
                    break
            if found or (exiting.done() and not reading.done()):
                await self._within_grace({reading})  # its last words, unless a child of it holds the stream
            return self._told(*known_end(reading, exiting), found=found, real=real)
        finally:
            await cancel_all([exiting, interrupting])

    def _told(
        self, remote: str, report: ExitReport | None, *, found: bool, real: bool
    ) -> tuple[str, ExitReport | None]:
        if self._left:
            return f"unknown: {named(self._left)} would not end", report
        if found and self._seen:
            return ENDED, report
        if remote == ENDED and real:
            return f"{ENDED}, but what it had started may be there: it could not be looked for", report
        return remote, report

    async def _all_gone(self) -> bool:
        """Whether nothing of it is left within the time of grace."""
        pause, waited = _FIRST_LOOK, 0.0
        while True:
            left = await _seen(self._pursuit.left())
            self._seen, self._left = left is not None, left or ()
            if left is None or not left or waited >= GRACE:
                return not self._left
            await self._clock.sleep(pause)
            waited, pause = waited + pause, pause * 2

    async def _press_interrupt(self) -> None:
        if self._terminal:
            with contextlib.suppress(SessionError, LinkLost):
                await self._process.write(_INTERRUPT)

    async def _within_grace(self, signs: set[asyncio.Task[ExitReport]]) -> bool:
        """Whether one of the signs of the process's end came in time."""
        timer = asyncio.create_task(self._clock.sleep(GRACE))
        try:
            await asyncio.wait({*signs, timer}, return_when=asyncio.FIRST_COMPLETED)
            return any(sign.done() for sign in signs)
        finally:
            timer.cancel()


async def _seen(looking: Awaitable[T]) -> T | None:
    """What it saw; None where it could not look."""
    try:
        return await looking
    except UNSEEN:
        return None
