"""A job's output, followed: what stands in its file, what comes, and how the job ended; before it starts, why it waits.

The file's bytes come on standard output exactly once and in order, also over a lost connection; what is said about the
job comes on standard error. The queue that everybody shares tells how the job stands.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from backend.commands.quoting import script_line
from backend.commands.slurm import script
from backend.commands.slurm.reasons import explain
from backend.commands.slurm.service import JobDetail, SlurmService
from backend.commands.slurm.values import Job
from backend.commands.values import CommandSpec, Opening, Start
from backend.connection.connector import Chunk, ExitReport, PtySize, RemoteProcess, StdStream
from backend.connection.session import Session
from backend.errors import Code, ConfigError, LinkLost, SessionError
from backend.tasks import cancel_all

_KEPT = 64
"""Chunks that wait for whoever reads."""
_GOOD = frozenset({"COMPLETED"})


def following(slurm: SlurmService, job_id: str, offset: int = 0) -> Opening:
    """For `CommandSpec.opening`: the output of a job from byte `offset` on."""

    async def open_output(session: Session, spec: CommandSpec, start: Start) -> RemoteProcess:
        if "[" in job_id:
            problem = f"{job_id} are several tasks of an array; name one, as {job_id.partition('[')[0]}1."
            raise ConfigError(Code.USAGE, evidence={"problem": problem})
        detail = await slurm.job(session.host, job_id)  # what is wrong from the start is told at once
        return JobOutput(slurm, session, detail, offset)

    return open_output


class JobOutput(RemoteProcess):
    """Looks like a process: its output is the job's, and so is its end."""

    def __init__(self, slurm: SlurmService, session: Session, detail: JobDetail, offset: int) -> None:
        self._slurm = slurm
        self._session = session
        self._detail = detail
        self._offset = offset
        self._chunks: asyncio.Queue[Chunk | None] = asyncio.Queue(_KEPT)
        self._task: asyncio.Task[ExitReport] | None = None
        self._told = ""

    # --- as a process ---------------------------------------------------------------------------------------------

    async def output(self) -> AsyncIterator[Chunk]:
        self._task = asyncio.create_task(self._run(), name=f"following job {self._detail.job.id}")
        while (chunk := await self._chunks.get()) is not None:
            yield chunk
        await self._task

    async def write(self, data: bytes) -> None:
        """A job takes no input."""

    async def write_eof(self) -> None:
        """A job takes no input."""

    def resize(self, size: PtySize) -> None:
        """It has no terminal."""

    def send_signal(self, signal: str) -> None:
        """Stop following; the job goes on."""
        if self._task is not None:
            self._task.cancel()

    def place(self) -> None:
        """It is no process of the host's."""

    async def wait(self) -> ExitReport:
        if self._task is None:
            return ExitReport(signal="TERM")
        with suppress(asyncio.CancelledError):
            return await asyncio.shield(self._task)
        return ExitReport(signal="TERM")

    async def close(self) -> None:
        if self._task is not None:
            await cancel_all([self._task])

    async def __aenter__(self) -> JobOutput:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- following ------------------------------------------------------------------------------------------------

    async def _run(self) -> ExitReport:
        try:
            await self._until_it_starts()
            await self._while_it_runs()
            return await self._in_the_end()
        except asyncio.CancelledError:
            self._end_now(f"Stopped following at byte {self._offset}; job {self._job.id} goes on.")
            return ExitReport(signal="TERM")
        finally:
            await self._chunks.put(None)

    @property
    def _job(self) -> Job:
        return self._detail.job

    async def _until_it_starts(self) -> None:
        while self._job.waits:
            reason = explain(self._job.reason)
            expected = f" Slurm expects it to start at {self._job.start}." if self._job.start else ""
            await self._say(f"Job {self._job.id} waits. {reason.words}{expected}")
            await self._news()

    async def _while_it_runs(self) -> None:
        while not self._job.ended:
            if self._detail.files is None:
                await self._say(f"Job {self._job.id} has no output file of its own.")
                await self._news()
                continue
            reading = asyncio.create_task(self._read(script.follow, self._detail.files.stdout))
            try:
                while not self._job.ended and not reading.done():
                    looking = asyncio.create_task(self._news())
                    await asyncio.wait({reading, looking}, return_when=asyncio.FIRST_COMPLETED)
                    await cancel_all([looking]) if not looking.done() else looking.result()
            finally:
                await cancel_all([reading])
            if not self._job.ended:
                await self._again(reading)

    async def _again(self, reading: asyncio.Task[int]) -> None:
        """The reading broke off: over a lost connection it goes on where it was."""
        error = None if reading.cancelled() else reading.exception()
        if error is not None and not isinstance(error, LinkLost):
            raise error
        if error is not None:
            await self._say(f"The connection was lost; the output goes on at byte {self._offset}.")
        await self._session.link()
        await self._news()

    async def _in_the_end(self) -> ExitReport:
        files = self._detail.files
        if files is not None and await self._rest(files.stdout) == 3:
            await self._say(f"There is no {files.stdout.decode('utf-8', 'backslashreplace')}.")
        state = self._job.state
        status, signal = (0, 0) if files is None else (files.exit_status, files.exit_signal)
        reason = explain(self._job.reason).words if state not in _GOOD and self._job.reason else ""
        await self._say(f"Job {self._job.id} ended: {state}{f', exit status {status}' if status else ''}. {reason}")
        return ExitReport(status=status or (128 + signal if signal else int(state not in _GOOD)))

    async def _rest(self, path: bytes) -> int:
        while True:
            try:
                return await self._read(script.rest, path)
            except LinkLost:
                await self._session.link()

    async def _read(self, how: Callable[[bytes, int, bytes], bytes], path: bytes) -> int:
        """Pass on what stands in a file from where we are, counted; the status."""
        mark = secrets.token_hex(16).encode()
        link = await self._session.link()
        process = await link.open_process(script_line(how(path, self._offset, mark)))
        try:
            async for chunk in _behind(mark, process.output()):
                await self._chunks.put(chunk)
                if chunk.stream is StdStream.OUT:
                    self._offset += len(chunk.data)
            return (await process.wait()).status or 0
        finally:
            await asyncio.shield(process.close())

    async def _news(self) -> None:
        """Wait until the shared queue was asked again, and take over what it says about the job."""
        poll = self._slurm.poll(self._session.host)
        try:
            job = (await poll.newer(poll.last)).job(self._job.id)
            if job is None or job.state != self._job.state or job.reason != self._job.reason:
                self._detail = await self._slurm.job(self._session.host, self._job.id)
        except LinkLost:
            await self._session.link()
        except SessionError as error:
            if error.code is not Code.SLURM_SILENT:
                raise
            await self._say(error.message)

    def _end_now(self, text: str) -> None:
        """Say the last word whether somebody still reads or not."""
        while self._chunks.qsize() > _KEPT - 2:
            self._chunks.get_nowait()
        self._chunks.put_nowait(Chunk(StdStream.ERR, text.encode() + b"\n"))

    async def _say(self, text: str) -> None:
        """Each thing once, until there is another one."""
        if text != self._told:
            self._told = text
            await self._chunks.put(Chunk(StdStream.ERR, text.strip().encode() + b"\n"))


async def _behind(mark: bytes, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    """What comes on standard output behind `mark`; all of standard error."""
    held: bytes | None = b""
    async for chunk in chunks:
        if chunk.stream is StdStream.ERR or held is None:
            yield chunk
            continue
        noise, found, data = (held + chunk.data).partition(mark)
        held = None if found else noise[-len(mark) :]
        if data:
            yield Chunk(StdStream.OUT, data)
