"""The composition root: real hosts or the simulated world, decided here and known nowhere else.

The simulated world is loaded only when it is asked for (`--demo`, FAIRLEAD_DEMO=1), asyncssh only when services open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backend.clock import SystemClock
from backend.connection.connector import Connector
from backend.connection.interaction import Interaction
from backend.connection.route_memory import RouteMemory
from backend.connection.target import HostKeyPolicy
from backend.container import Container, open_container
from backend.dataclass import dataclass
from backend.events import EventBus
from backend.health.keeper import Past
from backend.hosts.book import HostBook, Overrides
from backend.hosts.usage import HostUsage
from backend.settings import SettingsFile
from backend.store import Store
from backend.tasks import background
from cli.configuration import Configuration
from cli.flags import GlobalFlags

if TYPE_CHECKING:
    from backend.health.history.service import Seed


_MONITOR_AFTER = 3.0
"""Seconds."""


def overrides_of(flags: GlobalFlags) -> Overrides:
    """What the command line says about connecting."""
    return Overrides(
        user=flags.user,
        port=flags.port,
        jump=flags.jump,
        route=flags.route,
        identity_files=flags.identity,
        known_hosts=flags.known_hosts,
        host_key_policy=None if flags.host_key is None else HostKeyPolicy(flags.host_key),
        ssh_config=flags.ssh_config,
    )


@dataclass(frozen=True, slots=True)
class ServedDemo:
    """The simulated hosts, reachable by any SSH client."""

    ssh_config: Path
    """For `ssh -F`: an alias for each host."""
    hosts: tuple[tuple[str, str], ...]
    """Names, and a line about each."""


@dataclass(frozen=True, slots=True)
class _World:
    """What differs between real hosts and simulated ones."""

    connector: Callable[[], Connector]
    """Made at need: asyncssh takes a while to load."""
    book: HostBook
    state_dir: Path
    put_in: Callable[[Container], None] = lambda _: None
    """Puts services of the world's own in the place of the usual ones."""
    past: Past | None = None
    """What the health history begins with."""
    readings: Seed | None = None
    """What the history of deep checks begins with."""
    load: Callable[[], object] = lambda: None
    """Begins to load what connecting needs, beside everything else."""


@asynccontextmanager
async def open_services(
    configuration: Configuration, interaction: Interaction, *, bulk_apart: bool = False, at_once: bool = False
) -> AsyncIterator[Container]:
    """The services over real or simulated hosts, running; questions go to `interaction`.

    With `bulk_apart`, bulk data has a connection of its own: worth a second login only where somebody types.
    `at_once`: a host will be connected to first of all.
    """
    async with (
        _world(configuration) as world,
        open_container(
            connector=world.connector(),
            book=world.book,
            interaction=interaction,
            state_dir=world.state_dir,
            vault=configuration.vault,
            clock=SystemClock(),
            past=world.past,
            simulated=configuration.flags.demo,
            readings_past=world.readings,
            bulk_apart=bulk_apart,
            agreed=configuration.flags.yes,
            transfers_at_once=(
                configuration.settings.transfers.at_once,
                configuration.settings.transfers.at_once_of_host,
            ),
        ) as container,
    ):
        world.put_in(container)
        if at_once:
            world.load()
        yield container


@asynccontextmanager
async def open_workbench(configuration: Configuration, interaction: Interaction) -> AsyncIterator[Container]:
    """The services for the workbench, with the monitor. In the simulated world something waits for a host already."""
    async with open_services(configuration, interaction, bulk_apart=True) as container:
        if configuration.flags.demo and not await container.requests.all():
            from mocks.demo.queue import demo_requests

            for waiting in demo_requests(container.clock.now()):
                await container.requests.submit(
                    waiting.host,
                    waiting.action,
                    priority=waiting.priority,
                    deadline=waiting.deadline,
                    agreed=True,
                )
        async with background(_monitor_later(container)):
            yield container


