"""Asks a host the deep check's questions: one exec, bounded in time and bytes, and when it told its time.

The channel is closed as soon as the script says that it is at its end: what hangs on the host may keep its output open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from backend.clock import Clock
from backend.connection.connector import Link, StdStream
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError, SessionError
from backend.files.host_commands import POSIX_SHELL, feed
from backend.health.deep.script import VERSION, deep_script
from backend.tasks import closing, within

LIMIT = 12.0
"""Seconds for the whole; the script itself gives up after about seven."""
MOST_BYTES = 512 << 10
Moment = Callable[[], float]
_BEGIN, _CLOCK, _END = b"deep " + VERSION.encode() + b"\n", b"\nclock ", b"\nend\n"


@dataclass(slots=True)
class Answer:
    """What has come so far."""

    sent: float
    """When the question was sent, in seconds since 1970 by our clock."""
    output: bytearray
    clock_came: float | None = None
    """When the line with the host's time had come, likewise."""
    seconds: float = 0.0
    """From the question to the end of the answer."""


async def ask_deep(link: Link, clock: Clock, host: str) -> Answer:
    """The answer, whole or as far as it came. Raises SessionError where there is none, and LinkLost."""
    began = clock.monotonic()
    answer = Answer(clock.now().timestamp(), bytearray())

    def moment() -> float:
        return answer.sent + clock.monotonic() - began

    with suppress(TimeoutError):
        await within(LIMIT, _listen(link, answer, moment), clock)
    answer.seconds = clock.monotonic() - began
    if _BEGIN not in answer.output:
        raise _no_answer(host, answer.seconds, bool(answer.output))
    return answer


async def _listen(link: Link, answer: Answer, moment: Moment) -> None:
    async with await link.open_process(POSIX_SHELL) as process:
        feeding = asyncio.create_task(feed(process, deep_script()))
        try:
            async with closing(process.output()) as chunks:
                async for chunk in chunks:
                    if chunk.stream is not StdStream.OUT:
                        continue
                    answer.output += chunk.data
                    if answer.clock_came is None and _CLOCK in answer.output:
                        answer.clock_came = moment()
                    if _END in answer.output[-len(chunk.data) - len(_END) :] or len(answer.output) > MOST_BYTES:
                        return
        finally:
            feeding.cancel()
            with suppress(asyncio.CancelledError, FairleadError):
                await feeding


def _no_answer(host: str, seconds: float, said_something: bool) -> FairleadError:
    if seconds >= LIMIT:
        told = f"{seconds:.0f}"
        evidence = {"seconds": told, "remote": "a look at its health", "link": "up"}
        message = f"{host} did not answer within {told} s when it was asked how it is."
        return SessionError(Code.NO_ANSWER, message, evidence=evidence, host=host)
    reason = "what it said is not from a POSIX shell" if said_something else "no POSIX shell (sh) answers there"
    message = f"{host} cannot be looked into: {reason}."
    return SessionError(Code.SESSION_REFUSED, message, evidence={"reason": reason}, host=host)
