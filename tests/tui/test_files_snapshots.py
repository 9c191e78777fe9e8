"""Pictures of the files in the demo world. Look at them before accepting a change."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from screenshots.scene import Scene
from tui.screens.files import FilesScreen


@pytest.fixture(autouse=True)
def in_the_project(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local side begins in the demo's own project."""
    monkeypatch.chdir(scene.local_project())


async def _arrive(scene: Scene, pilot: Pilot[Any], *, host: str = "web-1") -> FilesScreen:
    await scene.settle(pilot)
    scene.app.host = host
    await pilot.press("3")
    await scene.settle(pilot)
    front = scene.app.front
    assert isinstance(front, FilesScreen)
    await _rest(scene, pilot, front)
    return front


async def _rest(scene: Scene, pilot: Pilot[Any], front: FilesScreen) -> None:
    await scene.settle(pilot)
    await scene.settle(pilot, until=lambda: front.local.settled and front.remote.settled)
    await scene.settle(pilot)


async def _connected(scene: Scene, pilot: Pilot[Any], path: bytes = b"/srv/app") -> FilesScreen:
    """Both sides read, the keys on the host's."""
    front = await _arrive(scene, pilot)
    await pilot.press("tab")
    front.remote.open(scene.app.services.files.on("web-1"), path)
    await _rest(scene, pilot, front)
    return front


def _stand_on(front: FilesScreen, name: bytes) -> None:
    pane = front.pane
    assert pane.rows.move_to_name(name)
    pane.list.rows_changed()


def test_before_there_is_a_connection(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def arrive(pilot: Pilot[Any]) -> None:
        await _arrive(scene, pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=arrive)


def test_two_sides_with_files_chosen(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def choose(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot)
        await pilot.press("down", "space", "down", "space")
        await _rest(scene, pilot, front)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=choose)


def test_transfers_under_way_and_done(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def copy(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot)
        await pilot.press("tab")
        _stand_on(front, b"logo.png")
        await pilot.press("c")
        await scene.finish_work(pilot)
        await _rest(scene, pilot, front)
        await pilot.press("tab")
        _stand_on(front, b"model.bin")
        await pilot.press("c")
        transfers = scene.app.services.transfers
        await scene.settle(pilot, until=lambda: transfers.all()[-1].progress.bytes_done > 10_000_000)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=copy)


def test_names_that_are_taken(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def conflict(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot, b"")
        await pilot.press("tab", "asterisk", "c")
        await _rest(scene, pilot, front)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=conflict)


def test_a_directory_that_may_not_be_read(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def refuse(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot, b"/root")
        await _rest(scene, pilot, front)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=refuse)
