"""Small questions to a host's own commands: a POSIX shell script in, its output back, or why that cannot be had.

Scripts go over stdin, so that no login shell's quoting matters; hosts that serve files only give no answer.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import StrEnum

from backend.connection.connector import Link, RemoteProcess, StdStream
from backend.errors import SessionError


class NoAnswer(StrEnum):
    """Why there is no answer, as the rest of a sentence about the host."""

    REFUSED = "runs no commands"
    LATE = "did not answer in time"
    FAILED = "could not do it"


POSIX_SHELL = b"exec sh -s"
"""Takes a script on stdin, whatever the login shell is."""
LIMIT = 16 << 20
"""Bytes of an answer that are kept; a longer one is no answer."""


def quote(path: bytes) -> bytes:
    """One word of a POSIX shell."""
    return b"'" + path.replace(b"'", b"'\\''") + b"'"


def said(answer: bytes | NoAnswer) -> bytes:
    """The answer; empty where there is none."""
    return b"" if isinstance(answer, NoAnswer) else answer


async def ask(link: Link, command: bytes, stdin: bytes = b"", *, seconds: float | None = None) -> bytes | NoAnswer:
    """The standard output of `command`, given `stdin`; else why there is none, as when it took over `seconds`.

    Raises LinkLost when the connection ends meanwhile.
    """
    try:
        async with asyncio.timeout(seconds):
            answer = await _ask(link, command, stdin)
    except SessionError:
        return NoAnswer.REFUSED
    except TimeoutError:
        return NoAnswer.LATE
    return NoAnswer.FAILED if answer is None else answer


async def ask_script(link: Link, script: bytes, *, seconds: float | None = None) -> bytes | NoAnswer:
    """As `ask`, of a script for a POSIX shell. Its commands must not read stdin."""
    return await ask(link, POSIX_SHELL, script, seconds=seconds)


async def _ask(link: Link, command: bytes, stdin: bytes) -> bytes | None:
    process = await link.open_process(command)
    feeding = asyncio.create_task(feed(process, stdin))
    try:
        output = await _collect(process)
        report = await process.wait() if output is not None else None
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding
        await process.close()
    return output if report is not None and report.status == 0 else None


async def feed(process: RemoteProcess, stdin: bytes) -> None:
    """Give a command its whole stdin."""
    # A command that ends early closes its stdin; what it answered tells, not the write that failed.
    with suppress(SessionError, OSError):
        await process.write(stdin)
        await process.write_eof()


async def _collect(process: RemoteProcess) -> bytes | None:
    parts: list[bytes] = []
    kept = 0
    async for chunk in process.output():
        if chunk.stream is StdStream.OUT:
            parts.append(chunk.data)
            kept += len(chunk.data)
        if kept > LIMIT:
            return None
    return b"".join(parts)
