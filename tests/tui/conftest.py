"""The workbench in tests: in the demo world on a clock that stands still, or over fakes for single states."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from screenshots.scene import STANDING_WORKERS, Scene
from tests.tui.fakes import FakeServices, a_few_hosts
from tui.app import WorkbenchApp, WorkbenchOptions
from tui.glyphs import UNICODE

SIZES = [(80, 24), (120, 36)]
"""The sizes that every screen is looked at in."""

DemoApp = Callable[..., AbstractAsyncContextManager[tuple[Scene, Pilot[Any]]]]


@pytest.fixture(autouse=True)
def still_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """No animation and no blinking cursor: a picture depends on nothing but what was done."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)


@pytest.fixture
def scene(own_home: Path) -> Scene:
    """The workbench in the demo world, not yet running; for snapshots, which run it themselves."""
    return Scene(own_home)


@pytest.fixture
def demo_app(own_home: Path) -> DemoApp:
    """`async with demo_app((80, 24)) as (scene, pilot)`: running, settled, on its first screen."""

    @asynccontextmanager
    async def run(size: tuple[int, int] = (120, 36)) -> AsyncIterator[tuple[Scene, Pilot[Any]]]:
        scene = Scene(own_home)
        async with scene.app.run_test(size=size) as pilot:
            await scene.settle(pilot)
            yield scene, pilot

    return run


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Columns and rows."""
    columns, rows = request.param
    return columns, rows


async def settled(pilot: Pilot[Any]) -> None:
    """All messages handled, no worker running, nothing on the bridge, the picture drawn."""
    app = pilot.app
    assert isinstance(app, WorkbenchApp)
    async with asyncio.timeout(30):
        await pilot.pause()
        while not _quiet(app):
            await asyncio.sleep(0.005)
            await pilot.pause()


def _quiet(app: WorkbenchApp) -> bool:
    waiting = app.screen.is_modal
    busy = any(worker.is_running for worker in app.workers if worker.group not in STANDING_WORKERS)
    return app.bridge is not None and app.bridge.idle and app.front is not None and (waiting or not busy)


@pytest.fixture
def services() -> FakeServices:
    """Services that stand still, with a few hosts."""
    return FakeServices(a_few_hosts())


FakeApp = Callable[..., AbstractAsyncContextManager[Pilot[Any]]]


@pytest.fixture
def fake_app(services: FakeServices) -> FakeApp:
    """`async with fake_app((80, 24)) as pilot`: the workbench over `services`, settled."""

    @asynccontextmanager
    async def run(size: tuple[int, int] = (120, 36), **options: Any) -> AsyncIterator[Pilot[Any]]:
        app = WorkbenchApp(services.open, WorkbenchOptions(glyphs=UNICODE, **options))
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            yield pilot

    return run


def workbench(pilot: Pilot[Any]) -> WorkbenchApp:
    """The app, by its own type."""
    assert isinstance(pilot.app, WorkbenchApp)
    return pilot.app


def shown(pilot: Pilot[Any]) -> str:
    """What is on the screen now, as plain text."""
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
