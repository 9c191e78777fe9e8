"""What was typed before and what is typed often: in the command line of the workbench."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from backend.commands.snippets.file import SnippetFile
from backend.commands.snippets.template import Snippet, Variable
from screenshots.scene import Scene
from tests.tui.conftest import DemoApp, shown
from tui.prompts.history import HistoryPrompt, HistoryRows
from tui.screens.commands import CommandsScreen


async def _arrive(scene: Scene, pilot: Pilot[Any]) -> CommandsScreen:
    await scene.settle(pilot)
    scene.app.host = "web-1"
    await pilot.press("2")
    await scene.settle(pilot)
    assert isinstance(scene.app.front, CommandsScreen)
    return scene.app.front


async def _run(scene: Scene, pilot: Pilot[Any], screen: CommandsScreen, *lines: str) -> None:
    await scene.connect(pilot, "web-1")
    for line in lines:
        screen.line.input.value = line
        await pilot.press("enter")
        await scene.finish_work(pilot)


async def test_what_ran_is_found_by_a_few_letters_and_does_not_run_by_itself(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        screen = await _arrive(scene, pilot)
        await _run(scene, pilot, screen, "uptime", "ls /nowhere", " echo secret")
        await scene.app.services.history.begin("db-2", "psql -c 'select 1'")
        await pilot.press("ctrl+r")
        await scene.settle(pilot)
        prompt = scene.app.screen
        assert isinstance(prompt, HistoryPrompt)
        rows = prompt.query_one("#choices")
        assert [(row.line, row.end) for row in rows.rows] == [("ls /nowhere", "2"), ("uptime", "0")]  # type: ignore[attr-defined]
        await pilot.press("tab")
        await scene.settle(pilot)
        assert len(rows.rows) == 3  # type: ignore[attr-defined]
        await pilot.press(*"upt", "enter")
        await scene.settle(pilot)
        assert screen.line.input.value == "uptime"
        assert len(scene.app.services.commands.all()) == 3


async def test_a_line_that_runs_detached_is_found_as_well(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        screen = await _arrive(scene, pilot)
        await scene.connect(pilot, "web-1")
        for line in ("sleep 5", " echo secret"):
            screen.line.input.value = line
            await pilot.press("alt+d")
            await scene.finish_work(pilot)
        await pilot.press("ctrl+r")
        await scene.settle(pilot)
        rows = scene.app.screen.query_one(HistoryRows)
        assert [(row.line, row.end) for row in rows.rows] == [("sleep 5", "")]


async def test_a_line_is_forgotten_and_that_can_be_undone(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        screen = await _arrive(scene, pilot)
        await _run(scene, pilot, screen, "uptime", "echo token", "hostname")
        await pilot.press("ctrl+r")
        await scene.settle(pilot)
        prompt = scene.app.screen
        assert isinstance(prompt, HistoryPrompt)
        rows = prompt.query_one(HistoryRows)
        await pilot.press("down", "down", "up", "alt+x")
        await scene.settle(pilot)
        assert [row.line for row in rows.rows] == ["hostname", "uptime"]
        assert "forgotten: echo token" in shown(pilot)
        assert "undo" in shown(pilot)
        await pilot.press("ctrl+z")
        await scene.settle(pilot)
        assert [row.line for row in rows.rows] == ["hostname", "echo token", "uptime"]
        assert "there again: echo token" in shown(pilot)
        await pilot.press("home", "alt+x")
        await scene.settle(pilot)
        await pilot.press("escape")
        await scene.settle(pilot)
        await pilot.press("up", "up")
        assert screen.line.input.value == "uptime", "the keys for older lines pass over it as well"


async def test_older_lines_of_an_earlier_session_come_back(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await scene.settle(pilot)
        await scene.app.services.history.begin("web-1", "make deploy")
        screen = await _arrive(scene, pilot)
        await pilot.press("up")
        assert screen.line.input.value == "make deploy"


async def test_a_snippet_is_filled_in_and_stands_in_the_field(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        file = SnippetFile.beside(scene.config)
        file.add(Snippet("logs", "journalctl -u {unit} --since {since=today}", told={"unit": Variable("unit")}))
        screen = await _arrive(scene, pilot)
        await pilot.press("alt+s")
        await scene.settle(pilot)
        await pilot.press(*"log", "enter")
        await scene.settle(pilot)
        await _answer(scene, pilot, "my app")
        await _answer(scene, pilot, "today")
        assert screen.line.input.value == "journalctl -u 'my app' --since today"
        assert scene.app.services.commands.all() == ()


async def _answer(scene: Scene, pilot: Pilot[Any], text: str) -> None:
    scene.app.screen.query_one("AnswerLine").value = text  # type: ignore[attr-defined]
    await pilot.press("enter")
    await scene.settle(pilot)


async def test_backing_out_leaves_the_line_as_it_was(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        screen = await _arrive(scene, pilot)
        screen.line.input.value = "half"
        for key in ("ctrl+r", "alt+s"):
            await pilot.press(key)
            await scene.settle(pilot)
            await pilot.press("escape")
            await scene.settle(pilot)
            assert screen.line.input.value == "half"
