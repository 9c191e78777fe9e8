"""Syncing from the files screen in the demo world: asked for, shown, unticked, approved, told."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.files.paths import Location
from backend.files.sync.patterns import Rule
from tests.tui.conftest import DemoApp
from tests.tui.test_files_screen import Hands
from tui.prompts.sync_options import SyncOptionsPrompt, rules_of
from tui.prompts.sync_plan import SyncPanel
from tui.sync_looks import Heading

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def project(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = own_home / "shop"
    for name, content in {"notes.md": "# mine\n", "report/a.txt": "a" * 10, "report/b.txt": "b" * 20}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    monkeypatch.chdir(project)
    return project


class SyncHands(Hands):
    """A person who syncs the project on the left with `uploads` on the right."""

    async def at_uploads(self) -> SyncHands:
        await self.arrive()
        await self.press("tab")
        await self.go("uploads")
        await self.press("tab")
        return self

    async def compare(self, *keys: str) -> SyncPanel:
        """Answer the form with these keys, and wait for the plan."""
        await self.press("y")
        assert isinstance(self.scene.app.screen, SyncOptionsPrompt)
        await self.pilot.press(*keys, "ctrl+s")
        await self.pilot.pause()
        panel = self.panel
        await self.scene.settle(self.pilot, until=lambda: panel.ready or _outcome(panel))
        panel.armed = True
        return panel

    @property
    def panel(self) -> SyncPanel:
        panel = self.scene.app.screen
        assert isinstance(panel, SyncPanel)
        return panel

    async def synced(self) -> str:
        await self.scene.finish_work(self.pilot)
        await self.rest()
        return "\n".join(str(toast.message) for toast in self.scene.app._notifications)

    def there(self) -> list[str]:
        return sorted(row.shown for row in self.remote.rows.rows())


def _outcome(panel: SyncPanel) -> bool:
    return panel.sync is not None and panel.sync.outcome is not None


async def test_a_sync_is_shown_and_done_when_it_is_approved(demo_app: DemoApp, size: tuple[int, int]) -> None:
    async with demo_app(size) as (scene, pilot):
        hands = await SyncHands(scene, pilot).at_uploads()
        panel = await hands.compare()
        assert "copy 3 files (37 B), make 1 directory" in hands.text
        assert "a production host" in str(panel.query_one("#panel-box").border_subtitle)
        assert hands.transfers == (), "nothing is done before it is approved"
        await pilot.press("y")
        told = await hands.synced()
        assert "3 files copied (37 B), 1 directory made, 3 verified." in told
        assert {"notes.md", "report"} <= set(hands.there())
        assert "menu.txt" in hands.there(), "what is only there stays"


async def test_deletions_come_first_apart_and_counted(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        hands = await SyncHands(scene, pilot).at_uploads()
        panel = await hands.compare("down", "down", "space")
        headings = [row for row in panel.rows() if isinstance(row, Heading)]
        assert [heading.danger for heading in headings] == [True, False]
        assert "2 to delete" in panel.summary()
        await pilot.press("y")
        told = await hands.synced()
        assert "2 deleted" in told
        assert hands.there() == ["notes.md", "report"]


async def test_what_is_unticked_is_left_alone(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await SyncHands(scene, pilot).at_uploads()
        panel = await hands.compare("down", "down", "space")
        await pilot.press("space")
        await pilot.press("down")
        assert panel.current is not None
        assert not isinstance(panel.current, Heading)
        assert panel.current.parts == (b"notes.md",)
        await pilot.press("space")
        assert "1 to delete" in panel.summary()
        await pilot.press("y")
        told = await hands.synced()
        assert "2 files copied" in told
        assert len(hands.there()) == 2
        assert "report" in hands.there()


async def test_a_directory_takes_along_what_is_in_it_and_all_of_a_kind_go_together(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        hands = await SyncHands(scene, pilot).at_uploads()
        panel = await hands.compare()
        await pilot.press("down", "space")
        assert panel.summary().startswith("1 ticked")
        await pilot.press("up", "space")
        assert panel.summary().startswith("4 ticked")
        await pilot.press("a")
        assert panel.summary().startswith("0 ticked")
        assert panel.check_action("go", ()) is None, "there is nothing to do"


async def test_backing_out_of_the_plan_changes_nothing(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        hands = await SyncHands(scene, pilot).at_uploads()
        before = hands.there()
        await hands.compare("down", "down", "space")
        await pilot.press("escape")
        assert await hands.synced() == ""
        assert (hands.there(), hands.transfers) == (before, ())


async def test_the_other_way_round_and_what_is_excluded(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await SyncHands(scene, pilot).at_uploads()
        await hands.compare("space", "down", "down", "down", *"*.pdf")
        await pilot.press("y")
        await hands.synced()
        assert (project / "menu.txt").exists()
        assert list(project.glob("*.pdf")) == []


async def test_when_nothing_differs_that_is_said(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await SyncHands(scene, pilot).at_uploads()
        await hands.compare()
        await pilot.press("y")
        await hands.synced()
        await hands.compare()
        await pilot.pause()
        assert "Nothing differs" in hands.text
        await pilot.press("escape")


async def test_patterns_that_cannot_be_read_are_told_in_the_form(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        hands = await SyncHands(scene, pilot).at_uploads()
        await hands.press("y")
        await pilot.press("down", "down", "down", *"'never ends", "ctrl+s")
        await pilot.pause()
        assert isinstance(scene.app.screen, SyncOptionsPrompt)
        assert "cannot be read" in hands.text


async def test_the_form_knows_both_ends(demo_app: DemoApp, project: Path) -> None:
    async with demo_app() as (scene, pilot):
        hands = await SyncHands(scene, pilot).at_uploads()
        await hands.press("y")
        prompt = scene.app.screen
        assert isinstance(prompt, SyncOptionsPrompt)
        assert prompt.ends == (Location(str(project)), Location("/home/deploy/uploads", "web-1"))
        await pilot.press("space")
        assert prompt.request.source == Location("/home/deploy/uploads/", "web-1")


def test_rules_are_words_in_their_order() -> None:
    assert rules_of(".git/ +keep.o '*.o'").rules == (
        Rule(b".git/"),
        Rule(b"keep.o", include=True),
        Rule(b"*.o"),
    )
