"""The program's services over real connections, for one OpenSSH configuration and one person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from backend.clock import SystemClock
from backend.commands.values import CommandOutcome, CommandSpec
from backend.connection.connector import Chunk
from backend.connection.interaction import Interaction
from backend.connection.session import Session
from backend.connection.ssh.connector import SshConnector
from backend.connection.state import SessionChanged, SessionState
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.events import EventBus
from backend.files.transfer import Transfer, TransferRequest
from backend.hosts.book import HostBook, Overrides
from backend.settings import HostOptions, KeepaliveOptions, Settings
from tests.support.waiting import no_tasks_left

QUICK = KeepaliveOptions(interval=0.2, late_after=0.2, misses=5)


@dataclass(frozen=True)
class Desk:
    """Services for work on `host`."""

    services: Container
    host: str
    states: list[SessionState]
    """Those that its session has gone through."""
    vault: Vault

    @property
    def session(self) -> Session:
        return self.services.sessions.get(self.host)

    async def run(self, spec: CommandSpec, seen: Callable[[Chunk], None] = lambda chunk: None) -> CommandOutcome:
        return await self.services.commands.run(self.host, spec, seen)

    def copy(self, request: TransferRequest) -> Transfer:
        return self.services.transfers.submit(request)


@asynccontextmanager
async def desk_at(
    host: str,
    config: Path,
    state: Path,
    person: Interaction,
    *,
    keepalive: KeepaliveOptions = QUICK,
    chance: Random | None = None,
    watch_tasks: bool = True,
) -> AsyncIterator[Desk]:
    """Services that know the hosts of `config`; at the end no secret is left, and no task where they are watched."""
    bus, states, vault = EventBus(), list[SessionState](), Vault()
    bus.subscribe(SessionChanged, lambda change: states.append(change.new))
    async with AsyncExitStack() as stack:
        if watch_tasks:
            await stack.enter_async_context(no_tasks_left())
        connector = SshConnector(vault=vault, clock=SystemClock())
        stack.push_async_callback(connector.close)
        async with open_container(
            connector=connector,
            book=HostBook(
                settings=Settings(defaults=HostOptions(keepalive=keepalive)), overrides=Overrides(ssh_config=config)
            ),
            interaction=person,
            state_dir=state,
            vault=vault,
            bus=bus,
            chance=chance or Random(3),
        ) as services:
            yield Desk(services, host, states, vault)
        assert len(vault) == 0
