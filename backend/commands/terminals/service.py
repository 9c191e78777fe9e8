"""The terminals of all hosts: opened, listed in the order of their opening, closed. They outlive every screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

from backend.clock import Clock
from backend.commands.terminals.emulator import Emulator
from backend.commands.terminals.terminal import Terminal
from backend.commands.terminals.values import AT_REST, TerminalChanged
from backend.connection.sessions import Sessions
from backend.events import EventBus
from backend.production.guard import Permit

MakeEmulator = Callable[[int, int], Emulator]
"""An emulator of so many columns and rows."""


class TerminalService:
    """Opens terminals and keeps them until they are closed, those that have ended too."""

    def __init__(
        self, *, sessions: Sessions, bus: EventBus, clock: Clock, permit: Permit, make_emulator: MakeEmulator
    ) -> None:
        """`permit` is asked before a shell, or a program, is opened on a host."""
        self._sessions = sessions
        self._bus = bus
        self._clock = clock
        self._permit = permit
        self._make_emulator = make_emulator
        self._terminals: list[Terminal] = []
        self._numbers = count(1)

    def open(self, host: str, *, command: bytes | None = None, columns: int = 80, rows: int = 24) -> Terminal:
        """A new terminal, at once; connecting is part of its own life. `command` None is the login shell."""
        number = next(self._numbers)
        terminal = Terminal(
            terminal_id=f"t{number}",
            number=number,
            session=self._sessions.get(host),
            command=command,
            emulator=self._make_emulator(columns, rows),
            consent=lambda: self._consent(host, command),
            bus=self._bus,
            clock=self._clock,
        )
        self._terminals.append(terminal)
        return terminal

    def all(self) -> tuple[Terminal, ...]:
        """In the order of their opening."""
        return tuple(self._terminals)

    def find(self, terminal_id: str) -> Terminal | None:
        return next((terminal for terminal in self._terminals if terminal.id == terminal_id), None)

    @property
    def under_way(self) -> int:
        """How many would be cut off by an end of the program."""
        return sum(terminal.state not in AT_REST for terminal in self._terminals)

    async def close_one(self, terminal: Terminal) -> None:
        """Hang up and forget it, screen and all; bounded."""
        if terminal in self._terminals:
            self._terminals.remove(terminal)
            await terminal.close()
            self._bus.publish(TerminalChanged(terminal.host, terminal.id, terminal.state))

    async def close(self) -> None:
        """Hang up all of them at once; bounded."""
        await asyncio.gather(*(terminal.close() for terminal in self._terminals))

    def _consent(self, host: str, command: bytes | None) -> Awaitable[None]:
        words = "Open a shell" if command is None else f"Open a terminal: {command.decode('utf-8', 'backslashreplace')}"
        return self._permit(host, words)
