"""A fleet of simulated hosts with the services over it: straight at the seam, or over real SSH on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from backend.clock import Clock, SystemClock
from backend.connection.connector import Connector
from backend.connection.interaction import Interaction, Nobody
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.hosts.book import HostBook
from backend.settings import SettingsFile
from mocks.connector import SimulatedConnector
from mocks.demo.setup import write_demo_files
from mocks.fleet import write_fleet_files
from mocks.served import ServedWorld
from mocks.world import World


def names(count: int) -> tuple[str, ...]:
    """The fleet's first hosts."""
    return tuple(f"node-{number}" for number in range(1, count + 1))


def mark_production(world: World, *hosts: str) -> None:
    """Let the host book say so of these."""
    world.listings = tuple(replace(listing, production=listing.host.name in hosts) for listing in world.listings)


@asynccontextmanager
async def fleet_services(
    world: World, directory: Path, person: Interaction | None = None, *, clock: Clock | None = None
) -> AsyncIterator[Container]:
    """The services over the simulated fleet, without a network."""
    clock, vault = clock or SystemClock(), Vault()
    files = await asyncio.to_thread(write_demo_files, world, directory / "config")
    file = SettingsFile(files.config, is_named=True, environ={})
    connector: Connector = SimulatedConnector(world, vault=vault, clock=clock)
    async with open_container(
        connector=connector,
        book=HostBook.of_entries(await asyncio.to_thread(file.load), file=file),
        interaction=person or Nobody(),
        state_dir=directory / "state",
        vault=vault,
        clock=clock,
        bulk_apart=False,
    ) as services:
        yield services


@asynccontextmanager
async def served_fleet(world: World, directory: Path) -> AsyncIterator[Path]:
    """The fleet over real SSH on loopback; its ssh_config."""
    async with ServedWorld(world) as served:
        yield await asyncio.to_thread(write_fleet_files, served, directory)