async def _monitor_later(container: Container) -> None:
    """Start the monitor when the workbench has shown itself: nobody waits for it."""
    await container.clock.sleep(_MONITOR_AFTER)
    await container.start_monitor()


@dataclass(frozen=True, slots=True)
class HostRoom:
    """The host book and what changes it."""

    book: HostBook
    usage: HostUsage
    backups: Path
    bus: EventBus
    memory: RouteMemory | None
    """Which routes worked; nobody knows before there is a state file."""


@asynccontextmanager
async def open_hosts(configuration: Configuration) -> AsyncIterator[HostRoom]:
    """The host book alone: nothing is connected, and looking makes no state."""
    async with _world(configuration) as world:
        bus, store = EventBus(), Store(world.state_dir / "fairlead.db")
        world.book.usage = usage = HostUsage(bus=bus, store=store)
        memory = RouteMemory(store, SystemClock()) if store.path.exists() else None
        try:
            yield HostRoom(world.book, usage, world.state_dir / "backups", bus, memory)
        finally:
            await usage.close()
            await store.close()


def _world(configuration: Configuration) -> AbstractAsyncContextManager[_World]:
    return _simulated(configuration) if configuration.flags.demo else _real(configuration)


@asynccontextmanager
async def _real(configuration: Configuration) -> AsyncIterator[_World]:
    file = SettingsFile(configuration.paths.config, is_named=configuration.flags.config is not None)
    book = HostBook(settings=configuration.settings, overrides=overrides_of(configuration.flags), file=file)
    async with AsyncExitStack() as stack:

        def connector() -> Connector:
            from backend.connection.ssh.connector import SshConnector

            made = SshConnector(vault=configuration.vault, clock=SystemClock())
            stack.push_async_callback(made.close)
            return made

        def load() -> None:
            from backend.connection.ssh.loading import HANDSHAKE, begin_loading

            begin_loading(HANDSHAKE)

        yield _World(connector, book, configuration.paths.state, load=load)


@asynccontextmanager
async def _simulated(configuration: Configuration) -> AsyncIterator[_World]:
    """A new world, with settings and state of its own; the person's own files stay out of it."""
    from mocks.connector import SimulatedConnector
    from mocks.demo.history import demo_past
    from mocks.demo.readings import demo_readings
    from mocks.demo.setup import write_demo_files
    from mocks.world import demo_world

    clock = SystemClock()
    with _demo_state(configuration.flags) as state:
        world = demo_world(clock)
        files = await asyncio.to_thread(write_demo_files, world, state / "demo")
        file = SettingsFile(files.config, is_named=True, environ={})
        book = HostBook.of_entries(await asyncio.to_thread(file.load), overrides_of(configuration.flags), file)

        def connector() -> Connector:
            return SimulatedConnector(world, vault=configuration.vault, clock=clock)

        def local_project(container: Container) -> None:
            from mocks.demo.local import ProjectFiles

            container.files = ProjectFiles(
                sessions=container.sessions, permit=container.production.ask, project=state / "project"
            )

        yield _World(connector, book, state, local_project, demo_past(world), demo_readings(world))


@asynccontextmanager
async def serve_demo(flags: GlobalFlags) -> AsyncIterator[ServedDemo]:
    """The simulated hosts over real SSH on ports of loopback, until the block is left."""
    from mocks.demo.setup import write_demo_files
    from mocks.served import ServedWorld
    from mocks.world import demo_world

    with _demo_state(flags) as state:
        world = demo_world(SystemClock())
        files = await asyncio.to_thread(write_demo_files, world, state / "demo")
        async with ServedWorld(world) as served:
            text = served.ssh_config(files.known_hosts, files.key)
            await asyncio.to_thread(files.ssh_config.write_text, text)
            notes = tuple((listing.host.name, listing.note) for listing in world.listings)
            yield ServedDemo(files.ssh_config, notes)


@contextmanager
def _demo_state(flags: GlobalFlags) -> Iterator[Path]:
    """The named state directory, or one that goes when the demo ends."""
    if flags.state_dir is not None:
        yield flags.state_dir
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="fairlead-demo-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)
