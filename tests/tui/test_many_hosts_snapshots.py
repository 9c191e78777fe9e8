"""Pictures of a run on many hosts in the demo world. Look at them before accepting a change."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from screenshots.scene import Scene
from tests.tui.test_many_hosts import choose, open_panel, run


def test_hosts_are_chosen(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def arrive(pilot: Pilot[Any]) -> None:
        panel = await open_panel(scene, pilot)
        await choose(scene, pilot, panel, "web-1", "db-2", "gpu-7")
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=arrive)


def test_each_host_and_how_it_stands(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def arrive(pilot: Pilot[Any]) -> None:
        panel = await open_panel(scene, pilot)
        scene.world["gpu-7"].faults.refuses = True
        await choose(scene, pilot, panel, "web-1", "db-2", "gpu-7", "bastion")
        await pilot.press("enter")
        panel.query_one("CommandField").value = "uname -r; tail -f /etc/hostname"  # type: ignore[attr-defined]
        await pilot.press("enter")
        (running,) = scene.app.services.many.all()
        await scene.settle(
            pilot, until=lambda: running.counts.over == 1 and sum(bool(h.kept.of_out(1)) for h in running.hosts) == 3
        )
        await scene.pass_time(pilot, 0.1)

    assert snap_compare(scene.app, terminal_size=size, run_before=arrive)


def test_groups_of_equal_output(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def arrive(pilot: Pilot[Any]) -> None:
        panel = await open_panel(scene, pilot)
        scene.world["gpu-7"].faults.refuses = True
        await choose(scene, pilot, panel, "web-1", "db-2", "gpu-7", "bastion")
        await run(scene, pilot, panel, 'test "$(hostname)" != db-2 && echo "nginx 1.24.0" || echo "nginx 1.22.1"')
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=arrive)
