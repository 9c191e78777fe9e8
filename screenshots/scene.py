"""The workbench in the demo world, on a clock that moves only when it is told to: for pictures and for tests.

The same world, the same keys and the same moment each time, so that two pictures of one screen are equal.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from textual.pilot import Pilot

from backend.connection.connector import Space
from backend.connection.interaction import Interaction
from backend.connection.sessions import Sessions
from backend.connection.state import BUSY, SessionState
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.files.filesystem import Files, FileSystem
from backend.files.local import LocalFileSystem
from backend.hosts.book import HostBook
from backend.production.guard import Permit
from backend.settings import SettingsFile
from mocks import handshake as _loaded_before  # noqa: F401 - else a thread loads it, as long as the machine takes
from mocks.clock import VirtualClock
from mocks.connector import SimulatedConnector
from mocks.demo.history import demo_past
from mocks.demo.local import demo_local_tree
from mocks.demo.readings import demo_readings
from mocks.demo.setup import write_demo_files
from mocks.world import World, demo_world
from screenshots.at_rest import SOON, at_rest, watch_threads
from tui.app import WorkbenchApp, WorkbenchOptions
from tui.glyphs import UNICODE
from tui.prompts.base import Prompt
from tui.status import work_under_way

SEED = 7
PATIENCE = 60.0
"""Seconds of real time after which something that never comes to rest is given up."""


class SteadyLocalFiles(LocalFileSystem):
    """This machine's files, with the same room on the disk wherever the picture is taken."""

    async def start(self) -> bytes:
        return await self.resolve(".")

    async def space(self, path: bytes) -> Space | None:
        return Space(total=512 * 10**9, free=212 * 10**9)


class SteadyFiles(Files):
    """Both sides, the local one steady."""

    def __init__(self, *, sessions: Sessions, permit: Permit) -> None:
        super().__init__(sessions=sessions, permit=permit)
        self._steady = SteadyLocalFiles()

    @property
    def local(self) -> FileSystem:
        return self._steady


