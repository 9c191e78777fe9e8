"""Pictures of a sync: the form, the plan with deletions, and when nothing differs. Look before accepting a change."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from screenshots.scene import Scene
from tests.tui.test_files_snapshots import _connected, _rest
from tui.prompts.sync_options import SyncOptionsPrompt
from tui.prompts.sync_plan import SyncPanel


@pytest.fixture(autouse=True)
def in_the_project(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scene.local_project())


async def _form(scene: Scene, pilot: Pilot[Any], *keys: str) -> None:
    front = await _connected(scene, pilot, b"/home/deploy")
    await pilot.press("tab", "y")
    await _rest(scene, pilot, front)
    assert isinstance(scene.app.screen, SyncOptionsPrompt)
    await pilot.press(*keys)


async def _plan(scene: Scene, pilot: Pilot[Any], *keys: str) -> None:
    await _form(scene, pilot, *keys, "ctrl+s")
    await pilot.pause()
    panel = scene.app.screen
    assert isinstance(panel, SyncPanel)
    await scene.settle(pilot, until=lambda: panel.ready)
    panel.armed = True
    panel.refresh_bindings()


def test_how_it_is_asked_for(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        await _form(scene, pilot, "down", "down", "space", "down", *"photos/")
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=ask)


def test_a_plan_with_deletions_some_of_it_left_out(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        await _plan(scene, pilot, "down", "down", "space", "down", *"photos/")
        await pilot.press("space", "down", "space")
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=show)
