"""A job's output in a buffer that grows, for screens. It is dropped when nobody looks; the job goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from backend.clock import Clock
from backend.commands.jobs.events import JobOutput
from backend.commands.jobs.logs import JobLogs
from backend.commands.jobs.model import Job, LogCut
from backend.commands.output import OutputBuffer
from backend.commands.pulse import Pulse
from backend.connection.connector import Chunk, StdStream
from backend.errors import Code, FairleadError
from backend.events import EventBus
from backend.tasks import cancel_all

log = logging.getLogger(__name__)


class Following:
    """Started by its constructor, inside a running loop."""

    def __init__(
        self, host: str, job_id: str, open_logs: Callable[[], Awaitable[JobLogs]], bus: EventBus, clock: Clock
    ) -> None:
        self.host = host
        self.job_id = job_id
        self.output = OutputBuffer()
        self.job: Job | None = None
        """As it was at the last look."""
        self.error: FairleadError | None = None
        """Why nothing more comes, though the job may go on."""
        self._open = open_logs
        self._pulse = Pulse(lambda: bus.publish(JobOutput(host, job_id)), clock)
        self._task = asyncio.create_task(self._follow(), name=f"following {job_id} on {host}")

    @property
    def ended(self) -> bool:
        """Whether all has come that will."""
        return self._task.done()

    async def close(self) -> None:
        """Follow no more."""
        await cancel_all([self._task])

    async def _follow(self) -> None:
        try:
            logs = await self._open()
            self.job = logs.job
            self._pulse.touch()
            async for piece in logs.pieces():
                self.output.feed(_cut(piece) if isinstance(piece, LogCut) else Chunk(piece.stream, piece.data))
                self.job = logs.job
                self._pulse.touch()
            self.job = logs.job
        except FairleadError as error:
            self.error = error.located(host=self.host)
        except Exception as bug:
            log.exception("following %s failed inside Fairlead", self.job_id)
            self.error = FairleadError(Code.INTERNAL, evidence={"reason": type(bug).__name__}, host=self.host)
        finally:
            self._pulse.touch()
            self._pulse.stop()


def _cut(cut: LogCut) -> Chunk:
    """A line among the errors that says so."""
    name = "stdout" if cut.stream is StdStream.OUT else "stderr"
    text = f"\n[fairlead: {name} has {cut.size:,} bytes on the host now, and had {cut.read:,}; from its beginning:]\n"
    return Chunk(StdStream.ERR, text.encode())
