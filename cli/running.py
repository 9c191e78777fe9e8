"""`fairlead run`: what was asked for, and its streams and outcomes as they are told on a command line."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.commands.collecting import Collected
from backend.commands.executor import CommandOutcome, CommandSpec, RunningCommand
from backend.commands.values import UNKNOWN_END, Elevate, Opening
from backend.connection.connector import Chunk, PtyRequest, StdStream
from backend.container import Container
from backend.dataclass import dataclass
from backend.errors import Code, Interrupted, LinkLost
from backend.fd_writer import StreamWriter
from backend.tty import Reader
from cli.iterate import closing
from cli.output import stream_fields

_LAST_MOMENT = 1.0
"""Seconds."""
JSON_BOUND = 16 << 20
"""Bytes of each stream that `--json` keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asked for."""

    host: str
    commands: tuple[bytes, ...]
    """One, or several that run in turn."""
    script: Path | None
    interpreter: str | None
    arguments: tuple[bytes, ...]
    """Of the script."""
    cwd: bytes | None
    env: dict[str, str]
    modules: tuple[str, ...] | None
    """To be loaded as well as the profile's; None for no modules at all."""
    elevate: Elevate | None
    time_limit: float | None
    pty: bool
    stdin: bool
    keep_going: bool
    retry: int
    encoding: str

    @property
    def in_turn(self) -> bool:
        """Whether it takes more than one start of a command, perhaps."""
        return len(self.commands) > 1 or self.retry > 0

    def specs(self, container: Container) -> tuple[CommandSpec, ...]:
        """What is to be run. Raises ConfigError, or FileError for a script that cannot be read."""
        like = CommandSpec(
            b"",
            cwd=self.cwd,
            env=self.env,
            elevate=self.elevate,
            stdin_stream=_stdin() if self.stdin else None,
            pty=PtyRequest(term=os.environ.get("TERM", "xterm-256color")) if self.pty else None,
            time_limit=self.time_limit,
            opening=self._opening(container),
            keep_output=False,
        )
        if self.script is None:
            return tuple(replace(like, command=command) for command in self.commands)
        from cli.scripts import spec_of_script  # most commands are no scripts

        return (spec_of_script(self.script, self.interpreter, self.arguments, like),)

    def _opening(self, container: Container) -> Opening | None:
        if self.modules is None:
            return container.modules.opening(beside_profile=False)
        return container.modules.opening(self.modules) if self.modules else None


async def _stdin() -> AsyncIterator[bytes]:
    async with closing(Reader(0).chunks()) as chunks:
        async for chunk in chunks:
            yield chunk


class Streams:
    """Passes output on to stdout and stderr. When nobody takes it any more, the command is stopped."""

    def __init__(self) -> None:
        self._writers = {StdStream.OUT: StreamWriter(1), StdStream.ERR: StreamWriter(2)}
        self._last = StdStream.OUT
        self.failure: Exception | None = None
        self.command: RunningCommand | None = None

    async def take(self, chunk: Chunk) -> None:
        if self.failure is not None:
            return
        try:
            if chunk.stream is not self._last:  # both may go to one terminal
                await self._writers[self._last].flush()
                self._last = chunk.stream
            await self._writers[chunk.stream].write(chunk.data)
        except Exception as failure:  # kept, and raised when the command has been stopped
            self.failure = failure
            assert self.command is not None
            self.command.stop()

    async def leave(self) -> None:
        """Write what there is while this program is being stopped; for a moment only, where nobody takes it."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.end(), _LAST_MOMENT)

    async def end(self) -> None:
        """Until everything is written. Raises what kept it from being written."""
        if self.failure is not None:
            raise self.failure
        for writer in self._writers.values():
            await writer.flush()


def collected_json(collected: Collected, outcome: CommandOutcome | None, encoding: str) -> dict[str, Any]:
    """What a command said, and how it ended."""
    return {
        "exit_status": outcome.exit.status if outcome and outcome.exit else None,
        "signal": outcome.exit.signal if outcome and outcome.exit else None,
        **stream_fields(collected.of(StdStream.OUT), "stdout", encoding),
        **stream_fields(collected.of(StdStream.ERR), "stderr", encoding),
        "seconds": round(outcome.seconds, 3) if outcome else 0.0,
        "truncated": collected.truncated,
        **({"error": outcome.error.to_json()} if outcome and outcome.error else {}),
    }


async def ended(command: RunningCommand) -> CommandOutcome:
    """How it ended. Being interrupted stops the command first, and tells what is known about its end."""
    try:
        return await command.wait()
    except asyncio.CancelledError:
        outcome = await command.cancel()
        raise interrupted(command, outcome) from None


def interrupted(command: RunningCommand, outcome: CommandOutcome) -> Interrupted:
    """What is told of a command that was stopped because this program was."""
    remote = "ended" if outcome.error is None else outcome.error.evidence.get("remote", "unknown")
    message = f"Stopped. The command on {command.host}: {remote}."
    return Interrupted(Code.INTERRUPTED, message, evidence={"remote": remote}, host=command.host, advice=())


def leaves_open(outcome: CommandOutcome) -> str:
    """What is said of an end that nobody knows; empty where it is known."""
    lost = isinstance(outcome.error, LinkLost) and not outcome.error.evidence.get("remote")
    return UNKNOWN_END if lost else ""
