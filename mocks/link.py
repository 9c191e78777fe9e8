"""A simulated link: the contract's Link straight into a SimulatedHost, with a wire's time and faults."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from backend.connection.connector import FileChannel, LinkFacts, PtyRequest, RemoteProcess
from backend.connection.streams import ByteStream, OnIncoming, RemoteListener
from backend.connection.target import Target
from backend.errors import Code, ConnectError, FairleadError, LinkLost, SessionError
from backend.text import clean_text
from mocks.files import SimulatedFiles
from mocks.host import SimulatedHost, User
from mocks.listening import SimulatedListener, free_port
from mocks.process import SimulatedProcess
from mocks.programs import Program, greeter
from mocks.shell.process import HostProcess
from mocks.stream import SimulatedStream
from mocks.wire import Strand, Wire
from mocks.world import World

K = TypeVar("K")
C = TypeVar("C", bound="SimulatedProcess | SimulatedFiles")
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
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
        self._wire = Strand(wires[-1], facts.host)
        self._facts = facts
        self._close_limit = close_limit
        self._channels: set[SimulatedProcess | SimulatedFiles] = set()
        self._streams: set[SimulatedStream] = set()
        self._listeners: set[SimulatedListener[Any]] = set()

    @property
    def facts(self) -> LinkFacts:
        return self._facts

    @property
    def is_up(self) -> bool:
        return not self._wires[-1].ended.done()

    def share(self, target: Target) -> SimulatedLink | None:
        if not self.is_up:
            return None
        route = tuple(jump.name for jump in target.jumps)
        facts = replace(self._facts, host=target.name, route=route, first=self._facts.first or self._facts.host)
        limit = target.host.timeouts.close
        return SimulatedLink(self._world, self._host, self._user, self._wires, facts, close_limit=limit)

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(strand.name for strand in self._wires[-1].strands if strand is not self._wire)

    async def open_process(
        self,
        command: bytes | None,
        *,
        pty: PtyRequest | None = None,
        env: Mapping[str, str] | None = None,
        window: int | None = None,
    ) -> RemoteProcess:
        await self._open_session()
        if self._host.faults.refuse_sessions:
            raise self._refused(self._host.faults.refuse_sessions)
        started = HostProcess(self._host, self._user, command, pty=pty, env=env)
        process = SimulatedProcess(started, self._wire, close_limit=self._close_limit, gone=self._gone)
        return self._carrying(process)

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
        return self._carrying(SimulatedFiles(self._host, self._user, self._wire, gone=self._gone))

    def _carrying(self, channel: C) -> C:
        self._channels.add(channel)
        self._wires[-1].sessions.add(channel)
        return channel

    def _gone(self, channel: SimulatedProcess | SimulatedFiles) -> None:
        self._channels.discard(channel)
        self._wires[-1].sessions.discard(channel)

    async def open_stream(self, host: str, port: int) -> ByteStream:
        await self._wire.trip(_CHANNEL_BYTES, _CHANNEL_BYTES)
        evidence = {"address": host, "port": port}
        if self._host.faults.no_forwarding:
            raise SessionError(Code.FORWARD_PROHIBITED, hop=self._facts.host, evidence=evidence)
        found = self._host if host in LOOPBACK else self._world.find(host)
        program = None if found is None else listener(found, port)
        if program is None:
            reason = "Name or service not known" if found is None else "Connection refused"
            raise ConnectError(Code.JUMP_FAILED, hop=self._facts.host, evidence={**evidence, "reason": reason})
        return self.stream(program)

    async def open_unix(self, path: str) -> ByteStream:
        await self._wire.trip(_CHANNEL_BYTES, _CHANNEL_BYTES)
        evidence = {"address": path, "port": 0}
        if self._host.faults.no_forwarding:
            raise SessionError(Code.FORWARD_PROHIBITED, hop=self._facts.host, evidence=evidence)
        if path not in self._host.sockets:
            evidence["reason"] = "open failed"
            raise ConnectError(Code.JUMP_FAILED, hop=self._facts.host, evidence=evidence)
        return self.stream(self._host.sockets[path])

    def stream(self, program: Program) -> SimulatedStream:
        """A connection over this link, with `program` at the host's end."""
        stream = SimulatedStream(self._wire, program, gone=self._streams.discard)
        self._streams.add(stream)
        return stream

    async def listen(self, host: str, port: int, on_incoming: OnIncoming) -> RemoteListener:
        await self._wire.trip(_CHANNEL_BYTES, _CHANNEL_BYTES)
        self._may_listen(f"{host or '*'} port {port}", port)
        found = free_port(self._host, port)
        if found is None:
            raise self._not_listening(f"{host or '*'} port {port}", port, "the server refused")
        program = self._host.programs[found] = SimulatedListener.program(on_incoming, self.stream)
        return self._listening(SimulatedListener(self._host.programs, found, program, port=found))

    async def listen_unix(self, path: str, on_incoming: OnIncoming) -> RemoteListener:
        await self._wire.trip(_CHANNEL_BYTES, _CHANNEL_BYTES)
        self._may_listen(path, 0)
        if path in self._host.sockets:
            raise self._not_listening(path, 0, "the server refused")
        program = self._host.sockets[path] = SimulatedListener.program(on_incoming, self.stream)
        return self._listening(SimulatedListener(self._host.sockets, path, program))

    def _may_listen(self, place: str, port: int) -> None:
        if self._host.faults.no_forwarding:
            evidence = {"place": place, "port": port, "reason": "Server has disabled port forwarding."}
            raise SessionError(Code.LISTEN_PROHIBITED, host=self._facts.host, evidence=evidence)

    def _not_listening(self, place: str, port: int, reason: str) -> SessionError:
        evidence = {"place": place, "port": port, "reason": reason}
        return SessionError(Code.LISTEN_FAILED, host=self._facts.host, evidence=evidence)

    def _listening(self, made: SimulatedListener[K]) -> SimulatedListener[K]:
        self._listeners.add(made)
        self._wire.ended.add_done_callback(lambda _ended: made.stop())
        return made

    async def ping(self) -> float:
        started = self._wire.clock.monotonic()
        await self._wire.trip(_CHANNEL_BYTES, _CHANNEL_BYTES)
        return self._wire.clock.monotonic() - started

    @property
    def carries(self) -> int:
        return len(self._channels) + len(self._streams) + sum(1 for one in self._listeners if not one.stopped)

    @property
    def lost(self) -> FairleadError | None:
        return self._wire.lost

    def closed(self) -> Awaitable[FairleadError | None]:
        return asyncio.shield(self._wire.ended)

    async def close(self, because: LinkLost | None = None) -> None:
        self._wire.end(because)
        if because is not None:
            self._wires[-1].end(because)
        for listening in self._listeners:
            listening.stop()
        for channel in (*self._channels, *self._streams):
            await channel.close()
        if self._wires[-1].ended.done():
            for wire in reversed(self._wires):
                wire.end()

    async def _open_session(self) -> None:
        await self._wire.trip(_CHANNEL_BYTES, _CHANNEL_BYTES)
        if len(self._wires[-1].sessions) >= self._host.faults.max_sessions:
            raise self._refused("open failed")

    def _refused(self, reason: str) -> SessionError:
        return SessionError(Code.SESSION_REFUSED, host=self._facts.host, evidence={"reason": reason})


def listener(host: SimulatedHost, port: int) -> Program | None:
    """The program that listens on `port`; None when nothing listens."""
    if port == host.port and not host.faults.refuses:
        return greeter(host.machine.banner.encode() + b"\r\n")
    return host.programs.get(port)
