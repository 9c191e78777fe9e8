"""A connector and links that a test steers by hand: each attempt waits until the test lets it pass or fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import cast

from backend.connection.connector import (
    ByteStream,
    FileChannel,
    Gate,
    Link,
    LinkFacts,
    Observer,
    Phase,
    PhaseStarted,
    PtyRequest,
    RemoteProcess,
)
from backend.connection.interaction import Interaction
from backend.connection.streams import OnIncoming, RemoteListener
from backend.connection.target import Hop, Target
from backend.errors import Code, ConnectError, FairleadError, LinkLost, SessionError


class SteeredFiles:
    """A file channel of which only its identity and its end matter."""

    ended = False


class SteeredLink:
    """A link that lives until `lose` or `close`; pings are answered at once unless `silent`."""

    def __init__(self, target: Target, beside: SteeredLink | None = None) -> None:
        """`beside`: whose connection it uses as well."""
        self.target = target
        self._first = beside.target.name if beside is not None else ""
        self._users: list[SteeredLink] = [] if beside is None else beside._users
        self._users.append(self)
        self.was_closed = False
        self.pings = 0
        self.channels = 0
        self.refuses_files = False
        self.will_not_close = False
        self.login_repeats = True
        self.carries = 0
        self._lost: FairleadError | None = None
        self._ended = asyncio.Event()
        self._answering = asyncio.Event()
        if beside is None or beside._answering.is_set():
            self._answering.set()

    @property
    def facts(self) -> LinkFacts:
        hop = self.target.host
        route = tuple(jump.name for jump in self.target.jumps)
        return LinkFacts(
            hop.name,
            hop.user,
            f"{hop.address}:{hop.port}",
            route,
            server_version="",
            kex="",
            cipher="",
            mac="",
            host_key="",
            auth_method="none",
            login_repeats=self.login_repeats,
            first=self._first,
        )

    @property
    def is_up(self) -> bool:
        return bool(self._users)

    def share(self, target: Target) -> SteeredLink | None:
        return SteeredLink(target, self) if self.is_up else None

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(user.target.name for user in self._users if user is not self)

    def fall_silent(self) -> None:
        self._answering.clear()

    def answer(self) -> None:
        self._answering.set()

    def lose(self, error: FairleadError | None = None) -> None:
        """The connection is lost, under all who use it."""
        lost = error or LinkLost(Code.CONNECTION_LOST)
        for user in (self, *self._users):
            if not user._ended.is_set():
                user._lost = lost if user is self else lost.told_of(user.target.name)
                user._ended.set()
                user._answering.set()
        self._users.clear()

    async def ping(self) -> float:
        self.pings += 1
        await self._answering.wait()
        if self._ended.is_set():
            raise LinkLost(Code.CONNECTION_LOST)
        return 0.012

    async def open_files(self) -> FileChannel:
        if self.refuses_files:
            raise SessionError(Code.SFTP_UNAVAILABLE)
        self.channels += 1
        await asyncio.sleep(0)
        return cast(FileChannel, SteeredFiles())

    async def open_process(
        self,
        command: bytes | None,
        *,
        pty: PtyRequest | None = None,
        env: Mapping[str, str] | None = None,
        window: int | None = None,
    ) -> RemoteProcess:
        raise SessionError(Code.SESSION_REFUSED, evidence={"reason": "files only"})

    async def open_stream(self, host: str, port: int) -> ByteStream:
        raise NotImplementedError("sessions open no streams")

    async def open_unix(self, path: str) -> ByteStream:
        raise NotImplementedError("sessions open no streams")

    async def listen(self, host: str, port: int, on_incoming: OnIncoming) -> RemoteListener:
        raise NotImplementedError("sessions open no streams")

    async def listen_unix(self, path: str, on_incoming: OnIncoming) -> RemoteListener:
        raise NotImplementedError("sessions open no streams")

    @property
    def lost(self) -> FairleadError | None:
        return self._lost

    async def _end(self) -> FairleadError | None:
        await self._ended.wait()
        return self._lost

    def closed(self) -> Awaitable[FairleadError | None]:
        return self._end()

    async def close(self, because: LinkLost | None = None) -> None:
        await asyncio.sleep(0)
        self._lost = self._lost or because
        if self in self._users:
            self._users.remove(self)
        if because is not None and self._users:
            self._users[0].lose(because)
        if self.will_not_close:
            await asyncio.Event().wait()
        self.was_closed = True
        self._ended.set()
        self._answering.set()


@dataclass(eq=False)
class Attempt:
    """One call of `connect` that is under way or over."""

    target: Target
    interaction: Interaction
    observer: Observer | None
    outcome: asyncio.Future[SteeredLink] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    was_cancelled: bool = False

    def enter(self, phase: Phase, hop: Hop | None = None) -> None:
        if self.observer is not None:
            self.observer(PhaseStarted(hop or self.target.host, phase))

    def succeed(self) -> SteeredLink:
        link = SteeredLink(self.target)
        self.outcome.set_result(link)
        return link

    def fail(self, error: FairleadError | None = None) -> None:
        self.outcome.set_exception(error or ConnectError(Code.TCP_REFUSED))


class SteeredConnector:
    """Keeps every attempt for the test to decide on."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    @property
    def made(self) -> list[SteeredLink]:
        """The links of the attempts that were let pass."""
        ended = [attempt.outcome for attempt in self.attempts if attempt.outcome.done()]
        return [one.result() for one in ended if not one.cancelled() and one.exception() is None]

    @property
    def waiting(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts if not attempt.outcome.done()]

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> Link:
        attempt = Attempt(target, interaction, observer)
        self.attempts.append(attempt)
        try:
            return await attempt.outcome
        except asyncio.CancelledError:
            attempt.was_cancelled = True
            raise
