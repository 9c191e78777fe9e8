"""A TCP relay that makes a good network bad: delay, jitter, rate, slices, black hole, reset, half-close, cut after N.

Stands between a client and a server on loopback. Everything can be switched while connections are up; chance comes from
a seed. Idle, it only copies.
"""

from __future__ import annotations

import asyncio
import fcntl
import random
import socket
import struct
import sys
import termios
from collections import deque
from contextlib import suppress
from dataclasses import field, replace
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

from backend.dataclass import dataclass

_CHUNK: Final = 1 << 18
_HELD: Final = 16 << 20
"""Bytes under way in one direction of one connection, at most."""
_RESET: Final = struct.pack("ii", 1, 0)
_CLOSING: Final = 2.0


class Direction(StrEnum):
    """Where bytes go."""

    UP = "up"
    """From the client to the server."""
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class RelayFaults:
    """How bad the network is, for every connection and both directions alike."""

    delay: float = 0.0
    """Seconds one way."""
    jitter: float = 0.0
    """Seconds added at most; bytes never overtake each other."""
    rate: float | None = None
    """Bytes a second, for each direction of each connection."""
    slice: int | None = None
    """Bytes of one write, at most: 1 makes every byte a packet of its own."""


@dataclass(slots=True)
class Counters:
    """Bytes that were passed on."""

    up: int = 0
    down: int = 0
    connections: int = 0
    """Connections that were accepted."""


@dataclass(slots=True, eq=False)
class _Lane:
    """One direction of one connection."""

    direction: Direction
    source: socket.socket
    sink: socket.socket
    queue: deque[tuple[float, bytes]] = field(default_factory=deque)
    held: int = 0
    ended: bool = False
    closed: bool = False
    free_at: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def change(self) -> None:
        self.changed.clear()
        await self.changed.wait()


