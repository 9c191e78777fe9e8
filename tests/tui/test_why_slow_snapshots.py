"""Pictures of the answer to "why is it slow" in the demo world. Look at them before accepting a change."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from mocks.host import Network
from screenshots.scene import Scene
from tests.tui.test_why_slow import measured


def test_a_slow_line_is_named(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def measure(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        scene.world["web-1"].network = Network(round_trip=0.04, rate=1.2e6)
        await pilot.press("4", "w")
        await measured(scene, pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=measure)


def test_slow_login_files_are_named(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def measure(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        scene.world["web-1"].faults.slow_login_files = 1.5
        await pilot.press("4", "w")
        await measured(scene, pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=measure)
