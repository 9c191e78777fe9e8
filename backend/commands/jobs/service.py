"""Detached jobs of all hosts: started once, found again from anywhere, followed, stopped, removed; and remembered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from backend.clock import Clock
from backend.commands.jobs.events import JobsChanged
from backend.commands.jobs.following import Following
from backend.commands.jobs.host import HostJobs
from backend.commands.jobs.logs import JobLogs
from backend.commands.jobs.model import OPEN, Job, JobSpec, JobState, Listing, Stopped, is_id, new_id
from backend.commands.jobs.notes import JobNotes
from backend.commands.jobs.records import HEAD
from backend.connection.connector import StdStream
from backend.connection.sessions import Sessions
from backend.errors import Advice, Code, ConfigError, FairleadError, FileError, LinkLost, SessionError
from backend.events import EventBus
from backend.production.guard import Permit, PermitToRun
from backend.store import Store
from backend.text import clean_line

GRACE = 5
"""Seconds between TERM and KILL."""
_TRIES = 3
"""How often a start or a stop is sent whose connection is lost under it."""
_BOTH: Mapping[StdStream, int] = {StdStream.OUT: 0, StdStream.ERR: 0}


class JobService:
    """What a person does with jobs. Raises what connecting raises, and what `HostJobs` and the state file do."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        store: Store,
        bus: EventBus,
        clock: Clock,
        permit: Permit,
        permit_to_run: PermitToRun,
    ) -> None:
        """`permit` is asked before a job is stopped, `permit_to_run` before one is started."""
        self._sessions = sessions
        self._notes = JobNotes(store)
        self._bus = bus
        self._clock = clock
        self._permit = permit
        self._permit_to_run = permit_to_run
        self._followed: list[Following] = []

    # --- starting --------------------------------------------------------------------------------------------------

    async def start(self, host: str, spec: JobSpec) -> Job:
        """Start it, exactly once; returns when the host has said that it runs, or has run.

        A connection that is lost meanwhile is waited for, and the same start is sent again: the host starts a job of
        one ID once. Raises LinkLost where the connection does not come back: then it is not known whether the job
        runs. It is noted as `UNCONFIRMED`, and a look by its ID (in the evidence, `job`) tells.
        """
        await self._permit_to_run(host, spec.command)
        await self._sessions.get(host).link()
        job_id = new_id(self._clock.now())
        await self._note(_unconfirmed(host, job_id, spec, self._clock.now()))
        try:
            job = await self._start(host, job_id, spec)
        except (ConfigError, FileError, SessionError) as error:
            if error.code is Code.NO_ANSWER:
                raise _unknown(error, host, job_id) from error
            await self._notes.forget(host, (job_id,))
            raise
        await self._note(job)
        return job

    async def _start(self, host: str, job_id: str, spec: JobSpec) -> Job:
        tries = 1
        while True:
            try:
                return await self._on(host).start(job_id, spec)
            except LinkLost as lost:
                tries += 1
                try:
                    await self._sessions.get(host).link()
                except FairleadError as error:
                    raise _unknown(lost, host, job_id) from error
                if tries > _TRIES:
                    raise _unknown(lost, host, job_id) from lost

    # --- finding ---------------------------------------------------------------------------------------------------

    async def listing(self, host: str) -> Listing:
        """The jobs of the account on `host`, from whatever machine they were started, with what they take."""
        listing = await self._on(host).all()
        found = {job.id for job in listing.jobs}
        noted = [job for job in await self._notes.all((host,)) if job.id not in found]
        lost = [_never_started(job) for job in noted if job.state in {JobState.UNCONFIRMED, JobState.NOT_STARTED}]
        if not listing.left_out:
            await self._notes.forget(host, {job.id for job in noted} - {job.id for job in lost})
        await self._notes.put((*listing.jobs, *lost))
        jobs = sorted((*listing.jobs, *lost), key=lambda job: job.id, reverse=True)
        return replace(listing, jobs=tuple(jobs))

    async def noted(self, hosts: Collection[str] | None = None) -> tuple[Job, ...]:
        """What is remembered of the jobs of `hosts`, or of all; nothing is connected. `Job.seen`: as of when."""
        return await self._notes.all(hosts)

    async def find(self, host: str, word: str) -> str:
        """The ID of the job that `word` names: an ID, the end of one, or a name.

        Raises SessionError (JOB_UNKNOWN), or ConfigError (USAGE) where it names several.
        """
        if is_id(word):
            return word
        jobs = (await self.listing(host)).jobs
        found = [job.id for job in jobs if job.name == word] or [job.id for job in jobs if job.id.endswith(word)]
        if not word or not found:
            raise SessionError(Code.JOB_UNKNOWN, evidence={"job": clean_line(word)}, host=host)
        if len(found) > 1:
            problem = f"{clean_line(word)!r} names {len(found)} jobs; give the ID of one: {', '.join(found[:5])}"
            raise ConfigError(Code.USAGE, evidence={"problem": problem}, host=host)
        return found[0]

    async def look(self, host: str, job_id: str) -> Job:
        """One job, with all that is known of it. Raises SessionError (JOB_UNKNOWN)."""
        job = await self._on(host).look(job_id, deep=True)
        if job is None:
            noted = [noted for noted in await self._notes.all((host,)) if noted.id == job_id]
            if not any(one.state in {JobState.UNCONFIRMED, JobState.NOT_STARTED} for one in noted):
                await self._notes.forget(host, (job_id,))
                raise SessionError(Code.JOB_UNKNOWN, evidence={"job": job_id}, host=host)
            job = _never_started(noted[0])
        await self._note(job)
        return job

    async def logs(self, host: str, job_id: str, begin: Mapping[StdStream, int] = _BOTH) -> JobLogs:
        """A reader of its output, of the streams that `begin` names, from those bytes on."""
        job = await self._on(host).look(job_id)
        if job is None:
            raise SessionError(Code.JOB_UNKNOWN, evidence={"job": job_id}, host=host)
        return JobLogs(self._sessions.get(host), self._on(host), job, self._clock, begin=begin)

    def follow(self, host: str, job_id: str) -> Following:
        """Its output, read into a buffer while it grows; close it when nobody looks any more."""
        following = Following(host, job_id, lambda: self.logs(host, job_id), self._bus, self._clock)
        self._followed = [one for one in self._followed if not one.ended]
        self._followed.append(following)
        return following

    # --- ending ----------------------------------------------------------------------------------------------------

    async def stop(self, host: str, job_id: str, *, grace: int = GRACE) -> Stopped:
        """TERM for all of it, KILL after `grace` seconds for what is left. One that is over is left as it is.

        A connection that is lost meanwhile is waited for: stopping goes on without it, and twice is as good as once.
        Raises SessionError JOB_UNKNOWN, or JOB_NOT_STOPPED with the processes that are still there.
        """
        await self._permit(host, f"Stop the job {job_id}")
        ended = await self._stop(host, job_id, grace)
        job = await self.look(host, job_id)
        killed, left = ended or (False, ())
        if left:
            evidence = {"job": job_id, "processes": ", ".join(map(str, left[:20]))}
            raise SessionError(Code.JOB_NOT_STOPPED, evidence=evidence, host=host)
        return Stopped(job, killed)

    async def _stop(self, host: str, job_id: str, grace: int) -> tuple[bool, tuple[int, ...]] | None:
        tries = 1
        while True:
            try:
                return await self._on(host).stop(job_id, grace)
            except LinkLost:
                tries += 1
                if tries > _TRIES:
                    raise
            await self._sessions.get(host).link()

    async def remove(self, host: str, job_id: str, *, force: bool = False) -> None:
        """Forget a job that is over, there and here; with `force`, one that runs is stopped first.

        Raises SessionError JOB_RUNNING, JOB_UNKNOWN.
        """
        job = await self.look(host, job_id)
        if job.state is not JobState.NOT_STARTED:
            if force and job.state in OPEN:
                await self.stop(host, job_id)
            await self._on(host).remove(job_id)
        await self._notes.forget(host, (job_id,))
        self._bus.publish(JobsChanged(host))

    async def close(self) -> None:
        """Nobody looks any more; the jobs themselves go on."""
        for following in self._followed:
            await following.close()

    def _on(self, host: str) -> HostJobs:
        return HostJobs(self._sessions.get(host), self._clock)

    async def _note(self, job: Job) -> None:
        await self._notes.put((job,))
        self._bus.publish(JobsChanged(job.host))


def _unconfirmed(host: str, job_id: str, spec: JobSpec, now: datetime) -> Job:
    return Job(
        host=host,
        id=job_id,
        state=JobState.UNCONFIRMED,
        name=spec.name,
        command=spec.command[:HEAD],
        command_size=len(spec.command),
        started=now,
    )


def _never_started(job: Job) -> Job:
    return replace(job, state=JobState.NOT_STARTED)


def _unknown(error: FairleadError, host: str, job_id: str) -> FairleadError:
    """The same failure, told as what it means for the job."""
    message = f"The connection to {host} was lost while a job was started: whether it runs is not known."
    advice = (Advice("Look again when the host can be reached.", f"fairlead jobs {host} show {job_id}"),)
    evidence = {**error.evidence, "job": job_id, "remote": "unknown", "lost": error.message}
    return type(error)(error.code, message, evidence=evidence, host=host, advice=advice)
