"""The queue of one host, asked for gently: one squeue for all who look, less often while nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from backend.clock import Clock
from backend.commands.slurm.values import Job
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError

FIRST, LAST = 5.0, 60.0
"""Seconds between two questions: at first, and after a long time without a change."""
AFTER_FAILURE = 120.0
"""At most so many, while Slurm does not answer."""
AT_LEAST = 2.0
"""Seconds between two questions, whoever asks."""
_SLOWER = 1.5


@dataclass(frozen=True, slots=True)
class Queue:
    """The jobs at one moment."""

    jobs: tuple[Job, ...]
    at: datetime
    number: int
    """Counts up with every answer."""
    everybody: bool = False

    def job(self, job_id: str) -> Job | None:
        return next((job for job in self.jobs if job.id == job_id), None)


def next_period(period: float, *, changed: bool, failed: bool) -> float:
    """Seconds until the next question. Pure."""
    if failed:
        return min(AFTER_FAILURE, period * 2)
    return FIRST if changed else min(LAST, period * _SLOWER)


class QueuePoll:
    """Asks while somebody waits for news, and not otherwise."""

    def __init__(self, ask: Callable[[], Awaitable[tuple[Job, ...]]], clock: Clock, *, everybody: bool) -> None:
        self._ask = ask
        self._clock = clock
        self._everybody = everybody
        self._period = FIRST
        self._asked_at: float | None = None
        self._task: asyncio.Task[Queue] | None = None
        self._soon = asyncio.Event()
        self.last: Queue | None = None

    @property
    def period(self) -> float:
        """Seconds between this answer and the next one."""
        return self._period

    async def now(self) -> Queue:
        """The queue as it is; what was asked a moment ago counts. Raises FairleadError."""
        if self.last is not None and self._since() < AT_LEAST:
            return self.last
        self._soon.set()
        return await self._answer(0.0)

    async def newer(self, than: Queue | None) -> Queue:
        """The next answer after `than`, when its time has come. All who wait share one question."""
        if self.last is not None and (than is None or self.last.number > than.number):
            return self.last
        return await self._answer(max(0.0, self._period - self._since()))

    def hurry(self) -> None:
        """Something was changed here: whoever waits hears of it at once, and for a while it is looked often."""
        self._period = FIRST
        self._soon.set()

    def _since(self) -> float:
        return float("inf") if self._asked_at is None else self._clock.monotonic() - self._asked_at

    async def _answer(self, delay: float) -> Queue:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._question(delay), name="squeue")
            self._task.add_done_callback(_heard)
        return await asyncio.shield(self._task)

    async def _question(self, delay: float) -> Queue:
        await self._pause(delay)
        self._asked_at = self._clock.monotonic()
        try:
            jobs = await self._ask()
        except FairleadError as error:
            self._period = next_period(self._period, changed=False, failed=error.code is Code.SLURM_SILENT)
            raise
        before = self.last
        changed = before is None or _gist(before.jobs) != _gist(jobs)
        self._period = next_period(self._period, changed=changed, failed=False)
        number = 1 if before is None else before.number + 1
        self.last = Queue(jobs, self._clock.now(), number, self._everybody)
        return self.last

    async def _pause(self, delay: float) -> None:
        """Let `delay` pass, unless somebody is in a hurry."""
        waits = [asyncio.ensure_future(self._clock.sleep(delay)), asyncio.ensure_future(self._soon.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._soon.clear()

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _gist(jobs: tuple[Job, ...]) -> frozenset[tuple[str, str, str]]:
    """What counts as a change: not that time has passed."""
    return frozenset((job.id, job.state, job.reason) for job in jobs)


def _heard(task: asyncio.Task[Queue]) -> None:
    """What failed is told to those who waited for it."""
    if not task.cancelled():
        task.exception()
