"""Pictures of what changes the host book, in the demo world. Look at them before accepting a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from backend.hosts.book import HostEntry, HostSource
from screenshots.scene import Scene
from tests.tui.conftest import settled
from tests.tui.fakes import FakeServices
from tests.tui.test_import_hosts import INVENTORY
from tui.app import WorkbenchApp, WorkbenchOptions
from tui.glyphs import UNICODE
from tui.hosts import HostView
from tui.prompts.import_hosts import ImportPrompt
from tui.widgets.form_lines import FormFold, FormLine
from tui.widgets.host_list import HostList


def test_a_host_of_ones_own_is_written_down(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def fill(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press("n")
        await scene.settle(pilot)
        await pilot.press(*"lab-2", "enter", *"mara@10.9.1.8", "enter", "enter", *"70000", "enter", *"ba")
        line = pilot.app.screen.query_one("#field-jump", FormLine)
        await scene.settle(pilot, until=lambda: line._suggestion == "bastion")
        await scene.settle(pilot, until=lambda: bool(pilot.app.screen.query(".problem")))

    assert snap_compare(scene.app, terminal_size=size, run_before=fill)


def test_a_host_of_the_list_is_changed(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press("down", "e")
        await scene.settle(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=look)


def test_an_entry_with_several_routes_is_changed(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press(*["down"] * 4, "e")
        await scene.settle(pilot)
        fold = pilot.app.screen.query(FormFold).first()
        fold.focus()
        await pilot.press("enter", *["down"] * 5, "comma", "space", "j")
        await scene.settle(pilot, until=lambda: bool(pilot.app.screen.query(".problem")))

    assert snap_compare(scene.app, terminal_size=size, run_before=look)


def test_a_removal_is_asked_about(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def ask(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press("down", "down", "X")
        await scene.settle(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=ask)


def test_an_inventory_is_looked_at_before_it_is_imported(
    scene: Scene, own_home: Path, size: tuple[int, int], snap_compare: Any
) -> None:
    (own_home / "distributed_hosts.yaml").write_text(INVENTORY)

    async def look(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press("I")
        await scene.settle(pilot)
        pilot.app.screen.query_one(Input).value = "~/distributed_hosts.yaml"
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: isinstance(pilot.app.screen, ImportPrompt))
        await scene.settle(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=look)


def test_a_pin_and_a_folded_group(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def arrange(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        await pilot.press("down", "asterisk")
        rows = pilot.app.screen.query_one(HostList)
        await scene.settle(pilot, until=lambda: isinstance(rows.rows[0], HostView) and rows.rows[0].entry.pinned)
        await pilot.press("down", "left")
        await scene.settle(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=arrange)


def test_the_first_run(size: tuple[int, int], snap_compare: Any) -> None:
    services = FakeServices()
    options = WorkbenchOptions(
        glyphs=UNICODE, config_file=Path("/home/mara/.config/fairlead/config.toml"), open_demo=services.open
    )
    assert snap_compare(WorkbenchApp(services.open, options), terminal_size=size, run_before=settled)


def test_the_first_run_with_hosts_of_the_ssh_configuration(size: tuple[int, int], snap_compare: Any) -> None:
    services = FakeServices(HostEntry(name, HostSource.SSH_CONFIG, "~/.ssh/config:1") for name in ("gate", "cluster"))
    app = WorkbenchApp(services.open, WorkbenchOptions(glyphs=UNICODE, open_demo=services.open))
    assert snap_compare(app, terminal_size=size, run_before=settled)
