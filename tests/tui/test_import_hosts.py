"""Importing an inventory in the workbench: shown first, then written in one step, and nothing typed is lost."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from screenshots.scene import Scene
from tests.tui.conftest import DemoApp, shown
from tui.prompts.failure import FailurePrompt
from tui.prompts.import_hosts import ImportPrompt
from tui.prompts.line import LinePrompt

INVENTORY = """\
hosts:
  web-1:
    ssh_host: 10.0.9.9
  node-1:
    ssh_host: 10.0.8.1
    ssh_user: mara
    rack: b12
  node-2:
    ssh_host: 10.0.8.2
    ssh_port: 99999
"""


def _words(pilot: Pilot[Any]) -> str:
    return " ".join(shown(pilot).replace("│", " ").split())


def _hosts(scene: Scene) -> dict[str, Any]:
    hosts: dict[str, Any] = tomllib.loads(scene.config.read_text())["hosts"]
    return hosts


async def _name_file(scene: Scene, pilot: Pilot[Any], path: Path) -> None:
    await pilot.press("I")
    await scene.settle(pilot)
    pilot.app.screen.query_one(Input).value = str(path)
    await pilot.press("enter")


async def _looking(scene: Scene, pilot: Pilot[Any]) -> None:
    await scene.settle(pilot, until=lambda: isinstance(pilot.app.screen, ImportPrompt))
    await scene.settle(pilot)


async def test_what_would_be_written_is_shown_and_then_written(
    demo_app: DemoApp, tmp_path: Path, size: tuple[int, int]
) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text(INVENTORY)
    async with demo_app(size) as (scene, pilot):
        before = scene.config.read_text()
        await _name_file(scene, pilot, file)
        await _looking(scene, pilot)
        text = _words(pilot)
        assert '+ node-1 address = "10.0.8.1", user = "mara"' in text
        assert "web-1: the name is taken" in text
        assert "a port is a number from 1 to 65535" in text
        assert "rack has no meaning here and is kept under extra" in text
        assert "1 added, 1 skipped, 1 with mistakes" in text
        assert scene.config.read_text() == before
        await pilot.press("y")
        await scene.settle(pilot, until=lambda: "node-1" in _hosts(scene))
        await scene.settle(pilot, until=lambda: "node-1" in shown(pilot) and not pilot.app.screen.is_modal)
        assert _hosts(scene)["node-1"]["extra"] == {"rack": "b12"}
        assert _hosts(scene)["web-1"]["address"] != "10.0.9.9"


async def test_names_that_are_taken_can_be_renamed_or_overwritten(demo_app: DemoApp, tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text(INVENTORY)
    async with demo_app() as (scene, pilot):
        await _name_file(scene, pilot, file)
        await _looking(scene, pilot)
        await pilot.press("t")
        await pilot.pause()
        assert "web-1-2 (there: web-1)" in _words(pilot)
        await pilot.press("t")
        await pilot.pause()
        assert "1 added, 1 overwritten" in _words(pilot)
        await pilot.press("y")
        await scene.settle(pilot, until=lambda: _hosts(scene)["web-1"]["address"] == "10.0.9.9")


async def test_esc_writes_nothing(demo_app: DemoApp, tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text(INVENTORY)
    async with demo_app() as (scene, pilot):
        before = scene.config.read_text()
        await _name_file(scene, pilot, file)
        await _looking(scene, pilot)
        await pilot.press("escape")
        await scene.settle(pilot, until=lambda: not pilot.app.screen.is_modal)
        assert scene.config.read_text() == before


async def test_a_file_that_is_not_there_is_told_and_asked_for_again(demo_app: DemoApp, tmp_path: Path) -> None:
    async with demo_app() as (scene, pilot):
        await _name_file(scene, pilot, tmp_path / "none.yaml")
        await scene.settle(pilot, until=lambda: isinstance(pilot.app.screen, FailurePrompt))
        assert "No such file" in _words(pilot)
        await pilot.press("escape")
        await scene.settle(pilot, until=lambda: isinstance(pilot.app.screen, LinePrompt))
        assert pilot.app.screen.query_one(Input).value == str(tmp_path / "none.yaml")
        await pilot.press("escape")
        await scene.settle(pilot, until=lambda: not pilot.app.screen.is_modal)


async def test_an_inventory_without_hosts_cannot_be_imported(demo_app: DemoApp, tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    file.write_text("hosts: {}\n")
    async with demo_app() as (scene, pilot):
        before = scene.config.read_text()
        await _name_file(scene, pilot, file)
        await _looking(scene, pilot)
        assert "There are no hosts in it." in _words(pilot)
        await pilot.press("y")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ImportPrompt)
        assert scene.config.read_text() == before
