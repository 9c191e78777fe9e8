"""`fairlead run` on many hosts: live progress, output by host as it comes or by groups at the end, JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.commands.many.difference import difference
from backend.commands.many.grouping import Alike
from backend.commands.many.last import LastRun
from backend.commands.many.picking import pick
from backend.commands.many.prefixed import LinesByHost
from backend.commands.many.run import GroupRun, HostRun
from backend.commands.many.values import OVER, PARALLEL, Counts, GroupChanged, GroupSpec
from backend.commands.values import CommandSpec
from backend.connection.connector import Chunk, StdStream
from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError, FairleadError, Interrupted
from backend.fd_writer import FdWriter
from backend.files.problems import local_error
from cli.execute import Services
from cli.failures import print_json
from cli.many_report import difference_lines, host_json, progress_line, report, run_json, status_of_run, summary
from cli.output import ByteWriter, CleanWriter

STDIN_BOUND = 64 << 20
"""Bytes that `--send-stdin` takes: they are kept for every host."""
_EXPLAINED_AT_ONCE = 4
_PROGRESS_APART = 0.1
"""Seconds between two lines of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Which hosts, and what is to be told of them: as the command line says."""

    hosts: tuple[str, ...]
    groups: tuple[str, ...]
    again_failed: bool
    failed_from: Path | None
    parallel: int | None
    max_fail: int | None
    prefix: bool
    diff: bool
    ignore_names: bool
    save_in: Path | None
    send_stdin: bool


async def run_many(services: Services, crowd: Crowd, command: CommandSpec | None) -> int:
    """Run it on all of them; the exit status. `command` may be left out where the last one is run again.

    Raises ConfigError, Interrupted, and FairleadError where nobody agreed to a change of production hosts.
    """
    spec = await _spec(services, crowd, command)
    told = _Told(services, crowd)
    run = services.container.many.start(spec, told.take if crowd.prefix and not services.flags.json else None)
    services.container.bus.subscribe(GroupChanged, lambda event: told.changed(run))
    try:
        await run.wait()
    except asyncio.CancelledError:
        stood = run.counts
        run.stop()
        await run.wait()
        services.narration.end_progress()
        await told.end(run)
        raise _interrupted(run, stood) from None
    services.narration.end_progress()
    if run.error is not None:
        raise run.error
    await told.end(run)
    await services.container.many.recorded()
    return status_of_run(run)


def _interrupted(run: GroupRun, stood: Counts) -> Interrupted:
    now = run.counts
    message = (
        f"Stopped. {stood.over:,} of {now.hosts:,} hosts had come to an end, {stood.under_way:,} were told to stop, "
        f"{now.not_run:,} were never begun."
    )
    again = Advice("Run it where it did not succeed.", "fairlead run --again-failed")
    return Interrupted(Code.INTERRUPTED, message, advice=(again,))


# --- what is to be done --------------------------------------------------------------------------------------------


async def _spec(services: Services, crowd: Crowd, command: CommandSpec | None) -> GroupSpec:
    hosts, last = await _hosts(services, crowd)
    if command is None:
        if last is None:
            raise _usage("Missing argument 'COMMAND...'.")
        command = CommandSpec(last.command, cwd=last.cwd)
    if crowd.send_stdin:
        command = replace(command, stdin=await asyncio.to_thread(_whole_stdin))
    if crowd.save_in is not None:
        await asyncio.to_thread(_make_directory, crowd.save_in)
    return GroupSpec(
        hosts,
        command,
        parallel=crowd.parallel or PARALLEL,
        max_fail=crowd.max_fail,
        save_in=crowd.save_in,
        one_password=services.flags.password_stdin,
    )


async def _hosts(services: Services, crowd: Crowd) -> tuple[tuple[str, ...], LastRun | None]:
    """Who is meant, and the run that is made again, where it is one."""
    last = None
    named = list(crowd.hosts)
    if crowd.again_failed:
        last = await services.container.many.last()
        if last is None:
            raise _usage("there was no run on many hosts yet.")
        if not last.failed:
            raise _usage("the last run on many hosts succeeded on all of them.")
        named += last.failed
    if crowd.failed_from is not None:
        named += await asyncio.to_thread(_failed_in, crowd.failed_from)
    return pick(await services.container.book.list(), hosts=named, groups=crowd.groups), last


def _failed_in(path: Path) -> list[str]:
    """The hosts that a file names: those that did not succeed in what `run --json` has written, or a name a line."""
    try:
        lines = path.read_text(errors="surrogateescape").splitlines()
    except OSError as error:
        raise local_error(error, os.fsencode(path)) from error
    found = [_failed_host(line) for line in lines if line.strip() and not line.startswith("#")]
    if not (failed := [host for host in found if host]):
        raise _usage(f"{path} names no host that failed.")
    return failed


def _failed_host(line: str) -> str:
    """The host that a line names, where it failed there."""
    if not line.startswith("{"):
        return line.strip()
    try:
        told: Any = json.loads(line)
    except ValueError as error:
        raise _usage(f"it is neither the name of a host nor JSON: {line[:40]!r}") from error
    host = told.get("host")
    return host if isinstance(host, str) and told.get("exit_status") != 0 else ""


def _whole_stdin() -> bytes:
    given = sys.stdin.buffer.read(STDIN_BOUND + 1)
    if len(given) > STDIN_BOUND:
        raise _usage(f"--send-stdin takes at most {STDIN_BOUND >> 20} MiB.")
    return given


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise local_error(error, os.fsencode(path)) from error


def _usage(problem: str) -> ConfigError:
    advice = (Advice("See how it is used.", "fairlead run --help"),)
    return ConfigError(Code.USAGE, evidence={"problem": problem}, advice=advice)


# --- what is told --------------------------------------------------------------------------------------------------


class _Told:
    """What has been told of a run: progress on stderr, lines or JSON on stdout as it goes on, groups at its end."""

    def __init__(self, services: Services, crowd: Crowd) -> None:
        self._crowd = crowd
        self._json = services.flags.json
        self._narration = services.narration
        self._clock = services.container.clock
        self._writers = {StdStream.OUT: _writer(1), StdStream.ERR: _writer(2)}
        self._lines = LinesByHost()
        self._container = services.container
        self._printed: set[str] = set()
        self._explaining: list[asyncio.Task[None]] = []
        self._turns = asyncio.Semaphore(_EXPLAINED_AT_ONCE)
        self._progress_at = 0.0
        self._shows_progress = not (crowd.prefix and os.isatty(1))

    def changed(self, run: GroupRun) -> None:
        """The run has gone on."""
        now = self._clock.monotonic()
        if now < self._progress_at + _PROGRESS_APART and not run.over:
            return
        self._progress_at = now
        if self._json:
            self._print_hosts(run)
        if self._shows_progress and not run.over:
            self._narration.progress(progress_line(run.counts))

    def _print_hosts(self, run: GroupRun) -> None:
        """Those that are over; one that failed as soon as it is known why."""
        for host in run.hosts:
            if host.state in OVER and host.host not in self._printed:
                self._printed.add(host.host)
                if host.error is None:
                    print_json(host_json(host))
                else:
                    self._explaining.append(asyncio.create_task(self._print_failed(host, host.error)))

    async def _print_failed(self, host: HostRun, error: FairleadError) -> None:
        print_json(host_json(host, await self._told(error, host.host)))

    async def _told(self, error: FairleadError, host: str) -> FairleadError:
        """A few at once: a look may run programs of this machine."""
        async with self._turns:
            return await self._container.told(error, host)

    async def take(self, host: str, chunk: Chunk) -> None:
        """A host has said something, which is passed on line by line."""
        if lines := self._lines.take(host, chunk):
            await self._writers[chunk.stream].write(lines)

    async def end(self, run: GroupRun) -> None:
        """The run is over."""
        groups = await asyncio.to_thread(lambda: run.groups(names_apart=not self._crowd.ignore_names))
        if self._json:
            self._print_hosts(run)
            await asyncio.gather(*self._explaining)
            print_json(run_json(run, groups))
            return
        groups = tuple(await asyncio.gather(*(self._with_reasons(alike) for alike in groups)))
        if self._crowd.prefix:
            for stream, rest in self._lines.rest():
                await self._writers[stream].write(rest)
            groups = tuple(replace(alike, out=b"", err=b"") for alike in groups if not alike.succeeded)
        await self._writers[StdStream.ERR if self._crowd.prefix else StdStream.OUT].write(report(groups))
        if self._crowd.diff:
            for other in groups[1:]:
                found = await difference(groups[0], other)
                text = difference_lines(groups[0], other, found.lines, complete=found.complete)
                await self._writers[StdStream.OUT].write(text.encode("utf-8", "surrogateescape"))
        self._say_end(run)

    async def _with_reasons(self, alike: Alike) -> Alike:
        """The group with what is known of the failure of its first host."""
        if alike.error is None:
            return alike
        return replace(alike, error=await self._told(alike.error, alike.hosts[0]))

    def _say_end(self, run: GroupRun) -> None:
        for host in run.hosts:
            if host.save_error is not None:
                self._narration.say(f"{host.host}: {host.save_error.message}")
        again = "; run it there again: fairlead run --again-failed" if run.failed else ""
        self._narration.say(f"{summary(run)}{again}")


def _writer(fd: int) -> ByteWriter:
    writer = FdWriter(fd)
    return CleanWriter(writer) if os.isatty(fd) else writer
