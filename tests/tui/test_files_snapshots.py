"""Pictures of the files in the demo world. Look at them before accepting a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from backend.connection.state import SessionState
from screenshots.scene import Scene
from tests.tui.conftest import shown
from tui.app import WorkbenchApp
from tui.prompts.bulk import BulkErrorsPrompt
from tui.prompts.choice import ChoicePrompt
from tui.screens.files import FilesScreen


@pytest.fixture(autouse=True)
def in_the_project(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local side begins in the demo's own project."""
    monkeypatch.chdir(scene.local_project())


async def _arrive(scene: Scene, pilot: Pilot[Any], *, host: str = "web-1") -> FilesScreen:
    await scene.settle(pilot)
    scene.app.host = host
    await pilot.press("3")
    await scene.settle(pilot)
    front = scene.app.front
    assert isinstance(front, FilesScreen)
    await _rest(scene, pilot, front)
    return front


async def _rest(scene: Scene, pilot: Pilot[Any], front: FilesScreen) -> None:
    await scene.settle(pilot)
    await scene.settle(pilot, until=lambda: front.left.settled and front.right.settled)
    await scene.settle(pilot)


async def _connected(scene: Scene, pilot: Pilot[Any], path: bytes = b"/srv/app") -> FilesScreen:
    """Both sides read, the keys on the host's."""
    front = await _arrive(scene, pilot)
    await pilot.press("tab")
    front.right.open(scene.app.services.files.on("web-1"), path)
    await _rest(scene, pilot, front)
    return front


def _stand_on(front: FilesScreen, name: bytes) -> None:
    pane = front.pane
    assert pane.rows.move_to_name(name)
    pane.list.rows_changed()


def test_before_there_is_a_connection(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def arrive(pilot: Pilot[Any]) -> None:
        await _arrive(scene, pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=arrive)


def test_two_sides_with_files_chosen(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def choose(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot)
        await pilot.press("down", "space", "down", "space")
        await _rest(scene, pilot, front)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=choose)


def test_transfers_under_way_and_done(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def copy(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot)
        await pilot.press("tab")
        _stand_on(front, b"logo.png")
        await pilot.press("c")
        await scene.finish_work(pilot)
        await _rest(scene, pilot, front)
        await pilot.press("tab")
        _stand_on(front, b"model.bin")
        await pilot.press("c")
        transfers = scene.app.services.transfers
        await scene.settle(pilot, until=lambda: transfers.all()[-1].progress.rate is not None)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=copy)


def test_names_that_are_taken(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def conflict(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot, b"")
        await pilot.press("tab", "asterisk", "c")
        await _rest(scene, pilot, front)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=conflict)


def test_all_that_is_known_of_a_link(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot)
        _stand_on(front, b"current")
        await pilot.press("i")
        await scene.settle(pilot, until=lambda: "room" in shown(pilot))
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=look)


def test_names_that_were_found(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def find(pilot: Pilot[Any]) -> None:
        await _connected(scene, pilot)
        await pilot.press("F")
        await pilot.press(*"readme", "enter")
        await scene.settle(pilot, until=lambda: "looking" not in shown(pilot) and "found" in shown(pilot))
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=find)


def test_a_mode_that_is_asked_for(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot)
        _stand_on(front, b"releases")
        await pilot.press("P", "ctrl+r")
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=ask)


def test_what_could_not_be_changed(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def fail(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot, b"/etc")
        await pilot.press("asterisk", "P")
        await _rest(scene, pilot, front)
        await pilot.press(*"600", "enter")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, BulkErrorsPrompt))
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=fail)


def test_a_file_byte_by_byte(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        front = await _arrive(scene, pilot)
        _stand_on(front, b"logo.png")
        await pilot.press("v", "x")
        await scene.settle(pilot, until=lambda: "all 48.2 kB" in shown(pilot))
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=look)


def test_a_file_that_somebody_else_has_changed(
    scene: Scene, size: tuple[int, int], snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def meanwhile(app: WorkbenchApp, command: list[str], path: str) -> int:
        scene.world["web-1"].add_text("/home/deploy/notes.md", "theirs\n", owner="deploy")
        Path(path).write_text("mine\n")
        return 0

    monkeypatch.setattr(WorkbenchApp, "run_editor", meanwhile)
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)

    async def edit(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot, b"/home/deploy")
        _stand_on(front, b"notes.md")
        await pilot.press("e")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, ChoicePrompt))
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=edit)


def test_a_directory_that_may_not_be_read(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def refuse(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot, b"/root")
        await _rest(scene, pilot, front)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=refuse)


def test_two_hosts_and_what_goes_from_one_to_the_other(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def copy(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot)
        await scene.connect(pilot, "gpu-7")
        front.show_machine(front.left, "gpu-7")
        await _rest(scene, pilot, front)
        _stand_on(front, b"model.bin")
        await pilot.press("c")
        transfers = scene.app.services.transfers
        await scene.settle(pilot, until=lambda: bool(transfers.all()) and transfers.all()[0].progress.bytes_done > 1e7)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=copy)


def test_which_machine_a_side_is_to_show(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        await _connected(scene, pilot)
        await pilot.press("o")
        await scene.settle(pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=ask)


def test_a_side_whose_host_is_being_reconnected_to(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def lose(pilot: Pilot[Any]) -> None:
        front = await _connected(scene, pilot)
        scene.world["web-1"].faults.refuses = True
        scene.cut("web-1")
        session = scene.app.services.sessions.get("web-1")
        await scene.settle(pilot, until=lambda: session.state is SessionState.RECONNECTING)
        front.read_again(front.right)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=lose)
