"""A host's own command whose output is read as it comes: searches, sums of trees. Stopped on the host when we stop.

The script is part of the command line, for whoever ends it needs its standard input.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.commands.quoting import script_line
from backend.connection.connector import Link, RemoteProcess, StdStream

CANNOT = 97
"""The status with which a script says that the host has not what it needs."""

_WATCHED = b"""exec 4<&0
{ %s
} </dev/null & P=$!
{ cat <&4; kill $P; } >/dev/null 2>&1 & W=$!
wait $P; S=$?
kill $W 2>/dev/null
exit $S
"""
"""The command, and beside it somebody who ends it when our end of stdin goes: servers ignore signals that are asked
for, and a search that finds nothing would go on for ever."""
_LONGEST_RECORD = 1 << 20


class HostOutput:
    """What a command writes, cut into records; then how it ended."""

    def __init__(self, process: RemoteProcess) -> None:
        self._process = process
        self.complaints = 0
        """Lines on standard error: for find(1) and du(1), one for each directory that could not be read."""
        self.status: int | None = None
        """Known when `records` has ended; None where the server did not say."""

    async def records(self, separator: bytes = b"\0") -> AsyncIterator[list[bytes]]:
        """Whole records as they come, several at a time. Raises LinkLost when the connection ends first."""
        rest = b""
        async for chunk in self._process.output():
            if chunk.stream is StdStream.ERR:
                self.complaints += chunk.data.count(b"\n")
                continue
            *whole, rest = (rest + chunk.data).split(separator)
            if whole:
                yield whole
            rest = rest[:_LONGEST_RECORD]
        self.status = (await self._process.wait()).status

    @property
    def could(self) -> bool:
        """Whether the host could do it at all, be it in part; known when `records` has ended."""
        return self.status in (0, 1)


def watched(script: bytes) -> bytes:
    """`script`, which ends when its standard input does."""
    return _WATCHED % script


@asynccontextmanager
async def host_output(link: Link, script: bytes) -> AsyncIterator[HostOutput]:
    """`script`, for a POSIX shell, running on the host. It has no standard input; it ends when the block is left.

    Raises SessionError where the host runs no commands, or LinkLost.
    """
    process = await link.open_process(script_line(watched(script)))
    try:
        yield HostOutput(process)
    finally:
        await asyncio.shield(process.close())
