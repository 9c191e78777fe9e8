"""The composition root: real hosts or the simulated world, decided here and known nowhere else.

The simulated world is loaded only when it is asked for (`--demo`, FAIRLEAD_DEMO=1), asyncssh only when services open.
"""

from __future__ import annotations

import asyncio
import shlex
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from backend.clock import SystemClock
from backend.connection.connector import Connector
from backend.connection.interaction import Interaction
from backend.connection.route_memory import RouteMemory
from backend.connection.target import HostKeyPolicy
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.errors import ConfigError
from backend.events import EventBus
from backend.health.keeper import Past
from backend.hosts.book import HostBook, Overrides
from backend.hosts.usage import HostUsage
from backend.settings import Paths, Settings, SettingsFile, load_settings
from backend.store import Store
from cli.flags import GlobalFlags

_CHECK = "fairlead config check"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the services are built from."""

    flags: GlobalFlags
    paths: Paths
    settings: Settings
    vault: Vault = field(default_factory=Vault)


def paths_of(flags: GlobalFlags) -> Paths:
    """Where the files are, flags considered."""
    if flags.config is not None and flags.state_dir is not None:
        return Paths(flags.config, flags.state_dir)
    standard = Paths.standard()
    return Paths(flags.config or standard.config, flags.state_dir or standard.state)


def settings_of(flags: GlobalFlags) -> Settings:
    """The settings in force. Raises ConfigError, whose advice names the file where it was named with --config."""
    try:
        return load_settings(flags.config)
    except ConfigError as error:
        if flags.config is None:
            raise
        named = f"{_CHECK} --config {shlex.quote(str(flags.config))}"
        advice = tuple(replace(one, command=named) if one.command == _CHECK else one for one in error.advice)
        raise ConfigError(error.code, error.message, evidence=error.evidence, advice=advice) from error


def configure(flags: GlobalFlags) -> Configuration:
    """Read the settings. Raises ConfigError. The demo reads no file but one that is named: it works anywhere."""
    settings = Settings() if flags.demo and flags.config is None else settings_of(flags)
    return Configuration(flags, paths_of(flags), settings)


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


@asynccontextmanager
async def open_services(configuration: Configuration, interaction: Interaction) -> AsyncIterator[Container]:
    """The services over real or simulated hosts, running; questions go to `interaction`."""
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
        ) as container,
    ):
        world.put_in(container)
        yield container


@asynccontextmanager
async def open_workbench(configuration: Configuration, interaction: Interaction) -> AsyncIterator[Container]:
    """The services for the workbench. In the simulated world something waits for a host there already."""
    async with open_services(configuration, interaction) as container:
        if configuration.flags.demo and not await container.requests.all():
            from mocks.demo.queue import demo_requests

            for waiting in demo_requests(container.clock.now()):
                await container.requests.submit(
                    waiting.host, waiting.action, priority=waiting.priority, deadline=waiting.deadline
                )
        yield container


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

        yield _World(connector, book, configuration.paths.state)


@asynccontextmanager
async def _simulated(configuration: Configuration) -> AsyncIterator[_World]:
    """A new world, with settings and state of its own; the person's own files stay out of it."""
    from mocks.connector import SimulatedConnector
    from mocks.demo.history import demo_past
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

            container.files = ProjectFiles(sessions=container.sessions, project=state / "project")

        yield _World(connector, book, state, local_project, demo_past(world))


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
    with tempfile.TemporaryDirectory(prefix="fairlead-demo-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)
