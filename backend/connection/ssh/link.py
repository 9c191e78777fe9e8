"""A live connection to a host: its channels, its pulse, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import asyncssh

from backend.clock import Clock
from backend.connection.connector import LinkFacts, PtyRequest
from backend.connection.ssh.channels import Asked, cut, opened
from backend.connection.ssh.errors import loss, not_answered, says_farewell, session_refused
from backend.connection.ssh.forwarding import SshForwarding, SshListener
from backend.connection.ssh.host_connection import HostConnection
from backend.connection.ssh.internals import round_trip
from backend.connection.ssh.options import FILES_WINDOW, PROCESS_WINDOW
from backend.connection.ssh.process import ProcessSession, SshProcess
from backend.connection.ssh.stream import SshStream
from backend.connection.streams import OnIncoming
from backend.connection.target import Target
from backend.errors import Code, FairleadError, LinkLost, SessionError

if TYPE_CHECKING:
    from backend.connection.ssh.files import SshFiles

S = TypeVar("S", bound=asyncssh.SSHClientSession[bytes])
OpenSession = tuple[asyncssh.SSHClientChannel[bytes], asyncssh.SSHClientSession[bytes]]


class SshLink:
    """One authenticated connection to `target`, with the jump hosts that it goes through; others may use it as well."""

    def __init__(self, target: Target, connection: HostConnection, clock: Clock, *, first: str = "") -> None:
        """`first`: under which other name the connection was made."""
        self._as = target
        self._target = target.name
        self._hop = target.host
        self._connection = connection
        self._conn = connection.last.conn
        self._clock = clock
        self._sessions: dict[asyncio.Future[None], OpenSession] = {}
        """The open ones, each by a future that is done when it has ended."""
        self._carried = 0
        self._closing = False
        self._lost: LinkLost | None = None
        self._ended: asyncio.Future[FairleadError | None] = asyncio.get_running_loop().create_future()
        self._facts = replace(connection.facts(target), first="" if first == target.name else first)
        self._forwarding = SshForwarding(connection, hop=self._hop, host=target.name, loss=self._why_gone)
        connection.join(self)

    @property
    def name(self) -> str:
        return self._target

    @property
    def is_up(self) -> bool:
        """Whether the connection is."""
        return self._connection.is_up

    def share(self, target: Target) -> SshLink | None:
        """Another link over the same connection; None where that has ended."""
        if not self.is_up:
            return None
        return SshLink(target, self._connection, self._clock, first=self._facts.first or self._target)

    @property
    def others(self) -> tuple[str, ...]:
        """The names under which others use the same connection."""
        return self._connection.beside(self)

    @property
    def facts(self) -> LinkFacts:
        return self._facts

    # --- channels ---

    async def open_process(
        self,
        command: bytes | None,
        *,
        pty: PtyRequest | None = None,
        env: Mapping[str, str] | None = None,
        window: int | None = None,
    ) -> SshProcess:
        """Start `command` through the login shell, or the shell itself."""
        terminal: dict[str, Any] = {"request_pty": False}
        if pty is not None:
            size = (pty.size.columns, pty.size.rows)
            terminal = {"request_pty": "force", "term_type": pty.term, "term_size": size}
        held = None if pty is None else pty.window
        channel, session = await self._session(
            lambda: ProcessSession(held),
            command=_command(command),
            env=dict(env or {}),
            window=window or held or PROCESS_WINDOW,
            **terminal,
        )
        return SshProcess(
            channel,
            session,
            host=self._target,
            loss=self._why_gone,
            place=lambda: self._connection.place_of(session),
            has_pty=pty is not None,
            close_limit=self._hop.timeouts.close,
        )

    async def open_files(self) -> SshFiles:
        """A new SFTP channel."""
        from backend.connection.ssh.files import SshFiles, asked_ahead  # a command should not wait for it
        from backend.connection.ssh.sftp import SftpSession

        try:
            channel, session = await self._session(
                lambda: SftpSession(self._why_gone, ahead=asked_ahead(self._facts.server_version)),
                subsystem="sftp",
                request_pty=False,
                window=FILES_WINDOW,
            )
        except SessionError as error:
            raise self._without_sftp(error) from error
        files = SshFiles(
            channel,
            session,
            host=self._target,
            user=self._hop.user,
            server=self._facts.server_version,
            limit=self._hop.timeouts.channel,
            close_limit=self._hop.timeouts.close,
        )
        await files.start()
        return files

    async def open_stream(self, host: str, port: int) -> SshStream:
        """A TCP connection from the far end."""
        return await self._forwarding.open_stream(host, port)

    async def open_unix(self, path: str) -> SshStream:
        """A connection to a Unix-domain socket of the far end."""
        return await self._forwarding.open_unix(path)

    async def listen(self, host: str, port: int, on_incoming: OnIncoming) -> SshListener:
        """A port of the far end, open for us."""
        return await self._forwarding.listen(host, port, on_incoming)

    async def listen_unix(self, path: str, on_incoming: OnIncoming) -> SshListener:
        """A Unix-domain socket of the far end, open for us."""
        return await self._forwarding.listen_unix(path, on_incoming)

    async def _session(self, factory: Callable[[], S], **options: Any) -> tuple[asyncssh.SSHClientChannel[bytes], S]:
        """A session channel, when there is a place for it. Raises SessionError SESSION_REFUSED or LinkLost."""
        refusal: BaseException | None = None
        while True:
            await self._place(refusal)
            try:
                channel, session = await self._opened_session(factory, options)
                break
            except BaseException as error:
                crowded = _is_one_too_many(error) and self._connection.budget.crowded()
                self._connection.budget.give_back()
                if not crowded:
                    raise
                refusal = error
        lease = asyncio.ensure_future(channel.wait_closed())
        self._sessions[lease] = (channel, session)
        self._connection.running.append(session)
        lease.add_done_callback(self._session_ended)
        if self._closing:  # meanwhile; where others use the connection, the channel came all the same
            cut(channel, session)
            raise self._refused("the link was closed")
        return channel, session

    async def _place(self, refusal: BaseException | None) -> None:
        try:
            await self._connection.budget.take(self._hop.timeouts.channel)
        except TimeoutError:
            full = f"this connection carries {self._connection.budget.taken} sessions already"
            raise refusal or self._refused(full) from None

    async def _opened_session(
        self, factory: Callable[[], S], options: Mapping[str, Any]
    ) -> tuple[asyncssh.SSHClientChannel[bytes], S]:
        """What is asked for. Asked for once more after a refusal: OpenSSH may still be clearing up a session that has
        ended here, and counts it."""
        try:
            return await self._asked_for(factory, options)
        except SessionError as error:
            if not _is_one_too_many(error):
                raise
            return await self._asked_for(factory, options)

    async def _asked_for(
        self, factory: Callable[[], S], options: Mapping[str, Any]
    ) -> tuple[asyncssh.SSHClientChannel[bytes], S]:
        limit = self._hop.timeouts.channel
        asked = {"command": None, "subsystem": None, "env": {}, "send_env": None, "encoding": None, **options}
        wanted = Asked(factory)
        opening: Coroutine[Any, Any, tuple[Any, Any]] = self._conn.create_session(wanted, **asked)
        try:
            return await opened(opening, limit, lambda late: late[0].abort())
        except TimeoutError:
            wanted.give_up()
            raise await self._unanswered(limit, begun=wanted.begun) from None
        except asyncio.CancelledError:
            wanted.give_up()
            raise
        except (asyncssh.Error, OSError) as error:
            raise self._refused(error) from error

    async def _unanswered(self, limit: float, *, begun: bool) -> FairleadError:
        """Why a request was not answered within `limit` seconds. Where the whole link is silent, its own verdict is
        waited for: it comes soon, and tells more."""
        pulse = asyncio.ensure_future(round_trip(self._conn))
        keepalive = self._hop.keepalive
        patience = keepalive.interval * (keepalive.misses + 1)
        try:
            await asyncio.wait((pulse, self._ended), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            alive = pulse.done() and not self._ended.done()
        finally:
            pulse.cancel()
        return self._why_gone() or not_answered(self._target, limit, begun=begun, alive=alive)

    def _session_ended(self, lease: asyncio.Future[None]) -> None:
        _, session = self._sessions.pop(lease)
        self._connection.running.remove(session)
        self._connection.budget.give_back()

    def _refused(self, error: BaseException | str) -> FairleadError:
        return self._why_gone() or session_refused(self._target, error)

    def _without_sftp(self, error: SessionError) -> SessionError:
        """The session was given and the subsystem was not; any other refusal stays what it is."""
        cause = error.__cause__
        if isinstance(cause, asyncssh.ChannelOpenError) and cause.code == asyncssh.OPEN_REQUEST_SESSION_FAILED:
            return SessionError(Code.SFTP_UNAVAILABLE, evidence=error.evidence, host=self._target)
        return error

    # --- pulse and end ---

    async def ping(self) -> float:
        """Seconds of one round trip."""
        started = self._clock.monotonic()
        await round_trip(self._conn)
        # An answer that comes because the connection has ended is none.
        await asyncio.sleep(0)
        if (gone := self._why_gone()) is not None:
            raise gone
        return self._clock.monotonic() - started

    @property
    def carries(self) -> int:
        """What is open on it; after its end, what was."""
        return self._carried if self._ended.done() else len(self._sessions) + self._forwarding.carries

    @property
    def lost(self) -> FairleadError | None:
        return self._lost

    async def closed(self) -> FairleadError | None:
        """Waits for the end; why it came, or None after `close`."""
        return await asyncio.shield(self._ended)

    async def close(self, because: LinkLost | None = None) -> None:
        """Say goodbye, innermost first; cut what does not close in time. Where others use the connection and it is not
        given up, only what is open here is closed."""
        self.give_up(because)
        if because is None and not self._ended.done() and not self._connection.is_left_to(self):
            self._connection.leave(self)
            self.cut()
        elif self._connection.uses(self):
            await self._connection.close(because)
            self._end(self._lost)

    def give_up(self, because: LinkLost | None) -> None:
        """It is closed from this side, for this reason."""
        self._closing = True
        self._lost = self._lost or because

    def cut(self) -> None:
        """Close what is open here at once, where the connection goes on."""
        self._end(self._lost)
        for channel, session in tuple(self._sessions.values()):
            cut(channel, session)
        self._forwarding.close()

    def connection_lost(self, error: Exception | None) -> None:
        """asyncssh says that the connection is gone."""
        if not self._closing:
            self._lost = self._loss(error)
        self._end(self._lost)

    def _loss(self, error: Exception | None) -> LinkLost:
        """Why the link went. Where a jump host has said farewell, that is why, and not the silence that followed."""
        for jump, hop in zip(self._as.jumps, self._connection.hops, strict=False):
            said = hop.client.ended.result() if hop.client.ended.done() else None
            if said is not None and says_farewell(said):
                lost = loss(jump.name, said)
                lost.located(host=self._target, hop=jump.name)
                return lost
        lost = loss(self._hop.name, error)
        lost.located(host=self._target)
        return lost

    def _end(self, reason: FairleadError | None) -> None:
        if not self._ended.done():
            self._carried = self.carries
            self._ended.set_result(reason)

    def _why_gone(self) -> LinkLost | None:
        """Why nothing can be asked of the link any more; None while it lives."""
        if self._lost is not None:
            return self._lost
        if self._closing or self._conn.is_closed():
            return LinkLost(Code.CONNECTION_LOST, "The connection was closed here.", host=self._target)
        return None


def _is_one_too_many(error: BaseException) -> bool:
    """Whether the server gave no session at all, rather than not what was asked for in it."""
    cause = error.__cause__
    return isinstance(cause, asyncssh.ChannelOpenError) and cause.code != asyncssh.OPEN_REQUEST_SESSION_FAILED


def _command(command: bytes | None) -> bytes | None:
    """An empty command would be taken for no command, which is a shell."""
    return b":" if command == b"" else command
