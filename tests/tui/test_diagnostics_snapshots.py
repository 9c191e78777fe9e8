"""Pictures of the diagnostics in the demo world. Look at them before accepting a change."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from screenshots.scene import Scene


def test_a_ladder_through_a_bastion(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def climb(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press("down", "d")
        await scene.settle(pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=climb)


def test_a_ladder_that_breaks_is_explained(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def climb(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        scene.world["web-1"].faults.refuses = True
        await pilot.press("d")
        await scene.settle(pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=climb)
