"""Running commands on a simulated host in tests."""

from __future__ import annotations

from backend.clock import Clock
from backend.connection.connector import ExitReport, PtyRequest, StdStream
from mocks.clock import VirtualClock
from mocks.host import Machine, SimulatedHost, User
from mocks.shell.process import HostProcess


def small_host(clock: Clock | None = None, machine: Machine | None = None) -> SimulatedHost:
    """A host with one account, `ada`."""
    return SimulatedHost(
        "box", users=(User("ada", 1000), User("root", 0)), clock=clock or VirtualClock(), machine=machine
    )


async def collect(process: HostProcess) -> tuple[bytes, bytes, ExitReport]:
    """All that it prints, and its end."""
    streams = {StdStream.OUT: bytearray(), StdStream.ERR: bytearray()}
    while (chunk := await process.output.get()) is not None:
        streams[chunk.stream] += chunk.data
    report = await process.wait()
    await process.close()
    return bytes(streams[StdStream.OUT]), bytes(streams[StdStream.ERR]), report


async def sh(host: SimulatedHost, command: str | bytes, stdin: bytes = b"") -> tuple[bytes, bytes, ExitReport]:
    """Run a command as ada."""
    raw = command if isinstance(command, bytes) else command.encode()
    process = HostProcess(host, host.users["ada"], raw)
    if stdin:
        await process.write(stdin)
    process.write_eof()
    return await collect(process)


class Screen:
    """A process on a terminal, and what its screen has shown."""

    def __init__(self, host: SimulatedHost, command: bytes | None = None) -> None:
        self.process = HostProcess(host, host.users["ada"], command, pty=PtyRequest())
        self.shown = b""

    async def type(self, keys: str) -> None:
        await self.process.write(keys.encode())

    async def until(self, wanted: str) -> bytes:
        """What is shown from now on, up to and with `wanted`."""
        start = len(self.shown)
        while wanted.encode() not in self.shown[start:]:
            chunk = await self.process.output.get()
            assert chunk is not None, self.shown
            self.shown += chunk.data
        return self.shown[start:]
