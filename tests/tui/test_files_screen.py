"""The files screen in the demo world: two sides, copies both ways, and everything that asks first."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from backend.connection.state import SessionState
from backend.files.transfer import Transfer, TransferOutcome, TransferState
from screenshots.scene import Scene
from tests.tui.conftest import DemoApp, shown
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.conflict import ConflictPrompt
from tui.prompts.failure import FailurePrompt
from tui.prompts.line import LinePrompt
from tui.prompts.transfer import TransferPrompt
from tui.prompts.view import FileView
from tui.screens.files import FilesScreen
from tui.widgets.file_pane import FilePane
from tui.widgets.reading_pane import Reading


class Hands:
    """A person at the files screen, with a small project on the left and web-1 on the right."""

    def __init__(self, scene: Scene, pilot: Pilot[Any]) -> None:
        self.scene, self.pilot = scene, pilot

    async def arrive(self, host: str = "web-1", *, connect: bool = True) -> Hands:
        self.scene.app.host = host
        await self.pilot.press("3")
        await self.rest()
        if connect:
            await self.press("tab", "enter")
            await self.press("tab")
        return self

    async def rest(self) -> None:
        await self.scene.settle(self.pilot)
        await self.scene.settle(self.pilot, until=lambda: self.local.settled and self.remote.settled)
        await self.scene.settle(self.pilot)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.rest()

    async def stand_on(self, name: str) -> None:
        pane = self.screen.pane
        assert pane.rows.move_to_name(name.encode()), f"{name} is not shown"
        pane.list.rows_changed()
        await self.pilot.pause()

    async def go(self, path: str) -> None:
        """On the side with the focus."""
        await self.pilot.press("g")
        await self.scene.settle(self.pilot)
        await self.pilot.press(*path, "enter")
        await self.rest()

    async def viewed(self) -> None:
        """A look into a file, with its text or the reason for none."""
        assert isinstance(self.scene.app.screen, FileView)
        await self.scene.settle(self.pilot, until=lambda: "reading…" not in self.text)

    async def copied(self) -> Transfer:
        """The newest transfer, ended."""
        await self.scene.finish_work(self.pilot)
        await self.rest()
        return self.transfers[-1]

    @property
    def screen(self) -> FilesScreen:
        front = self.scene.app.front
        assert isinstance(front, FilesScreen)
        return front

    @property
    def local(self) -> FilePane:
        return self.screen.left

    @property
    def remote(self) -> FilePane:
        return self.screen.right

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        return self.scene.app.services.transfers.all()

    @property
    def text(self) -> str:
        return shown(self.pilot)


@pytest.fixture
def project(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small directory to be in."""
    project = own_home / "shop"
    for name, content in {"notes.md": "# mine\n", "report/a.txt": "a" * 10, "report/b.txt": "b" * 20}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    monkeypatch.chdir(project)
    return project


def _names(pane: FilePane) -> list[str]:
    return [row.shown for row in pane.rows.rows()]


async def test_before_there_is_a_connection_the_host_s_side_says_how_to_get_one(
    demo_app: DemoApp, project: Path
) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive(connect=False)
        assert _names(hands.local) == ["report", "notes.md"]
        assert "enter here connects to it" in " ".join(hands.text.split())
        await hands.press("tab", "enter")
        assert "uploads" in _names(hands.remote)


