"""One forward while it runs: what both kinds have in common. `kinds` has the two."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from backend.clock import Clock
from backend.connection.connector import Link
from backend.connection.streams import ByteStream
from backend.dataclass import dataclass
from backend.errors import Code, FairleadError
from backend.events import EventBus
from backend.forwards.counters import Counters
from backend.forwards.links import HostLinks
from backend.forwards.local import LocalGone, LocalStream
from backend.forwards.model import ForwardChanged, ForwardCounted, ForwardState, ForwardView
from backend.forwards.pump import carry
from backend.forwards.socks import Outcome, SocksHandshake, SocksRefused, SocksRequest, reply_to
from backend.forwards.spec import ForwardSpec, Place, Port
from backend.forwards.told import reason_of
from backend.production.guard import Permit
from backend.tasks import cancel_all, within

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 128
"""Connections of one forward; more are refused. What each may hold is bounded, so this bounds all of it."""
HANDSHAKE_LIMIT: Final = 30.0
"""Seconds for a client's whole SOCKS handshake."""
_TOO_MANY: Final = f"more than {MOST_AT_ONCE} connections at once"
_STOPPED: Final = "it was being stopped"


class Forward(ABC):
    """A forward that is being kept up. `start`, then `stop`."""

    def __init__(
        self,
        number: int,
        spec: ForwardSpec,
        *,
        host: str,
        links: HostLinks,
        permit: Permit,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._permit = permit
        self.id = number
        self.spec = spec
        self.host = host
        self.links = links
        self.clock = clock
        self.counters = Counters(clock, self._report)
        self.places: tuple[str, ...] = ()
        self.port = 0
        self._bus = bus
        self._state = ForwardState.STARTING
        self._since = clock.now()
        self._reason = ""
        self._error: FairleadError | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._ending = False
        self._keeping: asyncio.Task[None] | None = None

    @property
    def view(self) -> ForwardView:
        """How it stands."""
        counters, gone = self.counters, self._state in (ForwardState.FAILED, ForwardState.STOPPED)
        return ForwardView(
            id=self.id,
            host=self.host,
            spec=self.spec,
            state=self._state,
            since=self._since,
            reason=self._reason,
            error=self._error,
            places=() if gone else self.places,
            port=0 if gone else self.port,
            sent=counters.sent,
            received=counters.received,
            open=counters.open,
            total=counters.total,
            refused=counters.refused,
            errors=counters.errors,
            last_error=counters.last_error,
        )

    # --- its life ------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Set it up, connecting the host where it is not connected. What goes wrong is in `view`."""
        try:
            await self._permit(self.host, f"Open a port there: {self.spec}")
            await self.prepare()
            link = await self.links.first()
            await self.serve(link)
        except FairleadError as error:
            await self._put_away()
            self.change(ForwardState.FAILED, reason_of(error), error=error.located(host=self.host))
        except BaseException:
            await self._put_away()
            raise
        else:
            self.change(ForwardState.LISTENING)
            self._keeping = asyncio.create_task(self._keep(link), name=f"forward {self.spec} of {self.host}")

    async def stop(self) -> None:
        """Close what it listens on and cut its connections; bounded, never raises."""
        if self._keeping is not None:
            await cancel_all((self._keeping,))
        await self._put_away()
        self.counters.close()
        if self._state is not ForwardState.STOPPED:
            self.change(ForwardState.STOPPED)

    async def _put_away(self) -> None:
        self._ending = True
        await self.unlisten()
        await cancel_all(self._connections)
        self.links.close()

    async def _keep(self, link: Link) -> None:
        try:
            await self._kept(link)
        except Exception as error:
            log.exception("the forward %s of %s is not kept up", self.spec, self.host)
            fault = FairleadError(Code.INTERNAL, evidence={"reason": repr(error)}, host=self.host)
            self.change(ForwardState.FAILED, fault.message, error=fault)

    async def _kept(self, link: Link) -> None:
        """Serve over each link that the session brings, until cancelled."""
        while True:
            reason = await link.closed()
            self.away()
            self.change(ForwardState.WAITING, reason.message if reason else self.links.why_not or "not connected")
            link = await self.links.next(link)
            await self.serve_again(link)

    def change(self, state: ForwardState, reason: str = "", *, error: FairleadError | None = None) -> None:
        """Come into `state` and say so."""
        self._state, self._reason, self._error = state, reason, error
        self._since = self.clock.now()
        self._bus.publish(ForwardChanged(self.host, self.view))

    def _report(self) -> None:
        if self._state is not ForwardState.STOPPED:
            self._bus.publish(ForwardCounted(self.host, self.view))

    # --- what the kinds do differently ---------------------------------------------------------------------------

    async def prepare(self) -> None:
        """What can be done before there is a link. Raises FairleadError."""
        return

    async def serve(self, link: Link) -> None:
        """What has to be done with each link. Raises FairleadError."""
        return

    async def serve_again(self, link: Link) -> None:
        """`serve` after the link was lost, with its own way of trying again; changes the state."""
        await self.serve(link)
        self.change(ForwardState.LISTENING)

    def away(self) -> None:
        """The link has gone."""
        return

    @abstractmethod
    async def unlisten(self) -> None:
        """Take no more connections; bounded, never raises."""

    # --- connections ---------------------------------------------------------------------------------------------

    def admit(self, work: Coroutine[Any, Any, None], drop: Callable[[], None]) -> None:
        """Let a connection in as a task of its own, unless there are too many. `drop` lets go of it: called where it is
        not let in, and at its end, as a task that is stopped before its first step does nothing at all."""
        self.counters.arrived()
        if self._ending or self.counters.open >= MOST_AT_ONCE:
            work.close()
            self.counters.refuse(_STOPPED if self._ending else _TOO_MANY)
            drop()
            return
        self.counters.opened()
        task = asyncio.create_task(work)
        self._connections.add(task)
        task.add_done_callback(lambda task: self._over(task, drop))

    def _over(self, task: asyncio.Task[None], drop: Callable[[], None]) -> None:
        self._connections.discard(task)
        self.counters.closed()
        drop()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.counters.fail(f"{type(error).__name__}: a fault of Fairlead's own")

    async def carry(self, local: LocalStream, far: ByteStream, link: Link) -> None:
        """Both directions of a connection; the loss of the link is counted."""
        try:
            await carry(local, far, lost=lambda: link.lost, tally=self.counters)
        except FairleadError as error:
            self.counters.fail(f"cut off: {reason_of(error)}")

    async def asked_for(self, client: LocalStream | ByteStream) -> Wanted | None:
        """Where a SOCKS client wants to go; None where it cannot be served, which is counted and told to it."""
        handshake = SocksHandshake()
        try:
            await within(HANDSHAKE_LIMIT, _handshake(client, handshake), self.clock)
        except SocksRefused as refused:
            self.counters.fail(f"SOCKS: {refused}")
            with suppress(LocalGone, FairleadError):
                await client.write(refused.reply)
        except TimeoutError:
            self.counters.fail(f"SOCKS: no request within {HANDSHAKE_LIMIT:g} s")
        except (LocalGone, FairleadError):
            self.counters.fail("SOCKS: the client went away before it had asked")
        else:
            assert handshake.request is not None
            request = handshake.request
            return Wanted(Port(request.host, request.port), request, handshake.rest)
        return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a connection is to go."""

    place: Place
    request: SocksRequest | None = None
    """Where a SOCKS client has asked for it."""
    rest: bytes = b""
    """What the client has sent already, beyond its request."""

    def reply(self, outcome: Outcome) -> bytes:
        """What the client is told; nothing where it does not speak SOCKS."""
        return b"" if self.request is None else reply_to(self.request.version, outcome)


async def _handshake(client: LocalStream | ByteStream, handshake: SocksHandshake) -> None:
    while handshake.request is None:
        data = await client.read(1024)
        if not data:
            raise LocalGone
        if answer := handshake.feed(data):
            await client.write(answer)
