"""A live connection to a host: its channels, its pulse, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import asyncssh

from backend.clock import Clock
from backend.connection.budget import SessionBudget
from backend.connection.connector import LinkFacts, PtyRequest
from backend.connection.ssh.channels import Asked, opened
from backend.connection.ssh.closing import close_hops
from backend.connection.ssh.errors import loss, not_answered, says_farewell, session_refused
from backend.connection.ssh.forwarding import SshForwarding, SshListener
from backend.connection.ssh.hop import HopLink
from backend.connection.ssh.internals import round_trip
from backend.connection.ssh.jumps import JumpLease
from backend.connection.ssh.options import FILES_WINDOW, PROCESS_WINDOW
from backend.connection.ssh.process import ProcessSession, SshProcess
from backend.connection.ssh.stream import SshStream
from backend.connection.streams import OnIncoming
from backend.errors import Code, FairleadError, LinkLost, SessionError

if TYPE_CHECKING:
    from backend.connection.ssh.files import SshFiles

S = TypeVar("S", bound=asyncssh.SSHClientSession[bytes])


class SshLink:
    """One authenticated connection to `target`, with the jump hosts that it goes through."""

    def __init__(self, target: str, jumps: JumpLease, last: HopLink, clock: Clock) -> None:
        """`last` is the host itself, reached through `jumps`."""
        hops = (*jumps.links, last)
        self._target = target
        self._jumps = jumps
        self._hops = hops
        self._hop = hops[-1].hop
        self._conn = hops[-1].conn
        self._clock = clock
        self._budget = SessionBudget()
        self._leases: set[asyncio.Future[None]] = set()
        """One for each open session: done when it has ended."""
        self._carried = 0
        self._closing = False
        self._lost: LinkLost | None = None
        self._ended: asyncio.Future[FairleadError | None] = asyncio.get_running_loop().create_future()
        self._facts = _facts(hops, repeats=all(hop.login.repeats for hop in (*jumps.own, last)))
        client = hops[-1].client
        self._forwarding = SshForwarding(self._conn, client, hop=self._hop, host=target, loss=self._why_gone)
        client.on_lost = self._connection_lost
        if client.ended.done():
            self._connection_lost(client.ended.result())

    @property
    def facts(self) -> LinkFacts:
        return self._facts

    # --- channels ---

    async def open_process(
        self, command: bytes | None, *, pty: PtyRequest | None = None, env: Mapping[str, str] | None = None
    ) -> SshProcess:
        """Start `command` through the login shell, or the shell itself."""
        terminal: dict[str, Any] = {"request_pty": False}
        if pty is not None:
            size = (pty.size.columns, pty.size.rows)
            terminal = {"request_pty": "force", "term_type": pty.term, "term_size": size}
        channel, session = await self._session(
            ProcessSession, command=_command(command), env=dict(env or {}), window=PROCESS_WINDOW, **terminal
        )
        return SshProcess(
            channel,
            session,
            host=self._target,
            loss=self._why_gone,
            has_pty=pty is not None,
            close_limit=self._hop.timeouts.close,
        )

    async def open_files(self) -> SshFiles:
        """A new SFTP channel."""
        from backend.connection.ssh.files import SshFiles  # a command should not wait for it
        from backend.connection.ssh.sftp import SftpSession

        try:
            channel, session = await self._session(
                lambda: SftpSession(self._why_gone), subsystem="sftp", request_pty=False, window=FILES_WINDOW
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
                crowded = _is_one_too_many(error) and self._budget.crowded()
                self._budget.give_back()
                if not crowded:
                    raise
                refusal = error
        self._leases.add(lease := asyncio.ensure_future(channel.wait_closed()))
        lease.add_done_callback(self._session_ended)
        return channel, session

    async def _place(self, refusal: BaseException | None) -> None:
        try:
            await self._budget.take(self._hop.timeouts.channel)
        except TimeoutError:
            full = f"this connection carries {self._budget.taken} sessions already"
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
        self._leases.discard(lease)
        self._budget.give_back()

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
        return self._carried if self._ended.done() else len(self._leases) + self._forwarding.carries

    @property
    def lost(self) -> FairleadError | None:
        return self._lost

    async def closed(self) -> FairleadError | None:
        """Waits for the end; why it came, or None after `close`."""
        return await asyncio.shield(self._ended)

    async def close(self, because: LinkLost | None = None) -> None:
        """Say goodbye, innermost first; cut what does not close in time."""
        self._closing = True
        self._lost = self._lost or because
        await close_hops((*self._jumps.own, self._hops[-1]))
        self._jumps.give_back()
        self._end(self._lost)

    def _connection_lost(self, error: Exception | None) -> None:
        if self._closing:
            self._end(self._lost)
            return
        self._lost = self._loss(error)
        self._end(self._lost)
        # What carried it has no other use.
        for hop in reversed(self._jumps.own):
            hop.conn.close()
        self._jumps.give_back()

    def _loss(self, error: Exception | None) -> LinkLost:
        """Why the link went. Where a jump host has said farewell, that is why, and not the silence that followed."""
        for hop in self._hops[:-1]:
            said = hop.client.ended.result() if hop.client.ended.done() else None
            if said is not None and says_farewell(said):
                lost = loss(hop.hop.name, said)
                lost.located(host=self._target, hop=hop.hop.name)
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


def _facts(hops: Sequence[HopLink], *, repeats: bool) -> LinkFacts:
    last = hops[-1]
    seen = last.client.offers
    key = last.client.host_key
    return LinkFacts(
        host=last.hop.name,
        user=last.hop.user,
        address=last.address,
        route=tuple(hop.hop.name for hop in hops[:-1]),
        server_version=last.banner,
        kex=seen.kex if seen else "",
        cipher=str(last.conn.get_extra_info("recv_cipher", "")),
        mac=seen.mac if seen else "",
        host_key=key.fingerprint if key else "",
        auth_method=last.login.method,
        auth_detail=last.login.detail,
        login_repeats=repeats,
    )
