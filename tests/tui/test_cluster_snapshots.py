"""Pictures of the cluster's queue, its modules and sessions. Look at them before accepting a change."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from screenshots.scene import Scene
from tests.support.cluster_scene import HOST, at_the_cluster, open_session, run
from tests.tui.conftest import shown
from tui.how_to_run import HowToRun


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        (("alt+q", "down", "down"), "Ask for less"),
        (("alt+q", "n"), "script there"),
        (("alt+m", "g", "c", "c"), "2 of 7 modules"),
    ],
    ids=["queue", "submit", "modules"],
)
def test_the_cluster(scene: Scene, size: tuple[int, int], keys: tuple[str, ...], what: str, snap_compare: Any) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        await at_the_cluster(scene, pilot)
        await pilot.press(keys[0])
        await scene.settle(pilot, until=lambda: "train-xl" in shown(pilot) or "gcc/13.2" in shown(pilot))
        await pilot.press(*keys[1:])
        await scene.settle(pilot, until=lambda: what in shown(pilot))
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=show)


def test_modules_and_a_session_beside_the_line(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        front = await at_the_cluster(scene, pilot)
        front.set_how(HOST, HowToRun(modules=("gcc/13.2", "openmpi/5.0.3")))
        await run(scene, pilot, "echo $LOADEDMODULES")
        front.line.input.value = "make"
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=show)


def test_sessions(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        front = await at_the_cluster(scene, pilot)
        for name in ("build", "work"):
            await open_session(scene, pilot, name)
            front.set_how(HOST, HowToRun(shell=name))
            await run(scene, pilot, "cd jobs" if name == "work" else "exit 1")
        await pilot.press("alt+n", "down")
        await scene.settle(pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=show)
