"""The files screen in the demo world: what is done to files of one side, and editing with its guard."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mocks.host import SimulatedHost
from mocks.nodes import File
from tests.tui.conftest import DemoApp
from tests.tui.test_files_screen import Hands, _names, project
from tui.app import WorkbenchApp
from tui.prompts.bulk import BulkErrorsPrompt, BulkPrompt
from tui.prompts.change import ChangePrompt
from tui.prompts.choice import ChoicePrompt
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.difference import DifferencePrompt
from tui.prompts.failure import FailurePrompt
from tui.prompts.find_files import FindPrompt
from tui.prompts.properties import PropertiesPrompt
from tui.prompts.secret import SecretPrompt

__all__ = ["project"]

Editor = Callable[[Path], None]


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> list[Editor]:
    """What the person's editor does, each time it is called: the next of the list, or nothing."""
    does: list[Editor] = []

    async def run(app: WorkbenchApp, command: list[str], path: str) -> int:
        if does:
            does.pop(0)(Path(path))
        return 0

    monkeypatch.setattr(WorkbenchApp, "run_editor", run)
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VISUAL", raising=False)
    return does


def _typed(text: str) -> Editor:
    def write(path: Path) -> None:
        path.write_text(text)

    return write


def _read(host: SimulatedHost, path: str) -> str:
    node = host.tree.get(path.encode())
    assert isinstance(node, File)
    return node.content.read(0, node.content.size).decode()


async def _at(hands: Hands, path: str) -> Hands:
    """On the host's side, there."""
    await hands.press("tab")
    await hands.go(path)
    return hands


