"""The checks of one verification over one link. `backend.diagnostics.verify` says what it is for."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import field

from backend.clock import Clock
from backend.connection.connector import FileChannel, FileKind, Link
from backend.connection.target import Hop
from backend.dataclass import dataclass
from backend.diagnostics.checks import Check, CheckId, CheckStatus
from backend.diagnostics.clock_offset import Offset, Reading, offset_of
from backend.diagnostics.explain import Explanation
from backend.diagnostics.forward_probe import forward_problem
from backend.diagnostics.host_answers import (
    answers,
    facts_script,
    first,
    modules_script,
    read_modules,
    read_room,
    room_script,
    write_script,
)
from backend.diagnostics.host_clock import read_clock
from backend.diagnostics.probe_file import ProbeFile
from backend.diagnostics.probes import probe_session, room_text
from backend.errors import Code, FairleadError, FileError, LinkLost, SessionError
from backend.files.host_commands import ask_script, said
from backend.files.host_reasons import why_not_written
from backend.tasks import within
from backend.text import clean_line, show_bytes

CLOCK_LIMIT = 5.0
"""Seconds that two clocks may be apart."""
LOW_SHARE = 0.05
LOW_BYTES = 10e9
"""Room is little below both of these."""
_MARGIN = 3.0
"""Seconds that a check gets beyond the limit of its channel."""
_SHOWN = 120
_NO_SHELL = "not available"
"""Of nologin(8): "This account is currently not available."."""


Explained = Callable[[FairleadError], Awaitable[Explanation]]


@dataclass(frozen=True, slots=True)
class Found:
    """What a check has found; `warning` where it is not quite right."""

    summary: str
    evidence: Mapping[str, str] = field(default_factory=dict)
    warning: FairleadError | None = None


class Skipped(Exception):
    """A check does not apply; its text says why, and `cause` where the catalogue knows it."""

    def __init__(self, why: str, cause: FairleadError | None = None) -> None:
        super().__init__(why)
        self.cause = cause


class Checker:
    """Runs once."""

    def __init__(self, link: Link, hop: Hop, marker: str, clock: Clock, explained: Explained) -> None:
        """`explained` says what else is known of a failure, as the ladder does."""
        self._explained = explained
        self._link = link
        self._hop = hop
        self._marker = marker
        self._clock = clock
        self._limit = hop.timeouts.channel
        self._shell = ""
        """Why no commands can be run; empty while they can."""
        self._facts: Mapping[str, tuple[str, ...]] = {}
        self._channel: FileChannel | None = None
        self._no_files: FairleadError | None = None
        self._file_clock: Reading | None = None

    async def run(self) -> AsyncGenerator[Check, None]:
        """Each check as it finishes. Closing the generator stops the one under way, and removes what it had made."""
        lost = self._link.lost
        try:
            for check_id, work in self._plan():
                if lost is not None:
                    yield Check(check_id, CheckStatus.SKIP, "not reached: the connection was lost", 0.0)
                    continue
                check = await self._one(check_id, work)
                lost = self._link.lost
                yield check
        finally:
            await self._close_files()

    def _plan(self) -> tuple[tuple[CheckId, Callable[[], Awaitable[Found]]], ...]:
        return (
            (CheckId.EXEC, self._exec),
            (CheckId.SHELL, self._login_shell),
            (CheckId.HOME, self._home),
            (CheckId.SFTP, self._sftp),
            (CheckId.WRITE, self._write),
            (CheckId.SPACE, self._space),
            (CheckId.FORWARD, self._forward),
            (CheckId.CLOCK, self._clocks),
            (CheckId.MODULES, self._modules),
        )

    async def _one(self, check_id: CheckId, work: Callable[[], Awaitable[Found]]) -> Check:
        began = self._clock.monotonic()

        async def attempt() -> Found:
            return await work()

        try:
            found = await within(self._limit + _MARGIN, attempt(), self._clock)
        except Skipped as reason:
            if reason.cause is not None:
                return await self._told(check_id, CheckStatus.SKIP, reason.cause, str(reason), {}, began)
            return Check(check_id, CheckStatus.SKIP, str(reason), self._ms(began))
        except TimeoutError:
            summary = f"no answer within {self._limit + _MARGIN:g} s"
            return Check(check_id, CheckStatus.FAIL, summary, self._ms(began))
        except FairleadError as error:
            return await self._told(check_id, CheckStatus.FAIL, error, error.message, {}, began)
        if found.warning is not None:
            return await self._told(check_id, CheckStatus.WARN, found.warning, found.summary, found.evidence, began)
        return Check(check_id, CheckStatus.PASS, _short(found.summary), self._ms(began), evidence=found.evidence)

    async def _told(
        self,
        check_id: CheckId,
        status: CheckStatus,
        error: FairleadError,
        summary: str,
        evidence: Mapping[str, str],
        began: float,
    ) -> Check:
        ms = self._ms(began)
        explanation = await self._explained(error.located(host=self._hop.name))
        told = {**explanation.evidence, **evidence}
        summary = _short(summary)
        return Check(check_id, status, summary, ms, error.code, told, explanation.advice, explanation.remedies)

    def _ms(self, began: float) -> float:
        return (self._clock.monotonic() - began) * 1000

    # --- commands ------------------------------------------------------------------------------------------------

    async def _exec(self) -> Found:
        try:
            found = await probe_session(self._link, self._hop, self._marker, self._clock)
        except SessionError as error:
            self._shell = "no commands on this account"
            if _NO_SHELL in error.evidence.get("answer", ""):
                raise Skipped(f"the account has no shell: “{_short(error.evidence['answer'])}”") from None
            raise
        except LinkLost:
            self._shell = "the connection was lost"
            raise
        if found.warning is not None and found.warning.code is Code.SESSION_REFUSED:
            self._shell = "the account is for files only"
            raise Skipped("the account is for files only: commands are refused")
        return Found(found.summary, found.evidence, found.warning)

    async def _login_shell(self) -> Found:
        self._facts = await self._ask(facts_script(self._marker))
        if not self._facts:
            self._shell = "no POSIX shell was found"
            reason = "no POSIX shell (sh) answers there; files may work nevertheless"
            raise SessionError(Code.SESSION_REFUSED, f"{self._hop.name}: {reason}.", evidence={"reason": reason})
        shell, system = first(self._facts, "shell") or "unknown", first(self._facts, "system") or "unknown"
        tools = first(self._facts, "tools")
        evidence = {"shell": shell, "system": system, **({"tools": tools} if tools else {})}
        return Found(", ".join(evidence.values()), evidence)

    async def _ask(self, script: bytes) -> Mapping[str, tuple[str, ...]]:
        """Answers to a script; empty where none came. Raises Skipped where commands cannot be run."""
        if self._shell:
            raise Skipped(self._shell)
        output = await within(self._limit, ask_script(self._link, script), self._clock)
        return answers(said(output), self._marker)

    # --- files ---------------------------------------------------------------------------------------------------

    async def _files(self) -> FileChannel:
        """The SFTP channel of this verification, opened once. Raises what opening it raised."""
        if self._no_files is not None:
            raise self._no_files
        if self._channel is None:
            try:
                self._channel = await within(self._limit, self._link.open_files(), self._clock)
            except TimeoutError:
                reason = f"it gave no answer within {self._limit:g} s"
                self._no_files = SessionError(Code.SFTP_UNAVAILABLE, evidence={"reason": reason})
                raise self._no_files from None
            except FairleadError as error:
                self._no_files = error
                raise
        return self._channel

    async def _home(self) -> Found:
        if not self._shell and self._facts:
            home, states = first(self._facts, "home"), self._facts.get("home_is", ())
            exists, writable = "directory" in states, "writable" in states
        else:
            try:
                channel = await self._files()
            except SessionError:
                raise Skipped("neither commands nor files can be had") from None
            raw = await channel.resolve(b".")
            home, writable = show_bytes(raw), True
            exists = (await channel.stat(raw)).kind is FileKind.DIRECTORY
        evidence = {"home": home}
        if not exists:
            raise FileError(Code.NOT_FOUND, evidence={"path": home, "parent": posixpath.dirname(home) or "/"})
        if not writable:
            warning = FileError(Code.PERMISSION, evidence={"path": home}, host=self._hop.name)
            return Found(f"{home}, not writable", evidence, warning)
        return Found(home, evidence)

    async def _sftp(self) -> Found:
        channel = await self._files()
        home = show_bytes(await channel.resolve(b"."))
        limits = channel.limits
        evidence = {"home": home, "read_bytes": str(limits.read), "write_bytes": str(limits.write)}
        return Found("files can be reached", evidence)

    async def _write(self) -> Found:
        name = f".{self._marker}"
        try:
            channel = await self._files()
        except SessionError:
            return await self._write_by_command(name)
        path = posixpath.join(await channel.resolve(b"."), name.encode())
        probe = ProbeFile(channel, path, self._clock)
        try:
            self._file_clock = await probe.try_out(self._marker.encode())
        except FairleadError as error:
            told = await self._told_by_host(error, path)
            if probe.left:
                raise FileError(told.code, told.message, evidence={**told.evidence, **_left(path)}) from error
            raise told from error
        return Found("written, read back and removed", {"path": show_bytes(path)})

    async def _told_by_host(self, error: FairleadError, path: bytes) -> FairleadError:
        """`error`, or what the host's own commands say where SFTP says only "Failure"."""
        if error.code is not Code.FILE_FAILED or self._shell:
            return error
        code = await why_not_written(self._link, path)
        return error if code is None else FileError(code, evidence={**error.evidence, "path": show_bytes(path)})

    async def _write_by_command(self, name: str) -> Found:
        found = await self._ask(write_script(self._marker, name))
        path = f"{first(self._facts, 'home')}/{name}"
        if first(found, "written") != "yes":
            raise FileError(Code.PERMISSION, evidence={"path": path}, host=self._hop.name)
        return Found("written, read back and removed by a command: there is no SFTP", {"path": path})

    async def _space(self) -> Found:
        free, total, where = await self._room()
        evidence = {"path": where, "free_bytes": str(free), "total_bytes": str(total)}
        told = {"path": where, "free": room_text(free), "total": room_text(total)}
        summary = f"{room_text(free)} of {room_text(total)} free"
        if free == 0:
            raise FileError(Code.DISK_FULL, evidence=told | evidence)
        if free < LOW_BYTES and free < LOW_SHARE * total:
            return Found(summary, evidence, FileError(Code.SPACE_LOW, evidence=told, host=self._hop.name))
        return Found(summary, evidence)

    async def _room(self) -> tuple[int, int, str]:
        """Free and total bytes where the home directory lies, and that directory."""
        with suppress(SessionError):
            channel = await self._files()
            home = await channel.resolve(b".")
            space = await channel.space(home)
            if space is not None and space.total:
                return space.free, space.total, show_bytes(home)
        room = read_room(await self._ask(room_script(self._marker)))
        if room is None:
            raise Skipped("the host does not say")
        return *room, first(self._facts, "home")

    # --- forwards, clock and modules -----------------------------------------------------------------------------

    async def _forward(self) -> Found:
        problem = await forward_problem(self._link, self._clock, limit=self._limit)
        if problem is not None:
            raise Skipped("the server does not allow it: no forwards, and no jumping through this host", problem)
        return Found("connections may be passed through")

    async def _clocks(self) -> Found:
        await self._close_files()
        offset, how = await self._offset()
        evidence = {
            "offset_seconds": f"{offset.seconds:+.3f}",
            "uncertainty_seconds": f"{offset.uncertainty:.3f}",
            "measured_by": how,
        }
        summary = f"{round(offset.seconds, 1) + 0.0:+.1f} s (±{offset.uncertainty:.1f} s)"
        if offset.at_least <= CLOCK_LIMIT:
            return Found(summary, evidence)
        told = {"difference": f"{abs(offset.seconds):.0f} s"}
        return Found(summary, evidence, FairleadError(Code.CLOCK_DIFFERS, evidence=told, host=self._hop.name))

    async def _offset(self) -> tuple[Offset, str]:
        readings: list[Reading] = []
        if not self._shell:
            readings = await read_clock(self._link, self._marker, self._clock, limit=self._limit)
        if readings:
            return offset_of(readings), "date"
        if self._file_clock is not None:
            return offset_of([self._file_clock]), "the time of a file that was written"
        raise Skipped(self._shell or "the host does not tell the time")

    async def _modules(self) -> Found:
        found = await self._ask(modules_script(self._marker))
        modules = read_modules(found)
        if not modules.system:
            return Found("none", {"modules": "none"})
        name = f"{modules.system} {modules.version}".strip()
        evidence = {"modules": modules.system, "version": modules.version or "unknown"}
        if modules.usable:
            return Found(name, evidence)
        return Found(f"{name}, but login shells have no module command", {**evidence, "command": "missing"})

    async def _close_files(self) -> None:
        if self._channel is not None:
            channel, self._channel = self._channel, None
            await channel.close()


def _left(path: bytes) -> dict[str, str]:
    return {"left_behind": show_bytes(path)}


def _short(text: str) -> str:
    line = clean_line(text)
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
