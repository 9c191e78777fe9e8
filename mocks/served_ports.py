"""Ports of a simulated host over real SSH: connections that clients ask for, and ports that they have opened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Generic, TypeVar

import asyncssh

from mocks.pipes import BrokenPipe
from mocks.programs import Duplex, Program, joined

K = TypeVar("K")
Reader = asyncssh.SSHReader[bytes]
Writer = asyncssh.SSHWriter[bytes]


class _ChannelEnd:
    """An SSH channel as a program has it."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, limit: int) -> bytes:
        try:
            return await self._reader.read(limit)
        except (OSError, asyncssh.Error):
            return b""

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (OSError, asyncssh.Error) as error:
            raise BrokenPipe from error

    async def write_eof(self) -> None:
        self._writer.write_eof()


def talker(program: Program) -> Callable[[Reader, Writer], Awaitable[None]]:
    """`program` at the end of a channel that a client has opened."""

    async def talk(reader: Reader, writer: Writer) -> None:
        with suppress(BrokenPipe):
            await program(_ChannelEnd(reader, writer))
        writer.close()

    return talk


class ServedListener(asyncssh.SSHListener, Generic[K]):
    """A port or socket of the host that is open for a client; `dial` opens the channel back to it."""

    def __init__(
        self,
        table: MutableMapping[K, Program],
        place: K,
        dial: Callable[[], Awaitable[tuple[Any, Any]]],
        *,
        port: int = 0,
    ) -> None:
        super().__init__()
        self._table = table
        self._place = place
        self._port = port

        async def arrived(line: Duplex) -> None:
            with suppress(OSError, asyncssh.Error):
                reader, writer = await dial()
                await joined(line, _ChannelEnd(reader, writer))
                writer.close()

        self._program = arrived
        table[place] = arrived

    def get_port(self) -> int:
        return self._port

    def close(self) -> None:
        if self._table.get(self._place) is self._program:
            del self._table[self._place]

    async def wait_closed(self) -> None:
        return None
