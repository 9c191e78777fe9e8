"""The workbench for the measurements, running over real connections, and how long things take in it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from backend import garbage
from benchmarks.lab import Lab
from cli.compose import open_services
from cli.configuration import configure
from cli.flags import GlobalFlags
from tui.app import WorkbenchApp, WorkbenchOptions
from tui.glyphs import UNICODE
from tui.screens.files import FilesScreen
from tui.widgets.file_pane import FilePane

KEYS_APART = 0.02
"""Seconds between two keys."""
_LOST = 10.0
"""Seconds after which something will not come any more."""


@asynccontextmanager
async def workbench(made: Lab, host: str) -> AsyncIterator[WorkbenchApp]:
    """The workbench at its files screen, as large as a big terminal."""
    configuration = configure(GlobalFlags(ssh_config=made.config, batch=True, state_dir=made.state))
    app = WorkbenchApp(
        lambda person: open_services(configuration, person, bulk_apart=True),
        WorkbenchOptions(glyphs=UNICODE, host=host),
        opened=garbage.search,
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await until(lambda: app.front is not None)
        await pilot.press("3")
        await until(lambda: isinstance(app.front, FilesScreen))
        yield app


async def until(condition: Callable[[], bool]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOST):
            while not condition():
                await asyncio.sleep(0.0005)


def spread(waits: Sequence[float]) -> str:
    """Of some seconds, in milliseconds."""
    waits = sorted(waits)
    p95, middle = waits[int(len(waits) * 0.95)], statistics.median(waits)
    return f"p50 {middle * 1000:5.1f} ms  p95 {p95 * 1000:5.1f} ms  worst {waits[-1] * 1000:5.1f} ms"


class Keys:
    """Presses `down` and `up`, and keeps how long each took to move the cursor."""

    def __init__(self, app: WorkbenchApp, pane: FilePane) -> None:
        self._app = app
        self._pane = pane
        self.waits: list[float] = []

    async def press(self) -> None:
        rows = self._pane.rows
        pressed, before = time.monotonic(), rows.cursor
        self._app.simulate_key("down" if before < rows.count - 1 else "up")
        await until(lambda: rows.cursor != before)
        self.waits.append(time.monotonic() - pressed)
        await asyncio.sleep(KEYS_APART)

    async def press_while(self, condition: Callable[[], bool]) -> float:
        """Seconds that it lasted."""
        began = time.monotonic()
        await self.press()
        while condition():
            await self.press()
        return time.monotonic() - began

    def __str__(self) -> str:
        return spread(self.waits)
