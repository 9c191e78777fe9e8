"""A job's output as it grows, from any byte, over as many connections as it takes: no byte twice, none lost.

The logs are read as files at offsets that we count ourselves, so that a lost link changes nothing: when it is back, the
next byte is asked for. Whether the job is over is looked at before its logs are read to their end, not after.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from backend.clock import Clock
from backend.commands.jobs.host import HostJobs
from backend.commands.jobs.model import OPEN, Job, LogCut, LogPiece
from backend.connection.connector import FileChannel, OpenMode, StdStream
from backend.connection.session import Session
from backend.errors import Code, FileError, LinkLost
from backend.text import show_bytes

BLOCK = 256 << 10
"""Bytes read at a time, and so held at a time."""
_QUICK, _SLOW = 0.1, 1.0
"""Seconds between two looks: while the job speaks, and after it has been silent for a while."""
_SILENCE = 5.0
"""Seconds of silence after which the host is asked whether the job still lives."""
_NAMES = {StdStream.OUT: b"out", StdStream.ERR: b"err"}


class JobLogs:
    """One reader of a job's output."""

    def __init__(
        self, session: Session, jobs: HostJobs, job: Job, clock: Clock, *, begin: Mapping[StdStream, int]
    ) -> None:
        """`begin`: which streams are read, each from which byte."""
        self.job = job
        """As it was at the last look; once `pieces` has ended, how it ended."""
        self._session = session
        self._jobs = jobs
        self._clock = clock
        self._offsets = dict(begin)
        self._seen: set[StdStream] = set()
        """Those whose log was there; one that is moved away later is told as cut."""

    @property
    def offsets(self) -> Mapping[StdStream, int]:
        """The next byte of each stream."""
        return self._offsets

    async def pieces(self, *, live: bool = True) -> AsyncIterator[LogPiece | LogCut]:
        """What it says until it is over and all of it was read, or up to now where not `live`.

        While the link is away it waits for it. Raises what connecting again raises, SessionError (JOB_UNKNOWN) when
        the job is removed meanwhile, or FileError: also where the host's file server does not show the logs.
        """
        pause = silent = _QUICK
        over = self.job.state not in OPEN
        while True:
            spoke = False
            try:
                files = await self._session.files()
                over = over or not live or await self._has_status(files)
                for stream in self._offsets:
                    async for piece in self._new(files, stream):
                        spoke = True
                        yield piece
                if over:
                    self.job = await self._look()
                    return
                if silent >= _SILENCE and not spoke:
                    self.job, silent = await self._look(), 0.0
                    over = self.job.state not in OPEN
                    continue
            except LinkLost:
                await self._session.link()
            pause = _QUICK if spoke else min(_SLOW, pause * 1.4)
            silent = 0.0 if spoke else silent + pause
            await self._clock.sleep(pause)

    async def _look(self) -> Job:
        job = await self._jobs.look(self.job.id)
        if job is None:
            raise self._jobs.unknown(self.job.id)
        return job

    async def _has_status(self, files: FileChannel) -> bool:
        return await _size(files, self.job.directory + b"/rc") is not None

    async def _new(self, files: FileChannel, stream: StdStream) -> AsyncIterator[LogPiece | LogCut]:
        """What has been added to one log."""
        path = self.job.directory + b"/" + _NAMES[stream]
        size = await _size(files, path)
        if size is None and stream not in self._seen:
            await self._look()
            evidence = {"path": show_bytes(path), "parent": show_bytes(self.job.directory)}
            raise FileError(Code.NOT_FOUND, evidence=evidence, host=self._session.host)
        self._seen.add(stream)
        size = size or 0
        if size < self._offsets[stream]:
            cut = LogCut(stream, self._offsets[stream], size)
            self._offsets[stream] = 0
            yield cut
        if size <= self._offsets[stream]:
            return
        log = await files.open(path, OpenMode.READ)
        try:
            while (left := size - self._offsets[stream]) > 0:
                data = await log.read(self._offsets[stream], min(BLOCK, left))
                if not data:
                    break
                piece = LogPiece(stream, self._offsets[stream], data)
                self._offsets[stream] += len(data)
                yield piece
        finally:
            await log.close()


async def _size(files: FileChannel, path: bytes) -> int | None:
    """Bytes of a file; None where it is not there."""
    try:
        return (await files.stat(path)).size
    except FileError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return None
