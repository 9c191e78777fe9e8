"""The diagnostics screen: the ladder as it is climbed, what each rung means, what can be done with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from backend.diagnostics.ladder import Rung, RungId, RungStatus
from backend.errors import AuthError, Code, ConfigError
from tests.tui.conftest import DemoApp, FakeApp, settled, shown
from tests.tui.fakes import FakeServices
from tui.prompts.failure import FailurePrompt
from tui.widgets.ladder_view import LadderView

DENIED = AuthError(Code.AUTH_DENIED, host="web-1", evidence={"tried": "publickey", "offered": "password"})


def passed(rung: RungId, hop: str = "web-1", summary: str = "", ms: float = 3.0) -> Rung:
    return Rung(rung, RungStatus.PASS, hop, summary=summary, ms=ms)


def a_refused_login() -> list[Rung]:
    """A ladder that breaks at the login."""
    return [
        Rung(RungId.CONFIG, RungStatus.RUNNING, "web-1"),
        passed(RungId.CONFIG, summary="config.toml:4"),
        passed(RungId.TCP, summary="10.0.4.7:22", ms=12.4),
        Rung(RungId.AUTH, RungStatus.RUNNING, "web-1"),
        Rung(RungId.AUTH, RungStatus.FAIL, "web-1", DENIED.code, "refused", 40.0, DENIED.evidence, error=DENIED),
        Rung(RungId.SESSION, RungStatus.SKIP, "web-1"),
    ]


def _rung_under(view: LadderView) -> str:
    return view.current.id.value if isinstance(view.current, Rung) else ""


async def _climbed(pilot: Pilot[Any]) -> None:
    await pilot.press("4", "r")
    await settled(pilot)


async def test_before_the_first_climb_the_screen_says_what_r_does(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("4")
        await settled(pilot)
        assert "r climbs the ladder of web-1" in " ".join(shown(pilot).split())


async def test_rungs_show_verdict_finding_and_time(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        text = shown(pilot)
        assert "✓ config" in text
        assert any("✓ tcp" in line and "10.0.4.7:22" in line and "12 ms" in line for line in text.splitlines())
        assert "· session      not reached" in text
        assert "failed at auth" in text


async def test_the_broken_rung_is_explained_without_being_looked_for(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        text = shown(pilot)
        for part in ("auth – AUTH_DENIED", "web-1 refused the login", "tried", "publickey", "do next"):
            assert part in text


async def test_every_rung_can_be_looked_at(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        await pilot.press("home")
        await settled(pilot)
        pane = pilot.app.screen.query_one("#explanation")
        assert str(pane.border_title) == "config"


async def test_rungs_appear_as_they_are_reached(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    services.diagnostics.pause_after = 4
    async with fake_app() as pilot:
        await pilot.press("4", "r")
        await pilot.pause()
        text = shown(pilot)
        assert "◐ auth" in text
        assert "under way" in text
        assert "climbing" in text
        assert "session" not in text
        services.diagnostics.more.set()
        await settled(pilot)
        assert "failed at auth" in shown(pilot)


async def test_a_chain_stands_under_the_names_of_its_machines(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = [passed(RungId.TCP, "bastion"), passed(RungId.AUTH, "bastion"), passed(RungId.TCP)]
    async with fake_app() as pilot:
        await _climbed(pilot)
        rows = [line.strip("│ ").split("│")[0].strip() for line in shown(pilot).splitlines()[3:8]]
        assert rows[0] == "bastion"
        assert rows[3] == "web-1"


async def test_a_climb_can_be_stopped_and_what_it_opened_is_closed(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    services.diagnostics.pause_after = 4
    async with fake_app() as pilot:
        await pilot.press("4", "r")
        await pilot.pause()
        await pilot.press("x")
        await settled(pilot)
        assert services.diagnostics.closed
        assert "climbing" not in shown(pilot)


async def test_a_climb_goes_on_while_another_screen_is_shown(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    services.diagnostics.pause_after = 4
    async with fake_app() as pilot:
        await pilot.press("4", "r")
        await pilot.pause()
        await pilot.press("1")
        await pilot.pause()
        services.diagnostics.more.set()
        await settled(pilot)
        await pilot.press("4")
        await settled(pilot)
        assert "failed at auth" in shown(pilot)


async def test_each_host_keeps_its_ladder(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        await pilot.press("ctrl+o")
        await settled(pilot)
        await pilot.press(*"gpu", "enter")
        await settled(pilot)
        assert "r climbs the ladder of gpu-7" in " ".join(shown(pilot).split())
        await pilot.press("ctrl+o")
        await settled(pilot)
        await pilot.press(*"web", "enter")
        await settled(pilot)
        assert "failed at auth" in shown(pilot)


async def test_while_climbing_the_cursor_follows_until_it_is_moved(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    services.diagnostics.pause_after = 4
    async with fake_app() as pilot:
        await pilot.press("4", "r")
        await pilot.pause()
        view = pilot.app.screen.query_one(LadderView)
        assert _rung_under(view) == "auth"
        await pilot.press("home")
        services.diagnostics.more.set()
        await settled(pilot)
        assert _rung_under(view) == "config"


async def test_the_ladder_can_be_copied_as_markdown(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        await pilot.press("c")
        assert pilot.app.clipboard.startswith("# web-1: failed at auth")
        assert "| tcp | web-1 | pass | 12 | 10.0.4.7:22 |" in pilot.app.clipboard


async def test_the_ladder_can_be_written_to_a_file(
    fake_app: FakeApp, services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        await pilot.press("e")
        await settled(pilot)
    written = list(tmp_path.glob("fairlead-web-1-*.json"))
    assert len(written) == 1
    report = json.loads(written[0].read_text())
    assert (report["host"], report["verdict"], report["code"]) == ("web-1", "failed", "AUTH_DENIED")


async def test_a_file_that_cannot_be_written_is_told(
    fake_app: FakeApp, services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        gone = tmp_path / "gone"
        gone.mkdir()
        monkeypatch.chdir(gone)
        gone.rmdir()
        monkeypatch.setattr(Path, "cwd", lambda: gone)
        await pilot.press("e")
        await settled(pilot)
        assert isinstance(pilot.app.screen, FailurePrompt)
        assert "FILE_FAILED" in shown(pilot)


async def test_copy_and_export_wait_for_a_ladder(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("4", "c", "e")
        await settled(pilot)
        assert pilot.app.clipboard == ""
        assert not pilot.app.screen.is_modal


async def test_a_host_that_cannot_be_resolved_is_told(
    fake_app: FakeApp, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(host: str) -> AsyncIterator[Rung]:
        if host:
            raise ConfigError(Code.HOST_UNKNOWN, host=host)
        yield a_refused_login()[0]

    monkeypatch.setattr(services.diagnostics, "climb", broken)
    async with fake_app() as pilot:
        await _climbed(pilot)
        assert isinstance(pilot.app.screen, FailurePrompt)
        assert "There is no host called web-1." in shown(pilot)


async def test_in_the_demo_world_a_ladder_through_a_bastion_is_climbed_to_the_end(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("down", "d")
        await scene.settle(pilot)
        await scene.picture(pilot)
        text = shown(pilot)
        assert "ladder: db-2" in text
        assert "bastion" in text
        assert "climbing" not in text
        assert "✓ session" in text
