"""This machine's side of forwards: its connections as byte streams, ports that it listens on, places it connects to."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from backend.errors import Code, ConnectError, FairleadError
from backend.forwards.listening import BACKLOG, bound, place_of
from backend.forwards.spec import Place, Socket

CONNECT_LIMIT = 15.0
"""Seconds for a connection that this machine makes."""
CLOSE_LIMIT = 2.0
"""Seconds for what is written to leave; then the connection is cut."""
_BUFFER = 1 << 16
_RESET = struct.pack("ii", 1, 0)

OnConnection = Callable[["LocalStream"], None]
"""Called in the event loop for each connection; returns at once."""


class LocalGone(Exception):
    """The program at this machine's end has cut its connection."""


class LocalStream:
    """A connection of this machine. The far end is held back while `write` waits, this one while nobody reads."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, limit: int = _BUFFER) -> bytes:
        """At most `limit` bytes; empty at the end. Raises LocalGone."""
        try:
            return await self._reader.read(limit)
        except OSError as error:
            raise LocalGone from error

    async def write(self, data: bytes) -> None:
        """Send `data`; returns when there is room for more. Raises LocalGone."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise LocalGone from error

    async def write_eof(self) -> None:
        """No more will be sent."""
        with suppress(OSError):
            self._writer.write_eof()

    async def close(self) -> None:
        """Close when what is written has left, at most two seconds later. Never raises."""
        self._writer.close()
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self.reset()

    def reset(self) -> None:
        """Cut it so that the program sees an error, and not an end that could be taken for a good one."""
        sock = self._writer.get_extra_info("socket")
        with suppress(OSError):
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()


# --- listening ---------------------------------------------------------------------------------------------------


class LocalListener:
    """A port or socket of this machine that is open."""

    def __init__(self, servers: list[asyncio.Server], places: tuple[str, ...], port: int, path: str = "") -> None:
        self.places = places
        """`127.0.0.1:8080`, `[::1]:8080`, or a path."""
        self.port = port
        self._servers = servers
        self._path = path

    def close(self) -> None:
        """Take nothing more; connections that were taken live on."""
        for server in self._servers:
            server.close()
        if self._path:
            with suppress(OSError):
                Path(self._path).unlink()


async def listen(place: Place, on_connection: OnConnection) -> LocalListener:
    """Listen on `place`. Raises FairleadError LOCAL_PORT, with who holds the port where that can be seen."""

    def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        on_connection(LocalStream(reader, writer))

    if isinstance(place, Socket):
        return await _listen_on_path(place.path, arrived)
    sockets = await bound(place)
    servers = [await asyncio.start_server(arrived, sock=one, limit=_BUFFER, backlog=BACKLOG) for one in sockets]
    places = [place_of(one) for one in sockets]
    return LocalListener(servers, tuple(map(str, places)), places[0].port)


async def _listen_on_path(
    path: str, arrived: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
) -> LocalListener:
    """A socket for its owner alone; what is there already is left alone (`StreamLocalBindUnlink no`)."""
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        one.bind(path)
        os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)  # noqa: PTH101 - before anybody can connect
        one.listen(BACKLOG)
        one.setblocking(False)
    except OSError as error:
        one.close()
        taken = "there is something already" if error.errno == errno.EADDRINUSE else error.strerror
        raise FairleadError(Code.LOCAL_PORT, evidence={"place": path, "reason": taken}) from error
    server = await asyncio.start_unix_server(arrived, sock=one, limit=_BUFFER, backlog=BACKLOG)
    return LocalListener([server], (path,), 0, path)


# --- connecting --------------------------------------------------------------------------------------------------


async def connect(place: Place) -> LocalStream:
    """A connection from this machine. Raises ConnectError."""
    try:
        async with asyncio.timeout(CONNECT_LIMIT):
            if isinstance(place, Socket):
                return LocalStream(*await asyncio.open_unix_connection(place.path, limit=_BUFFER))
            return LocalStream(*await asyncio.open_connection(place.host or "localhost", place.port, limit=_BUFFER))
    except TimeoutError as error:
        evidence = {"address": _name(place), "port": _number(place), "seconds": f"{CONNECT_LIMIT:g}"}
        raise ConnectError(Code.TCP_TIMEOUT, evidence=evidence) from error
    except (OSError, UnicodeError) as error:
        raise _unreached(place, error) from error


def _unreached(place: Place, error: Exception) -> ConnectError:
    reason = getattr(error, "strerror", None) or str(error)
    evidence = {"address": _name(place), "port": _number(place), "reason": reason}
    if isinstance(error, socket.gaierror | UnicodeError):
        return ConnectError(Code.NAME_NOT_FOUND, evidence=evidence)
    # Of several addresses asyncio tells the failures as one text.
    if isinstance(error, ConnectionRefusedError) or f"Errno {errno.ECONNREFUSED}" in str(error):
        return ConnectError(Code.TCP_REFUSED, evidence={**evidence, "reason": "Connection refused"})
    return ConnectError(Code.TCP_UNREACHABLE, evidence=evidence)


def _name(place: Place) -> str:
    return place.path if isinstance(place, Socket) else place.host or "localhost"


def _number(place: Place) -> int:
    return 0 if isinstance(place, Socket) else place.port
