"""What carries a connection's bytes to asyncssh: a socket, a proxy's stream, a program, a channel of the hop before.

Each watches the first bytes for the server's identification, so that a web server, a server that hangs up and one that
says nothing are told apart. asyncssh gets the bytes through its `tunnel` seam.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Protocol

import asyncssh

from backend.connection.ssh.banner import Identification, NotSsh
from backend.connection.ssh.command import CarryingProgram

TUNNEL_WINDOW = 16 << 20
"""Receive window in bytes of the channel that carries the next hop; below it, every hop would cap the throughput."""


class _Wire(Protocol):
    """The part of asyncssh's connection that a transport drives."""

    def connection_made(self, transport: Any) -> None: ...

    def data_received(self, data: bytes, datatype: Any = None) -> None: ...

    def eof_received(self) -> Any: ...

    def connection_lost(self, exc: Exception | None) -> None: ...


class BannerClosed(Exception):
    """The far end hung up before it identified itself; it had said `said`."""

    def __init__(self, said: bytes) -> None:
        super().__init__("closed before the identification")
        self.said = said


class _Tap:
    """Watches the first bytes for the identification while passing them on."""

    def __init__(self, wire: _Wire, identified: Callable[[str], None]) -> None:
        self.wire = wire
        """asyncssh's side."""
        self._tell = identified
        self.parser = Identification()
        self.outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def data(self, data: bytes) -> bool:
        """Whether the identification is complete with `data`; asyncssh gets the bytes then."""
        if self.outcome.done():
            return not self.outcome.cancelled() and self.outcome.exception() is None
        try:
            banner = self.parser.feed(data)
        except NotSsh as error:
            self.outcome.set_exception(error)
            return False
        if banner is None:
            return False
        self._tell(banner)
        self.outcome.set_result(banner)
        self.wire.data_received(self.parser.seen)
        return True

    def lost(self) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(BannerClosed(self.parser.seen))


class _TcpTap(_Tap, asyncio.Protocol):
    """The tap on a socket; takes itself out once the identification is seen, so that later bytes cost nothing more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.wire.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self.data(data):
            self._transport.set_protocol(self.wire)  # type: ignore[arg-type]  # asyncssh's connection is a Protocol

    def connection_lost(self, error: Exception | None) -> None:
        self.lost()


class _ChannelTap(_Tap, asyncssh.SSHTCPSession[bytes]):
    """The tap on a channel through the hop before. asyncssh cannot change a channel's session, so the tap stays."""

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        self.wire.connection_made(chan)

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        if self.outcome.done():
            self.wire.data_received(data)
        else:
            self.data(data)

    def eof_received(self) -> bool:
        if self.outcome.done():
            self.wire.eof_received()
        self.lost()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self.outcome.done():
            self.wire.connection_lost(error)
        self.lost()


class _ProgramTap(_TcpTap):
    """The tap on a program's stream. It stays, so that the program is hung up on when the stream has gone."""

    def __init__(self, wire: _Wire, identified: Callable[[str], None], program: CarryingProgram) -> None:
        super().__init__(wire, identified)
        self._program = program

    def data_received(self, data: bytes) -> None:
        if self.outcome.done():
            self.wire.data_received(data)
        else:
            self.data(data)

    def eof_received(self) -> bool | None:
        return bool(self.wire.eof_received()) if self.outcome.done() else None

    def connection_lost(self, error: Exception | None) -> None:
        if self.outcome.done():
            self.wire.connection_lost(error)
        self.lost()
        self._program.hang_up()


class Carrier:
    """What asyncssh calls a tunnel: something that opens the byte stream under a new connection."""

    def close(self) -> None:
        """Nothing of its own: the connection closes what carries it."""

    async def wait_closed(self) -> None:
        return None

    def discard(self) -> None:
        """Let go of what no connection has taken."""

    async def ended(self) -> None:
        """Wait until nothing is left of what carried the connection, after it was closed; bounded."""

    async def create_connection(self, session_factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        """As asyncssh asks for it; returns once the server has identified itself. Raises NotSsh or BannerClosed."""
        raise NotImplementedError


class SocketCarrier(Carrier):
    """Carries the connection over a socket that is connected already.

    `create_connection` returns once the server has identified itself; raises NotSsh or BannerClosed.
    """

    def __init__(self, sock: socket.socket, identified: Callable[[str], None]) -> None:
        self._sock: socket.socket | None = sock
        self._identified = identified

    def discard(self) -> None:
        """Close the socket, if no connection has taken it."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    async def create_connection(self, session_factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        wire = session_factory()
        sock, self._sock = self._sock, None
        transport, tap = await asyncio.get_running_loop().create_connection(lambda: self._tap(wire), sock=sock)
        try:
            await tap.outcome
        except BaseException:
            transport.abort()
            raise
        return transport, wire

    def _tap(self, wire: _Wire) -> _TcpTap:
        return _TcpTap(wire, self._identified)


class ProgramCarrier(SocketCarrier):
    """Carries the connection over a program's stdin and stdout, of which `sock` is the other end."""

    def __init__(self, sock: socket.socket, identified: Callable[[str], None], program: CarryingProgram) -> None:
        super().__init__(sock, identified)
        self.program = program

    def discard(self) -> None:
        if self._sock is not None:
            self.program.hang_up()
        super().discard()

    async def ended(self) -> None:
        await self.program.ended()

    def _tap(self, wire: _Wire) -> _TcpTap:
        return _ProgramTap(wire, self._identified, self.program)


class StreamCarrier(Carrier):
    """Carries the connection over a stream on which a proxy has just been talked to; `rest` is what came already.

    The transport's reading is paused until then.
    """

    def __init__(self, transport: asyncio.Transport, rest: bytes, identified: Callable[[str], None]) -> None:
        self._transport: asyncio.Transport | None = transport
        self._rest = rest
        self._identified = identified

    def discard(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def create_connection(self, session_factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        assert self._transport is not None
        transport, self._transport = self._transport, None
        tap = _TcpTap(session_factory(), self._identified)
        transport.set_protocol(tap)
        tap.connection_made(transport)
        try:
            if self._rest:
                tap.data_received(self._rest)
            if transport.is_closing():
                tap.lost()
            transport.resume_reading()
            await tap.outcome
        except BaseException:
            transport.abort()
            raise
        return transport, tap.wire


class ChannelCarrier(Carrier):
    """Carries the connection over a channel of the hop before; otherwise as SocketCarrier. Raises also what opening the
    channel raises."""

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
