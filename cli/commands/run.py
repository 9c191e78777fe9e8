"""`fairlead run`: a command on a host, with its own streams and its own exit status."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import click

from backend.commands.executor import CommandOutcome, CommandSpec, RunningCommand
from backend.commands.workplace import placed
from backend.connection.connector import Chunk, PtyRequest, StdStream
from backend.errors import Code, Interrupted
from cli.arguments import Assignment, CommandLine, Filled
from cli.bridge import join_terminal
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.iterate import closing
from cli.output import FdWriter
from cli.statuses import Status, status_of, status_of_exit
from cli.terminal import Reader

JSON_BOUND = 16 << 20
"""Bytes of each stream that `--json` keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the command line asked for."""

    host: str
    command: bytes
    cwd: bytes | None
    env: dict[str, str]
    time_limit: float | None
    pty: bool
    stdin: bool


@click.command(cls=CommandLine)
@click.argument("host", type=Filled())
@click.argument("command", nargs=-1, required=True)
@click.option(
    "-t", "--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop it then."
)
@click.option("--cwd", type=Filled(), metavar="DIR", help="Run it in this directory on the host.")
@click.option("--env", multiple=True, type=Assignment(), metavar="NAME=VALUE", help="Set a variable; may be repeated.")
@click.option("--pty", is_flag=True, help="Give it a terminal: both streams become one.")
@click.option("-n", "--no-stdin", is_flag=True, help="Do not read stdin; for loops over lines.")
@global_flags()
@pass_flags
def run(flags: GlobalFlags, host: str, command: tuple[str, ...], **options: Any) -> int:
    """Run COMMAND on HOST. Its streams are live and byte for byte; stdin goes along unless it is a terminal.

    The words of COMMAND are joined with blanks and read by the login shell on the host, as ssh does: quote for that
    shell. What follows the first word of COMMAND belongs to COMMAND.

    \b
    Examples:
      fairlead run web-1 -- uptime
      fairlead run web-1 -t 10 --cwd /srv 'du -sh * | sort -h'
      tar c site | fairlead run web-1 -- tar x -C /srv
      fairlead run --json web-1 -- cat /etc/os-release

    Exit status: the command's own; 128+n when a signal ended it; 124 at the time limit; 255 for no connection, no
    login, or a connection that was lost.
    """
    wanted = _Wanted(
        host=host,
        command=os.fsencode(" ".join(command)),
        cwd=None if options["cwd"] is None else os.fsencode(options["cwd"]),
        env=dict(options["env"]),
        time_limit=options["time_limit"],
        pty=options["pty"],
        stdin=not options["no_stdin"] and not os.isatty(0),
    )
    interactive = wanted.pty and os.isatty(0) and os.isatty(1) and not flags.json and wanted.time_limit is None
    work = _on_terminal if interactive else _collected if flags.json else _streamed
    return execute(flags, lambda services: work(services, wanted), host=host)


async def _on_terminal(services: Services, wanted: _Wanted) -> int:
    session = services.container.sessions.get(wanted.host)
    link = await session.link()
    command = placed(wanted.command, session.target, cwd=wanted.cwd, env=wanted.env)
    report = await join_terminal(link, command)
    return Status.NO_CONNECTION if report is None else status_of_exit(report)


# --- streams as they come ----------------------------------------------------------------------------------------


class _Streams:
    """Passes output on to stdout and stderr. When nobody takes it any more, the command is stopped."""

    def __init__(self) -> None:
        self._writers = {StdStream.OUT: FdWriter(1), StdStream.ERR: FdWriter(2)}
        self.failure: Exception | None = None
        self.command: RunningCommand | None = None

    async def take(self, chunk: Chunk) -> None:
        if self.failure is not None:
            return
        try:
            await self._writers[chunk.stream].write(chunk.data)
        except Exception as failure:  # kept, and raised when the command has been stopped
            self.failure = failure
            assert self.command is not None
            self.command.stop()


async def _streamed(services: Services, wanted: _Wanted) -> int:
    streams = _Streams()
    streams.command = services.container.commands.start(wanted.host, _spec(wanted), streams.take)
    outcome = await _ended(streams.command)
    if streams.failure is not None:
        raise streams.failure
    if outcome.error is not None:
        raise outcome.error
    assert outcome.exit is not None
    return status_of_exit(outcome.exit)


async def _ended(command: RunningCommand) -> CommandOutcome:
    """How it ended. Being interrupted stops the command first, and tells what is known about its end."""
    try:
        return await command.wait()
    except asyncio.CancelledError:
        outcome = await command.cancel()
        remote = "ended" if outcome.error is None else outcome.error.evidence.get("remote", "unknown")
        message = f"Stopped. The command on {command.host}: {remote}."
        raise Interrupted(
            Code.INTERRUPTED, message, evidence={"remote": remote}, host=command.host, advice=()
        ) from None


def _spec(wanted: _Wanted) -> CommandSpec:
    return CommandSpec(
        command=wanted.command,
        cwd=wanted.cwd,
        env=wanted.env,
        stdin_stream=_stdin() if wanted.stdin else None,
        pty=PtyRequest(term=os.environ.get("TERM", "xterm-256color")) if wanted.pty else None,
        time_limit=wanted.time_limit,
        keep_output=False,
    )


async def _stdin() -> AsyncIterator[bytes]:
    async with closing(Reader(0).chunks()) as chunks:
        async for chunk in chunks:
            yield chunk


# --- collected for JSON ------------------------------------------------------------------------------------------


class _Collected:
    """The beginning of each stream, up to the bound."""

    def __init__(self) -> None:
        self._kept = {StdStream.OUT: bytearray(), StdStream.ERR: bytearray()}
        self.truncated = False

    def take(self, chunk: Chunk) -> None:
        kept = self._kept[chunk.stream]
        room = JSON_BOUND - len(kept)
        kept += chunk.data[:room]
        self.truncated = self.truncated or len(chunk.data) > room

    def text(self, stream: StdStream, key: str) -> dict[str, str]:
        """The stream as text; where it is not UTF-8, exactly in `…_base64` as well."""
        raw = bytes(self._kept[stream])
        try:
            return {key: raw.decode()}
        except UnicodeDecodeError:
            return {key: raw.decode("utf-8", "replace"), f"{key}_base64": base64.b64encode(raw).decode()}


async def _collected(services: Services, wanted: _Wanted) -> int:
    collected = _Collected()
    outcome = await _ended(services.container.commands.start(wanted.host, _spec(wanted), collected.take))
    answer: dict[str, Any] = {
        "host": wanted.host,
        "exit_status": outcome.exit.status if outcome.exit else None,
        "signal": outcome.exit.signal if outcome.exit else None,
        **collected.text(StdStream.OUT, "stdout"),
        **collected.text(StdStream.ERR, "stderr"),
        "seconds": round(outcome.seconds, 3),
        "truncated": collected.truncated,
    }
    if outcome.error is not None:
        print_json({**answer, "error": outcome.error.to_json()})
        return status_of(outcome.error)
    print_json(answer)
    assert outcome.exit is not None
    return status_of_exit(outcome.exit)
