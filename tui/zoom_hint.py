"""What the screen of a zoomed program says in its first seconds: how to come back.

It stands in a corner, is taken away before the program writes anything, and comes again when that pauses: the program's
output may be cut anywhere, and ours must not get into the middle of it. The first key ends it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from backend.commands.terminals.emulator import Emulator
from backend.commands.terminals.repaint import Corner, corner
from backend.fd_writer import FdWriter

SHOWN_FOR = 5.0
"""Seconds."""
PAUSE = 0.2
"""Seconds in which the program has to be silent."""


class ZoomHint:
    """Everything that goes to the real terminal goes through here."""

    def __init__(self, emulator: Emulator, screen: FdWriter, words: str) -> None:
        self._emulator = emulator
        self._screen = screen
        self._words = words
        self._corner: Corner | None = None
        """While it is shown."""
        self._turn = asyncio.Lock()
        self._written = asyncio.Event()

    async def write(self, data: bytes) -> None:
        """Write what is the program's."""
        self._written.set()
        async with self._turn:
            await self._screen.write(self._taken_away() + data)

    async def show(self) -> None:
        """Show the words while there is time; cancelled, they are taken away at once."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(SHOWN_FOR):
                    while True:
                        await self._silence()
                        await self._put_up()
                        await self._written.wait()
        finally:
            async with self._turn:
                if self._corner is not None:
                    await self._screen.write(self._taken_away())

    async def _silence(self) -> None:
        self._written.set()
        while self._written.is_set():
            self._written.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), PAUSE)

    async def _put_up(self) -> None:
        async with self._turn:
            if not self._written.is_set():
                self._corner = corner(self._emulator, self._words)
                await self._screen.write(self._corner.show)

    def _taken_away(self) -> bytes:
        shown, self._corner = self._corner, None
        return b"" if shown is None else shown.hide
