"""The command service over one real server, with a person who answers by script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.clock import SystemClock
from backend.commands.elevation.elevation import Elevation
from backend.commands.executor import CommandService, CommandSpec, RunningCommand
from backend.commands.policy.guard import admits_all
from backend.connection.connector import Chunk, StdStream
from backend.connection.sessions import Sessions
from backend.connection.ssh.connector import SshConnector
from backend.connection.target import Target
from backend.connection.vault import Vault
from backend.events import EventBus
from backend.production.guard import never_asks
from tests.support.scripted import ScriptedBook
from tests.support.worlds import Person


@dataclass
class Commands:
    """The service over one host."""

    host: str
    service: CommandService
    person: Person
    vault: Vault
    elevation: Callable[[str], Elevation]

    def start(self, command: str, *, sink: Callable[[Chunk], None] | None = None, **spec: object) -> RunningCommand:
        return self.service.start(self.host, CommandSpec(command.encode(), **spec), sink)  # type: ignore[arg-type]

    async def run(self, command: str, **spec: object) -> RunningCommand:
        """Run to the end."""
        started = self.service.start(self.host, CommandSpec(command.encode(), **spec))  # type: ignore[arg-type]
        await started.wait()
        return started


@asynccontextmanager
async def commands_on(where: Target, person: Person | None = None) -> AsyncIterator[Commands]:
    """The service, until it and its sessions are closed."""
    vault, clock, bus, person = Vault(), SystemClock(), EventBus(), person or Person()
    sessions = Sessions(
        connector=SshConnector(vault=vault, clock=clock),
        book=ScriptedBook(where),
        interaction=person,
        bus=bus,
        clock=clock,
        vault=vault,
    )
    elevations: dict[str, Elevation] = {}

    def elevation(host: str) -> Elevation:
        return elevations.setdefault(host, Elevation(sessions.get(host), interaction=person, vault=vault))

    service = CommandService(
        sessions=sessions, bus=bus, clock=clock, admit=admits_all, permit=never_asks, elevation=elevation
    )
    try:
        yield Commands(where.name, service, person, vault, elevation)
    finally:
        await service.close()
        await sessions.close()


def said(command: RunningCommand, stream: StdStream) -> list[bytes]:
    """The lines of one stream."""
    return [line.raw for line in command.output.lines(0, command.output.end) if line.stream is stream]


def processes_with(mark: str) -> dict[int, str]:
    """Live processes of this machine whose command line has `mark` in it, by number."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if mark in words and state != "Z":
            found[int(entry.name)] = words
    return found


async def settled(check: Callable[[], bool]) -> None:
    """Until `check` holds; the test's own limit ends it otherwise."""
    while not check():
        await asyncio.sleep(0.005)
