"""The forwards of all hosts: started, listed, stopped, and kept up across reconnects."""

from __future__ import annotations

import asyncio
from itertools import count

from backend.clock import Clock
from backend.connection.sessions import Sessions
from backend.errors import Code, ConfigError
from backend.events import EventBus
from backend.forwards.forward import Forward
from backend.forwards.kinds import LocalForward, RemoteForward
from backend.forwards.links import HostLinks
from backend.forwards.model import ForwardState, ForwardView
from backend.forwards.spec import ForwardKind, ForwardSpec, from_ssh_options, read_forward
from backend.hosts.book import HostBook
from backend.production.guard import Permit, never_asks

_RUNNING = frozenset({ForwardState.STARTING, ForwardState.LISTENING, ForwardState.WAITING})


class ForwardService:
    """Owns every forward. They outlive the screens that started them, and a lost link."""

    def __init__(self, *, sessions: Sessions, book: HostBook, bus: EventBus, clock: Clock, permit: Permit) -> None:
        """`permit` is asked before a port is opened on a host."""
        self._permit = permit
        self._sessions = sessions
        self._book = book
        self._bus = bus
        self._clock = clock
        self._forwards: dict[int, Forward] = {}
        self._numbers = count(1)

    def views(self, host: str | None = None) -> tuple[ForwardView, ...]:
        """How they stand, of one host or of all, in the order in which they were started; failed ones stay listed."""
        return tuple(one.view for one in self._forwards.values() if host in (None, one.host))

    async def start(self, host: str, spec: ForwardSpec) -> ForwardView:
        """Set up a forward, connecting `host` where it is not connected; one that runs already is left as it is.

        What goes wrong is in the view (FAILED, with `error`), which stays listed until it is stopped or started again.
        """
        for number, other in tuple(self._forwards.items()):
            if (other.host, other.spec) == (host, spec):
                if other.view.state in _RUNNING:
                    return other.view
                await self.stop(number)
        forward = self._made(host, spec)
        self._forwards[forward.id] = forward
        await forward.start()
        return forward.view

    async def start_all(self, host: str) -> tuple[ForwardView, ...]:
        """Set up what `forwards` of the host's entry in config.toml lists. Raises ConfigError."""
        own, _ = await self.configured(host)
        return tuple([await self.start(host, spec) for spec in own])

    async def configured(self, host: str) -> tuple[tuple[ForwardSpec, ...], tuple[ForwardSpec, ...]]:
        """What the files list for `host`: `forwards` of config.toml, and LocalForward, RemoteForward and DynamicForward
        of ~/.ssh/config. Raises ConfigError.
        """
        own, options = await self._book.forwards(host)
        try:
            return tuple(read_forward(text) for text in own), from_ssh_options(options)
        except ValueError as error:
            raise ConfigError(Code.CONFIG_INVALID, evidence={"problem": f"a forward: {error}"}, host=host) from None

    async def stop(self, number: int) -> None:
        """Stop one and drop it from the list; bounded, never raises. An unknown number is none."""
        forward = self._forwards.pop(number, None)
        if forward is not None:
            await forward.stop()

    async def stop_all(self, host: str | None = None) -> None:
        """Stop those of one host, or all, at once; bounded, never raises."""
        await asyncio.gather(*(self.stop(one.id) for one in tuple(self._forwards.values()) if host in (None, one.host)))

    async def close(self) -> None:
        """Stop everything."""
        await self.stop_all()

    def _made(self, host: str, spec: ForwardSpec) -> Forward:
        remote = spec.kind is ForwardKind.REMOTE
        return (RemoteForward if remote else LocalForward)(
            next(self._numbers),
            spec,
            host=host,
            links=HostLinks(self._sessions.get(host), bus=self._bus, clock=self._clock),
            permit=self._permit if remote else never_asks,
            bus=self._bus,
            clock=self._clock,
        )
