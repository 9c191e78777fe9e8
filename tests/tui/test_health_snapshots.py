"""Pictures of a host's history and of plots in the demo world. Look at them before accepting a change."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from screenshots.scene import Scene


@pytest.mark.parametrize("keys", [("h",), ("h", "enter"), ("h", "enter", "d")], ids=("history", "month", "day"))
def test_the_history_of_a_host(scene: Scene, size: tuple[int, int], keys: tuple[str, ...], snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press("4")
        for key in keys:
            await pilot.press(key)
            await scene.settle(pilot)
            await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=look)
