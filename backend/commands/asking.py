"""A question to a host: a POSIX script in, both its streams and its status back, bounded in size and in time."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from backend.commands.quoting import script_line
from backend.connection.connector import RemoteProcess, StdStream
from backend.connection.session import Session
from backend.dataclass import dataclass
from backend.errors import Code, LinkLost, SessionError, TimeLimitError

LIMIT = 32 << 20
"""Bytes of an answer that are kept; more is an error."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script said, and how it ended."""

    status: int
    """128 + n stands for a signal; here it is only told apart from success."""
    out: bytes
    err: bytes


async def ask(session: Session, script: bytes, stdin: bytes = b"", *, seconds: float = 60.0) -> Answer:
    """Run `script` in a POSIX shell on the host with `stdin`, through whatever login shell there is.

    Raises TimeLimitError after `seconds`, SessionError where the host runs no commands or says too much, and LinkLost
    when the connection ends first: what the script did is unknown then.
    """
    link = await session.link()
    try:
        async with asyncio.timeout(seconds):
            return await _ask(await link.open_process(script_line(script)), stdin, session.host)
    except TimeoutError:
        raise TimeLimitError(Code.TIME_LIMIT, evidence={"seconds": f"{seconds:g}"}, host=session.host) from None


async def _ask(process: RemoteProcess, stdin: bytes, host: str) -> Answer:
    feeding = asyncio.create_task(_feed(process, stdin))
    try:
        out, err = await _collect(process, host)
        report = await process.wait()
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await asyncio.shield(process.close())
    if report.status is None and report.signal is None:
        reason = "it closed the channel without saying how the script ended"
        raise LinkLost(Code.SERVER_ENDED, evidence={"reason": reason}, host=host)
    return Answer(128 if report.status is None else report.status, out, err)


async def _collect(process: RemoteProcess, host: str) -> tuple[bytes, bytes]:
    kept = {StdStream.OUT: bytearray(), StdStream.ERR: bytearray()}
    async for chunk in process.output():
        kept[chunk.stream] += chunk.data
        if sum(map(len, kept.values())) > LIMIT:
            raise SessionError(Code.SESSION_REFUSED, evidence={"reason": "its answer is too long"}, host=host)
    return bytes(kept[StdStream.OUT]), bytes(kept[StdStream.ERR])


async def _feed(process: RemoteProcess, stdin: bytes) -> None:
    # A script that ends early closes its stdin; how it ended tells, not the write that failed.
    with suppress(SessionError, LinkLost, OSError):
        if stdin:
            await process.write(stdin)
        await process.write_eof()
