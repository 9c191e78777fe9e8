"""Scripts of ours that run as root by sudo(8), over one exec channel each: input whole, output collected."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from backend.commands.elevation.elevation import Elevation
from backend.commands.elevation.process import ElevatedProcess
from backend.commands.values import Elevate
from backend.connection.connector import StdStream
from backend.dataclass import dataclass
from backend.errors import Code, SessionError

LIMIT = 256 << 20
"""Bytes of output that are kept; more is an error."""
_ROOT = Elevate()


@dataclass(frozen=True, slots=True)
class SudoOutcome:
    """How a script that ran as root ended."""

    status: int | None
    """Its exit status; None where the server did not say."""
    out: bytes
    err: bytes
    """Its own; what sudo says before it starts is left out."""

    @property
    def succeeded(self) -> bool:
        return self.status == 0


class Sudo:
    """Root on one host, for whoever is logged in there."""

    def __init__(self, elevation: Elevation, host: str) -> None:
        self._elevation = elevation
        self.host = host

    async def run(self, script: bytes, stdin: bytes = b"") -> SudoOutcome:
        """Run `script` in a POSIX shell as root, with `stdin`.

        Raises SessionError (SUDO_REFUSED, SUDO_PASSWORD, or what kept commands from running) or LinkLost: then the
        outcome is unknown, and a script that must not stop half way has to see to that itself.
        """
        process = await self._elevation.open_script(script, _ROOT)
        feeding = asyncio.create_task(_feed(process, stdin))
        try:
            return await self._collect(process)
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            await asyncio.shield(process.close())

    async def _collect(self, process: ElevatedProcess) -> SudoOutcome:
        kept = {StdStream.OUT: bytearray(), StdStream.ERR: bytearray()}
        async for chunk in process.output():
            kept[chunk.stream] += chunk.data
            if len(kept[chunk.stream]) > LIMIT:
                reason = {"reason": "the command says too much"}
                raise SessionError(Code.SESSION_REFUSED, evidence=reason, host=self.host)
        report = await process.wait()
        return SudoOutcome(report.status, bytes(kept[StdStream.OUT]), bytes(kept[StdStream.ERR]))


async def _feed(process: ElevatedProcess, stdin: bytes) -> None:
    # A script that ends early closes its stdin; how it ended tells, not the write that failed.
    with suppress(SessionError, OSError):
        await process.write(stdin)
        await process.write_eof()
