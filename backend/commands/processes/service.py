"""The processes of hosts: looked at, and signalled with care for PIDs that are used again."""

from __future__ import annotations

import asyncio

from backend.clock import Clock
from backend.commands.processes import script
from backend.commands.processes.model import Process, ProcessTable
from backend.commands.processes.reading import read_table
from backend.connection.sessions import Sessions
from backend.errors import Advice, Code, ConfigError, SessionError
from backend.files.host_commands import NoAnswer, ask_script
from backend.production.guard import Permit
from backend.text import clean_line, show_bytes

PATIENCE = 30.0
"""Seconds that a host may take to answer."""
SIGNALS = ("TERM", "KILL", "INT", "HUP", "QUIT", "STOP", "CONT", "USR1", "USR2")
"""Those that POSIX's kill(1) knows by these names, and that people send."""


class ProcessService:
    """Raises what connecting raises, SessionError where the host cannot tell, and LinkLost."""

    def __init__(self, *, sessions: Sessions, clock: Clock, permit: Permit) -> None:
        """`permit` is asked before a process is signalled."""
        self._sessions = sessions
        self._clock = clock
        self._permit = permit

    async def table(self, host: str) -> ProcessTable:
        """All processes of `host` now."""
        link = await self._sessions.get(host).link()
        answer = await ask_script(link, script.listing(), seconds=PATIENCE)
        said, now = self._said(answer, host), self._clock.now()
        table = await asyncio.to_thread(read_table, said, host, now)  # there may be very many
        if table is None or not table.processes:
            raise self._cannot("it has no ps that Fairlead can read", host)
        return table

    async def memory_of(self, host: str, pid: int) -> tuple[float, str]:
        """Megabytes (of 1,000,000 bytes) in memory, and the name of the process `pid`. Raises PROCESS_GONE."""
        process = (await self.table(host)).by_pid().get(pid)
        if process is None:
            raise self._gone(host, pid, "is not there")
        return process.resident / 1e6, process.name

    async def signal(self, host: str, process: Process, signal: str = "TERM") -> None:
        """Send one of `SIGNALS` to `process`, if its PID is still its own.

        Raises SessionError PROCESS_GONE where it has ended meanwhile, PROCESS_REFUSED where the host does not let us.
        """
        if signal not in SIGNALS:
            problem = f"{signal!r} is no signal that can be sent; these can: {', '.join(SIGNALS)}"
            raise ConfigError(Code.USAGE, evidence={"problem": problem})
        await self._permit(host, f"Send {signal} to process {process.pid}: {show_bytes(process.command)}")
        link = await self._sessions.get(host).link()
        answer = await ask_script(link, script.signalling(process.pid, process.start, signal), seconds=PATIENCE)
        said = self._said(answer, host).strip()
        if said == b"gone":
            raise self._gone(host, process.pid, "has ended; nothing was signalled")
        if said == b"other":
            raise self._gone(host, process.pid, "has ended, and its number is another one's now; nothing was signalled")
        if said != b"sent":
            reason = clean_line(show_bytes(said.rpartition(b"kill: ")[2])).strip() or "it did not say why"
            evidence = {"signal": signal, "pid": process.pid, "reason": reason}
            raise SessionError(Code.PROCESS_REFUSED, evidence=evidence, host=host)

    def _gone(self, host: str, pid: int, fate: str) -> SessionError:
        return SessionError(Code.PROCESS_GONE, evidence={"pid": pid, "fate": fate}, host=host)

    def _said(self, answer: bytes | NoAnswer, host: str) -> bytes:
        if isinstance(answer, bytes):
            return answer
        if answer is NoAnswer.LATE:
            message = f"{host} did not answer within {PATIENCE:g} s when it was asked about its processes."
            evidence = {"seconds": f"{PATIENCE:g}", "remote": "a look at its processes", "link": "up"}
            raise SessionError(Code.NO_ANSWER, message, evidence=evidence, host=host)
        raise self._cannot(f"it {answer.value}", host)

    @staticmethod
    def _cannot(reason: str, host: str) -> SessionError:
        message = f"{host} does not tell its processes: {reason}"
        advice = (Advice("See whether the host runs commands at all.", f"fairlead diagnose --verify {host}"),)
        return SessionError(Code.JOB_FAILED, message, evidence={"reason": reason}, host=host, advice=advice)
