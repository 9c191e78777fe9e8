"""Streams and listening ports of one SSH connection: what forwards stand on (RFC 4254 §7, OpenSSH's PROTOCOL §2.4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any

import asyncssh

from backend.connection.ssh.channels import Loss, cut, opened
from backend.connection.ssh.errors import jump_error
from backend.connection.ssh.host_connection import HostConnection
from backend.connection.ssh.stream import STREAM_WINDOW, SshStream, StreamSession
from backend.connection.ssh.words import reason
from backend.connection.streams import OnIncoming
from backend.connection.target import Hop
from backend.errors import Code, FairleadError, LinkLost, SessionError
from backend.text import clean_line

log = logging.getLogger(__name__)

_LOCAL = 1.0
"""Seconds for something that needs the event loop only."""
_DEAF = "no answer within {:g} s"
_FORBIDDING = ("disabled port forwarding", "forwarding refused", "prohibited")
"""What OpenSSH's server tells, as a debug message, before it refuses a port by its own configuration
(`serverloop.c`, `channels.c`). A port that it merely could not bind is refused without a word."""


class SshForwarding:
    """Opens streams and ports over `connection`, which leads to `hop`."""

    def __init__(self, connection: HostConnection, *, hop: Hop, host: str, loss: Loss) -> None:
        self._conn = connection.last.conn
        self._client = connection.last.client
        self._hop = hop
        self._host = host
        self._loss = loss
        self._asking = connection.listening
        self._streams: set[StreamSession] = set()
        self._listeners: set[SshListener] = set()

    @property
    def carries(self) -> int:
        """Streams and ports that are open."""
        self._streams = {session for session in self._streams if not session.closed}
        self._listeners = {listener for listener in self._listeners if not listener.closed}
        return len(self._streams) + len(self._listeners)

    def close(self) -> None:
        """Close all of them at once, where the connection goes on."""
        for session in self._streams:
            cut(session.channel, session)
        for listener in self._listeners:
            listener.stop()

    # --- from the far end outwards ---

    async def open_stream(self, host: str, port: int) -> SshStream:
        """A TCP connection from the far end."""
        making = self._conn.create_connection(StreamSession, host, port, encoding=None, window=STREAM_WINDOW)
        return await self._opened(making, host, port)

    async def open_unix(self, path: str) -> SshStream:
        """A connection to a Unix-domain socket of the far end."""
        making = self._conn.create_unix_connection(StreamSession, path, encoding=None, window=STREAM_WINDOW)
        return await self._opened(making, path, 0)

    async def _opened(self, making: Coroutine[Any, Any, tuple[Any, Any]], host: str, port: int) -> SshStream:
        limit = self._hop.timeouts.channel
        try:
            _, session = await opened(making, limit, lambda late: late[0].abort())
        except TimeoutError:
            raise self._unreached(host, port, _DEAF.format(limit)) from None
        except (asyncssh.Error, OSError) as error:
            raise self._unreached(host, port, error) from error
        return self.stream(session)

    def stream(self, session: StreamSession) -> SshStream:
        """An open session as a stream. Raises LinkLost where the link has ended meanwhile."""
        if (lost := self._loss()) is not None:
            cut(session.channel, session)
            raise lost
        self._streams.add(session)
        return SshStream(session, host=self._host, loss=self._loss, close_limit=self._hop.timeouts.close)

    def _unreached(self, host: str, port: int, error: BaseException | str) -> FairleadError:
        return self._loss() or jump_error(self._hop.name, host, port, error).located(host=self._host)

    # --- from the far end inwards ---

    async def listen(self, host: str, port: int, on_incoming: OnIncoming) -> SshListener:
        """A port of the far end."""

        async def arrived(peer: str, peer_port: int) -> StreamSession:
            return await self._decided(clean_line(f"{peer}:{peer_port}"), on_incoming)

        making = self._conn.create_server(arrived, host, port, encoding=None, window=STREAM_WINDOW)
        return await self._listening(making, host or "*", port)

    async def listen_unix(self, path: str, on_incoming: OnIncoming) -> SshListener:
        """A Unix-domain socket of the far end."""

        async def arrived() -> StreamSession:
            return await self._decided("", on_incoming)

        making = self._conn.create_unix_server(arrived, path, encoding=None, window=STREAM_WINDOW)
        return await self._listening(making, path, 0)

    async def _listening(self, making: Awaitable[asyncssh.SSHListener], place: str, port: int) -> SshListener:
        limit = self._hop.timeouts.channel

        async def asking() -> asyncssh.SSHListener:
            async with self._asking:  # what the server tells meanwhile is about this request
                self._client.told.clear()
                return await making

        try:
            listener = await opened(asking(), limit, lambda late: late.close())
        except TimeoutError:
            raise self._not_listening(place, port, _DEAF.format(limit)) from None
        except (asyncssh.Error, asyncssh.ChannelListenError, OSError, ValueError) as error:
            raise self._not_listening(place, port, " ".join(self._client.told) or reason(error)) from error
        made = SshListener(listener, self._hop.timeouts.close)
        if (lost := self._loss()) is not None:
            made.stop()
            raise lost
        self._listeners.add(made)
        return made

    def _not_listening(self, place: str, port: int, told: str) -> FairleadError:
        if (lost := self._loss()) is not None:
            return lost
        forbidden = any(words in told.lower() for words in _FORBIDDING)
        code = Code.LISTEN_PROHIBITED if forbidden else Code.LISTEN_FAILED
        place = f"{place} port {port}" if not place.startswith("/") else place
        return SessionError(code, evidence={"place": place, "port": port, "reason": told}, host=self._host)

    async def _decided(self, origin: str, on_incoming: OnIncoming) -> StreamSession:
        """What becomes of a connection that has arrived. asyncssh ends the whole connection over any other exception
        than ChannelOpenError."""
        incoming = SshIncoming(origin, self)
        try:
            on_incoming(incoming)
        except Exception as error:
            log.exception("a connection to a port of %s was not taken", self._host)
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "not taken") from error
        return await incoming.decision

    def gone(self) -> LinkLost:
        """Why a connection that had arrived is not there any more."""
        return self._loss() or LinkLost(Code.CONNECTION_LOST, "The connection was closed.", host=self._host)


class SshIncoming:
    """`backend.connection.streams.Incoming`."""

    def __init__(self, origin: str, owner: SshForwarding) -> None:
        self._origin = origin
        self._owner = owner
        self.decision: asyncio.Future[StreamSession] = asyncio.get_running_loop().create_future()

    @property
    def origin(self) -> str:
        return self._origin

    async def accept(self) -> SshStream:
        if self.decision.done():
            raise self._owner.gone()
        session = StreamSession()
        self.decision.set_result(session)
        with suppress(TimeoutError):  # it takes no answer of the far end, so it is there at once or never
            async with asyncio.timeout(_LOCAL):
                await session.opened.wait()
        if session.channel is None:
            raise self._owner.gone()
        return self._owner.stream(session)

    def refuse(self, reason: str) -> None:
        if not self.decision.done():
            self.decision.set_exception(asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, reason))


class SshListener:
    """`backend.connection.streams.RemoteListener`."""

    def __init__(self, listener: asyncssh.SSHListener, close_limit: float) -> None:
        self._listener = listener
        self._close_limit = close_limit
        self.closed = False

    @property
    def port(self) -> int:
        return self._listener.get_port()

    def stop(self) -> None:
        """Listen no more; the far end is told, and not waited for."""
        self.closed = True
        self._listener.close()

    async def close(self) -> None:
        self.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._close_limit):
                await self._listener.wait_closed()
