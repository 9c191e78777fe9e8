"""From a name to a server that has said it speaks SSH: lookup, TCP to the first address that answers, identification.

asyncssh connects by itself too, but tells a refused port, a black hole and a web server apart only by luck. Here each
has its own code. The bytes then go to asyncssh through its `tunnel` seam.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import asyncssh

from backend.connection.ssh_banner import Identification, NotSsh
from backend.connection.target import Hop
from backend.errors import Code, ConnectError

STAGGER = 0.25
"""Seconds between the starts of attempts on a host's addresses (RFC 8305 §5)."""
TUNNEL_WINDOW = 16 << 20
"""Receive window in bytes of the channel that carries the next hop; below it, every hop would cap the throughput."""


@dataclass(frozen=True, slots=True)
class Address:
    """One numeric address of a host."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def text(self) -> str:
        """`10.0.4.7:22` or `[2001:db8::1]:22`."""
        return endpoint(str(self.sockaddr[0]), int(self.sockaddr[1]))

    @property
    def family_name(self) -> str:
        return "IPv6" if self.family == socket.AF_INET6 else "IPv4"


def endpoint(host: str, port: int) -> str:
    """Host and port for people, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# --- name --------------------------------------------------------------------------------------------------------


async def resolve(hop: Hop) -> tuple[Address, ...]:
    """The addresses of `hop`, families taking turns (RFC 8305 §4). Raises ConnectError NAME_NOT_FOUND."""
    try:
        found = await _looked_up(hop.address, hop.port)
    except (OSError, UnicodeError) as error:
        raise _no_name(hop, getattr(error, "strerror", None) or str(error)) from error
    unique = dict.fromkeys(found)
    if not unique:
        raise _no_name(hop, "no addresses")
    return interleave(tuple(unique))


async def _looked_up(host: str, port: int) -> list[Address]:
    """What getaddrinfo(3) says, in a daemon thread: a resolver may take a minute and cannot be stopped, and the loop's
    own executor would be waited for at exit."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Address]] = loop.create_future()

    def look() -> None:
        found: list[Address] | Exception
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = [Address(family, tuple(sockaddr)) for family, _, _, _, sockaddr in infos]
        except Exception as error:  # told to whoever waits
            found = error
        with suppress(RuntimeError):  # the loop is closed by now
            loop.call_soon_threadsafe(_settle, answer, found)

    threading.Thread(target=look, name=f"looks up {host}", daemon=True).start()
    return await answer


def _settle(answer: asyncio.Future[list[Address]], found: list[Address] | Exception) -> None:
    if answer.done():
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)


def _no_name(hop: Hop, reason: str) -> ConnectError:
    return ConnectError(Code.NAME_NOT_FOUND, evidence={"address": hop.address, "reason": reason})


def interleave(addresses: Sequence[Address]) -> tuple[Address, ...]:
    """The same addresses, families taking turns, the first one's family first."""
    if not addresses:
        return ()
    first = [address for address in addresses if address.family == addresses[0].family]
    rest = [address for address in addresses if address.family != addresses[0].family]
    mixed: list[Address] = []
    while first or rest:
        mixed += [line.pop(0) for line in (first, rest) if line]
    return tuple(mixed)


# --- tcp ---------------------------------------------------------------------------------------------------------


class TcpFailed(Exception):
    """No address took the connection; which failed how."""

    def __init__(self, failures: dict[Address, OSError | None]) -> None:
        super().__init__("no address answered")
        self.failures = failures