class Scene:
    """One workbench, not yet running. `home` gets the demo's files; no two scenes may share one at a time."""

    def __init__(self, home: Path, *, options: WorkbenchOptions | None = None, agreed: bool = True) -> None:
        """`agreed`: production hosts are changed without a question."""
        self._agreed = agreed
        self.clock = VirtualClock(automatic=False)
        self.world: World = demo_world(self.clock)
        self._files = write_demo_files(self.world, home / ".config" / "fairlead")
        self._home = home
        self._state = home / ".local" / "state" / "fairlead"
        self.app = WorkbenchApp(self.open, options or WorkbenchOptions(demo=True, glyphs=UNICODE))

    @asynccontextmanager
    async def open(self, interaction: Interaction) -> AsyncIterator[Container]:
        """The services over the simulated world."""
        watch_threads(asyncio.get_running_loop())
        vault = Vault()
        file = SettingsFile(self.config, is_named=True, environ={})
        async with open_container(
            connector=SimulatedConnector(self.world, vault=vault, clock=self.clock),
            book=HostBook.of_entries(file.load(), file=file),
            interaction=interaction,
            state_dir=self._state,
            vault=vault,
            clock=self.clock,
            chance=Random(SEED),  # noqa: S311 - the same jitter each time
            past=demo_past(self.world),
            simulated=True,
            readings_past=demo_readings(self.world),
            agreed=self._agreed,
        ) as services:
            services.files = SteadyFiles(sessions=services.sessions, permit=services.production.ask)
            try:
                yield services
            finally:
                self.clock.go_on()  # nobody looks any more: what is to end need not wait for real time

    @property
    def config(self) -> Path:
        """The demo's `config.toml`."""
        return self._files.config

    @property
    def state(self) -> Path:
        """The state directory."""
        return self._state

    def local_project(self) -> Path:
        """A small project in the home directory, with the same times and modes everywhere. Blocks."""
        project = demo_local_tree(self._home / "projects" / "shop", self.clock)
        moment = self.clock.now().timestamp() - 86_400
        for path in [project, *project.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
            if path.is_dir():
                os.utime(path, (moment, moment))
        return project

    # --- troubling the world -------------------------------------------------------------------------------------

    def forget_host_key(self, host: str) -> None:
        """Nobody has seen the key of `host` yet."""
        address = next(listing.address for listing in self.world.listings if listing.host.name == host)
        known = self._files.known_hosts.read_text().splitlines(keepends=True)
        self._files.known_hosts.write_text("".join(line for line in known if not line.startswith(f"{address} ")))

    def cut(self, host: str) -> None:
        """Pull the cable of `host`."""
        self.world[host].cut_links()

    async def connect(self, pilot: Pilot[Any], host: str) -> None:
        """Have `host` connected, as if somebody had asked for it."""
        asked = asyncio.ensure_future(self.app.services.sessions.get(host).link())
        await self.settle(pilot, until=asked.done)
        await asked
        await self.settle(pilot)

    # --- letting it go on ----------------------------------------------------------------------------------------

    async def settle(self, pilot: Pilot[Any], *, until: Callable[[], bool] | None = None) -> None:
        """Let the world go on until nothing is under way, or until a condition holds, and all of it is drawn.

        An open prompt counts as rest: the world waits for the person then. Raises TimeoutError.
        """
        done = until or self._at_rest
        async with asyncio.timeout(PATIENCE):
            await self._drawn(pilot)
            while not done():
                await self._step()
                await self._drawn(pilot)
        if isinstance(self.app.screen, Prompt):
            self.app.screen.armed = True  # it would do so itself, by real time
        await self._drawn(pilot)

    async def caught_up(self, pilot: Pilot[Any], done: Callable[[], bool]) -> None:
        """Wait for what a screen does by real time, as drawing output that pours; the world stands still meanwhile."""
        async with asyncio.timeout(PATIENCE):
            await self._drawn(pilot)
            while not done():
                await asyncio.sleep(SOON)
                await self._drawn(pilot)

    async def _step(self) -> None:
        """Time goes to the next moment at which something happens and no further, so that what is measured is exact."""
        if (due := self.clock.next_due) is not None:
            await self.clock.advance(due - self.clock.monotonic())

    async def pass_time(self, pilot: Pilot[Any], seconds: float) -> None:
        """Let `seconds` pass in the world, and show what has become of it."""
        await self.clock.advance(seconds)
        await self.picture(pilot)

    async def picture(self, pilot: Pilot[Any]) -> None:
        """Everything drawn as it is at this moment of the world, without toasts, which go by real time."""
        await self._drawn(pilot)
        if (front := self.app.front) is not None:
            front.update_header()
            front.on_shown()
        self.app.clear_notifications()
        await self._drawn(pilot)

    async def finish_work(self, pilot: Pilot[Any]) -> None:
        """Let commands and transfers go on until all of them have ended."""
        await self.settle(pilot, until=lambda: not work_under_way(self.app.services).busy)
        await self.settle(pilot)

    def _at_rest(self) -> bool:
        bridge = self.app.bridge
        if bridge is None or self.app.front is None:
            return False
        if self.app.screen.is_modal:
            return True
        sessions = self.app.services.sessions.all()
        moving = any(session.state in BUSY - {SessionState.RECONNECTING} for session in sessions)
        return bridge.idle and not moving and not self.workers_busy()

    def workers_busy(self) -> bool:
        """Whether a worker is on its way to an end."""
        return any(worker.is_running for worker in self.app.workers if worker.group not in STANDING_WORKERS)

    async def _drawn(self, pilot: Pilot[Any]) -> None:
        """All messages handled and the picture up to date."""
        await at_rest()
        bridge = self.app.bridge
        if bridge is not None:
            bridge.flush()
        await pilot.pause()


STANDING_WORKERS = frozenset({"follow", "standing"})
"""Groups of workers that run as long as their screen; not waited for."""
