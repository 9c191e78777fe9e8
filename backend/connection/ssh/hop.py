"""One hop of a connection, from its name to a finished login.

Each phase has its own limit, evidence and code. A host key that is not trusted ends the attempt; after a person's (or
the policy's) yes, the hop is connected anew with exactly that key trusted.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncssh

from backend.connection.connector import Phase
from backend.connection.host_key_file import can_remember, remember, replace
from backend.connection.host_keys import HostKey, HostNames, Judgement, KnownHosts, load, looked_in
from backend.connection.interaction import HostKeyDecision, HostKeyQuestion, HostKeyState
from backend.connection.ssh.banner import NotSsh, first_line, hung_up
from backend.connection.ssh.carriers import BannerClosed, Carrier, ChannelCarrier
from backend.connection.ssh.client import HopClient
from backend.connection.ssh.errors import at_hop, hop_not_reached, kex_error, kex_timeout, reason
from backend.connection.ssh.gate import GatedClient
from backend.connection.ssh.login import Login
from backend.connection.ssh.options import connection_options
from backend.connection.ssh.progress import HopProgress
from backend.connection.ssh.proxy import OpenStream
from backend.connection.ssh.reach import Reach
from backend.connection.ssh.surroundings import LimitReached, Surroundings
from backend.connection.ssh.transport import endpoint
from backend.connection.target import Hop, HopIdentity, HostKeyPolicy
from backend.errors import Code, ConnectError, FairleadError, HostKeyError

T = TypeVar("T")
_MOST_ATTEMPTS = 3
"""Connections to one hop within one connect: the first, one without certificates, one with the accepted key."""


@dataclass(frozen=True, slots=True)
class HopLink:
    """A hop that is logged in."""

    hop: Hop
    conn: asyncssh.SSHClientConnection
    client: HopClient
    address: str
    """Numeric where it was looked up here."""
    banner: str
    login: Login
    route: tuple[HopIdentity, ...]
    """The hops up to here, this one included."""
    carrier: Carrier


class HopConnection:
    """Connects `hop`, directly or through `through`."""

    def __init__(self, hop: Hop, through: HopLink | None, around: Surroundings, *, is_target: bool) -> None:
        self._hop = hop
        self._through = through
        self._is_target = is_target
        self._around = around
        self._before = through.route if through is not None else ()
        self._progress = HopProgress(hop, around.clock, around.observer)
        self._known = KnownHosts(HostNames.of(hop))
        self._accepted: HostKey | None = None
        self._certificates = True
        self._client: HopClient | None = None
        self._login: Login | None = None
        self._address = endpoint(hop.address, hop.port)
        self._banner = ""
        self._succeeded = False
        self._carrier: Carrier | None = None
        self._reach = self._new_reach()

    async def run(self) -> HopLink:
        """The logged-in hop. Raises a located ConnectError, HostKeyError or AuthError; cancelling closes everything."""
        try:
            return await self._attempts()
        except FairleadError as error:
            told = at_hop(error, self._hop, self._around.target)
            self._progress.failed(told)
            raise told from error.__cause__
        finally:
            self._progress.stop()
            if self._around.gate is not None and not (self._is_target and self._succeeded):
                self._around.gate.release()

    async def _attempts(self) -> HopLink:
        self._known = await asyncio.to_thread(load, self._hop.known_hosts, HostNames.of(self._hop))
        for _ in range(_MOST_ATTEMPTS):
            conn = await self._attempt()
            if conn is not None:
                return self._finished(conn)
        raise self._host_key_error(Code.HOST_KEY_UNKNOWN, "the server shows another key each time")

    def _finished(self, conn: asyncssh.SSHClientConnection) -> HopLink:
        assert self._client is not None and self._login is not None and self._carrier is not None
        self._succeeded = True
        self._progress.stop()
        told = {"method": self._login.method, "key": self._login.detail, **self._login.evidence}
        self._progress.passed(Phase.AUTH, {name: value for name, value in told.items() if value})
        route = (*self._before, self._hop.identity)
        return HopLink(self._hop, conn, self._client, self._address, self._banner, self._login, route, self._carrier)

    async def _attempt(self) -> asyncssh.SSHClientConnection | None:
        """One connection; None where another attempt is worth it."""
        self._login = self._new_login()
        self._client = None
        conn: asyncssh.SSHClientConnection | None = None
        try:
            conn = await self._connected()
            return conn
        except FairleadError:
            raise
        except LimitReached:
            raise self._reach.overdue(self._timeout()) from None
        except Exception as error:  # a hostile server may lead asyncssh into any of them
            if (client := self._refusing()) is not None:
                await self._decide(client)
                return None
            if self._key_may_do(error):
                self._certificates = False
                return None
            raise await self._reach.explained(self._explained(error)) from error
        finally:
            self._login.close()
            if conn is None and self._carrier is not None:
                await self._carrier.ended()

    def _refusing(self) -> HopClient | None:
        """The client, where it was a host key that it did not take."""
        return self._client if self._client is not None and self._client.refused_key is not None else None

    async def _connected(self) -> asyncssh.SSHClientConnection:
        options = connection_options(self._hop, self._known, self._new_client, certificates=self._certificates)
        self._carrier = carrier = await self._new_carrier()
        try:
            return await self._bounded(asyncssh.connect(self._hop.address, self._hop.port, tunnel=carrier, **options))
        finally:
            carrier.discard()

    def _new_login(self) -> Login:
        around = self._around
        return Login(
            self._hop,
            target=around.target,
            vault=around.vault,
            interaction=around.interaction,
            person=self._progress.person,
            is_target=self._is_target,
            before=self._before,
            admit=around.gate.admit if around.gate is not None else None,
        )

    def _new_client(self) -> HopClient:
        assert self._login is not None
        self._client = client = GatedClient(
            self._hop,
            known=self._known,
            accepted=self._accepted,
            login=self._login,
            progress=self._progress,
            interaction=self._around.interaction,
        )
        client.gate = self._around.gate
        return client

    async def _bounded(self, work: Awaitable[T]) -> T:
        """`work`, ended when the limit of the phase under way is reached. asyncssh's own end is waited for briefly."""
        task = asyncio.ensure_future(work)
        waited: set[asyncio.Future[Any]] = {task, self._progress.expired}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _end(task, self._hop.timeouts.close)
            raise
        if task.done():
            return task.result()
        await _end(task, self._hop.timeouts.close)
        raise LimitReached

    # --- name and tcp ---

    def _new_reach(self) -> Reach:
        return Reach(
            self._hop, self._around, progress=self._progress, bounded=self._bounded, identified=self._identified
        )

    async def _new_carrier(self) -> Carrier:
        if self._through is not None:
            self._progress.enter(Phase.NAME)
            self._progress.passed(Phase.NAME, {"looked_up_by": self._through.hop.name})
            self._progress.enter(Phase.TCP, self._hop.timeouts.connect)
            return ChannelCarrier(self._through.conn, self._channel_open, self._identified)
        self._reach = self._new_reach()
        carrier = await self._reach.carrier()
        self._address = self._reach.address
        return carrier

    def _channel_open(self) -> None:
        assert self._through is not None
        self._progress.passed(Phase.TCP, {"address": self._address, "through": self._through.hop.name})
        self._progress.enter(Phase.BANNER, self._hop.timeouts.first_byte)

    def _identified(self, banner: str) -> None:
        self._banner = banner
        self._progress.passed(Phase.BANNER, {"banner": banner})
        self._progress.enter(Phase.KEX, self._hop.timeouts.key_exchange)

    # --- failures ---

    def _timeout(self) -> FairleadError:
        assert self._login is not None
        phase, hop = self._progress.phase, self._hop
        if phase in (Phase.NAME, Phase.TCP):
            return self._not_connected(phase)
        if phase is Phase.BANNER:
            return self._silent()
        return self._login.timed_out() if phase is Phase.AUTH else kex_timeout(hop)

    def _not_connected(self, phase: Phase) -> FairleadError:
        if self._through is not None:
            told = f"no answer within {self._hop.timeouts.connect:g} s"
            return hop_not_reached(self._through.hop, self._hop, told)
        return self._reach.timed_out(phase)

    def _silent(self) -> ConnectError:
        return self._banner_error(Code.BANNER_SILENT, seconds=f"{self._hop.timeouts.first_byte:g}")

    def _banner_error(self, code: Code, **more: str) -> ConnectError:
        evidence = {"address": self._hop.address, "port": self._hop.port, **more}
        return ConnectError(code, evidence=evidence, host=self._hop.name)

    def _explained(self, error: Exception) -> FairleadError:
        """What a failure of the phase under way means."""
        if isinstance(error, NotSsh):
            return self._banner_error(Code.BANNER_NOT_SSH, banner=error.first_line or "nothing readable")
        if isinstance(error, BannerClosed):
            return self._hung_up(error.said)
        phase = self._progress.phase
        if phase is Phase.TCP and self._through is not None:
            return hop_not_reached(self._through.hop, self._hop, error)
        if phase is Phase.BANNER:
            return self._banner_error(Code.BANNER_CLOSED, reason=reason(error))
        if phase is Phase.AUTH:
            return self._login_failure(error)
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return self._certificate_error(error)
        return kex_error(self._hop, error, self._client.offers if self._client else None)

    def _hung_up(self, said: bytes) -> ConnectError:
        code = hung_up(said)
        return (
            self._banner_error(code)
            if code is Code.BANNER_CLOSED
            else self._banner_error(code, banner=first_line(said))
        )

    def _login_failure(self, error: Exception) -> FairleadError:
        assert self._login is not None
        if isinstance(error, asyncssh.PermissionDenied):
            return self._login.failure()
        told = reason(error)
        hung_up = isinstance(error, asyncssh.ConnectionLost) and self._login.refusals
        if "too many" in told.lower() or hung_up:
            return self._login.too_many(told)
        return self._login.cut_off(told)

    # --- host key ---

    def _key_may_do(self, error: Exception) -> bool:
        """Whether it was a certificate that does not hold, of a host whose plain key is known: then that decides, as in
        OpenSSH (`sshconnect.c:check_host_key`)."""
        if not isinstance(error, asyncssh.HostKeyNotVerifiable) or "revoked" in reason(error):
            return False
        return self._certificates and bool(self._known.algorithms)

    def _certificate_error(self, error: Exception) -> HostKeyError:
        told = reason(error)
        if self._client is not None:
            self._client.exchanged()
        if "revoked" in told:
            return self._host_key_error(Code.HOST_KEY_REVOKED, told, where=", ".join(self._known.revoked_where))
        sentence = f"The certificate that {self._hop.name} shows for its host key does not hold: {told}"
        return self._host_key_error(Code.HOST_KEY_UNKNOWN, told, sentence=sentence)

    def _host_key_error(self, code: Code, told: str = "", *, sentence: str = "", **more: str) -> HostKeyError:
        client = self._client
        key = (client.refused_key or client.host_key) if client else None
        evidence = {"name": self._known.names.main, **more}
        if key is not None:
            evidence |= {"fingerprint": key.fingerprint, "algorithm": key.algorithm}
        if told:
            evidence["reason"] = told
        return HostKeyError(code, sentence, evidence=evidence, host=self._hop.name)

    async def _decide(self, client: HopClient) -> None:
        """Trust the key that was refused from now on, or raise HostKeyError."""
        key, judgement = client.refused_key, client.judgement
        assert key is not None and judgement is not None
        if judgement.state is HostKeyState.REVOKED:
            raise self._host_key_error(Code.HOST_KEY_REVOKED, where=judgement.where)
        if client.refused_authority:
            self._certificates = False
            return
        judgement = await self._judged_in_turn(key, judgement)
        if judgement.state is HostKeyState.TRUSTED:
            return
        decision = await self._decision(key, judgement)
        if decision is HostKeyDecision.REFUSE:
            raise self._not_trusted(judgement)
        if decision is HostKeyDecision.REMEMBER:
            await self._write_down(key, judgement)
        self._accepted = key

    def _not_trusted(self, judgement: Judgement) -> HostKeyError:
        if judgement.state is HostKeyState.CHANGED:
            return self._host_key_error(Code.HOST_KEY_CHANGED, where=judgement.where, file=judgement.file)
        return self._host_key_error(Code.HOST_KEY_UNKNOWN, where=", ".join(looked_in(self._known.looked_in)))

    async def _decision(self, key: HostKey, judgement: Judgement) -> HostKeyDecision:
        hop = self._hop
        if hop.host_key_policy is HostKeyPolicy.STRICT:
            return HostKeyDecision.REFUSE
        if hop.host_key_policy is HostKeyPolicy.ACCEPT_NEW:
            changed = judgement.state is HostKeyState.CHANGED
            return HostKeyDecision.REFUSE if changed else HostKeyDecision.REMEMBER
        question = HostKeyQuestion(
            hop.name,
            self._known.names.main,
            judgement.state,
            key.algorithm,
            key.fingerprint,
            key.randomart,
            known=judgement.known,
            looked_in=looked_in(self._known.looked_in),
            can_remember=can_remember(hop.known_hosts),
        )
        with self._progress.person():
            return await self._around.interaction.host_key(question)

    async def _judged_in_turn(self, key: HostKey, judgement: Judgement) -> Judgement:
        """What holds once it is this route's turn: the key may have been accepted over another one meanwhile."""
        if self._around.gate is None:
            return judgement
        with self._progress.person():
            await self._around.gate.take()
        self._known = await asyncio.to_thread(load, self._hop.known_hosts, HostNames.of(self._hop))
        return self._known.judge(key)

    async def _write_down(self, key: HostKey, judgement: Judgement) -> None:
        files = self._hop.known_hosts
        if not can_remember(files):
            return
        write = replace if judgement.state is HostKeyState.CHANGED else remember
        await asyncio.to_thread(write, files, self._known.names.main, key)


async def _end(task: asyncio.Future[Any], limit: float) -> None:
    """Cancel `task`; wait for its end, but not for ever (asyncssh's clean-up may itself wait for the far end)."""
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=limit)
    if not done:
        task.add_done_callback(_forget)
        return
    _forget(task)
    if not task.cancelled() and task.exception() is None:
        _close_late(task.result())


def _forget(task: asyncio.Future[Any]) -> None:
    """Its failure is known to nobody any more; take it so that the loop does not complain."""
    if not task.cancelled():
        task.exception()


def _close_late(result: Any) -> None:
    """What was finished in the moment it was given up."""
    for item in result if isinstance(result, tuple) else (result,):
        if isinstance(item, asyncssh.SSHClientConnection | OpenStream):
            item.abort()
        elif isinstance(item, socket.socket):
            item.close()
