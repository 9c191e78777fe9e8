"""Pictures of jobs and processes in the demo world. Look at them before accepting a change."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from screenshots.scene import Scene
from tests.tui.test_jobs_screen import arrive, jobs_panel, output_view, processes_panel


def test_jobs_of_a_host(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        await arrive(scene, pilot)
        await jobs_panel(scene, pilot)
        await pilot.press("down", "down", "up", "up")
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=show)


def test_what_a_job_says(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        await arrive(scene, pilot)
        await jobs_panel(scene, pilot)
        await output_view(scene, pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=show)


def test_processes_of_a_host(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def show(pilot: Pilot[Any]) -> None:
        await arrive(scene, pilot, "web-1")
        await processes_panel(scene, pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=show)
