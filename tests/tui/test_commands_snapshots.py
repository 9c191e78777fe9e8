"""Pictures of the commands in the demo world. Look at them before accepting a change."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from backend.commands.executor import CommandState
from screenshots.scene import Scene
from tui.screens.commands import CommandsScreen


async def _arrive(scene: Scene, pilot: Pilot[Any]) -> CommandsScreen:
    await scene.settle(pilot)
    scene.app.host = "web-1"
    await pilot.press("2")
    await scene.settle(pilot)
    front = scene.app.front
    assert isinstance(front, CommandsScreen)
    return front


async def _run(scene: Scene, pilot: Pilot[Any], *lines: str) -> None:
    await scene.connect(pilot, "web-1")
    for line in lines:
        await _type(scene, pilot, line)
        await pilot.press("enter")
        await scene.finish_work(pilot)
    await _drawn(scene, pilot)


async def _type(scene: Scene, pilot: Pilot[Any], line: str) -> None:
    assert isinstance(scene.app.front, CommandsScreen)
    scene.app.front.line.input.value = line
    await pilot.pause()


async def _drawn(scene: Scene, pilot: Pilot[Any]) -> None:
    front = scene.app.front
    assert isinstance(front, CommandsScreen)
    await scene.picture(pilot)
    await scene.caught_up(pilot, lambda: not front.output.behind)
    await scene.picture(pilot)


def test_a_host_where_nothing_ran_yet(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def arrive(pilot: Pilot[Any]) -> None:
        await _arrive(scene, pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=arrive)


def test_a_log_is_followed_beside_what_ended(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def follow(pilot: Pilot[Any]) -> None:
        await _arrive(scene, pilot)
        await _run(scene, pilot, "uptime", "ls /nowhere")
        await _type(scene, pilot, "journalctl -u nginx -f")
        await pilot.press("enter")
        commands = scene.app.services.commands
        await scene.settle(pilot, until=lambda: commands.all()[-1].state is CommandState.RUNNING)
        await scene.pass_time(pilot, 7)
        await _type(scene, pilot, "df -h")
        await _drawn(scene, pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=follow)


def test_a_stopped_command_says_what_was_confirmed(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def stop(pilot: Pilot[Any]) -> None:
        await _arrive(scene, pilot)
        await scene.connect(pilot, "web-1")
        await _type(scene, pilot, "sleep 600")
        await pilot.press("enter")
        commands = scene.app.services.commands
        await scene.settle(pilot, until=lambda: commands.all()[-1].state is CommandState.RUNNING)
        await scene.pass_time(pilot, 3)
        await pilot.press("ctrl+c")
        await scene.finish_work(pilot)
        await _drawn(scene, pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=stop)


def test_a_host_that_refuses_is_explained(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def refuse(pilot: Pilot[Any]) -> None:
        scene.world["web-1"].faults.refuses = True
        await _arrive(scene, pilot)
        await _type(scene, pilot, "uptime")
        await pilot.press("enter")
        await scene.settle(pilot)
        await pilot.press("enter")
        await scene.finish_work(pilot)
        await _drawn(scene, pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=refuse)


def test_a_host_that_is_not_there_can_be_waited_for(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        await _arrive(scene, pilot)
        await _type(scene, pilot, "sudo systemctl reload nginx")
        await pilot.press("enter")
        await scene.settle(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=ask)


def test_matches_are_marked_and_counted(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def search(pilot: Pilot[Any]) -> None:
        front = await _arrive(scene, pilot)
        await _run(scene, pilot, "seq 1 5000")
        await pilot.press("tab", "slash", *"99", "enter", "N")
        await scene.caught_up(pilot, lambda: not front.output.behind)
        await _drawn(scene, pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=search)


def test_how_commands_run_is_chosen_in_a_panel(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def choose(pilot: Pilot[Any]) -> None:
        await _arrive(scene, pilot)
        await pilot.press("alt+o", "space", "down", *"deploy", "down", *"90")
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=choose)


def test_what_is_unusual_stands_beside_the_line(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def run(pilot: Pilot[Any]) -> None:
        await _arrive(scene, pilot)
        await scene.connect(pilot, "web-1")
        await pilot.press("alt+o", "space", "ctrl+s")
        await scene.settle(pilot)
        await _type(scene, pilot, "id")
        await pilot.press("enter")
        await scene.finish_work(pilot)
        await pilot.press(*"make", "alt+enter", *"make test")
        await _drawn(scene, pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=run)
