"""A process on a remote host over an SSH session channel (RFC 4254 §6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Any, Self

import asyncssh

from backend.connection.connector import Chunk, ExitReport, Place, PtySize, StdStream, Windows
from backend.connection.ssh.channels import Loss, dropped
from backend.connection.ssh.inbox import Inbox
from backend.connection.ssh.internals import windows
from backend.errors import Code, LinkLost, SessionError
from backend.text import clean_line


class ProcessSession(asyncssh.SSHClientSession[bytes]):
    """asyncssh's side of a process: what arrives, in order, and how it ended."""

    def __init__(self, window: int | None = None) -> None:
        """No more than `window` bytes wait here, where it is given and small."""
        self._inbox: Inbox[Chunk] = Inbox() if window is None else Inbox(window)
        self._room = asyncio.Event()
        self._room.set()
        self.exit: ExitReport | None = None
        self.ended = asyncio.Event()
        """Set when the channel is gone, for whatever reason."""
        self.told = asyncio.Event()
        """Set when nothing more is to be learnt: the channel is gone, or both the output and the process have ended."""
        self.output_ended = False

    # --- asyncssh's calls ---

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._inbox.attach(chan)

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        self._inbox.put(Chunk(StdStream.ERR if datatype else StdStream.OUT, data), len(data))

    def eof_received(self) -> bool:
        self.output_ended = True
        self._inbox.end()
        self._note_end()
        return True

    def exit_status_received(self, status: int) -> None:
        self.exit = ExitReport(status, None)
        self._note_end()

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self.exit = ExitReport(None, clean_line(signal))
        self._note_end()

    def _note_end(self) -> None:
        if self.exit is not None and self.output_ended:
            self.told.set()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
        self.told.set()
        self._inbox.detach()
        self._room.set()

    # --- the process's calls ---

    async def next(self) -> Chunk | None:
        """The next chunk; None when there will be no more."""
        return await self._inbox.next()

    def discard(self) -> None:
        """Nobody reads any more: what comes is dropped, so that the channel can end."""
        self._inbox.discard()

    async def room(self) -> None:
        """Until more can be written, or nothing ever can."""
        await self._room.wait()

    def give_up_writing(self) -> None:
        """Let those go who wait for room."""
        self._room.set()


class SshProcess:
    """A process on the remote host."""

    def __init__(
        self,
        channel: asyncssh.SSHClientChannel[bytes],
        session: ProcessSession,
        *,
        host: str,
        loss: Loss,
        place: Callable[[], Place | None],
        has_pty: bool,
        close_limit: float,
    ) -> None:
        self._channel = channel
        self._session = session
        self._host = host
        self._loss = loss
        self._place = place
        self._has_pty = has_pty
        self._close_limit = close_limit
        self._closing = False
        self._windows = windows(channel)

    @property
    def windows(self) -> Windows | None:
        return self._windows

    async def output(self) -> AsyncGenerator[Chunk, None]:
        """Chunks of both streams in order of arrival; see `RemoteProcess.output`."""
        finished = False
        try:
            while (chunk := await self._session.next()) is not None:
                yield chunk
            finished = True
        finally:
            if not finished:
                self._session.discard()
        if not self._session.output_ended:
            await self._ended_well()

    async def write(self, data: bytes) -> None:
        """Send to stdin; waits while too much is under way."""
        await self._session.room()
        if self._session.ended.is_set() or self._channel.is_closing():
            raise await self._broken()
        self._channel.write(data)
        await self._session.room()
        if self._closing:
            raise await self._broken()

    async def write_eof(self) -> None:
        """End stdin."""
        if not self._session.ended.is_set():
            self._channel.write_eof()

    def resize(self, size: PtySize) -> None:
        """Tell the terminal its size (RFC 4254 §6.7)."""
        if self._has_pty and not self._channel.is_closing():
            self._channel.change_terminal_size(size.columns, size.rows)

    def send_signal(self, signal: str) -> None:
        """Ask for a signal (RFC 4254 §6.9)."""
        if not self._session.ended.is_set() and not self._channel.is_closing():
            self._channel.send_signal(signal)

    def place(self) -> Place | None:
        """Where it stands among what its connection runs."""
        return self._place()

    async def wait(self) -> ExitReport:
        """How it ended."""
        await self._session.told.wait()
        if self._session.exit is not None:
            return self._session.exit
        await self._ended_well()
        return ExitReport(None, None)

    async def close(self) -> None:
        """Close the channel within the limit."""
        self._closing = True
        self._session.give_up_writing()
        self._session.discard()
        await dropped(self._channel, self._close_limit)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ended_well(self) -> None:
        """Raise LinkLost where the channel went with the link before the process's end was told."""
        if self._session.exit is not None or self._closing:
            return
        # The channels of a lost connection are told before the connection itself.
        await asyncio.sleep(0)
        if (lost := self._loss()) is not None:
            raise lost

    async def _broken(self) -> LinkLost | SessionError:
        await asyncio.sleep(0)
        if (lost := self._loss()) is not None:
            return lost
        return SessionError(Code.SESSION_REFUSED, "The process reads nothing more.", host=self._host)
