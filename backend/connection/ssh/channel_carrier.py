"""What carries a connection's bytes to asyncssh over a channel of the hop before; otherwise as in `carriers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncssh

from backend.connection.ssh.carriers import Carrier, Tap, Wire

TUNNEL_WINDOW = 32 << 20
"""Receive window in bytes of the channel that carries the next hop; below it, every hop would cap the throughput.
As with `options.FILES_WINDOW` only half of it is sure to be there."""


class _ChannelTap(Tap, asyncssh.SSHTCPSession[bytes]):
    """The tap on a channel. asyncssh cannot change a channel's session, so the tap stays."""

    def __init__(self, wire: Wire, identified: Callable[[str], None]) -> None:
        super().__init__(identified)
        self._wire = wire

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        self._wire.connection_made(chan)

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        if self.outcome.done():
            self._wire.data_received(data)
        elif self.watch(data):
            self._wire.data_received(self.seen)

    def eof_received(self) -> bool:
        if self.outcome.done():
            self._wire.eof_received()
        self.lost()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self.outcome.done():
            self._wire.connection_lost(error)
        self.lost(error)


class ChannelCarrier(Carrier):
    """Carries the connection over a channel of the hop before. Raises also what opening the channel raises."""

    def __init__(
        self,
        through: asyncssh.SSHClientConnection,
        opened: Callable[[], None],
        identified: Callable[[str], None],
    ) -> None:
        self._through = through
        self._opened = opened
        self._identified = identified

    async def create_connection(self, session_factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        wire = session_factory()

        def tapped() -> _ChannelTap:
            self._opened()
            return _ChannelTap(wire, self._identified)

        channel, session = await self._through.create_connection(tapped, host, port, window=TUNNEL_WINDOW)
        assert isinstance(session, _ChannelTap)
        try:
            await session.outcome
        except BaseException:
            channel.abort()
            raise
        return channel, wire
