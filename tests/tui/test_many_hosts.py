"""Many hosts at once, in the demo world: choosing, running, groups of equal output, again where it failed."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from screenshots.scene import Scene
from tests.tui.conftest import DemoApp, shown
from tui.many_looks import AtWork, HostChoice, Same
from tui.prompts.difference import DifferencePrompt
from tui.prompts.many import ManyPanel
from tui.prompts.many_output import ManyOutput
from tui.screens.commands import CommandsScreen
from tui.widgets.command_field import CommandField


async def open_panel(scene: Scene, pilot: Pilot[Any]) -> ManyPanel:
    await scene.settle(pilot)
    scene.app.host = "web-1"
    await pilot.press("2")
    await scene.settle(pilot)
    assert isinstance(scene.app.front, CommandsScreen)
    await pilot.press("alt+g")
    await scene.settle(pilot)
    assert isinstance(scene.app.screen, ManyPanel)
    return scene.app.screen


async def choose(scene: Scene, pilot: Pilot[Any], panel: ManyPanel, *hosts: str) -> None:
    for host in hosts:
        panel.list_.move_to(f"choice {host}")
        await pilot.press("space")
    await scene.settle(pilot)


async def run(scene: Scene, pilot: Pilot[Any], panel: ManyPanel, line: str) -> None:
    """Type the line for the chosen hosts, and see it through."""
    await pilot.press("enter")
    panel.query_one("CommandField").value = line  # type: ignore[attr-defined]
    await pilot.press("enter")
    many = scene.app.services.many
    await scene.settle(pilot, until=lambda: bool(many.all()) and many.all()[-1].over)
    await scene.settle(pilot)


async def test_hosts_are_chosen_and_the_line_says_how_many(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        panel = await open_panel(scene, pilot)
        assert all(isinstance(row, HostChoice) for row in panel.list_.rows)
        await choose(scene, pilot, panel, "web-1", "db-2")
        assert panel.summary().startswith("2 of 7 hosts")
        await pilot.press("a")
        assert panel.summary().startswith("7 of 7 hosts")
        await pilot.press("a")
        assert panel.summary().startswith("0 of 7 hosts")


async def test_hosts_are_chosen_by_group_pattern_and_range(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        panel = await open_panel(scene, pilot)
        for typed in ("prod", "gpu-*,new[1-2]"):
            await pilot.press("h")
            await scene.settle(pilot)
            scene.app.screen.query_one("AnswerLine").value = typed  # type: ignore[attr-defined]
            await pilot.press("enter")
            await scene.settle(pilot)
        chosen = {row.entry.name for row in panel.list_.rows if isinstance(row, HostChoice) and row.chosen}
        assert {"web-1", "gpu-7", "new1", "new2"} <= chosen


async def test_the_same_output_is_one_group_and_a_difference_can_be_seen(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        panel = await open_panel(scene, pilot)
        await choose(scene, pilot, panel, "web-1", "db-2", "gpu-7")
        await run(scene, pilot, panel, 'test "$(hostname)" != db-2 && echo same || echo other')
        groups = [row for row in panel.list_.rows if isinstance(row, Same)]
        assert [group.alike.hosts for group in groups] == [("web-1", "gpu-7"), ("db-2",)]
        assert not panel.check_action("difference", ())
        await pilot.press("down", "d")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, DifferencePrompt))


async def test_what_ran_on_many_hosts_is_in_the_history_and_runs_again(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        panel = await open_panel(scene, pilot)
        await choose(scene, pilot, panel, "web-1", "db-2")
        await run(scene, pilot, panel, "hostname")
        await pilot.press("n", "escape", "ctrl+r", "tab")
        await scene.settle(pilot)
        assert "many hosts hostname" in shown(pilot), "among the lines of all hosts"
        await pilot.press("escape", "alt+g")
        await scene.settle(pilot)
        await pilot.press("n", "ctrl+r")
        await scene.settle(pilot)
        await pilot.press("enter")
        await scene.settle(pilot)
        again = scene.app.screen
        assert isinstance(again, ManyPanel)
        field = again.query_one(CommandField)
        assert field.value == "hostname"
        await pilot.press("enter")
        many = scene.app.services.many
        await scene.settle(pilot, until=lambda: len(many.all()) == 2 and many.all()[-1].over)


async def test_each_host_can_be_looked_at_in_full(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        panel = await open_panel(scene, pilot)
        await choose(scene, pilot, panel, "web-1", "db-2")
        await run(scene, pilot, panel, "hostname; seq 100")
        await pilot.press("v")
        assert all(isinstance(row, AtWork) for row in panel.list_.rows)
        panel.list_.move_to("host db-2")
        await pilot.press("enter")
        assert isinstance(scene.app.screen, ManyOutput)
        buffer = scene.app.screen.query_one("OutputView").buffer  # type: ignore[attr-defined]
        assert (buffer.end, buffer.lines(0, 1)[0].raw) == (101, b"db-2")
        await pilot.press("escape")
        assert isinstance(scene.app.screen, ManyPanel)


async def test_a_host_that_is_not_reached_is_explained_as_the_ladder_explains_it(demo_app: DemoApp) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        scene.world["web-1"].faults.refuses = True
        panel = await open_panel(scene, pilot)
        await choose(scene, pilot, panel, "web-1", "db-2")
        await run(scene, pilot, panel, "true")
        await pilot.press("home")
        await scene.settle(pilot)
        await scene.finish_work(pilot)
        words = " ".join(shown(pilot).replace("│", " ").split())
        assert "TCP_REFUSED" in words
        assert "fairlead diagnose web-1" in words


async def test_it_runs_again_where_it_failed(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        panel = await open_panel(scene, pilot)
        await choose(scene, pilot, panel, "web-1", "db-2")
        await run(scene, pilot, panel, 'test "$(hostname)" = web-1')
        await pilot.press("r")
        many = scene.app.services.many
        await scene.settle(pilot, until=lambda: many.all()[-1].over)
        assert [one.spec.hosts for one in many.all()] == [("web-1", "db-2"), ("db-2",)]


async def test_closing_stops_nothing_and_opening_shows_the_run(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        panel = await open_panel(scene, pilot)
        await choose(scene, pilot, panel, "web-1", "db-2")
        await pilot.press("enter")
        panel.query_one("CommandField").value = "sleep 600"  # type: ignore[attr-defined]
        await pilot.press("enter", "escape")
        (running,) = scene.app.services.many.all()
        await scene.settle(pilot, until=lambda: running.counts.under_way == 2)
        await pilot.press("alt+g")
        await scene.settle(pilot)
        shown = scene.app.screen
        assert isinstance(shown, ManyPanel)
        assert [row.run.host for row in shown.list_.rows if isinstance(row, AtWork)] == ["web-1", "db-2"]
        await pilot.press("x")
        await scene.settle(pilot, until=lambda: running.over)
        await scene.settle(pilot)
        await pilot.press("n")
        assert isinstance(shown.list_.rows[0], HostChoice)
        assert shown.query_one("CommandField").value == "sleep 600"  # type: ignore[attr-defined]


async def test_a_refused_production_change_is_told(demo_app: DemoApp, monkeypatch: pytest.MonkeyPatch) -> None:
    async with demo_app() as (scene, pilot):
        panel = await open_panel(scene, pilot)
        monkeypatch.setattr(scene.app.services.production, "_agreed", False)
        await choose(scene, pilot, panel, "web-1", "db-2")
        await pilot.press("enter")
        panel.query_one("CommandField").value = "touch x"  # type: ignore[attr-defined]
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: type(scene.app.screen).__name__ == "ConfirmPrompt")
        await scene.settle(pilot)
        await pilot.press("escape")
        await scene.settle(pilot, until=lambda: len(scene.app._notifications) > 0)
        assert [toast.title for toast in scene.app._notifications] == ["running it on many hosts"]
