"""Each side of the files shows any machine: hosts on both, this machine on both, and what is copied between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.files.transfer import ConflictPolicy, Direction, TransferState
from tests.tui.conftest import DemoApp
from tests.tui.test_files_screen import Hands, _names, project
from tui.prompts.conflict import ConflictPrompt
from tui.prompts.line import LinePrompt
from tui.prompts.switcher import MachineSwitcher
from tui.widgets.reading_pane import Reading

__all__ = ["project"]  # the fixture


class Sides(Hands):
    """A person with `web-1` on the right, who puts other machines on the sides."""

    async def put(self, machine: str) -> None:
        """On the side with the focus; a few letters of the machine's name."""
        await self.pilot.press("o")
        await self.scene.settle(self.pilot)
        assert isinstance(self.scene.app.screen, MachineSwitcher)
        await self.pilot.press(*machine, "enter")
        await self.rest()

    async def between(self) -> Sides:
        """gpu-7 on the left, connected, web-1 on the right, and the keys on the left."""
        await self.arrive()
        await self.scene.connect(self.pilot, "gpu-7")
        await self.put("gpu")
        return self


@pytest.fixture
async def between(demo_app: DemoApp, project: Path) -> Any:
    async with demo_app() as (scene, pilot):
        yield await Sides(scene, pilot).between()


async def test_a_file_goes_from_one_host_to_another(between: Sides) -> None:
    assert (between.local.label, between.remote.label) == ("gpu-7", "web-1")
    assert between.scene.app.host == "web-1", "the workbench stays where it is"
    await between.stand_on("train.py")
    await between.press("c")
    transfer = await between.copied()
    assert (transfer.state, transfer.request.direction) == (TransferState.DONE, Direction.BETWEEN)
    assert transfer.request.way == ("between", "gpu-7", "web-1")
    assert "train.py" in _names(between.remote), "the other side shows what came"
    assert "gpu-7:train.py → web-1:" in between.text
    await between.press("c")
    prompt = between.scene.app.screen
    assert isinstance(prompt, ConflictPrompt)
    assert "web-1:/home/deploy" in between.text
    await between.press("s")
    skipped = await between.copied()
    assert skipped.request.on_conflict is ConflictPolicy.SKIP
    assert skipped.progress.skipped == 1
    await between.pilot.press("y")
    await between.rest()
    assert "this machine on one side" in _told(between), "there is no sync between two hosts"
    between.scene.world["gpu-7"].faults.refuses = True
    between.scene.cut("gpu-7")
    await between.scene.settle(between.pilot, until=lambda: "◐ gpu-7 reconnecting" in between.text)
    assert "● web-1  ~" in between.text, "each side says how its own connection stands"


async def test_a_host_that_is_not_there_is_connected_to_from_either_side(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        sides = Sides(scene, pilot)
        await sides.arrive(connect=False)
        scene.world["gpu-7"].faults.refuses = True
        await sides.put("gpu")
        assert (sides.local.label, sides.local.state) == ("gpu-7", Reading.REFUSED)
        await sides.press("tab")
        await sides.put("this")
        await sides.press("c")
        assert isinstance(scene.app.screen, LinePrompt), "where to is not known"
        await sides.press("escape")
        await sides.press("tab")
        scene.world["gpu-7"].faults.refuses = False
        await sides.put("gpu")
        assert "train.py" in _names(sides.local), "asked for by name, it is connected to"
        await sides.press("tab")
        await sides.put("this")
        assert sides.remote.label == "local"
        scene.app.host = "gpu-7"
        await sides.rest()
        assert sides.remote.label == "gpu-7", "the workbench's host is shown on the right whatever was there"


async def test_a_host_put_on_the_right_is_that_of_the_workbench(between: Sides) -> None:
    await between.press("tab")
    await between.put("gpu")
    assert between.scene.app.host == "gpu-7"
    assert (between.local.label, between.remote.label) == ("gpu-7", "gpu-7")
    await between.stand_on("train.py")
    await between.pilot.press("c")
    await between.rest()
    assert "Both sides show gpu-7:/home/ml. D makes a second copy" in _told(between)
    await between.go("made-by-the-copy")
    await between.press("tab")
    await between.stand_on("train.py")
    await between.press("c")
    transfer = await between.copied()
    assert transfer.request.way == ("between", "gpu-7", "gpu-7")
    assert transfer.state is TransferState.DONE
    assert "train.py" in _names(between.remote)


async def test_this_machine_on_both_sides_copies_here(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        sides = Sides(scene, pilot)
        await sides.arrive()
        await sides.press("tab")
        await sides.go("/srv/app")
        await sides.put("this")
        assert _names(sides.remote) == _names(sides.local) == ["report", "notes.md"]
        await sides.go("report")
        await sides.press("tab")
        await sides.stand_on("notes.md")
        await sides.press("c")
        assert (project / "report" / "notes.md").read_text() == "# mine\n"
        assert "notes.md" in _names(sides.remote)
        assert not sides.transfers
        await sides.press("tab")
        await sides.put("web")
        assert (sides.remote.label, sides.remote.path) == ("web-1", b"/srv/app"), "where one was"


def _told(sides: Sides) -> str:
    return "\n".join(notice.message for notice in sides.scene.app._notifications)
