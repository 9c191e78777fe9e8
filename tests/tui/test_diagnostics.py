"""The diagnostics screen: the ladder as it is climbed, what each rung means, what can be done with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from backend.diagnostics.ladder import Diagnosis, Rung, RungId, RungStatus
from backend.diagnostics.server_side.causes import Cause
from backend.diagnostics.server_side.findings import ServerSide, finding
from backend.errors import Advice, AuthError, Code, ConfigError, FairleadError
from tests.support.waiting import until
from tests.tui.conftest import DemoApp, FakeApp, settled, shown
from tests.tui.fakes import FakeServices
from tui.format import clock_text
from tui.prompts.choice import ChoicePrompt
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


class FakeServerSides:
    """Another way in, over which the story of a test is seen; it lasts until `go` is set."""

    def __init__(self, story: ServerSide | FairleadError) -> None:
        self.story = story
        self.asked: list[str] = []
        self.go = asyncio.Event()

    async def ways_in(self, diagnosis: Diagnosis) -> tuple[str, ...]:
        return ("web-1-root",)

    async def look(self, diagnosis: Diagnosis, by: str) -> ServerSide:
        self.asked.append(by)
        await self.go.wait()
        if isinstance(self.story, FairleadError):
            raise self.story
        return self.story


def a_story() -> ServerSide:
    mode = finding(Cause.PATH_MODE, logged=True, path="/home/deploy", mode="0775", user="deploy")
    log = ("10:00 web-1 sshd[7]: Authentication refused: bad ownership or modes for directory /home/deploy",)
    return ServerSide("web-1", "web-1-root", "deploy", "root", (mode,), log, unseen=("/var/log/secure",))


async def test_a_refused_login_is_looked_at_from_inside_over_the_way_in_that_is_proposed(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = a_refused_login()
    services.server_sides = sides = FakeServerSides(a_story())
    async with fake_app((120, 36)) as pilot:
        await _climbed(pilot)
        await pilot.press("i")
        await settled(pilot)
        assert "web-1-root" in shown(pilot)
        await pilot.press("enter")
        await until(lambda: "looking from inside, as web-1-root" in shown(pilot), seconds=30)
        sides.go.set()
        await settled(pilot)
        text = " ".join(shown(pilot).split())
    assert sides.asked == ["web-1-root"]
    for part in ("may be written by others", "chmod go-w /home/deploy", "its log says so", "not seen"):
        assert part in text


async def test_the_key_that_looks_from_inside_stands_beside_the_advice(
    fake_app: FakeApp, services: FakeServices
) -> None:
    advice = Advice("Look from there.", "fairlead diagnose web-1 --inside web-1-root")
    services.diagnostics.rungs = [
        replace(rung, advice=(advice,)) if rung.status is RungStatus.FAIL else rung for rung in a_refused_login()
    ]
    async with fake_app() as pilot:
        await _climbed(pilot)
        text = " ".join(shown(pilot).split())
        assert "--inside web-1-root" in text
        assert "i look from inside" in text


async def test_what_was_seen_from_inside_is_in_the_report_that_is_written(
    fake_app: FakeApp, services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    services.diagnostics.rungs = a_refused_login()
    services.server_sides = sides = FakeServerSides(a_story())
    sides.go.set()
    async with fake_app((120, 36)) as pilot:
        await _climbed(pilot)
        await pilot.press("i")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        await _exported(pilot, "m")
        [path] = tmp_path.glob("*.md")
    text = path.read_text()
    assert "## The server's side" in text
    assert "chmod go-w /home/deploy" in text


async def test_looking_from_inside_can_be_stopped_and_a_way_in_that_fails_is_told(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = a_refused_login()
    services.server_sides = sides = FakeServerSides(AuthError(Code.AUTH_NO_METHOD, host="web-1-root"))
    async with fake_app((120, 36)) as pilot:
        await _climbed(pilot)
        await pilot.press("i")
        await settled(pilot)
        await pilot.press("enter")
        await until(lambda: "looking from inside" in shown(pilot), seconds=30)
        await pilot.press("x")
        await settled(pilot)
        assert "from inside" not in shown(pilot)
        sides.go.set()
        await pilot.press("i")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        text = " ".join(shown(pilot).split())
    assert "from inside, as web-1-root: not seen" in text
    assert "There is no way to log in" in text


async def test_only_a_refused_login_or_session_is_looked_at_from_inside(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = [passed(RungId.CONFIG), passed(RungId.TCP)]
    async with fake_app((120, 36)) as pilot:
        await _climbed(pilot)
        assert "inside" not in shown(pilot)
        await pilot.press("i")
        await settled(pilot)
        assert "from inside" not in shown(pilot)


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
        assert "· not reached  session" in text
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


async def test_below_one_another_the_explanation_is_reached_by_keys_and_gets_the_room(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = a_refused_login()
    async with fake_app((80, 24)) as pilot:
        await _climbed(pilot)
        explanation, ladder = (pilot.app.screen.query_one(f"#{name}") for name in ("explanation", "ladder"))
        assert pilot.app.focused is ladder
        assert "⏎ read" in shown(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.focused is explanation
        assert explanation.size.height > 2 * ladder.size.height
        assert "✕ auth" in shown(pilot), "the rung that is read about stays in view"
        assert "esc ladder" in shown(pilot)
        assert _rung_under(pilot.app.screen.query_one(LadderView)) == "auth"
        await pilot.press("escape")
        await settled(pilot)
        assert pilot.app.focused is ladder


async def test_reading_with_enter_tries_nothing_again(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        services.diagnostics.rungs = []
        await pilot.press("enter", "enter")
        await settled(pilot)
        assert "failed at auth" in shown(pilot)


async def test_a_ladder_says_when_it_was_climbed(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        assert f"ladder: web-1 · {clock_text(services.clock.now())}" in shown(pilot)


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


async def test_a_key_that_moves_nothing_does_not_keep_the_cursor_from_following(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = a_refused_login()
    services.diagnostics.pause_after = 3
    async with fake_app() as pilot:
        await pilot.press("4", "r")
        await pilot.pause()
        view = pilot.app.screen.query_one(LadderView)
        assert _rung_under(view) == "tcp"
        await pilot.press("r", "z")
        services.diagnostics.more.set()
        await settled(pilot)
        assert _rung_under(view) == "auth"


async def test_the_ladder_can_be_copied_as_markdown(fake_app: FakeApp, services: FakeServices) -> None:
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        await pilot.press("c")
        assert pilot.app.clipboard.startswith("# web-1: Failed at auth: AUTH_DENIED.")
        assert "| ✓ | tcp | pass | 12 ms | 10.0.4.7:22 |" in pilot.app.clipboard


async def _exported(pilot: Pilot[Any], key: str) -> None:
    """Once the question has its keys."""
    await pilot.press("e")
    prompt = pilot.app.screen
    assert isinstance(prompt, ChoicePrompt)
    prompt.armed = True
    await pilot.press(key)
    await settled(pilot)


@pytest.mark.parametrize(("key", "suffix"), [("h", "html"), ("m", "md"), ("j", "json")])
async def test_the_ladder_can_be_written_to_a_file(
    fake_app: FakeApp, services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, suffix: str
) -> None:
    monkeypatch.chdir(tmp_path)
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        await _exported(pilot, key)
    (written,) = tmp_path.iterdir()
    assert written.name == f"fairlead-web-1-{services.clock.now():%Y%m%d-%H%M%S}.{suffix}"
    assert "AUTH_DENIED" in written.read_text()
    assert written.stat().st_mode & 0o777 == 0o600


async def test_who_backs_out_of_the_question_writes_nothing(
    fake_app: FakeApp, services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    services.diagnostics.rungs = a_refused_login()
    async with fake_app() as pilot:
        await _climbed(pilot)
        await _exported(pilot, "escape")
        assert not pilot.app.screen.is_modal
    assert list(tmp_path.iterdir()) == []


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
        await _exported(pilot, "j")
        assert isinstance(pilot.app.screen, FailurePrompt)
        assert "NOT_FOUND" in shown(pilot)


async def test_copy_and_export_wait_for_a_ladder(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("4", "c", "e")
        await settled(pilot)
        assert pilot.app.clipboard == ""
        assert not pilot.app.screen.is_modal


async def test_a_host_that_cannot_be_resolved_is_told(
    fake_app: FakeApp, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(host: str, *, adjust: object = None) -> AsyncIterator[Rung]:
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
