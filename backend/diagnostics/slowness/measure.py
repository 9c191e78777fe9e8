"""Measuring one host over one link, one step after the other; a step that cannot be taken is named with its reason.

At most two channels at a time; every step is bounded in seconds and bytes; nothing is left on the host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from backend.clock import Clock
from backend.connection.connector import Link
from backend.connection.target import Hop
from backend.diagnostics.slowness.ciphers import cipher_speed
from backend.diagnostics.slowness.loads import load_between, with_own
from backend.diagnostics.slowness.own_socket import own_socket
from backend.diagnostics.slowness.pauses import excess
from backend.diagnostics.slowness.scripts import (
    LOGIN_FILES_SHELL,
    LOOKUP_LIMIT,
    SHELL_LIMIT,
    Found,
    disk_script,
    found_in,
    login_files_script,
    lookup_script,
    read_disk,
    read_login_files,
    read_lookup,
    read_snapshot,
    snapshot_script,
)
from backend.diagnostics.slowness.throughput import Bounds, by_command, by_files
from backend.diagnostics.slowness.values import (
    Lane,
    Measurements,
    Progress,
    Snapshot,
    Step,
    StepStatus,
    Transfer,
    Way,
    middle,
)
from backend.diagnostics.slowness.words import coarse_text, rate_text, time_text
from backend.errors import Code, FairleadError, FileError, LinkLost, SessionError
from backend.files.host_commands import POSIX_SHELL, NoAnswer, ask
from backend.tasks import background, within

PINGS = 10
COMMANDS = 20
_COMMAND_SECONDS = 3.0
"""After so long no further command is tried."""
_FEW = 3
_DISK_SECONDS = 30.0
"""A disk that takes 1 MiB in this time is slow enough."""
_TELL_EVERY = 0.2
_INTO_IT = 0.4
"""Seconds after which a transfer is in full flow, and the server's socket is looked at."""
_PAUSE = 0.7
"""Seconds of an unexplained pause in the login from which on the cause is looked for."""

Tell = Callable[[Progress], None]


class NotMeasured(Exception):
    """A step cannot be taken; its text says why."""


