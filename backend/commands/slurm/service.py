"""Slurm on the hosts that have it. What changes something asks the production guard first."""

from __future__ import annotations

import asyncio
import secrets

from backend.clock import Clock
from backend.commands.asking import Answer, ask
from backend.commands.executor import Admit
from backend.commands.quoting import posix_join
from backend.commands.scripts import Script
from backend.commands.slurm import reading, script
from backend.commands.slurm.poll import QueuePoll
from backend.commands.slurm.values import Job, JobFiles, Partition, Submission, checked_job
from backend.commands.values import CommandSpec
from backend.connection.sessions import Sessions
from backend.dataclass import dataclass
from backend.errors import Code, SessionError
from backend.production.guard import Permit
from backend.text import show_bytes

_SECONDS = 60.0
"""For one question: a busy controller takes its time."""
_PAST_DAYS = 7


@dataclass(frozen=True, slots=True)
class JobDetail:
    """One job, with where it writes."""

    job: Job
    files: JobFiles | None
    """None once the controller has forgotten it, and for jobs without a script."""


class SlurmService:
    """The clusters of all hosts."""

    def __init__(self, *, sessions: Sessions, clock: Clock, permit: Permit, admit: Admit) -> None:
        """`admit` judges what a job would run, `permit` is asked before anything is changed."""
        self._admit = admit
        self._sessions = sessions
        self._clock = clock
        self._permit = permit
        self._polls: dict[tuple[str, bool], QueuePoll] = {}

    def poll(self, host: str, *, everybody: bool = False) -> QueuePoll:
        """The queue of `host`, own jobs or all: shared by all who look at it."""
        key = (host, everybody)
        if key not in self._polls:
            self._polls[key] = QueuePoll(
                lambda: self._queue(host, everybody=everybody), self._clock, everybody=everybody
            )
        return self._polls[key]

    async def nodes(self, host: str) -> tuple[Partition, ...]:
        """Partitions and the states of their nodes. Raises SessionError (SLURM_ABSENT, SLURM_SILENT), LinkLost."""
        mark = _mark()
        return reading.partitions((await self._ask(host, script.nodes(mark))).out, mark)

    async def past(self, host: str) -> tuple[Job, ...]:
        """One's own jobs of the last week that have ended: from the accounting, else those that the controller still
        knows (some minutes, as a rule)."""
        mark = _mark()
        answer = await ask(self._sessions.get(host), script.past(mark, _PAST_DAYS), seconds=_SECONDS)
        if answer.status == 0:
            return tuple(job for job in reading.past_jobs(answer.out, mark) if job.ended)
        return tuple(job for job in (await self.poll(host).now()).jobs if job.ended)

    async def job(self, host: str, job_id: str) -> JobDetail:
        """One job, waiting, running or ended.

        Raises SessionError (SLURM_JOB_UNKNOWN as well), LinkLost; ConfigError (USAGE) for what is no job's id.
        """
        mark = _mark()
        checked_job(job_id)
        answer = await self._ask(host, script.job(mark, job_id), job=job_id)
        listed, _, known = answer.out.partition(f"\n{mark}files\n".encode())
        found = reading.jobs(listed, mark)
        if not found:
            raise SessionError(Code.SLURM_JOB_UNKNOWN, evidence={"job": job_id}, host=host)
        return JobDetail(next((job for job in found if job.id == job_id), found[0]), reading.files(known))

    async def submit(self, host: str, what: Submission) -> str:
        """Submit a job; its id.

        Raises SessionError (SLURM_REFUSED with Slurm's reason, …), COMMAND_DENIED, COMMAND_DANGEROUS and
        PRODUCTION_HOST; LinkLost where it is unknown whether Slurm took the job: the queue tells.
        """
        words = what.command or what.path or what.name.encode() or b"a script"
        if not await self._admit(host, CommandSpec(words, judged=_lines_of(what))):
            await self._permit(host, f"Submit a job: {show_bytes(words)}")
        answer = await self._ask(host, script.submit(what), what.script or b"")
        job_id = reading.submitted_id(answer.out)
        if job_id is None:
            raise reading.failure(answer.err or answer.out, host)
        self._changed(host)
        return job_id

    async def cancel(self, host: str, job_id: str) -> Job:
        """Cancel a job; how it stands right after. A job that runs takes some seconds to end.

        Raises SessionError (SLURM_JOB_UNKNOWN, SLURM_REFUSED for somebody else's job), PRODUCTION_HOST, LinkLost.
        """
        before = (await self.job(host, job_id)).job
        if before.ended:
            return before
        await self._permit(host, f"Cancel the job {job_id} ({before.name})")
        await self._ask(host, script.cancel((job_id,)), job=job_id)
        self._changed(host)
        try:
            return (await self.job(host, job_id)).job
        except SessionError as error:
            if error.code is Code.SLURM_JOB_UNKNOWN:
                return before
            raise

    async def close(self) -> None:
        """Stop asking."""
        await asyncio.gather(*(poll.close() for poll in self._polls.values()))

    # --- asking ---------------------------------------------------------------------------------------------------

    async def _queue(self, host: str, *, everybody: bool) -> tuple[Job, ...]:
        mark = _mark()
        return reading.jobs((await self._ask(host, script.queue(mark, everybody=everybody))).out, mark)

    async def _ask(self, host: str, text: bytes, stdin: bytes = b"", *, job: str = "") -> Answer:
        answer = await ask(self._sessions.get(host), text, stdin, seconds=_SECONDS)
        if answer.status == script.ABSENT:
            raise SessionError(Code.SLURM_ABSENT, host=host)
        if answer.status != 0:
            raise reading.failure(answer.err or answer.out, host, job)
        return answer

    def _changed(self, host: str) -> None:
        for (polled, _), poll in self._polls.items():
            if polled == host:
                poll.hurry()


def _mark() -> str:
    return secrets.token_hex(12)


def _lines_of(what: Submission) -> tuple[bytes, ...]:
    """The command lines of a job that are known here: not those of a script on the host, or for another interpreter."""
    if what.command is not None:
        return (what.command,)
    if what.path is not None:
        return (posix_join((what.path, *what.arguments)),)
    return (what.script,) if what.script is not None and Script(what.script).is_shell else (b"",)