async def test_a_new_file_a_link_and_a_second_copy_are_made(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("n")
        await hands.press(*"new", "enter")
        assert (project / "new").read_bytes() == b""
        await hands.stand_on("report")
        await hands.press("D")
        assert (project / "report (2)" / "a.txt").read_text() == "a" * 10
        await hands.stand_on("notes.md")
        await hands.press("L")
        await hands.press("enter")
        await hands.press(*"link", "enter")
        assert (project / "link").readlink() == Path("notes.md")


async def test_what_is_chosen_moves_to_another_directory_of_the_same_side(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("notes.md")
        await hands.press("M")
        await hands.press(*"/report", "enter")
        assert (project / "report" / "notes.md").exists()
        assert _names(hands.local) == ["report"]


async def test_a_mode_is_changed_and_nonsense_is_not_taken(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("report")
        await hands.press("P")
        assert isinstance(scene.app.screen, ChangePrompt)
        await hands.press(*"u+k", "enter")
        assert "is no mode" in hands.text
        await hands.press("backspace", "backspace", "backspace", *"go=", "ctrl+r", "enter")
        assert stat.S_IMODE((project / "report").stat().st_mode) & 0o077 == 0
        assert stat.S_IMODE((project / "report" / "a.txt").stat().st_mode) & 0o077 == 0


async def test_what_may_not_be_changed_is_listed_item_by_item(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await _at(await Hands(scene, pilot).arrive(), "/etc")
        await hands.press("asterisk", "P")
        await pilot.press(*"600", "enter")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, BulkErrorsPrompt))
        assert "PERMISSION" in hands.text


async def test_properties_tell_owner_and_where_a_link_really_leads(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await _at(await Hands(scene, pilot).arrive(), "/srv/app")
        await hands.stand_on("current")
        await hands.press("i")
        await scene.settle(pilot, until=lambda: "room" in hands.text)
        assert isinstance(scene.app.screen, PropertiesPrompt)
        assert "/srv/app/releases/41" in hands.text
        assert "deploy (1001)" in hands.text


async def test_names_are_found_below_and_enter_goes_there(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await _at(await Hands(scene, pilot).arrive(), "/srv")
        await hands.press("F")
        await pilot.press(*"readme", "enter")
        await scene.settle(pilot, until=lambda: "find on the host" in hands.text and "looking" not in hands.text)
        assert isinstance(scene.app.screen, FindPrompt)
        await hands.press("enter")
        row = hands.remote.rows.current
        assert row is not None and row.shown == "README.md"
        assert hands.remote.path.startswith(b"/srv/app/releases/")


async def test_the_size_of_a_tree_stands_in_its_row_and_is_known_on_coming_back(
    demo_app: DemoApp, project: Path
) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("report")
        await hands.press("z")
        assert hands.local.list.sizes == {b"report": "30 B"}
        await hands.press("enter", "backspace")
        assert hands.local.list.sizes == {b"report": "30 B"}


async def test_sorting_turns_round_and_the_cursor_stays_on_its_file(demo_app: DemoApp, project: Path) -> None:
    for name in ("a.txt", "b.md", "c.txt"):
        (project / name).write_text(name)
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("b.md")
        await hands.press("S")
        assert _names(hands.local) == ["report", "notes.md", "c.txt", "b.md", "a.txt"]
        assert hands.local.rows.current is not None and hands.local.rows.current.shown == "b.md"
        await hands.press("S", "s", "s", "s")
        assert _names(hands.local) == ["report", "b.md", "notes.md", "a.txt", "c.txt"]


async def test_a_file_is_looked_at_byte_by_byte_and_part_by_part(demo_app: DemoApp, project: Path) -> None:
    (project / "big.bin").write_bytes(bytes(range(256)) * 2048)
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("big.bin")
        await hands.press("v")
        await hands.viewed()
        await hands.press("x")
        assert "00000040  40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO" in hands.text
        await hands.press("right_square_bracket")
        await hands.viewed()
        assert "last 262 kB of 524 kB" in hands.text
        assert "00040000" in hands.text


async def test_what_is_added_to_a_file_is_shown_as_it_comes(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("notes.md")
        await hands.press("v")
        await hands.viewed()
        await pilot.press("F")
        await scene.settle(pilot, until=lambda: "following" in hands.text)
        with (project / "notes.md").open("a") as file:
            file.write("one more line\n")
        await scene.settle(pilot, until=lambda: "one more line" in hands.text)
        await hands.press("escape")


# --- editing -----------------------------------------------------------------------------------------------------


async def test_a_host_s_file_is_edited_and_saved(demo_app: DemoApp, project: Path, editor: list[Editor]) -> None:
    editor.append(_typed("mine\n"))
    async with demo_app() as (scene, pilot):
        hands = await _at(await Hands(scene, pilot).arrive(), "~")
        await hands.stand_on("notes.md")
        await hands.press("e")
        await hands.rest()
        assert _read(scene.world["web-1"], "/home/deploy/notes.md") == "mine\n"


async def test_a_local_file_is_edited_where_it_is(demo_app: DemoApp, project: Path, editor: list[Editor]) -> None:
    editor.append(_typed("mine\n"))
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("notes.md")
        await hands.press("e")
        await hands.rest()
        assert (project / "notes.md").read_text() == "mine\n"


async def test_somebody_elses_change_asks_shows_the_difference_and_may_be_overwritten(
    demo_app: DemoApp, project: Path, editor: list[Editor]
) -> None:
    async with demo_app() as (scene, pilot):
        host = scene.world["web-1"]

        def meanwhile(path: Path) -> None:
            host.add_text("/home/deploy/notes.md", "theirs\n", owner="deploy")
            path.write_text("mine\n")

        editor.append(meanwhile)
        hands = await _at(await Hands(scene, pilot).arrive(), "~")
        await hands.stand_on("notes.md")
        await pilot.press("e")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, ChoicePrompt))
        assert "Somebody else has changed" in " ".join(hands.text.split())
        await hands.press("d")
        assert isinstance(scene.app.screen, DifferencePrompt)
        assert "-theirs" in hands.text and "+mine" in hands.text
        await hands.press("escape")
        await hands.press("o")
        await scene.settle(pilot, until=lambda: _read(host, "/home/deploy/notes.md") == "mine\n")
        await hands.rest()


async def test_what_cannot_be_saved_is_kept_here(
    demo_app: DemoApp, project: Path, editor: list[Editor], own_home: Path
) -> None:
    async with demo_app() as (scene, pilot):
        host = scene.world["web-1"]

        def full(path: Path) -> None:
            host.fill_disk()
            path.write_text("mine\n")

        editor.append(full)
        hands = await _at(await Hands(scene, pilot).arrive(), "~")
        await hands.stand_on("notes.md")
        await pilot.press("e")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, ChoicePrompt))
        assert "DISK_FULL" in hands.text
        await hands.press("k")
        await hands.rest()
        kept = list(own_home.rglob("edits/*/notes.md"))
        assert [path.read_text() for path in kept] == ["mine\n"]


async def test_root_s_file_is_edited_by_sudo_after_the_password(
    demo_app: DemoApp, project: Path, editor: list[Editor]
) -> None:
    editor.append(_typed("hardened\n"))
    async with demo_app() as (scene, pilot):
        host = scene.world["web-1"]
        host.sudo_asks = True
        host.add_text("/etc/app.conf", "old\n", mode=0o600)
        hands = await _at(await Hands(scene, pilot).arrive(), "/etc")
        await hands.stand_on("app.conf")
        await pilot.press("e")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, ChoicePrompt))
        await pilot.press("r")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, SecretPrompt))
        assert "for sudo on web-1" in hands.text
        password = host.users["deploy"].password
        assert password
        await pilot.press(*[{" ": "space"}.get(letter, letter) for letter in password], "enter")
        await scene.settle(pilot, until=lambda: _read(host, "/etc/app.conf") == "hardened\n")
        await hands.rest()
        node = host.tree.get(b"/etc/app.conf")
        assert (node.uid, node.mode) == (0, 0o600)


async def test_what_a_lost_link_breaks_off_is_told_and_the_rows_stay_until_it_is_back(
    demo_app: DemoApp, project: Path
) -> None:
    async with demo_app() as (scene, pilot):
        hands = await _at(await Hands(scene, pilot).arrive(), "/srv/app")
        rows = _names(hands.remote)
        await hands.stand_on("releases")
        await pilot.press("d")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, ConfirmPrompt))
        await scene.settle(pilot)
        scene.world["web-1"].faults.drops = True
        await pilot.press("y")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, BulkPrompt))
        await pilot.press("ctrl+q")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, ConfirmPrompt))
        assert "1 file operation would be stopped." in hands.text
        await pilot.press("escape")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, BulkPrompt))
        scene.cut("web-1")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, FailurePrompt))
        assert re.search(r"broken off: \d+ of \d+ deleted", hands.text)
        await pilot.press("escape")
        await scene.settle(pilot, until=lambda: not isinstance(scene.app.screen, FailurePrompt))
        assert _names(hands.remote) == rows
        assert "outdated" in hands.text
        scene.world["web-1"].faults.drops = False
        await scene.settle(pilot, until=lambda: not hands.remote.outdated and hands.remote.settled)
        assert "outdated" not in hands.text
