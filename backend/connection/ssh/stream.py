"""A byte stream through an SSH connection: a TCP or Unix-domain connection, opened from either end (RFC 4254 §7.2)."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncssh

from backend.connection.ssh.channels import Channel, Loss, finished
from backend.connection.ssh.inbox import Inbox
from backend.errors import Code, LinkLost

STREAM_WINDOW = 4 << 20
"""Receive window in bytes: as much as may lie unread for each connection. Twice OpenSSH's, as asyncssh gives half of it
back at a time, where OpenSSH gives back each few packets."""


class StreamSession(asyncssh.SSHTCPSession[bytes], asyncssh.SSHUNIXSession[bytes]):
    """asyncssh's side of a stream: what arrives, and whether more may be sent."""

    def __init__(self) -> None:
        self.inbox: Inbox[bytes] = Inbox()
        self.channel: Any = None
        """asyncssh's channel, once it is open."""
        self.opened = asyncio.Event()
        """Set when the channel is open, or never will be."""
        self.closed = False
        self.eof = False
        """The far end has said that it sends no more."""
        self.room = asyncio.Event()
        """Set while more may be written."""
        self.room.set()

    def connection_made(self, chan: Any) -> None:
        self.channel = chan
        self.inbox.attach(chan)
        self.opened.set()

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        self.inbox.put(data, len(data))

    def eof_received(self) -> bool:
        self.eof = True
        self.inbox.end()
        return True

    def pause_writing(self) -> None:
        self.room.clear()

    def resume_writing(self) -> None:
        self.room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.inbox.detach()
        self.opened.set()
        self.room.set()


class SshStream:
    """`backend.connection.streams.ByteStream`."""

    def __init__(self, session: StreamSession, *, host: str, loss: Loss, close_limit: float) -> None:
        """`session` is open."""
        self._session = session
        self._channel: Channel = session.channel
        self._host = host
        self._loss = loss
        self._close_limit = close_limit
        self._rest = b""

    async def read(self, limit: int = 65536) -> bytes:
        """At most `limit` bytes; empty at the end. Raises LinkLost."""
        data = self._rest or await self._session.inbox.next()
        if data is None:
            # The channels of a lost connection are told before the connection itself.
            await asyncio.sleep(0)
            if not self._session.eof and (lost := self._loss()) is not None:
                raise lost
            return b""
        data, self._rest = data[:limit], data[limit:]
        return data

    async def write(self, data: bytes) -> None:
        """Send `data`. Raises LinkLost, also when only this stream is closed."""
        await self._session.room.wait()
        if self._is_closed():
            raise await self._lost()
        self._session.channel.write(data)
        await self._session.room.wait()
        if self._session.closed:
            raise await self._lost()

    async def write_eof(self) -> None:
        """No more will be sent."""
        if not self._is_closed():
            self._session.channel.write_eof()

    async def close(self) -> None:
        """Close the stream within the limit."""
        self._session.inbox.discard()
        await finished(self._channel, self._close_limit)
        self._session.room.set()

    def _is_closed(self) -> bool:
        return self._session.closed or self._session.channel.is_closing()

    async def _lost(self) -> LinkLost:
        await asyncio.sleep(0)
        evidence = {"reason": "the stream is closed"}
        return self._loss() or LinkLost(
            Code.CONNECTION_LOST, "The stream was closed.", evidence=evidence, host=self._host
        )
