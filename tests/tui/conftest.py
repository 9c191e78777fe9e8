"""The workbench in tests: in the demo world on a clock that stands still, or over fakes for single states."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.widgets import Input

from screenshots.at_rest import at_rest
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


@pytest.fixture(autouse=True)
def rest_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pilot waits until nothing is left to do, and no longer."""
    for module in ("textual.pilot", "textual.app"):
        monkeypatch.setattr(f"{module}.wait_for_idle", at_rest)
    monkeypatch.setattr("textual.screen.UPDATE_PERIOD", 0.004)


@pytest.fixture(autouse=True)
def styles_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For all tests of a process together, not for each app."""
    parse = Stylesheet._parse_rules

    def parsed(sheet: Stylesheet, *given: Any, **more: Any) -> list[RuleSet]:
        key = (given, tuple(more.items()), tuple(sheet._variables.items()))
        if key not in _PARSED:
            _PARSED[key] = parse(sheet, *given, **more)
        return _PARSED[key]

    monkeypatch.setattr(Stylesheet, "_parse_rules", parsed)


_PARSED: dict[Any, list[RuleSet]] = {}


@pytest.fixture(autouse=True)
def painted_when_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen without a terminal is painted for each change, and nobody sees it: that is left out.

    It is painted for `shown`, for pictures, and where a test has settled.
    """
    paint = Compositor.render_update

    def render_update(
        compositor: Compositor,
        full: bool = False,
        screen_stack: list[Any] | None = None,
        simplify: bool = False,
    ) -> RenderableType | None:
        if full:
            return paint(compositor, True, screen_stack, simplify)
        visible_screen_stack.set(screen_stack or [])
        compositor._dirty_regions.clear()
        return None

    monkeypatch.setattr(Compositor, "render_update", render_update)


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
            shown(pilot)

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
    shown(pilot)


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
    visible_screen_stack.set(pilot.app._background_screens)
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())
