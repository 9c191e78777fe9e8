"""What a command has started on its host: found and signalled over other channels of the same connection.

Servers signal the first process only, or none at all (OpenSSH for a login as root), and tell nothing of its children.
Nothing is asked of the host before a command is to be stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from backend.commands.kin import LOOK, Process, Table, kill_script, kin, leader, read_table
from backend.commands.quoting import script_line
from backend.connection.connector import Link, RemoteProcess, StdStream
from backend.errors import LinkLost, SessionError

LIMIT = 4.0
"""Seconds that one look, or one signal, may take."""
_LOOKS = 3
"""A look is repeated where something began or ended meanwhile."""
_TABLE_BYTES = 64 << 20

Run = Callable[[bytes], Awaitable[None]]
"""Runs a POSIX script as whoever the command runs as. Raises SessionError or LinkLost."""


class Pursuit:
    """Of one running command."""

    def __init__(self, process: RemoteProcess, link: Link, run_as: Run | None = None) -> None:
        """`run_as`: where the command does not run as the person."""
        self._process = process
        self._link = link
        self._run_as = run_as or self._run
        self._root: Process | None = None
        self._members: tuple[Process, ...] = ()

    async def find(self) -> bool:
        """Whether it is known from now on which processes are the command's; to be asked while it runs."""
        for _ in range(_LOOKS):
            if self._process.place() is None or (table := await self._look()) is None:
                return False
            place = self._process.place()
            self._root = leader(table, place) if place is not None else None
            if self._root is not None:
                self._members = kin(table, self._root)
                return True
        return False

    async def signal(self, name: str) -> None:
        """Send a signal to all of them."""
        if self._members:
            async with asyncio.timeout(LIMIT):
                await self._run_as(kill_script(name, self._members))

    async def left(self) -> tuple[Process, ...]:
        """Those that are still there; only after `find`. Raises SessionError, LinkLost or TimeoutError."""
        assert self._root is not None
        table = await self._look()
        if table is None:
            raise TimeoutError
        self._members = kin(table, self._root, self._members)
        return self._members

    async def _look(self) -> Table | None:
        async with asyncio.timeout(LIMIT):
            return read_table(await self._said(LOOK))

    async def _run(self, script: bytes) -> None:
        await self._said(script)

    async def _said(self, script: bytes) -> bytes:
        said = bytearray()
        process = await self._link.open_process(script_line(script))
        try:
            await process.write_eof()
            async for chunk in process.output():
                if chunk.stream is StdStream.OUT and len(said) < _TABLE_BYTES:
                    said += chunk.data
            await process.wait()
        finally:
            await asyncio.shield(process.close())
        return bytes(said)


UNSEEN = (SessionError, LinkLost, TimeoutError)
"""What keeps a pursuit from seeing; the truth is then that it is not known."""
