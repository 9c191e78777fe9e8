"""The way between a simulated link's two ends: it takes time, falls silent, and breaks."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import Final, Generic, TypeVar

from backend.clock import Clock
from backend.errors import Code, FairleadError, LinkLost
from mocks.host import SimulatedHost

T = TypeVar("T")
WINDOW: Final = 1 << 20
"""Bytes that may be under way in one direction of a process's channel."""


class Wire:
    """One link's way to one host, through the hosts before it."""

    def __init__(self, host: SimulatedHost, clock: Clock, before: Wire | None = None) -> None:
        self.host = host
        self.clock = clock
        self.lost: FairleadError | None = None
        self.ended: asyncio.Future[FairleadError | None] = asyncio.get_running_loop().create_future()
        self.sent = 0
        self.received = 0
        self._before = before
        self._random = random.Random(f"{host.name}:{len(host.wires)}")
        self._free_at = {"up": 0.0, "down": 0.0}
        self.strands: list[Strand] = []
        """The links that use it."""
        self.sessions: set[object] = set()
        """Processes and file channels that are open on it, whichever link opened them."""
        host.wires.add(self)
        if before is not None:
            before.ended.add_done_callback(self._follow)

    @property
    def round_trip(self) -> float:
        """Seconds, jitter included, over all hops."""
        network = self.host.network
        own = network.round_trip + self._random.random() * network.jitter
        return own + (self._before.round_trip if self._before else 0.0)

    async def trip(self, up: int = 0, down: int = 0) -> None:
        """A question and its answer, of so many bytes. Raises LinkLost when the link goes first."""
        delay = max(self._queueing("up", up), self._queueing("down", down)) + self.round_trip
        await self.wait(delay)
        self.count(up, down)

    async def wait(self, seconds: float) -> None:
        """Let time pass on a living link; for ever on a silent one."""
        self.check()
        await self.clock.sleep(seconds)
        if self.silent:
            await asyncio.shield(self.ended)
        self.check()

    @property
    def silent(self) -> bool:
        """Whether packets vanish here or before."""
        return self.host.faults.drops or (self._before is not None and self._before.silent)

    def check(self) -> None:
        """Raises what ended the link."""
        if self.ended.done():
            raise self.lost or LinkLost(Code.CONNECTION_LOST, host=self.host.name)

    def count(self, up: int, down: int) -> None:
        """Account for bytes that went over it. Raises LinkLost when they were too many for the host's `cut_after`."""
        self.sent += up
        self.received += down
        if self.host.faults.spend(up + down):
            self.host.cut_links()
            self.check()

    def arrival(self, direction: str, size: int) -> float:
        """When `size` bytes that set out now are on the other side, on the clock's monotonic scale."""
        return self.clock.monotonic() + self._queueing(direction, size) + self.round_trip / 2

    def cut(self) -> None:
        """As when a cable is pulled and both ends notice at once."""
        self.end(LinkLost(Code.CONNECTION_LOST, host=self.host.name, evidence={"reason": "connection reset by peer"}))

    def end(self, lost: FairleadError | None = None) -> None:
        """End it, with a reason or by the person's wish; the first reason stays."""
        if not self.ended.done():
            self.lost = lost
            self.host.wires.discard(self)
            self.ended.set_result(lost)
            for strand in tuple(self.strands):
                strand.end(None if lost is None else lost.told_of(strand.name))

    def _follow(self, before: asyncio.Future[FairleadError | None]) -> None:
        reason = None if before.cancelled() else before.result()
        self.end(LinkLost(reason.code, host=self.host.name, hop=reason.host) if reason else None)

    def _queueing(self, direction: str, size: int) -> float:
        """Seconds until `size` bytes have left, behind what left before them."""
        rate = self.host.network.rate
        if rate is None or size == 0:
            return 0.0
        now = self.clock.monotonic()
        self._free_at[direction] = max(now, self._free_at[direction]) + size / rate
        return self._free_at[direction] - now


class Strand(Wire):
    """One link's share of a wire: it ends by itself, or with the wire, which ends with the last of them."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.host = wire.host
        self.clock = wire.clock
        self.lost: FairleadError | None = None
        self.ended: asyncio.Future[FairleadError | None] = asyncio.get_running_loop().create_future()
        self.name = name
        """What the host is called by this link."""
        self.wire = wire
        wire.strands.append(self)

    @property
    def round_trip(self) -> float:
        return self.wire.round_trip

    @property
    def silent(self) -> bool:
        return self.wire.silent

    def count(self, up: int, down: int) -> None:
        self.wire.count(up, down)
        self.check()

    def end(self, lost: FairleadError | None = None) -> None:
        if not self.ended.done():
            self.lost = lost
            self.wire.strands.remove(self)
            self.ended.set_result(lost)
            if not self.wire.strands:
                self.wire.end(lost)

    def _queueing(self, direction: str, size: int) -> float:
        return self.wire._queueing(direction, size)


class DelayLine(Generic[T]):
    """One direction of a stream over a wire: what goes in comes out later, in order; holds at most `window` bytes."""

    def __init__(self, wire: Wire, direction: str, window: int = WINDOW) -> None:
        self._wire = wire
        self._direction = direction
        self._window = window
        self._items: deque[tuple[float, int, T]] = deque()
        self._held = 0
        self._ended = False
        self._changed = asyncio.Event()

    async def put(self, item: T, size: int) -> None:
        """Send `item`; waits while the window is full. After `end` it is dropped."""
        while self._held >= self._window and not self._ended:
            await self._change()
        if not self._ended:
            self._items.append((self._wire.arrival(self._direction, size), size, item))
            self._held += size
            self._changed.set()

    async def get(self) -> T | None:
        """The next item when it has arrived; None at the end."""
        while not self._items and not self._ended:
            await self._change()
        if not self._items:
            return None
        due, size, item = self._items.popleft()
        await self._wire.wait(due - self._wire.clock.monotonic())
        self._held -= size
        self._changed.set()
        return item

    def end(self) -> None:
        """No more will be put."""
        self._ended = True
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