async def dial(addresses: Sequence[Address], stagger: float = STAGGER) -> tuple[socket.socket, Address]:
    """A connected socket to the first address that takes the connection; attempts start `stagger` seconds apart, or at
    once when one has failed (RFC 8305 §5). Raises TcpFailed. Cancelling closes all sockets.
    """
    waiting = list(addresses)
    attempts: dict[asyncio.Task[socket.socket], Address] = {}
    failures: dict[Address, OSError | None] = {}
    try:
        while waiting or attempts:
            if waiting:
                address = waiting.pop(0)
                attempts[asyncio.create_task(_open(address))] = address
            done, _ = await asyncio.wait(
                attempts, timeout=stagger if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            if winner := _winner(done, attempts, failures):
                return winner
        raise TcpFailed(failures)
    finally:
        await _drop(attempts)


def _winner(
    done: set[asyncio.Task[socket.socket]],
    attempts: dict[asyncio.Task[socket.socket], Address],
    failures: dict[Address, OSError | None],
) -> tuple[socket.socket, Address] | None:
    for task in done:
        error = task.exception()
        if error is None:
            return task.result(), attempts.pop(task)
        if not isinstance(error, OSError):
            raise error
        failures[attempts.pop(task)] = error
    return None


async def _open(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


async def _drop(attempts: dict[asyncio.Task[socket.socket], Address]) -> None:
    for task in attempts:
        task.cancel()
    for result in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(result, socket.socket):
            result.close()


def tcp_error(hop: Hop, failures: dict[Address, OSError | None]) -> ConnectError:
    """What the failed attempts mean: refused before unreachable before silent, as each tells more than the next."""
    evidence: dict[str, object] = {"address": hop.address, "port": hop.port}
    told = {address.text: (error.strerror or str(error)) if error else "" for address, error in failures.items()}
    evidence["reason"] = "; ".join(f"{where}: {why}" for where, why in told.items())
    errors = [error for error in failures.values() if error is not None]
    if any(isinstance(error, ConnectionRefusedError) for error in errors):
        return ConnectError(Code.TCP_REFUSED, evidence=evidence)
    if any(isinstance(error, TimeoutError) for error in errors):
        return tcp_timeout(hop, hop.timeouts.connect)
    return ConnectError(Code.TCP_UNREACHABLE, evidence=evidence)


def tcp_timeout(hop: Hop, seconds: float) -> ConnectError:
    return ConnectError(
        Code.TCP_TIMEOUT, evidence={"address": hop.address, "port": hop.port, "seconds": f"{seconds:g}"}
    )


# --- identification ----------------------------------------------------------------------------------------------


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
        self._wire = wire
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
        self._wire.data_received(self.parser.seen)
        return True

    def lost(self) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(BannerClosed(self.parser.seen))


class _TcpTap(_Tap, asyncio.Protocol):
    """The tap on a socket; takes itself out once the identification is seen, so that later bytes cost nothing more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._wire.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self.data(data):
            self._transport.set_protocol(self._wire)  # type: ignore[arg-type]  # asyncssh's connection is a Protocol

    def connection_lost(self, error: Exception | None) -> None:
        self.lost()


class _ChannelTap(_Tap, asyncssh.SSHTCPSession[bytes]):
    """The tap on a channel through the hop before. asyncssh cannot change a channel's session, so the tap stays."""

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        self._wire.connection_made(chan)

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        if self.outcome.done():
            self._wire.data_received(data)
        else:
            self.data(data)

    def eof_received(self) -> bool:
        if self.outcome.done():
            self._wire.eof_received()
        self.lost()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self.outcome.done():
            self._wire.connection_lost(error)
        self.lost()


class _Carrier:
    """What asyncssh calls a tunnel: something that opens the byte stream under a new connection."""

    def close(self) -> None:
        """Nothing of its own: the connection closes what carries it."""

    async def wait_closed(self) -> None:
        return None

    def discard(self) -> None:
        """Let go of what no connection has taken."""


class SocketCarrier(_Carrier):
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
        transport, tap = await asyncio.get_running_loop().create_connection(
            lambda: _TcpTap(wire, self._identified), sock=sock
        )
        try:
            await tap.outcome
        except BaseException:
            transport.abort()
            raise
        return transport, wire


class ChannelCarrier(_Carrier):
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
