"""A port of a simulated host that is open for somebody at the other end of a link."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Final, Generic, TypeVar

from backend.connection.streams import ByteStream, OnIncoming
from backend.errors import Code, LinkLost
from mocks.host import SimulatedHost
from mocks.programs import Duplex, Program, joined
from mocks.stream import SimulatedStream

K = TypeVar("K")
Carry = Callable[[Program], SimulatedStream]
"""Makes a connection over the link, with a program at the host's end."""
_FIRST_FREE: Final = 32768


def free_port(host: SimulatedHost, wanted: int) -> int | None:
    """`wanted`, or for 0 any port that nothing listens on; None where something does."""
    if wanted == 0:
        return next(port for port in range(_FIRST_FREE, 65536) if port not in host.programs)
    return None if wanted == host.port or wanted in host.programs else wanted


class SimulatedIncoming:
    """`backend.connection.streams.Incoming`."""

    def __init__(self, line: Duplex, carry: Carry) -> None:
        self.origin = "127.0.0.1:51234"
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the connection has ended, or is not taken."""
        self._line = line
        self._carry = carry

    async def accept(self) -> ByteStream:
        if self.over.done():
            raise LinkLost(Code.CONNECTION_LOST, "The connection was closed.")

        async def carried(far: Duplex) -> None:
            try:
                await joined(self._line, far)
            finally:
                self.refuse("over")

        return self._carry(carried)

    def refuse(self, reason: str) -> None:
        if not self.over.done():
            self.over.set_result(None)


class SimulatedListener(Generic[K]):
    """`backend.connection.streams.RemoteListener`: an entry in the host's table of ports or of sockets."""

    def __init__(self, table: MutableMapping[K, Program], place: K, program: Program, *, port: int = 0) -> None:
        self.port = port
        self._table = table
        self._place = place
        self._program = program

    @staticmethod
    def program(on_incoming: OnIncoming, carry: Carry) -> Program:
        """What listens there: each connection is shown to `on_incoming`."""

        async def arrived(line: Duplex) -> None:
            incoming = SimulatedIncoming(line, carry)
            on_incoming(incoming)
            await incoming.over

        return arrived

    @property
    def stopped(self) -> bool:
        return self._table.get(self._place) is not self._program

    def stop(self) -> None:
        """Listen no more."""
        if not self.stopped:
            del self._table[self._place]

    async def close(self) -> None:
        self.stop()
