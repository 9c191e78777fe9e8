"""What carries a connection's bytes to asyncssh: a socket, a proxy's stream, a program.

Each watches the first bytes for the server's identification, so that a web server, a server that hangs up and one that
says nothing are told apart. It does so from the start, and says who we are, while asyncssh is perhaps still being
loaded; that gets the bytes through its `tunnel` seam. `channel_carrier` does the same over a channel of the hop before.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Protocol

from backend.connection.ssh.banner import GREETING, Identification, NotSsh
from backend.connection.ssh.command import CarryingProgram


class Wire(Protocol):
    """The part of asyncssh's connection that a transport drives."""

    def connection_made(self, transport: Any) -> None: ...

    def data_received(self, data: bytes, datatype: Any = None) -> None: ...

    def eof_received(self) -> Any: ...

    def connection_lost(self, exc: Exception | None) -> None: ...


class BannerClosed(Exception):
    """The far end hung up before it identified itself; it had said `said`. `how`: the system's error, as a reset."""

    def __init__(self, said: bytes, how: Exception | None = None) -> None:
        super().__init__("closed before the identification")
        self.said = said
        self.how = how


class Tap:
    """Watches the first bytes for the identification."""

    def __init__(self, identified: Callable[[str], None]) -> None:
        self._tell = identified
        self._parser = Identification()
        self.outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Completes with the identification; fails with NotSsh or BannerClosed."""

    @property
    def seen(self) -> bytes:
        """All bytes up to the end of the identification, or more."""
        return self._parser.seen

    @property
    def identified(self) -> bool:
        return self.outcome.done() and not self.outcome.cancelled() and self.outcome.exception() is None

    def watch(self, data: bytes) -> bool:
        """Whether the identification is complete with `data`; all that was seen is asyncssh's then."""
        if self.outcome.done():
            return False
        try:
            banner = self._parser.feed(data)
        except NotSsh as error:
            self.outcome.set_exception(error)
            return False
        if banner is None:
            return False
        self._tell(banner)
        self.outcome.set_result(banner)
        return True

    def lost(self, how: Exception | None = None) -> None:
        """The stream has ended."""
        if not self.outcome.done():
            self.outcome.set_exception(BannerClosed(self.seen, how))

    def drop(self) -> None:
        """Nobody wants to know any more."""
        if not self.outcome.cancel() and not self.outcome.cancelled():
            self.outcome.exception()


class _StreamTap(Tap, asyncio.Protocol):
    """The tap on a transport; takes itself out once the identification is seen and asyncssh is there, so that later
    bytes cost nothing more."""

    wire: Wire | None = None
    """asyncssh's side, once it is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(GREETING)

    def attach(self, wire: Wire) -> None:
        """asyncssh is there."""
        self.wire = wire
        wire.connection_made(_Greeted(self.transport))
        if self.identified:
            self._hand_over(wire)

    def data_received(self, data: bytes) -> None:
        if not self.watch(data):
            return
        if self.wire is None:
            self.transport.pause_reading()
        else:
            self._hand_over(self.wire)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost(error)

    def _hand_over(self, wire: Wire) -> None:
        self.transport.set_protocol(wire)  # type: ignore[arg-type]  # asyncssh's connection is a Protocol
        wire.data_received(self.seen)
        self.transport.resume_reading()


class _Greeted:
    """A transport on which our identification has been sent: asyncssh's own, its first write, is left out."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        self.write = self._transport.write  # type: ignore[method-assign]  # once is enough
        if data != GREETING:
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _ProgramTap(_StreamTap):
    """The tap on a program's stream. It stays, so that the program is hung up on when the stream has gone."""

    def __init__(self, identified: Callable[[str], None], program: CarryingProgram) -> None:
        super().__init__(identified)
        self._program = program
        self._passes_on = False

    def data_received(self, data: bytes) -> None:
        if self._passes_on and self.wire is not None:
            self.wire.data_received(data)
        else:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return bool(self.wire.eof_received()) if self._passes_on and self.wire is not None else None

    def connection_lost(self, error: Exception | None) -> None:
        if self._passes_on and self.wire is not None:
            self.wire.connection_lost(error)
        self.lost(error)
        self._program.hang_up()

    def _hand_over(self, wire: Wire) -> None:
        self._passes_on = True
        wire.data_received(self.seen)
        self.transport.resume_reading()


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


class StreamCarrier(Carrier):
    """Carries the connection over a transport, which `tap` watches."""

    def __init__(self, tap: _StreamTap) -> None:
        self._tap: _StreamTap | None = tap

    @classmethod
    async def over_socket(cls, sock: socket.socket, identified: Callable[[str], None]) -> StreamCarrier:
        """Over a socket that is connected already."""
        return cls(await _tapped(sock, lambda: _StreamTap(identified)))

    @classmethod
    def behind_proxy(
        cls, transport: asyncio.Transport, rest: bytes, identified: Callable[[str], None]
    ) -> StreamCarrier:
        """Over a stream on which a proxy has just been talked to; `rest` is what came already. Its reading is paused
        until now."""
        tap = _StreamTap(identified)
        transport.set_protocol(tap)
        tap.connection_made(transport)
        if rest:
            tap.data_received(rest)
        if not tap.identified:
            transport.resume_reading()
        return cls(tap)

    def discard(self) -> None:
        """Close the stream, if no connection has taken it."""
        if self._tap is not None:
            self._tap.drop()
            self._tap.transport.abort()
            self._tap = None

    async def create_connection(self, session_factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        assert self._tap is not None
        tap, self._tap = self._tap, None
        try:
            if not tap.transport.is_closing():
                tap.attach(session_factory())
            else:
                await asyncio.sleep(0)  # the system's reason comes in the turn after the end
                tap.lost()
            await tap.outcome
            if tap.wire is None:
                raise BannerClosed(tap.seen)
        except BaseException:
            tap.drop()
            tap.transport.abort()
            raise
        return tap.transport, tap.wire


class ProgramCarrier(StreamCarrier):
    """Carries the connection over a program's stdin and stdout."""

    def __init__(self, tap: _StreamTap, program: CarryingProgram) -> None:
        super().__init__(tap)
        self.program = program

    @classmethod
    async def over_program(
        cls, program: CarryingProgram, sock: socket.socket, identified: Callable[[str], None]
    ) -> ProgramCarrier:
        """`sock` is the other end of what the program reads and writes."""
        return cls(await _tapped(sock, lambda: _ProgramTap(identified, program)), program)

    async def ended(self) -> None:
        await self.program.ended()


async def _tapped(sock: socket.socket, make: Callable[[], _StreamTap]) -> _StreamTap:
    try:
        _, tap = await asyncio.get_running_loop().create_connection(make, sock=sock)
    except BaseException:
        sock.close()
        raise
    return tap
