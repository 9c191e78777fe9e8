"""SFTP requests and answers over one session channel: many in flight, each answered once, none left hanging.

asyncssh's own SFTP client reads a directory one request at a time, hides what a noisy shell printed, drops half of the
server's limits, and leaves the futures of cancelled requests behind; so the protocol is spoken here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncssh

from backend.connection.ssh.sftp_wire import (
    BadPacket,
    Framer,
    Greeting,
    Reader,
    Reply,
    Status,
    StatusReply,
    Type,
    init,
    packet,
    parse_status,
    string,
    uint32,
)
from backend.errors import LinkLost

_MOST_KEPT = 4096
"""Bytes of noise and of stderr that are kept."""


class SftpStatus(Exception):
    """The server answered with a status other than OK."""

    def __init__(self, reply: StatusReply) -> None:
        super().__init__(reply.words or f"status {reply.code}")
        self.code = reply.code
        self.words = reply.words


class SftpEnded(Exception):
    """The channel ended while the link lives: the server's SFTP process is gone, or it broke the protocol."""


class SftpSession(asyncssh.SSHClientSession[bytes]):
    """One SFTP conversation."""

    def __init__(self, why_gone: Callable[[], LinkLost | None]) -> None:
        self._why_gone = why_gone
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._framer = Framer()
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._next_id = 0
        self._loop = asyncio.get_running_loop()
        self._broken: str | None = None
        self.greeting = Greeting()
        self.version: bytes | None = None
        """The body of the server's VERSION packet, once it came."""
        self.errors = b""
        """The beginning of what the server's process wrote to stderr."""
        self.exit_status: int | None = None
        self.ended = False
        self.changed = asyncio.Event()
        """Set whenever something came before the VERSION packet, with it, or the channel ended."""

    # --- asyncssh's calls ---

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def session_started(self) -> None:
        assert self._channel is not None
        self._channel.write(init())

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        if datatype:
            self.errors = (self.errors + data)[:_MOST_KEPT]
        elif self.version is None:
            self._greet(data)
        else:
            self._take(data)

    def exit_status_received(self, status: int) -> None:
        self.exit_status = status

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.changed.set()
        # The link learns of its own end after its channels: only then is it clear which of the two ended.
        self._loop.call_soon(self._fail_all)

    def _greet(self, data: bytes) -> None:
        if len(self.greeting.seen) < _MOST_KEPT and (whole := self.greeting.feed(data)) is not None:
            self.version, rest = whole
            self._take(rest)
        self.changed.set()

    def _take(self, data: bytes) -> None:
        try:
            for raw in self._framer.feed(data):
                self._deliver(raw)
        except BadPacket as error:
            self._break(str(error))

    def _deliver(self, raw: bytes) -> None:
        waiter = self._pending.pop(Reader(raw[1:]).uint32(), None)
        if waiter is None:
            raise BadPacket("an answer to no request")
        reply = Reply(raw[0], raw[5:])
        if not waiter.done():
            waiter.set_result(reply)
        elif reply.kind == Type.HANDLE:
            # Whoever asked has gone; the server would keep the file open.
            self._send(Type.CLOSE, string(Reader(reply.body).string()))

    def _break(self, problem: str) -> None:
        self._broken = f"the server broke the SFTP protocol: {problem}"
        if self._channel is not None:
            self._channel.abort()
        self._fail_all()

    def _fail_all(self) -> None:
        pending, self._pending = self._pending, {}
        for waiter in pending.values():
            if not waiter.done():
                waiter.set_exception(self._gone())
                # A waiter that nobody awaits any more must not complain.
                waiter.exception()

    def _gone(self) -> Exception:
        return self._why_gone() or SftpEnded(self._broken or "the server ended the SFTP channel")

    @property
    def over(self) -> bool:
        """Whether nothing can be asked here any more, whatever became of the link."""
        return self.ended or self._broken is not None or self._channel is None or self._channel.is_closing()

    def link_gone(self) -> LinkLost | None:
        """Why the link under it is gone; None while it lives."""
        return self._why_gone()

    # --- requests ---

    def send(self, kind: int, *fields: bytes) -> asyncio.Future[Reply]:
        """Send a request at once; the answer comes through the future. A caller that gives up cancels the future.

        Raises LinkLost or SftpEnded when the channel is gone.
        """
        if self.over:
            raise self._gone()
        return self._send(kind, *fields)

    def _send(self, kind: int, *fields: bytes) -> asyncio.Future[Reply]:
        assert self._channel is not None
        request = self._next_id
        self._next_id = (self._next_id + 1) & 0xFFFFFFFF
        waiter: asyncio.Future[Reply] = self._loop.create_future()
        self._pending[request] = waiter
        try:
            self._channel.write(packet(kind, uint32(request), *fields))
        except OSError as error:
            del self._pending[request]
            raise self._gone() from error
        return waiter

    async def request(self, kind: int, *fields: bytes, expect: int) -> Reply:
        """Send and wait. Raises SftpStatus where the answer is a status (other than OK where that is expected),
        LinkLost, SftpEnded."""
        return self.checked(await self.send(kind, *fields), expect)

    async def extended(self, name: bytes, *fields: bytes, expect: int) -> Reply:
        """An extension's request (§8)."""
        return await self.request(Type.EXTENDED, string(name), *fields, expect=expect)

    def checked(self, reply: Reply, expect: int) -> Reply:
        """`reply` where it is of the expected type; raises otherwise."""
        if reply.kind == Type.STATUS:
            status = parse_status(reply.body)
            if expect == Type.STATUS and status.code == Status.OK:
                return reply
            raise SftpStatus(status)
        if reply.kind != expect:
            raise SftpEnded(f"the server answered with packet type {reply.kind}")
        return reply
