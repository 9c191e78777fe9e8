"""The services over the demo world, as `fairlead demo` opens them, on virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.connection.interaction import Interaction, Nobody
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.hosts.book import HostBook, Overrides
from backend.settings.loader import load_settings
from mocks.clock import VirtualClock
from mocks.connector import SimulatedConnector
from mocks.demo.history import demo_past
from mocks.demo.readings import demo_readings
from mocks.demo.setup import write_demo_files
from mocks.world import World, demo_world


@dataclass
class Demo:
    """The demo, open."""

    services: Container
    world: World
    clock: VirtualClock


@asynccontextmanager
async def open_demo(directory: Path, person: Interaction | None = None) -> AsyncIterator[Demo]:
    """`directory` gets the demo's files and its state."""
    clock, vault = VirtualClock(grace=0.01), Vault()
    world = demo_world(clock)
    files = write_demo_files(world, directory / "demo")
    async with open_container(
        connector=SimulatedConnector(world, vault=vault, clock=clock),
        book=HostBook.of_entries(load_settings(files.config, environ={}), Overrides()),
        interaction=person or Nobody(),
        state_dir=directory,
        vault=vault,
        clock=clock,
        past=demo_past(world),
        simulated=True,
        readings_past=demo_readings(world),
    ) as services:
        yield Demo(services, world, clock)