async def test_both_sides_are_seen_at_80x24_with_names_sizes_and_room(demo_app: DemoApp, project: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        for part in ("local  ~/shop", "▸ report/", "notes.md", "web-1  ~", "GB free", "deploy.sh", "32 B"):
            assert part in hands.text


async def test_a_file_is_copied_to_the_host(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("tab")
        await hands.go("uploads")
        await hands.press("tab")
        await hands.stand_on("notes.md")
        await hands.press("c")
        transfer = await hands.copied()
        assert transfer.state is TransferState.DONE
        assert "notes.md" in _names(hands.remote), "the other side shows what came"
        assert "verified SHA-256" in hands.text


async def test_a_tree_is_fetched_from_the_host(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("tab")
        await hands.go("/srv/app/releases")
        await hands.stand_on("39")
        await hands.press("c")
        transfer = await hands.copied()
        assert transfer.state is TransferState.DONE
        assert (project / "39" / "README.md").read_text().startswith("# Orders, release 39")
        assert "39" in _names(hands.local)


async def test_names_that_are_taken_are_asked_about_once(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("asterisk", "c")
        prompt = scene.app.screen
        assert isinstance(prompt, ConflictPrompt)
        assert "1 of 2 names is already in web-1:" in hands.text
        await hands.press("s")
        transfer = await hands.copied()
        assert transfer.outcome is not None
        assert transfer.outcome.progress.skipped == 1
        assert "report" in _names(hands.remote)


async def test_backing_out_of_the_question_copies_nothing(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("notes.md")
        await hands.press("c")
        assert isinstance(scene.app.screen, ConflictPrompt)
        await hands.press("escape")
        assert hands.transfers == ()


def _state(transfer: Transfer) -> TransferState:
    return transfer.state


async def _start_copying(hands: Hands) -> Transfer:
    """A big file on its way from the host."""
    await hands.press("tab")
    await hands.go("/srv/app")
    await hands.stand_on("model.bin")
    await hands.pilot.press("c")
    await hands.scene.settle(
        hands.pilot, until=lambda: bool(hands.transfers) and hands.transfers[-1].progress.bytes_done > 0
    )
    return hands.transfers[-1]


async def test_a_transfer_is_paused_goes_on_and_is_cancelled(demo_app: DemoApp, project: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        transfer = await _start_copying(hands)
        await pilot.press("p")
        await scene.picture(pilot)
        assert _state(transfer) is TransferState.PAUSED
        assert "paused" in hands.text
        await pilot.press("p")
        assert _state(transfer) is not TransferState.PAUSED
        await pilot.press("x")
        await scene.finish_work(pilot)
        assert _state(transfer) is TransferState.CANCELLED
        assert "cancelled" in hands.text


async def test_a_copy_on_a_silent_link_says_that_nothing_moves(demo_app: DemoApp, project: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await _start_copying(hands)
        scene.world["web-1"].faults.drops = True
        await scene.pass_time(pilot, 1.0)
        await scene.pass_time(pilot, 8.0)
        assert "no progress for" in hands.text
        assert "MB/s" not in hands.text
        scene.world["web-1"].faults.drops = False


async def test_a_copy_that_is_told_to_stop_says_so_at_once(
    demo_app: DemoApp, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, really = asyncio.Event(), Transfer.cancel

    async def slowly(transfer: Transfer) -> TransferOutcome:
        await held.wait()
        return await really(transfer)

    monkeypatch.setattr(Transfer, "cancel", slowly)
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await _start_copying(hands)
        await pilot.press("x")
        await scene.picture(pilot)
        assert "stopping…" in hands.text
        held.set()
        await scene.finish_work(pilot)
        assert "cancelled" in hands.text


async def test_leaving_the_screen_stops_no_transfer(demo_app: DemoApp, project: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        transfer = await _start_copying(hands)
        before = transfer.progress.bytes_done
        await pilot.press("1")
        await scene.pass_time(pilot, 0.5)
        await pilot.press("3")
        assert transfer.state is TransferState.COPYING
        assert transfer.progress.bytes_done > before


async def test_what_went_wrong_can_be_read(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("tab")
        await hands.go("/etc")
        await hands.press("tab")
        await hands.stand_on("notes.md")
        await hands.press("c")
        await hands.copied()
        assert "PERMISSION" in hands.text
        await hands.press("t", "enter")
        assert isinstance(scene.app.screen, TransferPrompt)
        assert "do next" in hands.text


async def test_a_directory_is_made_and_a_name_with_a_slash_is_not_taken(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("m")
        await pilot.press(*"a/b", "enter")
        assert isinstance(scene.app.screen, LinePrompt)
        await pilot.press("backspace", "backspace", "enter")
        await hands.rest()
        assert (project / "a").is_dir()
        row = hands.local.rows.current
        assert row is not None
        assert row.name == b"a"


async def test_a_file_is_renamed(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("notes.md")
        await hands.press("R")
        await pilot.press(*".old", "enter")
        await hands.rest()
        assert (project / "notes.md.old").exists()
        assert not (project / "notes.md").exists()


async def test_renaming_over_another_file_is_refused_with_an_explanation(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("notes.md")
        await hands.press("R")
        await pilot.press(*["backspace"] * 8, *"report", "enter")
        await hands.rest()
        assert isinstance(scene.app.screen, FailurePrompt)
        assert "EXISTS" in hands.text


async def test_deleting_counts_first_and_needs_a_yes(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("report")
        await hands.press("d")
        assert isinstance(scene.app.screen, ConfirmPrompt)
        assert "2 files and 1 directory, 30 B" in hands.text
        await hands.press("escape")
        assert (project / "report").is_dir()
        await hands.press("d")
        await hands.press("y")
        assert not (project / "report").exists()
        assert _names(hands.local) == ["notes.md"]


async def test_after_a_deletion_the_cursor_stays_at_the_neighbour(demo_app: DemoApp, project: Path) -> None:
    for number in range(6):
        (project / f"z{number}.txt").write_text("z")
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("z3.txt")
        await hands.press("d")
        await hands.press("y")
        assert hands.local.rows.current is not None
        assert hands.local.rows.current.shown == "z4.txt"


async def test_a_file_on_the_host_is_looked_into_from_either_end(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("tab")
        await hands.go("/srv/app")
        await hands.stand_on("app.log")
        await hands.press("v")
        await hands.viewed()
        assert "app.log · first 262 kB of 812 MB" in hands.text
        await hands.press("t")
        await hands.viewed()
        assert "app.log · last 262 kB of 812 MB" in hands.text
        await hands.press("escape")
        assert scene.app.screen is hands.screen


async def test_a_file_that_may_not_be_read_says_why(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("tab")
        await hands.go("/var/log")
        await hands.stand_on("auth.log")
        await hands.press("enter")
        await hands.viewed()
        assert "PERMISSION" in hands.text


async def test_a_path_that_is_not_there_is_told_and_backspace_leads_on(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("tab")
        await hands.go("/srv/nowhere")
        assert "NOT_FOUND" in hands.text
        await hands.press("backspace")
        assert "app" in _names(hands.remote)


async def test_each_host_s_place_is_remembered(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("tab")
        await hands.go("/srv/app")
        scene.app.host = "bastion"
        await hands.rest()
        assert "Not connected to bastion" in hands.text
        scene.app.host = "web-1"
        await hands.rest()
        assert hands.remote.path == b"/srv/app"


async def test_the_line_under_the_panes_tells_all_of_the_file_under_the_cursor(
    demo_app: DemoApp, project: Path
) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("tab")
        await hands.go("/srv/app")
        await hands.stand_on("model.bin")
        assert "model.bin   4,200,000,000 bytes   -rw-r-----   deploy:deploy" in hands.text


async def test_a_connection_that_another_screen_made_is_used_on_coming_back(demo_app: DemoApp, project: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive(connect=False)
        await pilot.press("1", "enter")
        await scene.settle(pilot)
        await hands.press("3")
        assert "uploads" in _names(hands.remote)


async def test_what_arrived_while_another_screen_was_in_front_is_there_on_coming_back(
    demo_app: DemoApp, project: Path
) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.stand_on("notes.md")
        await hands.press("tab")
        await hands.go("uploads")
        await hands.press("tab")
        await pilot.press("c", "1")
        await scene.settle(pilot, until=lambda: any(transfer.outcome for transfer in hands.transfers))
        assert hands.transfers[-1].state is TransferState.DONE
        await hands.press("3")
        assert "notes.md" in _names(hands.remote)


async def test_what_a_cancelled_transfer_brings_when_it_is_gone_on_with_is_seen(
    demo_app: DemoApp, project: Path
) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        transfer = await _start_copying(hands)
        await pilot.press("x")
        await scene.finish_work(pilot)
        assert _state(transfer) is TransferState.CANCELLED
        assert "model.bin" not in _names(hands.local)
        scene.world["web-1"].add_text("/srv/app/model.bin", "small by now\n")
        await hands.press("t", "home", "r")
        await scene.finish_work(pilot)
        assert hands.transfers[-1].state is TransferState.DONE
        await hands.press("t")
        assert "model.bin" in _names(hands.local)


async def test_the_transfer_that_keys_are_about_stays_in_view_when_the_panes_are_worked_in(
    demo_app: DemoApp, project: Path
) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        for name in ("a", "b", "c", "d", "e", "f"):
            (project / name).write_bytes(b"x")
            await hands.press("r")
            await hands.stand_on(name)
            await hands.press("c")
            await scene.finish_work(pilot)
        await _start_copying(hands)
        await hands.press("t", "end")
        await hands.press("t")
        assert "model.bin" in hands.text.split("transfers")[-1]


async def test_what_could_not_be_read_is_read_as_soon_as_there_is_a_connection(
    demo_app: DemoApp, project: Path
) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive(connect=False)
        scene.world["web-1"].faults.refuses = True
        await hands.press("tab", "enter")
        assert "refused" in hands.text and "r tries again" in hands.text
        scene.world["web-1"].faults.refuses = False
        await scene.connect(pilot, "web-1")
        await hands.rest()
        assert "uploads" in _names(hands.remote)


async def test_a_transfer_that_ends_with_the_connection_makes_no_new_one(demo_app: DemoApp, project: Path) -> None:
    """A new one might ask for the very code that somebody has just declined to give."""
    async with demo_app() as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("tab")
        await hands.go("uploads")
        session = scene.app.services.sessions.get("web-1")
        (project / "large.bin").write_bytes(bytes(1 << 22))
        await hands.press("tab", "r")
        await hands.stand_on("large.bin")
        await pilot.press("c")
        await scene.settle(pilot, until=lambda: bool(hands.transfers) and hands.transfers[0].progress.bytes_done > 0)
        scene.world["web-1"].faults.refuses = True
        scene.cut("web-1")
        await scene.settle(pilot, until=lambda: session.state is SessionState.RECONNECTING)
        session.stop()
        await scene.finish_work(pilot)
        assert hands.transfers[0].state is TransferState.INTERRUPTED
        assert (hands.remote.state, hands.remote.outdated) == (Reading.WHOLE, True)
        assert "outdated" in hands.text
        scene.world["web-1"].faults.refuses = False
        await scene.connect(pilot, "web-1")
        await hands.rest()
        assert not hands.remote.outdated
