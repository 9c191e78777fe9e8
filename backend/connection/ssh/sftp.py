"""SFTP requests and answers over one session channel: many in flight, each answered once, none left hanging.

asyncssh's own SFTP client reads a directory one request at a time, hides what a noisy shell printed, drops half of the
server's limits, and leaves the futures of cancelled requests behind; so the protocol is spoken here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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
LOOK_EVERY, SILENT_LOOKS = 30.0, 10
"""Seconds between two looks whether the server has answered anything, and how many in vain are the end. Counted rather
than timed: a process that was stopped meanwhile, or a machine that slept, has not waited."""
_SENT_TOGETHER = 32768
"""Bytes of requests that are kept back until the end of the loop's turn: what one packet of SSH takes."""


class SftpStatus(Exception):
    """The server answered with a status other than OK."""

    def __init__(self, reply: StatusReply) -> None:
        super().__init__(reply.words or f"status {reply.code}")
        self.code = reply.code
        self.words = reply.words


class SftpEnded(Exception):
    """The channel ended while the link lives: the server's SFTP process is gone, or it broke the protocol."""


class SftpSilent(SftpEnded):
    """The server takes requests and answers none, while the link lives; given up on."""


class SftpSession(asyncssh.SSHClientSession[bytes]):
    """One SFTP conversation."""

    def __init__(
        self, why_gone: Callable[[], LinkLost | None], *, ahead: Sequence[tuple[int, Sequence[bytes]]] | None = None
    ) -> None:
        """`ahead`: requests that go out with our greeting, before anything is heard, in one round trip with the request
        for SFTP itself; their answers come through `ahead`. None: nothing is sent before SFTP is granted."""
        self._why_gone = why_gone
        self._ahead = ahead
        self.ahead: list[asyncio.Future[Reply]] = []
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._framer = Framer()
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._lasting: set[int] = set()
        """Those of them that may take as long as they like: a disk is to be reached, or a file to be copied there."""
        self._silent_looks = 0
        self._look: asyncio.TimerHandle | None = None
        self._next_id = 0
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._loop = asyncio.get_running_loop()
        self._broken: SftpEnded | None = None
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
        if self._ahead is not None:
            # What asks for SFTP itself is sent in this turn of the loop, after this.
            self._loop.call_soon(self._speak_ahead, self._ahead)

    def _speak_ahead(self, requests: Sequence[tuple[int, Sequence[bytes]]]) -> None:
        if self.over:
            return
        assert self._channel is not None
        self._channel.write(init())
        self.ahead = [self._send(kind, *fields) for kind, fields in requests]

    def session_started(self) -> None:
        if self._ahead is None:
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
        if self._look is not None:
            self._look.cancel()
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
        number = Reader(raw[1:]).uint32()
        waiter = self._pending.pop(number, None)
        if waiter is None:
            raise BadPacket("an answer to no request")
        self._lasting.discard(number)
        self._silent_looks = 0
        reply = Reply(raw[0], raw[5:])
        if not waiter.done():
            waiter.set_result(reply)
        elif reply.kind == Type.HANDLE:
            # Whoever asked has gone; the server would keep the file open.
            self._send(Type.CLOSE, string(Reader(reply.body).string()))

    def _look_for_answers(self) -> None:
        """Give up on a server that answers nothing for minutes; the next channel may do better."""
        self._look = None
        if not self._pending or self.over:
            self._silent_looks = 0
            return
        self._silent_looks = 0 if self._lasting else self._silent_looks + 1
        if self._silent_looks < SILENT_LOOKS:
            self._look = self._loop.call_later(LOOK_EVERY, self._look_for_answers)
            return
        self._end(SftpSilent(f"the server has answered nothing for {LOOK_EVERY * SILENT_LOOKS:g} s"))

    def _break(self, problem: str) -> None:
        self._end(SftpEnded(f"the server broke the SFTP protocol: {problem}"))

    def _end(self, broken: SftpEnded) -> None:
        self._broken = broken
        if self._channel is not None:
            self._channel.abort()
        self._fail_all()

    def _fail_all(self) -> None:
        pending, self._pending = self._pending, {}
        self._lasting.clear()
        for waiter in pending.values():
            if not waiter.done():
                waiter.set_exception(self._gone())
                # A waiter that nobody awaits any more must not complain.
                waiter.exception()

    def _gone(self) -> Exception:
        if (lost := self._why_gone()) is not None:
            return lost
        ended = self._broken or SftpEnded("the server ended the SFTP channel")
        return type(ended)(str(ended))  # one for each who waits

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
        if kind in (Type.EXTENDED, Type.CLOSE):
            self._lasting.add(request)
        if self._look is None:
            self._look = self._loop.call_later(LOOK_EVERY, self._look_for_answers)
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(packet(kind, uint32(request), *fields))
        self._unsent_bytes += len(self._unsent[-1])
        if self._unsent_bytes >= _SENT_TOGETHER:
            self._flush()
        return waiter

    def _flush(self) -> None:
        """Requests of one turn of the loop go together: a packet of SSH costs both ends more than a request in it."""
        raw, self._unsent, self._unsent_bytes = b"".join(self._unsent), [], 0
        if not raw or self._channel is None:
            return
        try:
            self._channel.write(raw)
        except OSError:
            self._fail_all()

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
