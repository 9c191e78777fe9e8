"""Running commands on hosts: streams, limits, cancel, and the truth about how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Protocol

from backend.clock import Clock
from backend.commands.opening import ElevationOf, Opener, UsualOpening
from backend.commands.running import RunningCommand
from backend.commands.values import (
    GRACE,
    CommandChanged,
    CommandOutcome,
    CommandOutput,
    CommandSpec,
    CommandState,
    Sink,
)
from backend.connection.connector import RemoteProcess
from backend.connection.sessions import Sessions
from backend.events import EventBus
from backend.production.guard import PermitToRun
from backend.tasks import ended_within

__all__ = [
    "CommandChanged",
    "CommandOutcome",
    "CommandOutput",
    "CommandService",
    "CommandSpec",
    "CommandState",
    "RunningCommand",
    "Sink",
]


class Admit(Protocol):
    """`backend.commands.policy.guard.CommandPolicy.admit`."""

    async def __call__(self, host: str, spec: CommandSpec, *, agreed: bool = False) -> bool: ...


_ENDED_KEPT = 100
_ENDED_BYTES = 512 << 20
"""Output that is kept of commands that have ended, all together."""
_CLOSE_LIMIT = 2 * GRACE + 2.0


class CommandService:
    """Starts commands and keeps them."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        bus: EventBus,
        clock: Clock,
        admit: Admit,
        permit: PermitToRun,
        elevation: ElevationOf,
        usual: UsualOpening = lambda session: None,
    ) -> None:
        """`admit` may refuse a command, `permit` is asked before one that may change its host, `elevation` opens those
        of other users; `usual` tells what a host's profile sets up."""
        self._opener = Opener(usual=usual, elevation=elevation)
        self._admit = admit
        self._permit = permit
        self._sessions = sessions
        self._bus = bus
        self._clock = clock
        self._commands: list[RunningCommand] = []
        self._numbers = count(1)

    def start(self, host: str, spec: CommandSpec, sink: Sink | None = None, *, agreed: bool = False) -> RunningCommand:
        """Start it and return at once; connecting is part of the command's own life.

        A production host asks first where the command may change it, unless the person has `agreed` already.
        """
        self._forget_old()
        number = f"c{next(self._numbers)}"
        command = self.make(number, host, spec, sink, permit=lambda: self.permit(host, spec, agreed=agreed))
        self._commands.append(command)
        return command

    def make(
        self, command_id: str, host: str, spec: CommandSpec, sink: Sink | None, *, permit: Callable[[], Awaitable[None]]
    ) -> RunningCommand:
        """Start a command of whoever asks for it, which is not among `all`; it runs once `permit` has returned."""
        return RunningCommand(
            command_id=command_id,
            session=self._sessions.get(host),
            spec=spec,
            sink=sink,
            permit=permit,
            opener=self._opener,
            bus=self._bus,
            clock=self._clock,
        )

    async def open(self, host: str, spec: CommandSpec) -> RemoteProcess:
        """The process of a command that somebody else accompanies, as a terminal does; it is permitted first.

        Raises as `permit`, and what keeps it from starting.
        """
        await self.permit(host, spec)
        return await self._opener.open(self._sessions.get(host), spec)

    async def permit(self, host: str, spec: CommandSpec, *, agreed: bool = False) -> None:
        """Let a command go on where it may run and the person agrees; for those who start it by other means.

        Raises FairleadError: COMMAND_DENIED, COMMAND_DANGEROUS, PRODUCTION_HOST.
        """
        if not await self.admit(host, spec, agreed=agreed) and not agreed:
            await self._permit(host, spec.command)

    async def admit(self, host: str, spec: CommandSpec, *, agreed: bool = False) -> bool:
        """The first half of `permit`: whether the person was asked about its dangers, and agreed.

        Raises FairleadError: COMMAND_DENIED, COMMAND_DANGEROUS.
        """
        return await self._admit(host, spec, agreed=agreed)

    async def run(self, host: str, spec: CommandSpec, sink: Sink | None = None) -> CommandOutcome:
        """Start and wait; cancelling this cancels the command."""
        command = self.start(host, spec, sink)
        try:
            return await command.wait()
        except asyncio.CancelledError:
            command.stop()
            raise

    def all(self) -> tuple[RunningCommand, ...]:
        """Running ones and the last hundred that ended (fewer when they said very much), oldest first."""
        self._forget_old()
        return tuple(self._commands)

    async def close(self) -> None:
        """Cancel what runs; bounded."""
        running = [command for command in self._commands if command.outcome is None]
        for command in running:
            command.stop()
        if not await ended_within((command.wait() for command in running), _CLOSE_LIMIT):
            for command in running:
                command.abandon()
            await ended_within((command.wait() for command in running), _CLOSE_LIMIT)

    def _forget_old(self) -> None:
        """Drop the oldest ended commands beyond what is kept; the newest one stays however much it said."""
        room, places = _ENDED_BYTES, _ENDED_KEPT
        kept: list[RunningCommand] = []
        for command in reversed(self._commands):
            if command.outcome is not None:
                room -= command.output.size
                places -= 1
                if places < 0 or (room < 0 and places < _ENDED_KEPT - 1):
                    continue
            kept.append(command)
        self._commands = kept[::-1]
