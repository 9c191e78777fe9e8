"""Jobs on one host: the scripts run, their answers read. Knows no state of ours and asks nobody."""

from __future__ import annotations

import asyncio

from backend.clock import Clock
from backend.commands.jobs import scripts
from backend.commands.jobs.model import Job, JobSpec, Listing
from backend.commands.jobs.records import HEAD, Told, decode, encode, jobs_of, read
from backend.commands.quoting import exports
from backend.commands.workplace import place_of
from backend.connection.session import Session
from backend.errors import Advice, Code, ConfigError, FileError, SessionError
from backend.files.host_commands import NoAnswer, ask_script
from backend.files.paths import parent_of
from backend.text import clean_line, show_bytes

LONGEST = 100_000
"""Bytes of a command: Linux takes no argument above 128 KiB (MAX_ARG_STRLEN)."""
PATIENCE = 30.0
"""Seconds that a host may take to answer."""


class HostJobs:
    """What is done about the jobs of an account. Every method raises what connecting raises, SessionError where the
    host cannot do it, and LinkLost."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    @property
    def host(self) -> str:
        return self._session.host

    async def start(self, job_id: str, spec: JobSpec) -> Job:
        """Start it, unless a job of this ID was started before: then tell how it stands.

        Raises ConfigError (USAGE) for what no shell can carry, FileError for a directory that cannot be entered,
        SessionError (JOB_FAILED) with the host's reason.
        """
        if len(spec.command) > LONGEST:
            problem = f"a job's command may have {LONGEST:,} bytes; this one has {len(spec.command):,}."
            raise ConfigError(Code.USAGE, evidence={"problem": problem})
        link = await self._session.link()
        cwd, env = place_of(self._session.target, cwd=spec.cwd, env=spec.env)
        script = scripts.start(
            job_id,
            command=spec.command,
            head=encode(spec.command[:HEAD]),
            name=encode(spec.name.encode("utf-8", "surrogateescape")),
            variables=encode(" ".join(env).encode()),
            cwd=cwd,
            setting=b"\n".join(exports(env)),
        )
        answer = self._said(await ask_script(link, script, seconds=PATIENCE))
        if answer.startswith(b"nowhere ") and cwd is not None:
            raise self._nowhere(cwd, answer.split()[1])
        if answer.startswith(b"failed "):
            reason = clean_line(show_bytes(decode(answer.split(b"\n")[0][7:]))).strip()
            raise self._cannot(reason or "it did not say why")
        _, jobs = self._read(answer)
        if [job.id for job in jobs] != [job_id]:
            raise self._cannot("its answer told nothing of the job")
        return jobs[0]

    def _nowhere(self, cwd: bytes, why: bytes) -> FileError:
        codes = {b"closed": Code.PERMISSION, b"other": Code.NOT_DIRECTORY}
        evidence = {"path": show_bytes(cwd), "parent": show_bytes(parent_of(cwd))}
        return FileError(codes.get(why, Code.NOT_FOUND), evidence=evidence, host=self.host)

    async def all(self) -> Listing:
        """All of them, the newest first."""
        told, jobs = await self._look("")
        left_out = told.head.get(b"left-out", b"0")
        return Listing(self.host, jobs, int(left_out) if left_out.isdigit() else 0)

    async def look(self, job_id: str, *, deep: bool = False) -> Job | None:
        """One of them; None where the host knows nothing of it. `deep`: what `Usage.proportional` needs, too."""
        _, jobs = await self._look(job_id, deep=deep)
        return jobs[0] if jobs else None

    async def stop(self, job_id: str, grace: int) -> tuple[bool, tuple[int, ...]] | None:
        """Whether it took KILL, and which processes are left; None where nothing of it ran."""
        link = await self._session.link()
        script = scripts.stop(job_id, grace=grace)
        answer = self._said(await ask_script(link, script, seconds=PATIENCE + 3 * grace)).split()
        if answer[:1] == [b"unknown"]:
            raise self.unknown(job_id)
        if answer[:1] != [b"stopped"]:
            return None
        return answer[1:2] == [b"yes"], tuple(int(word) for word in answer[2:] if word.isdigit())

    async def remove(self, job_id: str) -> None:
        """Forget one that is over. Raises SessionError JOB_UNKNOWN, JOB_RUNNING, or JOB_FAILED."""
        link = await self._session.link()
        answer = self._said(await ask_script(link, scripts.remove(job_id), seconds=PATIENCE)).strip()
        if answer == b"unknown":
            raise self.unknown(job_id)
        if answer == b"running":
            raise SessionError(Code.JOB_RUNNING, evidence={"job": job_id}, host=self.host)
        if answer != b"removed":
            raise self._cannot(clean_line(show_bytes(decode(answer.removeprefix(b"failed ")))).strip())

    def unknown(self, job_id: str) -> SessionError:
        """There is no such job."""
        return SessionError(Code.JOB_UNKNOWN, evidence={"job": job_id}, host=self.host)

    async def _look(self, job_id: str, *, deep: bool = False) -> tuple[Told, tuple[Job, ...]]:
        link = await self._session.link()
        answer = self._said(await ask_script(link, scripts.look(job_id, deep=deep), seconds=PATIENCE))
        return await asyncio.to_thread(self._read, answer)  # there may be very many

    def _read(self, answer: bytes) -> tuple[Told, tuple[Job, ...]]:
        told = self._told(answer)
        return told, tuple(jobs_of(told, self.host, self._clock.now()))

    def _told(self, answer: bytes) -> Told:
        told = read(answer)
        if not told.complete:
            raise self._cannot("its list of jobs broke off; it needs a readable state directory and awk")
        return told

    def _said(self, answer: bytes | NoAnswer) -> bytes:
        if isinstance(answer, bytes):
            return answer
        if answer is NoAnswer.LATE:
            message = f"{self.host} did not answer within {PATIENCE:g} s when it was asked about its jobs."
            evidence = {"seconds": f"{PATIENCE:g}", "remote": "a look at its jobs", "link": "up"}
            raise SessionError(Code.NO_ANSWER, message, evidence=evidence, host=self.host)
        raise self._cannot(f"it {answer.value}")

    def _cannot(self, reason: str) -> SessionError:
        advice = (
            Advice("Jobs need a POSIX shell on the host, awk, and room in the home directory."),
            Advice("See whether the host runs commands at all.", f"fairlead diagnose --verify {self.host}"),
        )
        return SessionError(Code.JOB_FAILED, evidence={"reason": reason}, host=self.host, advice=advice)
