"""Writes a small file of a name of its own, reads it back and removes it, whatever happens in between."""

from __future__ import annotations

from contextlib import suppress

from backend.clock import Clock
from backend.connection.connector import FileChannel, OpenMode
from backend.diagnostics.clock_offset import Reading
from backend.errors import Code, FairleadError, IntegrityError
from backend.tasks import within
from backend.text import show_bytes

_REMOVAL = 2.0
"""Seconds for removing it after a failure or a stop."""


class ProbeFile:
    """One try at `path`, which must not be there yet."""

    def __init__(self, channel: FileChannel, path: bytes, clock: Clock) -> None:
        self.left = False
        """Whether it was made and could not be removed, as far as is known."""
        self._channel = channel
        self._path = path
        self._clock = clock

    async def try_out(self, content: bytes) -> Reading | None:
        """When it was written, by our clock and by the server's; None where the server tells no time.

        Raises FileError, LinkLost, or IntegrityError when what is read differs from what was written.
        """
        sent = self._clock.now().timestamp()
        file = await self._channel.open(self._path, OpenMode.EXCLUSIVE, 0o600)
        self.left = True
        try:
            try:
                await file.write(0, content)
            finally:
                await file.close()
            received = self._clock.now().timestamp()
            attributes = await self._channel.stat(self._path)
            await self._compare(content)
            await self._channel.remove(self._path)
            self.left = False
        finally:
            if self.left:
                await self._clean_up()
        return None if attributes.modified is None else Reading(sent, received, attributes.modified, 1.0)

    async def _compare(self, content: bytes) -> None:
        file = await self._channel.open(self._path, OpenMode.READ)
        try:
            read = b""
            while len(read) <= len(content) and (part := await file.read(len(read), len(content) + 1 - len(read))):
                read += part
        finally:
            await file.close()
        if read != content:
            raise IntegrityError(Code.CHECKSUM_DIFFERS, evidence={"path": show_bytes(self._path)})

    async def _clean_up(self) -> None:
        with suppress(FairleadError, TimeoutError):
            await within(_REMOVAL, self._channel.remove(self._path), self._clock)
            self.left = False
