"""Running commands on hosts: streams, limits, cancel, and the truth about how it ended."""

from __future__ import annotations

import asyncio
from itertools import count

from backend.clock import Clock
from backend.commands.running import GRACE, RunningCommand
from backend.commands.values import (
    CommandChanged,
    CommandOutcome,
    CommandOutput,
    CommandSpec,
    CommandState,
    Sink,
)
from backend.connection.sessions import Sessions
from backend.events import EventBus

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

_ENDED_KEPT = 100
_ENDED_BYTES = 512 << 20
"""Output that is kept of commands that have ended, all together."""
_CLOSE_LIMIT = 2 * GRACE + 2.0


class CommandService:
    """Starts commands and keeps them."""

    def __init__(self, *, sessions: Sessions, bus: EventBus, clock: Clock) -> None:
        self._sessions = sessions
        self._bus = bus
        self._clock = clock
        self._commands: list[RunningCommand] = []
        self._numbers = count(1)

    def start(self, host: str, spec: CommandSpec, sink: Sink | None = None) -> RunningCommand:
        """Start it and return at once; connecting is part of the command's own life."""
        self._forget_old()
        command = RunningCommand(
            command_id=f"c{next(self._numbers)}",
            session=self._sessions.get(host),
            spec=spec,
            sink=sink,
            bus=self._bus,
            clock=self._clock,
        )
        self._commands.append(command)
        return command

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
        if not await self._ended_within(running, _CLOSE_LIMIT):
            for command in running:
                command.abandon()
            await self._ended_within(running, _CLOSE_LIMIT)

    @staticmethod
    async def _ended_within(commands: list[RunningCommand], seconds: float) -> bool:
        if not commands:
            return True
        waits = [asyncio.create_task(command.wait()) for command in commands]
        _, late = await asyncio.wait(waits, timeout=seconds)
        for wait in late:
            wait.cancel()
        return not late

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
