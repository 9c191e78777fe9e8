"""Textual styles widgets by the names of their classes: ours must not be those that its palette brings along."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import textual.command
from textual.widget import Widget

import tui
from tests.tui.conftest import DemoApp, shown
from tests.tui.test_commands_screen import Hands


def test_no_widget_of_ours_is_named_like_one_of_the_palette() -> None:
    theirs = {name for name, _ in inspect.getmembers(textual.command, _is_widget)}
    ours: dict[str, str] = {}
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        for name, widget in inspect.getmembers(importlib.import_module(module.name), _is_widget):
            if widget.__module__.startswith("tui."):
                ours[name] = widget.__module__
    assert {name: where for name, where in ours.items() if name in theirs} == {}


def _is_widget(member: object) -> bool:
    return inspect.isclass(member) and issubclass(member, Widget)


async def test_the_runs_are_still_shown_after_the_palette_was_open_and_the_terminal_was_resized(
    demo_app: DemoApp,
) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("echo first")
        await pilot.press("ctrl+p")
        await pilot.pause()
        await hands.press("escape")
        await pilot.resize_terminal(80, 24)
        await hands.drawn()
        assert "✓ echo first" in shown(pilot)


async def test_an_action_is_found_by_what_it_does_as_well(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        await scene.settle(pilot)
        await pilot.press("ctrl+p", *"health")
        await scene.settle(pilot, until=lambda: "host: history" in shown(pilot))
        assert "host: history" in shown(pilot)
