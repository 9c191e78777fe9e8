"""The two kinds of forwards: ports of this machine (-L, -D), and ports of the host (-R)."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from backend.connection.connector import Link
from backend.connection.streams import ByteStream, Incoming, RemoteListener
from backend.errors import Code, FairleadError
from backend.forwards.forward import Forward, Wanted
from backend.forwards.local import LocalGone, LocalListener, LocalStream, connect, listen
from backend.forwards.model import ForwardState
from backend.forwards.socks import Outcome
from backend.forwards.spec import Place, Socket
from backend.forwards.told import outcome_of, reason_of
from backend.tasks import within

RETRIES: Final = (1.0, 2.0, 4.0, 8.0, *(15.0,) * 20)
"""Seconds before the host is asked for a port again. After a lost link its server may hold the port for the dead
connection until it notices, which takes minutes without ClientAliveInterval."""


class LocalForward(Forward):
    """This machine listens. Its port stays open while the host is away."""

    _listener: LocalListener | None = None

    async def prepare(self) -> None:
        self._listener = await listen(self.spec.listen, self._arrived)
        self.places, self.port = self._listener.places, self._listener.port

    async def unlisten(self) -> None:
        if self._listener is not None:
            self._listener.close()

    def _arrived(self, local: LocalStream) -> None:
        self.admit(self._serve(local), local.reset)

    async def _serve(self, local: LocalStream) -> None:
        """One connection: first the far end of it, then the bytes."""
        to = self.spec.to
        wanted = await self.asked_for(local) if to is None else Wanted(to)
        reached = None if wanted is None else await self._reached(local, wanted)
        if reached is None:
            await local.close()
        else:
            await self.carry(local, *reached)

    async def _reached(self, local: LocalStream, wanted: Wanted) -> tuple[ByteStream, Link] | None:
        """The far end, and the link that carries it; None where there is none, which is counted and told."""
        count = self.counters.refuse
        try:
            link = await self.links.soon()
            count = self.counters.fail
            far = await _open_far(link, wanted.place)
        except FairleadError as error:
            count(reason_of(error))
            await _turn_away(local, wanted, error)
            return None
        try:
            await _begin(local, far, wanted)
        except BaseException as error:
            local.reset()
            await far.close()
            if isinstance(error, LocalGone | FairleadError):
                return None
            raise
        self.counters.count(len(wanted.rest), 0)
        return far, link


async def _open_far(link: Link, place: Place) -> ByteStream:
    """A connection from the far end. Raises FairleadError."""
    if isinstance(place, Socket):
        return await link.open_unix(place.path)
    return await link.open_stream(place.host or "localhost", place.port)


async def _turn_away(local: LocalStream, wanted: Wanted, error: FairleadError) -> None:
    """Told in SOCKS where the client speaks it, else by a reset."""
    if wanted.request is None:
        local.reset()
        return
    with suppress(LocalGone):
        await local.write(wanted.reply(outcome_of(error)))


async def _begin(client: LocalStream | ByteStream, other: LocalStream | ByteStream, wanted: Wanted) -> None:
    """Tell a SOCKS client that it may go on, and pass on what it has sent already. Raises LocalGone or LinkLost."""
    if wanted.request is not None:
        await client.write(wanted.reply(Outcome.DONE))
    if wanted.rest:
        await other.write(wanted.rest)


class RemoteForward(Forward):
    """The host listens. Its port is asked for anew over each link, the same one that it gave at first."""

    _listener: RemoteListener | None = None

    async def serve(self, link: Link) -> None:
        def arrived(incoming: Incoming) -> None:
            self._arrived(incoming, link)

        place = self.spec.listen
        if isinstance(place, Socket):
            self._listener = await link.listen_unix(place.path, arrived)
            self.places = (place.path,)
            return
        asked = "localhost" if place.host is None else place.host
        self._listener = await link.listen(asked, self.port or place.port, arrived)
        self.port = self._listener.port
        self.places = (f"[{asked}]:{self.port}" if ":" in asked else f"{asked or '*'}:{self.port}",)

    async def serve_again(self, link: Link) -> None:
        for pause in RETRIES:
            try:
                await self.serve(link)
            except FairleadError as error:
                if error.code is not Code.LISTEN_FAILED:
                    self._given_up(link, error)
                    return
                self.change(ForwardState.WAITING, f"{reason_of(error)}; it is tried again")
            else:
                self.change(ForwardState.LISTENING)
                return
            if await _ended_within(pause, link, self):
                return
        await self._last_try(link)

    async def _last_try(self, link: Link) -> None:
        try:
            await self.serve(link)
        except FairleadError as error:
            self._given_up(link, error)
        else:
            self.change(ForwardState.LISTENING)

    def _given_up(self, link: Link, error: FairleadError) -> None:
        """With this link; the next one is a new chance."""
        if link.lost is None:
            self.change(ForwardState.FAILED, reason_of(error), error=error.located(host=self.host))

    def away(self) -> None:
        self._listener = None

    async def unlisten(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.close()

    def _arrived(self, incoming: Incoming, link: Link) -> None:
        self.admit(self._serve(incoming, link), lambda: incoming.refuse("too many connections, or stopped"))

    async def _serve(self, incoming: Incoming, link: Link) -> None:
        """One connection: first this machine's end of it, then the bytes."""
        try:
            if self.spec.to is None:
                await self._serve_socks(await incoming.accept(), link)
                return
            local = await connect(self.spec.to)
            try:
                far = await incoming.accept()
            except BaseException:
                local.reset()
                raise
        except FairleadError as error:
            self.counters.fail(reason_of(error))
            incoming.refuse("not reached")
        else:
            await self.carry(local, far, link)

    async def _serve_socks(self, far: ByteStream, link: Link) -> None:
        """A client on the host says where this machine is to connect."""
        local = None
        try:
            if (wanted := await self.asked_for(far)) is not None:
                local = await self._connected(far, wanted)
        finally:
            if local is None:
                await far.close()
        if local is not None:
            await self.carry(local, far, link)

    async def _connected(self, far: ByteStream, wanted: Wanted) -> LocalStream | None:
        try:
            local = await connect(wanted.place)
        except FairleadError as error:
            self.counters.fail(reason_of(error))
            await far.write(wanted.reply(outcome_of(error)))
            return None
        try:
            await _begin(far, local, wanted)
        except BaseException as error:
            local.reset()
            if isinstance(error, LocalGone):
                return None
            raise
        self.counters.count(0, len(wanted.rest))
        return local


async def _ended_within(seconds: float, link: Link, forward: Forward) -> bool:
    """Whether `link` has gone before the pause was over."""
    try:
        await within(seconds, _closed(link), forward.clock)
    except TimeoutError:
        return False
    return True


async def _closed(link: Link) -> None:
    await link.closed()
