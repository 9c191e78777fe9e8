"""A simulated link: the contract's Link straight into a SimulatedHost, with a wire's time and faults."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Final

from backend.connection.connector import ByteStream, FileChannel, LinkFacts, PtyRequest, RemoteProcess
from backend.errors import Code, ConnectError, FairleadError, SessionError
from backend.text import clean_text
from mocks.files import SimulatedFiles
from mocks.host import SimulatedHost, User
from mocks.process import SimulatedProcess
from mocks.shell.process import HostProcess
from mocks.stream import SimulatedStream
from mocks.wire import Wire
from mocks.world import World

_CHANNEL_BYTES: Final = 200
"""What opening a channel costs on the wire, about."""


class SimulatedLink:
    """One login on one host."""

    def __init__(
        self,
        world: World,
        host: SimulatedHost,
        user: User,
        wires: tuple[Wire, ...],
        facts: LinkFacts,
        *,
        close_limit: float,
    ) -> None:
        """`wires`: of the jump hosts, outermost first, then the host's own."""
        self._world = world
        self._host = host
        self._user = user
        self._wires = wires
        self._facts = facts
        self._close_limit = close_limit
        self._channels: set[SimulatedProcess | SimulatedFiles | SimulatedStream] = set()

    @property
    def facts(self) -> LinkFacts:
        return self._facts

    @property
    def _wire(self) -> Wire:
        return self._wires[-1]

    async def open_process(
        self, command: bytes | None, *, pty: PtyRequest | None = None, env: Mapping[str, str] | None = None
    ) -> RemoteProcess:
        await self._open_session()
        if self._host.faults.refuse_sessions:
            raise self._refused(self._host.faults.refuse_sessions)
        started = HostProcess(self._host, self._user, command, pty=pty, env=env)
        process = SimulatedProcess(started, self._wire, close_limit=self._close_limit, gone=self._channels.discard)
        self._channels.add(process)
        return process

    async def open_files(self) -> FileChannel:
        await self._open_session()
        faults = self._host.faults
        if faults.no_sftp:
            raise SessionError(Code.SFTP_UNAVAILABLE, host=self._facts.host)
        if faults.noisy_login:
            noise = clean_text(faults.noisy_login[:200].decode("utf-8", "replace")).strip()
            raise SessionError(
                Code.SHELL_NOISE, host=self._facts.host, evidence={"user": self._user.name, "noise": noise}
            )
        files = SimulatedFiles(self._host, self._user, self._wire, gone=self._channels.discard)
        self._channels.add(files)
        return files

    async def open_stream(self, host: str, port: int) -> ByteStream:
        await self._wire.trip(_CHANNEL_BYTES, _CHANNEL_BYTES)
        evidence = {"address": host, "port": port}
        if self._host.faults.no_forwarding:
            raise SessionError(Code.FORWARD_PROHIBITED, hop=self._facts.host, evidence=evidence)
        local = host in ("localhost", "127.0.0.1", "::1")
        found = self._host if local else self._world.find(host)
        if found is None:
            reason = "Name or service not known"
            raise ConnectError(Code.JUMP_FAILED, hop=self._facts.host, evidence={**evidence, "reason": reason})
        greeting = listener(found, port)
        if greeting is None:
            reason = "Connection refused"
            raise ConnectError(Code.JUMP_FAILED, hop=self._facts.host, evidence={**evidence, "reason": reason})
        echoes = port in found.echo_ports
        stream = SimulatedStream(self._wire, greeting, echoes=echoes, gone=self._channels.discard)
        self._channels.add(stream)
        return stream

    async def ping(self) -> float:
        started = self._wire.clock.monotonic()
        await self._wire.trip(_CHANNEL_BYTES, _CHANNEL_BYTES)
        return self._wire.clock.monotonic() - started

    @property
    def lost(self) -> FairleadError | None:
        return self._wire.lost

    def closed(self) -> Awaitable[FairleadError | None]:
        return asyncio.shield(self._wire.ended)

    async def close(self) -> None:
        for channel in tuple(self._channels):
            await channel.close()
        for wire in reversed(self._wires):
            wire.end()

    async def _open_session(self) -> None:
        await self._wire.trip(_CHANNEL_BYTES, _CHANNEL_BYTES)
        if len(self._channels) >= self._host.faults.max_sessions:
            raise self._refused("open failed")

    def _refused(self, reason: str) -> SessionError:
        return SessionError(Code.SESSION_REFUSED, host=self._facts.host, evidence={"reason": reason})


def listener(host: SimulatedHost, port: int) -> bytes | None:
    """What the program that listens on `port` says first; None when nothing listens."""
    if port in host.echo_ports:
        return b""
    if port == host.port and not host.faults.refuses:
        return host.machine.banner.encode() + b"\r\n"
    return host.open_ports.get(port)