class Measurer:
    """Runs once."""

    def __init__(
        self,
        link: Link,
        hop: Hop,
        marker: str,
        clock: Clock,
        tell: Tell,
        *,
        speed: Callable[[str], float | None] = cipher_speed,
    ) -> None:
        """`marker` is a word that no login file prints. `speed` tells how quick a cipher is here; it may block."""
        self._link, self._hop, self._marker, self._clock = link, hop, marker, clock
        self._limit = hop.timeouts.channel
        self._tell = tell
        self._speed = speed
        self._seen = Measurements("")
        self._last: Snapshot | None = None

    async def run(self, known: Measurements) -> Measurements:
        """All steps after the login, which `known` holds. What a lost link leaves out is missing."""
        self._seen = known
        self._tell(Progress(Step.LOGIN, StepStatus.DONE, time_text(known.login or 0.0)))
        lost = ""
        for step, work in self._plan():
            if lost:
                self._miss(step, lost)
                continue
            self._tell(Progress(step, StepStatus.RUNNING))
            try:
                told = await work()
            except LinkLost as error:
                lost = error.message
                self._miss(step, lost)
            except NotMeasured as reason:
                self._miss(step, str(reason))
            except TimeoutError:
                self._miss(step, "no answer in time")
            except FairleadError as error:
                self._miss(step, error.message)
            else:
                status = StepStatus.DONE if told else StepStatus.NOT_NEEDED
                self._tell(Progress(step, status, told or "nothing paused"))
        return self._seen

    def _plan(self) -> Sequence[tuple[Step, Callable[[], Awaitable[str]]]]:
        return (
            (Step.ROUND_TRIP, self._pings),
            (Step.COMMANDS, self._commands),
            (Step.LOGIN_FILES, self._login_files),
            (Step.LOOKUP, self._lookup),
            (Step.DOWNLOAD, lambda: self._transfers(Way.DOWN, Step.DOWNLOAD)),
            (Step.UPLOAD, lambda: self._transfers(Way.UP, Step.UPLOAD)),
            (Step.STREAMS, self._streams),
            (Step.DISK, self._disk),
            (Step.CIPHER, self._cipher),
        )

    def _miss(self, step: Step, why: str) -> None:
        self._seen = replace(self._seen, missing={**self._seen.missing, step.value: why})
        self._tell(Progress(step, StepStatus.MISSING, why))

    # --- what a person waits for -------------------------------------------------------------------------------------

    async def _pings(self) -> str:
        trips: list[float] = []
        for _ in range(PINGS):
            trips.append(await within(self._limit, self._link.ping(), self._clock))
            self._seen = replace(self._seen, pings=tuple(trips))
        return time_text(self._seen.round_trip or 0.0)

    async def _commands(self) -> str:
        began, opens = self._clock.monotonic(), list[float]()
        for number in range(COMMANDS):
            if number >= _FEW and self._clock.monotonic() - began > _COMMAND_SECONDS:
                break
            opened, took = await within(self._limit, self._one_command(), self._clock)
            if self._seen.first_command is None:
                self._seen = replace(self._seen, first_command=took)
                continue
            opens.append(opened)
            self._seen = replace(self._seen, commands=(*self._seen.commands, took), channel_open=middle(tuple(opens)))
            self._tell(Progress(Step.COMMANDS, StepStatus.RUNNING, f"{number + 1} of {COMMANDS}"))
        return time_text(self._seen.command or 0.0)

    async def _one_command(self) -> tuple[float, float]:
        """Seconds until `true` was under way, and until it had ended."""
        began = self._clock.monotonic()
        async with await self._link.open_process(b"true") as process:
            opened = self._clock.monotonic() - began
            await process.write_eof()
            async for _ in process.output():
                pass
            await process.wait()
            return opened, self._clock.monotonic() - began

    # --- what the host tells -----------------------------------------------------------------------------------------

    async def _ask(self, script: bytes, seconds: float, shell: bytes = POSIX_SHELL) -> Found:
        answer = await within(seconds + self._limit, ask(self._link, shell, script), self._clock)
        if isinstance(answer, NoAnswer):
            raise NotMeasured(f"the host {answer.value}")
        return found_in(answer, self._marker)

    async def _login_files(self) -> str:
        found = await self._ask(login_files_script(self._marker), 2.0 * SHELL_LIMIT, LOGIN_FILES_SHELL)
        files = read_login_files(found)
        if files is None:
            raise NotMeasured("the host tells no times of processes")
        self._seen = replace(self._seen, login_files=files)
        whole = "" if files.interactive is None else f", at a terminal {time_text(files.interactive)}"
        return f"{coarse_text(files.command or 0.0)}{whole}"

    async def _lookup(self) -> str:
        """Only where a login paused: a silent resolver takes its time."""
        if max((one.seconds for one in excess(self._seen)), default=0.0) < _PAUSE:
            return ""
        took = read_lookup(await self._ask(lookup_script(self._marker), float(LOOKUP_LIMIT)))
        if took is None:
            raise NotMeasured("the host has no getent or timeout")
        self._seen = replace(self._seen, lookup=took)
        return f"{time_text(took)} for the name of our address"

    async def _snapshot(self) -> Snapshot:
        """The server as it is now; nothing known where it does not say."""
        try:
            found = await self._ask(snapshot_script(self._marker), 0.0)
        except (NotMeasured, TimeoutError, SessionError):
            return Snapshot()
        return read_snapshot(found)

    # --- bulk data ---------------------------------------------------------------------------------------------------

    async def _transfers(self, way: Way, step: Step) -> str:
        """One way by files, or by a command where there are none, between two looks at the host."""
        before = self._last or await self._snapshot()
        if way is Way.DOWN:
            self._seen = replace(self._seen, before=before)
        ours = await own_socket(before.connection)
        during: list[Snapshot] = []
        async with background(self._look_later(during)):
            try:
                carried = await self._carry(way, step, Lane.SFTP)
            except (SessionError, FileError):
                carried = await self._carry(way, step, Lane.EXEC)
        self._last = await self._snapshot()
        load = load_between(before, self._last, during[0] if during else None, carried=carried.seconds)
        load = with_own(load, ours, await own_socket(before.connection))
        self._seen = replace(self._seen, loads={**self._seen.loads, way: load})
        return rate_text(carried.rate)

    async def _streams(self) -> str:
        for way in Way:
            if Lane.EXEC not in {one.lane for one in self._seen.transfers if one.way is way}:
                await self._carry(way, Step.STREAMS, Lane.EXEC)
        by_command = [one for one in self._seen.transfers if one.lane is Lane.EXEC]
        return ", ".join(f"{one.way.value} {rate_text(one.rate)}" for one in by_command)

    async def _look_later(self, during: list[Snapshot]) -> None:
        await self._clock.sleep(_INTO_IT)
        during.append(await self._snapshot())

    async def _carry(self, way: Way, step: Step, lane: Lane) -> Transfer:
        round_trip = self._seen.round_trip or 0.0
        told = 0.0

        def heard(count: int, seconds: float) -> None:
            nonlocal told
            if seconds - told >= _TELL_EVERY:
                told = seconds
                self._tell(Progress(step, StepStatus.RUNNING, f"{count / 1e6:.1f} MB, {rate_text(count / seconds)}"))

        # What is under way when the time is up still has to arrive, over a path that may be very slow.
        seconds = 3 * Bounds.over(round_trip).seconds + self._limit
        if lane is Lane.SFTP:
            carried = by_files(
                self._link, way, round_trip=round_trip, clock=self._clock, heard=heard, compressed=self._hop.compression
            )
        else:
            best = self._seen.best(way)
            carried = by_command(
                self._link,
                way,
                expected=None if best is None else best.rate,
                clock=self._clock,
                heard=heard,
                compressed=self._hop.compression,
            )
        transfer = await within(seconds, carried, self._clock)
        if not transfer.bytes:
            raise SessionError(Code.SESSION_REFUSED, "Nothing was carried.")
        self._seen = replace(self._seen, transfers=(*self._seen.transfers, transfer))
        return transfer

    async def _disk(self) -> str:
        script = disk_script(self._marker, f".{self._marker}")
        disk = read_disk(await self._ask(script, _DISK_SECONDS))
        if isinstance(disk, str):
            raise NotMeasured(disk)
        self._seen = replace(self._seen, disk=disk)
        return f"writes {rate_text(disk.write)}"

    async def _cipher(self) -> str:
        speed = await asyncio.to_thread(self._speed, self._link.facts.cipher)
        if speed is None:
            raise NotMeasured(f"{self._link.facts.cipher or 'the cipher'} cannot be tried by itself here")
        self._seen = replace(self._seen, cipher_speed=speed)
        return f"{self._link.facts.cipher}: {rate_text(speed)} here"
