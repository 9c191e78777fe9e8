"""The queue of transfers on the files screen: its keys, what it says, and that it is there after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from backend.clock import SystemClock
from backend.files.model import ConflictPolicy, Direction
from backend.files.transfer import (
    Priority,
    Transfer,
    TransferRecord,
    TransferRequest,
    TransferState,
)
from screenshots.scene import Scene
from tests.support.past_transfers import leave
from tests.tui.conftest import DemoApp, shown
from tui.prompts.line import LinePrompt
from tui.prompts.taken import TakenPrompt
from tui.prompts.transfer import TransferPrompt
from tui.screens.files import FilesScreen
from tui.widgets.transfer_list import TransferList

S = TransferState
MODEL = TransferRequest(Direction.GET, "web-1", ("/srv/app/model.bin",), "here/")


class Hands:
    """A person at the transfers of the files screen."""

    def __init__(self, scene: Scene, pilot: Pilot[Any]) -> None:
        self.scene, self.pilot = scene, pilot

    async def arrive(self) -> Hands:
        self.scene.app.host = "web-1"
        await self.pilot.press("3")
        await self.scene.settle(self.pilot)
        return self

    async def rest(self) -> None:
        await self.scene.settle(self.pilot, until=lambda: not self.scene.workers_busy())

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.rest()

    def copy(self, name: str, *, to: str = "", **more: Any) -> Transfer:
        request = TransferRequest(Direction.GET, "web-1", (f"/srv/app/{name}",), to or str(Path.cwd() / name), **more)
        return self.scene.app.services.transfers.submit(request)

    async def until(self, condition: Any) -> None:
        await self.scene.settle(self.pilot, until=condition)

    @property
    def list_(self) -> TransferList:
        front = self.scene.app.front
        assert isinstance(front, FilesScreen)
        return front.transfers.list_

    @property
    def rows(self) -> list[TransferRecord]:
        return list(self.list_.rows)

    def names(self) -> list[str]:
        return [row.request.sources[0].rpartition("/")[2] for row in self.rows]

    @property
    def text(self) -> str:
        return shown(self.pilot)


@pytest.fixture
def project(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = own_home / "shop"
    project.mkdir()
    monkeypatch.chdir(project)
    return project


async def _queue(hands: Hands) -> tuple[Transfer, ...]:
    """Two that run and three that wait, the keys on the list."""
    transfers = [hands.copy("model.bin", to=f"one-{number}") for number in range(2)]
    transfers += [hands.copy(name, to=f"{name}-copy") for name in ("app.log", "releases", "current")]
    await hands.until(lambda: all(one.progress.bytes_done > 0 for one in transfers[:2]))
    await hands.press("t")
    return tuple(transfers)


async def test_what_waits_is_moved_and_preferred(demo_app: DemoApp, project: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await _queue(hands)
        assert hands.names() == ["model.bin", "model.bin", "app.log", "releases", "current"]
        assert "2 running · 3 waiting" in hands.text
        await hands.press("end", "K")
        assert hands.names()[2:] == ["app.log", "current", "releases"]
        await hands.press("F")
        assert hands.names()[2:] == ["current", "app.log", "releases"]
        await hands.press("J", "J")
        assert hands.names()[2:] == ["app.log", "releases", "current"]
        await hands.press("i")
        assert (hands.names()[2], hands.rows[2].priority) == ("current", Priority.HIGH)
        assert hands.list_.current == hands.rows[2], "the cursor goes along"


async def test_a_terminal_that_is_left_and_looked_at_again_leaves_the_cursor_where_it_was(
    demo_app: DemoApp, project: Path
) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await _queue(hands)
        await hands.press("end")
        scene.app.post_message(events.AppBlur())
        await scene.pass_time(pilot, 2.0)
        scene.app.post_message(events.AppFocus())
        await hands.rest()
        assert hands.list_.has_focus
        assert hands.list_.current == hands.rows[4]


async def test_all_are_paused_and_go_on(demo_app: DemoApp, project: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        transfers = await _queue(hands)
        await hands.press("P")
        assert {one.state for one in transfers} == {S.PAUSED}
        assert "5 paused" in hands.text
        await hands.press("P")
        assert S.PAUSED not in {one.state for one in transfers}


async def test_the_rate_limit_is_typed_and_a_wrong_one_is_told(demo_app: DemoApp, project: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        (first, *_) = await _queue(hands)
        await hands.press("home")
        await pilot.press("L")
        await hands.until(lambda: isinstance(scene.app.screen, LinePrompt))
        await pilot.press(*"fast", "enter")
        assert "is no rate" in hands.text
        await pilot.press(*["backspace"] * 4, *"500k", "enter")
        await hands.rest()
        assert first.request.rate_limit == 500 * 1024


async def test_details_go_along_with_the_transfer(demo_app: DemoApp, project: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await _queue(hands)
        await hands.press("home")
        await pilot.press("enter")
        await hands.until(lambda: isinstance(scene.app.screen, TransferPrompt))
        for part in ("get web-1:/srv/app/model.bin", "copying", "under way", "of 4.2 GB", "0 of 1 there"):
            assert part in hands.text
        await pilot.press("escape")


async def test_what_was_cut_off_goes_on_by_itself_after_a_restart(demo_app: DemoApp, project: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        transfer = hands.copy("model.bin", to="first.bin")
        await hands.until(lambda: transfer.progress.bytes_done > 4_000_000)
        paused = hands.copy("model.bin")
        await hands.until(lambda: paused.progress.bytes_done > 0)
        paused.pause()
    async with demo_app((120, 36)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        service = scene.app.services.transfers
        assert {row.id: row.state for row in hands.rows} == {transfer.id: S.INTERRUPTED, paused.id: S.PAUSED}
        told = [notification.message for notification in scene.app._notifications]
        assert "1 transfer was cut off; it goes on as soon as web-1 is connected." in told
        assert service.all() == ()
        await scene.connect(pilot, "web-1")
        await hands.until(lambda: service.find(transfer.id) is not None)
        again = service.find(transfer.id)
        assert again is not None
        before = transfer.progress.bytes_done
        await hands.until(lambda: again.progress.resumed_bytes > 1_000_000 and again.progress.bytes_done > before)
        assert "resumed ×1" in hands.text
        assert service.find(paused.id) is None


def _state(own_home: Path) -> Path:
    return own_home / ".local" / "state" / "fairlead"


async def test_a_thousand_transfers_are_scrolled_and_cleared(demo_app: DemoApp, own_home: Path, project: Path) -> None:
    kinds = (S.DONE, S.FAILED, S.PAUSED, S.CANCELLED)
    await leave(_state(own_home), SystemClock(), {f"f{n:04}": kinds[n % 4] for n in range(1000)})
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        assert "250 paused · 250 failed" in hands.text
        await hands.press("t", "end")
        assert hands.list_.current == hands.rows[999]
        assert "f0000" in hands.text
        await hands.press("C")
        assert {row.state for row in hands.rows} == {S.PAUSED}
        assert "250 paused" in hands.text


async def test_why_one_of_the_last_time_failed_is_read_when_it_is_asked_for(
    demo_app: DemoApp, own_home: Path, project: Path
) -> None:
    await leave(_state(own_home), SystemClock(), {"bad": S.FAILED})
    async with demo_app((120, 36)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("t")
        await pilot.press("enter")
        await hands.until(lambda: "PERMISSION  /srv/app/x" in hands.text)
        await pilot.press("escape")


async def test_the_last_time_s_interrupted_one_is_cancelled(demo_app: DemoApp, own_home: Path, project: Path) -> None:
    await leave(_state(own_home), SystemClock(), {"cut": S.INTERRUPTED, "done": S.DONE})
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.press("t", "x")
        assert {row.id: row.state for row in hands.rows} == {"cut": S.CANCELLED, "done": S.DONE}


async def test_a_name_that_is_taken_is_asked_about_while_the_others_go_on(demo_app: DemoApp, project: Path) -> None:
    (project / "39").mkdir()
    (project / "39/README.md").write_text("mine")
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        request = TransferRequest(
            Direction.GET, "web-1", ("/srv/app/releases/39",), f"{project}/", on_conflict=ConflictPolicy.ASK
        )
        transfer = scene.app.services.transfers.submit(request)
        await hands.until(lambda: isinstance(scene.app.screen, TakenPrompt))
        for part in ("README.md is already there", "4 bytes", "to copy", "what is there is newer"):
            assert part in hands.text
        await pilot.press("a")
        assert "[x] a: the answer goes for all" in hands.text
        await pilot.press("k")
        await hands.until(lambda: transfer.outcome is not None)
        assert (project / "39/README.md").read_text() == "mine"
        assert (project / "39/README (1).md").exists()
        assert transfer.request.on_conflict is ConflictPolicy.RENAME