class Relay:
    """`async with Relay(host, port) as relay:` then connect to `relay.host`, `relay.port`."""

    def __init__(self, host: str, port: int, faults: RelayFaults | None = None, *, seed: int = 0) -> None:
        """`host` and `port`: the server behind it."""
        self.host = "127.0.0.1"
        self.faults = faults or RelayFaults()
        """May be replaced at any time; see `set`."""
        self.counters = Counters()
        self._server = (host, port)
        self._random = random.Random(seed)
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._connections: dict[asyncio.Task[None], tuple[socket.socket, socket.socket | None]] = {}
        self._lanes: set[_Lane] = set()
        self._budget: dict[Direction, int | None] = {Direction.UP: None, Direction.DOWN: None}
        self._open = asyncio.Event()
        self._open.set()
        self._port = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def live(self) -> int:
        """Connections that are up."""
        return len(self._connections)

    # --- faults ----------------------------------------------------------------------------------------------

    def set(self, **changes: float | None) -> None:
        """Change some of the faults: `relay.set(delay=0.1)`."""
        self.faults = replace(self.faults, **changes)  # type: ignore[arg-type]

    def cut(self) -> None:
        """Reset every connection, on both sides. New ones are accepted."""
        for client, server in tuple(self._connections.values()):
            _reset(client, server)
        for task in tuple(self._connections):
            task.cancel()

    def finish(self) -> None:
        """End every connection in good order (FIN), on both sides."""
        for task in tuple(self._connections):
            task.cancel()

    def cut_after(self, *, up: int | None = None, down: int | None = None) -> None:
        """Cut everything once, when so many more bytes have been passed on in a direction; exactly so many arrive."""
        self._budget = {Direction.UP: up, Direction.DOWN: down}

    def black_hole(self) -> None:
        """Nothing arrives any more; both sides believe the connection to be up. New ones are accepted in silence."""
        self._open.clear()

    def heal(self) -> None:
        """End a black hole; what was held arrives."""
        self._open.set()

    def half_close(self, direction: Direction) -> None:
        """End one direction of every connection: the receiver sees the end of the stream, the rest is dropped."""
        for lane in tuple(self._lanes):
            if lane.direction is direction:
                lane.closed = True
                with suppress(OSError):
                    lane.sink.shutdown(socket.SHUT_WR)
                lane.changed.set()

    def refuse(self) -> None:
        """Stop listening: new connections are refused. Those that are up stay."""
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
        if self._listener is not None:
            _close(self._listener)
            self._listener = None

    def listen(self) -> None:
        """Listen, again on the same port after `refuse`."""
        if self._listener is None:
            self._listener = socket.socket()
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((self.host, self._port))
            self._listener.listen(100)
            self._listener.setblocking(False)
            self._port = int(self._listener.getsockname()[1])
            self._accepting = asyncio.create_task(self._accept(self._listener))

    # --- life ------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop listening and end everything; bounded."""
        self.refuse()
        tasks = set(self._connections)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSING)
        self.cut()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            self.counters.connections += 1
            task = asyncio.create_task(self._carry(client))
            self._connections[task] = (client, None)
            task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        client, server = self._connections.pop(task)
        _close(client)
        if server is not None:
            _close(server)

    async def _carry(self, client: socket.socket) -> None:
        """One connection, until both directions have ended or either side broke."""
        task = asyncio.current_task()
        assert task is not None
        server = socket.socket()
        self._connections[task] = (client, server)
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await asyncio.get_running_loop().sock_connect(server, self._server)
        except OSError:
            _reset(client, server)
            return
        lanes = (_Lane(Direction.UP, client, server), _Lane(Direction.DOWN, server, client))
        self._lanes.update(lanes)
        try:
            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    group.create_task(self._take(lane))
                    group.create_task(self._give(lane))
        except* OSError:
            _reset(client, server)
        finally:
            self._lanes.difference_update(lanes)

    async def _take(self, lane: _Lane) -> None:
        """From the source into the queue, each piece stamped with the time at which it arrives."""
        loop, buffer = asyncio.get_running_loop(), memoryview(bytearray(_CHUNK))
        while not lane.closed:
            while lane.held >= _HELD and not lane.closed:
                await lane.change()
            count = await loop.sock_recv_into(lane.source, buffer)
            if not count:
                break
            lane.queue.append((self._due(lane, count), bytes(buffer[:count])))
            lane.held += count
            lane.changed.set()
        lane.ended = True
        lane.changed.set()

    def _due(self, lane: _Lane, count: int) -> float:
        """When bytes read now have arrived, on the loop's clock; 0 for at once."""
        faults = self.faults
        if not (faults.delay or faults.jitter or faults.rate):
            return 0.0
        now = asyncio.get_running_loop().time()
        begun = max(now, lane.free_at)
        lane.free_at = begun + (count / faults.rate if faults.rate else 0.0)
        due = lane.free_at + faults.delay + self._random.random() * faults.jitter
        return max(due, lane.queue[-1][0]) if lane.queue else due

    async def _give(self, lane: _Lane) -> None:
        """From the queue to the sink, each piece in its time."""
        loop = asyncio.get_running_loop()
        while True:
            while not lane.queue and not lane.ended:
                await lane.change()
            if not lane.queue:
                break
            due, data = lane.queue.popleft()
            lane.held -= len(data)
            lane.changed.set()
            if due and (rest := due - loop.time()) > 0:
                await asyncio.sleep(rest)
            if not lane.closed:
                await self._send(lane, data)
        if not lane.closed:
            await self._open.wait()
            with suppress(OSError):
                lane.sink.shutdown(socket.SHUT_WR)

    async def _send(self, lane: _Lane, data: bytes) -> None:
        loop, view = asyncio.get_running_loop(), memoryview(data)
        while view:
            await self._open.wait()
            allowed = self._budget[lane.direction]
            size = min(len(view), self.faults.slice or len(view), len(view) if allowed is None else allowed)
            await loop.sock_sendall(lane.sink, view[:size])
            self._count(lane.direction, size)
            await self._spend(lane, size)
            view = view[size:]
            if self.faults.slice:
                await asyncio.sleep(0)

    def _count(self, direction: Direction, size: int) -> None:
        if direction is Direction.UP:
            self.counters.up += size
        else:
            self.counters.down += size

    async def _spend(self, lane: _Lane, size: int) -> None:
        """Take `size` from the budget of the lane's direction; cut everything when it is used up."""
        allowed = self._budget[lane.direction]
        if allowed is None:
            return
        self._budget[lane.direction] = allowed - size
        if allowed <= size:
            self._budget = {Direction.UP: None, Direction.DOWN: None}
            await _left(lane.sink)
            self.cut()


async def _left(sink: socket.socket) -> None:
    """Return when what was sent has reached the other end's kernel, or after a second: a reset would overtake it."""
    with suppress(OSError):
        for _ in range(1000):
            unsent = fcntl.ioctl(sink.fileno(), termios.TIOCOUTQ, bytes(4))
            if not int.from_bytes(unsent, sys.byteorder):
                return
            await asyncio.sleep(0.001)


def _reset(*ends: socket.socket | None) -> None:
    """Close with RST rather than FIN (SO_LINGER with no time to linger, socket(7))."""
    for end in ends:
        if end is not None and end.fileno() >= 0:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            _close(end)


def _close(end: socket.socket) -> None:
    """Close, and let the loop forget it: the next socket may get the same number."""
    if end.fileno() >= 0:
        loop = asyncio.get_running_loop()
        loop.remove_reader(end.fileno())
        loop.remove_writer(end.fileno())
        end.close()
