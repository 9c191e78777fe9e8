"""One hop of a connection, from its name to a finished login.

Each phase has its own limit, evidence and code. Here it is reached and identified; `handshake` does the rest, and is
loaded only when somebody answers. A host key that is not trusted ends an attempt, and another one may follow: `trust`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

from backend.connection.connector import Phase
from backend.connection.ssh.banner import NotSsh, first_line, hung_up
from backend.connection.ssh.carriers import BannerClosed, Carrier
from backend.connection.ssh.loading import HANDSHAKE, loaded
from backend.connection.ssh.progress import HopProgress
from backend.connection.ssh.reach import Reach
from backend.connection.ssh.surroundings import LimitReached, Surroundings
from backend.connection.ssh.transport import endpoint
from backend.connection.ssh.trust import HopTrust
from backend.connection.ssh.words import at_hop, reason
from backend.connection.target import Hop, HopIdentity
from backend.dataclass import dataclass
from backend.errors import Code, ConnectError, FairleadError

if TYPE_CHECKING:
    import asyncssh

    from backend.connection.ssh.client import HopClient
    from backend.connection.ssh.handshake import Handshake
    from backend.connection.ssh.login import Login

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
        self._trust = HopTrust(hop, around, self._progress)
        self._handshake: Handshake | None = None
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
        await self._trust.read()
        for _ in range(_MOST_ATTEMPTS):
            conn = await self._attempt()
            if conn is not None:
                return self._finished(conn)
        raise self._trust.never_the_same(self._handshake.client if self._handshake else None)

    def _finished(self, conn: asyncssh.SSHClientConnection) -> HopLink:
        assert self._handshake is not None and self._carrier is not None
        client, login = self._handshake.client, self._handshake.login
        assert client is not None
        self._succeeded = True
        self._progress.stop()
        told = {"method": login.method, "key": login.detail, **login.evidence}
        self._progress.passed(Phase.AUTH, {name: value for name, value in told.items() if value})
        route = (*self._before, self._hop.identity)
        return HopLink(self._hop, conn, client, self._address, self._banner, login, route, self._carrier)

    async def _attempt(self) -> asyncssh.SSHClientConnection | None:
        """One connection; None where another attempt is worth it."""
        conn: asyncssh.SSHClientConnection | None = None
        try:
            conn = await self._connected()
            return conn
        except FairleadError:
            raise
        except LimitReached:
            raise self._reach.overdue(self._timeout()) from None
        except Exception as error:  # a hostile server may lead asyncssh into any of them
            if self._handshake is not None and await self._handshake.again(error):
                return None
            raise await self._reach.explained(self._explained(error)) from error
        finally:
            if self._handshake is not None:
                self._handshake.close()
            if conn is None and self._carrier is not None:
                await self._carrier.ended()

    async def _connected(self) -> asyncssh.SSHClientConnection:
        self._handshake = None
        self._carrier = carrier = await self._new_carrier()
        try:
            self._handshake = handshake = await self._new_handshake()
            return await self._bounded(handshake.connect(carrier))
        finally:
            carrier.discard()

    async def _new_handshake(self) -> Handshake:
        with self._progress.person():  # time stands still here, too: it is not the server that is waited for
            await loaded(HANDSHAKE)
        from backend.connection.ssh.handshake import Handshake

        return Handshake(
            self._hop, self._around, self._progress, self._trust, is_target=self._is_target, before=self._before
        )

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
            from backend.connection.ssh.channel_carrier import ChannelCarrier

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
        phase = self._progress.phase
        if phase in (Phase.NAME, Phase.TCP):
            return self._not_connected(phase)
        if phase is Phase.BANNER or self._handshake is None:
            return self._banner_error(Code.BANNER_SILENT, seconds=f"{self._hop.timeouts.first_byte:g}")
        return self._handshake.timed_out()

    def _not_connected(self, phase: Phase) -> FairleadError:
        if self._through is not None:
            return self._not_reached(f"no answer within {self._hop.timeouts.connect:g} s")
        return self._reach.timed_out(phase)

    def _not_reached(self, error: Exception | str) -> ConnectError:
        from backend.connection.ssh.errors import hop_not_reached

        assert self._through is not None
        return hop_not_reached(self._through.hop, self._hop, error)

    def _banner_error(self, code: Code, **more: str) -> ConnectError:
        evidence = {"address": self._hop.address, "port": self._hop.port, **more}
        return ConnectError(code, evidence=evidence, host=self._hop.name)

    def _explained(self, error: Exception) -> FairleadError:
        """What a failure of the phase under way means."""
        if isinstance(error, NotSsh):
            return self._banner_error(Code.BANNER_NOT_SSH, banner=error.first_line or "nothing readable")
        if isinstance(error, BannerClosed):
            return self._hung_up(error)
        phase = self._progress.phase
        if phase is Phase.TCP and self._through is not None:
            return self._not_reached(error)
        if phase is Phase.BANNER or self._handshake is None:
            return self._banner_error(Code.BANNER_CLOSED, reason=reason(error))
        return self._handshake.explained(error)

    def _hung_up(self, error: BannerClosed) -> ConnectError:
        code = hung_up(error.said)
        if code is Code.BANNER_CLOSED:
            return self._banner_error(code, **({"reason": reason(error.how)} if error.how is not None else {}))
        return self._banner_error(code, banner=first_line(error.said))


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
    """What was finished in the moment it was given up: a socket, or what can be aborted."""
    for item in result if isinstance(result, tuple) else (result,):
        match item:
            case socket.socket():
                item.close()
            case object(abort=abort):
                abort()
