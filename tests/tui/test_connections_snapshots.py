"""Pictures of the connections in the demo world. Look at them before accepting a change."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot

from backend.connection.connector import Phase
from mocks.demo.queue import demo_requests
from screenshots.scene import Scene
from tui.prompts.routes import PERIOD


def test_the_first_screen_lists_the_hosts(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def arrive(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=arrive)


def test_a_connected_host_tells_how_it_is_reached(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def connect(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press("down", "enter")
        await scene.settle(pilot)
        await scene.pass_time(pilot, 600)

    assert snap_compare(scene.app, terminal_size=size, run_before=connect)


def test_an_unknown_host_key_is_asked_about(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def meet(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        scene.forget_host_key("web-1")
        await pilot.press("enter")
        await scene.settle(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=meet)


def test_a_changed_host_key_is_a_warning(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def meet(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press(*["down"] * 3, "enter")
        await scene.settle(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=meet)


def test_a_refused_host_key_leaves_the_reason_on_the_screen(
    scene: Scene, size: tuple[int, int], snap_compare: Any
) -> None:
    async def refuse(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press(*["down"] * 3, "enter")
        await scene.settle(pilot)
        await pilot.press("escape")
        await scene.settle(pilot)
        await scene.pass_time(pilot, 60)

    assert snap_compare(scene.app, terminal_size=size, run_before=refuse)


def test_a_server_asks_its_own_questions(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press("end", "enter")
        await scene.settle(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=ask)


def test_a_lost_connection_counts_down(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def lose(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press("enter")
        await scene.settle(pilot)
        scene.cut("web-1")
        await scene.settle(pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=lose)


def test_a_host_whose_first_routes_failed(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def connect(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        scene.app.host = "gpu-7"
        await scene.connect(pilot, "gpu-7")
        await pilot.press("right")
        await scene.pass_time(pilot, 60)

    assert snap_compare(scene.app, terminal_size=size, run_before=connect)


@pytest.mark.parametrize("key", ["right", "R"])
def test_a_race_of_routes_under_way(scene: Scene, size: tuple[int, int], key: str, snap_compare: Any) -> None:
    async def connect(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        scene.app.host = "gpu-7"
        session = scene.app.services.sessions.get("gpu-7")
        connecting = asyncio.create_task(session.link())
        await scene.settle(pilot, until=lambda: any(route.phase is Phase.TCP for route in session.routes[1:]))
        await pilot.press(key)
        await scene.pass_time(pilot, 0.05)
        await pilot.pause(PERIOD * 2)
        connecting.cancel()

    assert snap_compare(scene.app, terminal_size=size, run_before=connect)


def test_a_host_that_something_waits_for(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        for waiting in demo_requests(scene.clock.now()):
            await scene.app.services.requests.submit(waiting.host, waiting.action, deadline=waiting.deadline)
        scene.app.host = "gpu-7"
        await scene.settle(pilot)
        await pilot.press("right")
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=ask)
